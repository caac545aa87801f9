"""Asterisk knows how many messages wait in each mailbox, also after it has restarted."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from stasis_app.ari.door import Door
from stasis_app.ari.errors import Gone, Unreachable
from stasis_app.clocks import lamps as clock
from stasis_app.clocks.lamps import Counts, Lamps
from stasis_app.rules.book import Book
from stasis_app.store.directory import Directory
from tests.rules.build import book
from tests.support.until import until

from .fakes import FakeDirectory, running
from .mailboxes import make_box, make_message


class FakeAsterisk(Door):
    """Knows what it was told; `puts` are the boxes of each request.

    `registered` are the contacts of phones, `reminded` those that were told unasked.
    """

    def __init__(self) -> None:
        self.connected = asyncio.Event()
        self.connected.set()
        self.known: dict[str, Counts] = {}
        self.puts: list[list[str]] = []
        self.registered: dict[str, str] = {}
        self.reminded: list[str] = []
        self.since = datetime(2026, 11, 25, tzinfo=UTC)
        self.away = False
        self.seconds = 0.0

    async def started_at(self) -> datetime:
        return self.since

    async def put_mailboxes(self, counts: Mapping[str, Counts]) -> None:
        if self.away:
            raise Unreachable("mailboxes", "no answer")
        await asyncio.sleep(self.seconds)
        self.puts.append(list(counts))
        self.known.update(counts)

    async def remind_phones(self, contact: str) -> None:
        if contact.endswith("gone"):
            raise Gone(404, "contact", "not found")
        self.reminded.append(contact)

    async def contacts(self, numbers: Collection[str]) -> dict[str, str]:
        if self.away:
            raise ConnectionError("registered phones are not known")
        return {one: self.registered[one] for one in sorted(numbers) if one in self.registered}

    def restart(self) -> None:
        self.known = {}
        self.since += timedelta(hours=1)


def count(place: int, unread: int, read: int = 0, number: str = "") -> dict[str, object]:
    number = number or str(1000 + place)
    return {"id": UUID(int=place), "number": number, "unread": unread, "read": read, "urgent": 0}


def counted(*rows: dict[str, object]) -> Book:
    made = book()
    made.mailbox_counts.put(rows)
    return made


@asynccontextmanager
async def process(directory: Directory, asterisk: FakeAsterisk) -> AsyncIterator[Lamps]:
    lamps = Lamps(directory, asterisk, asterisk.contacts)
    async with running(lamps.follow()):
        yield lamps


async def known(asterisk: FakeAsterisk, **wanted: Counts) -> None:
    expected = {number.removeprefix("n"): counts for number, counts in wanted.items()}
    await until(lambda: asterisk.known == expected, 5, lambda: f"{expected}, not {asterisk.known}")


async def test_all_are_told_once_and_then_what_differs() -> None:
    asterisk, directory = FakeAsterisk(), FakeDirectory(counted(count(1, 0), count(2, 3, 4)))
    async with process(directory, asterisk):
        await known(asterisk, n1001=(0, 0), n1002=(3, 4))
        directory.book.mailbox_counts.put([count(1, 1)])
        directory.change()
        await known(asterisk, n1001=(1, 0), n1002=(3, 4))
        for _ in range(3):
            directory.change()
            await asyncio.sleep(0)
    assert asterisk.puts == [["1002", "1001"], ["1001"]]


async def test_a_box_that_is_gone_or_has_another_number_is_empty() -> None:
    asterisk, directory = FakeAsterisk(), FakeDirectory(counted(count(1, 2), count(2, 3)))
    async with process(directory, asterisk):
        await known(asterisk, n1001=(2, 0), n1002=(3, 0))
        directory.book.mailbox_counts.forget([UUID(int=1)])
        directory.book.mailbox_counts.put([count(2, 3, number="2002")])
        directory.change()
        await known(asterisk, n1001=(0, 0), n1002=(0, 0), n2002=(3, 0))
        directory.book.mailbox_counts.put([count(1, 5)])
        directory.change()
        await known(asterisk, n1001=(5, 0), n1002=(0, 0), n2002=(3, 0))


async def test_a_restarted_asterisk_is_told_everything() -> None:
    asterisk, directory = FakeAsterisk(), FakeDirectory(counted(count(1, 0), count(2, 3)))
    async with process(directory, asterisk) as lamps:
        await known(asterisk, n1001=(0, 0), n1002=(3, 0))
        asterisk.restart()
        lamps.connected()
        await known(asterisk, n1001=(0, 0), n1002=(3, 0))
        puts = len(asterisk.puts)
        lamps.connected()
        directory.change()
        await asyncio.sleep(0.1)
    assert len(asterisk.puts) == puts


async def test_phones_that_had_registered_before_are_reminded_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """When the application starts, for a box that is new, and when Asterisk has restarted."""
    monkeypatch.setattr(clock, "BATCH", 2)
    monkeypatch.setattr(clock, "REMIND_SECONDS", 0.05)
    rows = [count(place, 1) for place in range(1, 6)]
    asterisk, directory = FakeAsterisk(), FakeDirectory(counted(*rows))
    asterisk.registered = {str(1000 + place): f"{1000 + place}^3B@a" for place in (1, 2, 4, 6)}
    asterisk.registered["1003"] = "gone"
    everybody = ["1001^3B@a", "1002^3B@a", "1004^3B@a"]
    async with process(directory, asterisk) as lamps:
        await until(lambda: sorted(asterisk.reminded) == everybody, 5, "a reminder for each")
        directory.book.mailbox_counts.put([count(1, 2), count(6, 1)])
        directory.change()
        await until(lambda: len(asterisk.reminded) == 4, 5, "a reminder for the new box")
        assert asterisk.reminded.pop() == "1006^3B@a"
        asterisk.reminded.clear()
        asterisk.restart()
        lamps.connected()
        everybody.append("1006^3B@a")
        await until(lambda: sorted(asterisk.reminded) == everybody, 5, "a reminder for each")


async def test_asterisk_is_away_for_a_while() -> None:
    asterisk, directory = FakeAsterisk(), FakeDirectory(counted(count(1, 1)))
    asterisk.connected.clear()
    async with process(directory, asterisk) as lamps:
        directory.change()
        await asyncio.sleep(0.1)
        asterisk.away = True
        asterisk.connected.set()
        lamps.connected()
        await asyncio.sleep(0.1)
        assert asterisk.known == {}
        asterisk.away = False
        await known(asterisk, n1001=(1, 0))


async def test_boxes_with_messages_come_first_and_news_before_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "BATCH", 10)
    rows = [count(place, int(place == 90)) for place in range(1, 101)]
    asterisk, directory = FakeAsterisk(), FakeDirectory(counted(*rows))
    asterisk.seconds = 0.05
    async with process(directory, asterisk):
        await until(lambda: len(asterisk.puts) == 2, 5, "the first batches")
        assert asterisk.puts[0][0] == "1090"
        directory.book.mailbox_counts.put([count(99, 1)])
        directory.change()
        await until(lambda: len(asterisk.known) == 100, 5, "all")
        told = next(place for place, put in enumerate(asterisk.puts) if "1099" in put)
    assert told <= 4
    assert asterisk.known["1099"] == (1, 0)
    assert all(len(put) <= 10 for put in asterisk.puts)


async def test_it_follows_the_rows(dsn: str, db: asyncpg.Connection) -> None:
    asterisk, directory = FakeAsterisk(), Directory(dsn)
    async with running(directory.follow()):
        await directory.ready.wait()
        async with process(directory, asterisk):
            box = await make_box(db)
            await known(asterisk, n1001=(0, 0))
            message = await make_message(db, box, "a.wav")
            await known(asterisk, n1001=(1, 0))
            await db.execute("UPDATE voicemail_messages SET is_read = TRUE")
            await known(asterisk, n1001=(0, 1))
            await db.execute("DELETE FROM voicemail_messages WHERE id = $1", message)
            await known(asterisk, n1001=(0, 0))
