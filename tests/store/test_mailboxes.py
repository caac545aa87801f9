"""The mailboxes as callers use them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from itertools import chain
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from stasis_app.rules.mailbox import Greeting, PinAnswer
from stasis_app.store.mailboxes import Mailboxes, _try_pin
from stasis_app.store.media_files import MediaFiles
from stasis_app.store.pool import Pool

from .conftest import StoppableServer as Server
from .mailboxes import AT, leave, new_box

Connection = asyncpg.Connection
ADD_MEDIA = """
    INSERT INTO media_files (name, file_type, storage_path, recorded_for)
    VALUES ('a', 'greeting', $1, $2) RETURNING id"""
UNLOCK = "UPDATE voicemail_pin_failures SET locked_until = now() - interval '1 second'"


@pytest.fixture
async def mailboxes(dsn: str) -> AsyncIterator[Mailboxes]:
    mailboxes = Mailboxes(dsn)
    yield mailboxes
    mailboxes.close()


async def test_messages_in_the_order_in_which_they_are_heard(
    mailboxes: Mailboxes, db: Connection
) -> None:
    box, other = await new_box(db), await new_box(db, "1002")
    await leave(db, other)
    rows: list[tuple[str, dict[str, Any]]] = [
        ("old and urgent", {"is_read": True, "is_urgent": True, "received_at": AT}),
        ("old, earlier", {"is_read": True, "received_at": AT - timedelta(hours=1)}),
        ("new", {"received_at": AT, "caller_name": "Ben"}),
        ("new and urgent", {"is_urgent": True, "received_at": AT + timedelta(hours=1)}),
        ("deleted", {"deleted_at": AT}),
    ]
    names = {await leave(db, box, name, **columns): name for name, columns in rows}
    found = await mailboxes.messages(box)
    assert [names[message.id] for message in found] == [
        "new and urgent",
        "new",
        "old, earlier",
        "old and urgent",
    ]
    new = found[1]
    assert (new.caller_number, new.caller_name, new.received_at) == ("030", "Ben", AT)
    assert (new.seconds, new.read, new.urgent, new.saved) == (3.0, False, False, False)
    assert await mailboxes.messages(uuid4()) == []


async def test_what_is_on_its_way_fills_a_box_too(mailboxes: Mailboxes, db: Connection) -> None:
    box = await new_box(db)
    await leave(db, box)
    await leave(db, box, deleted_at=AT)
    for kind, state in (
        ("message", "recording"),
        ("message", "finished"),
        ("message", "discarded"),
        ("message", "stored"),
        ("greeting", "finished"),
    ):
        await db.execute(
            "INSERT INTO recording_deliveries (id, kind, state, box_id, call_id, began_at)"
            " VALUES (gen_random_uuid(), $1, $2, $3, gen_random_uuid(), now())",
            kind,
            state,
            box,
        )
    assert await mailboxes.count(box) == 3
    assert await mailboxes.count(uuid4()) == 0


async def test_what_an_owner_does_with_a_message(mailboxes: Mailboxes, db: Connection) -> None:
    box = await new_box(db)
    message = await leave(db, box)
    await mailboxes.mark_read(message)
    await mailboxes.mark_read(message)
    assert [one.read for one in await mailboxes.messages(box)] == [True]
    for _ in range(2):
        await mailboxes.delete(message)
    assert await mailboxes.messages(box) == []
    await mailboxes.undelete(message)
    assert [one.saved for one in await mailboxes.messages(box)] == [False]
    await mailboxes.delete(message)
    await mailboxes.save(message)
    assert [one.saved for one in await mailboxes.messages(box)] == [True]
    for act in (mailboxes.mark_read, mailboxes.delete, mailboxes.undelete, mailboxes.save):
        await act(uuid4())  # it is gone meanwhile
    assert await db.fetchval("SELECT count(*) FROM voicemail_messages") == 1


async def test_the_pin_of_the_box_comes_first(mailboxes: Mailboxes, db: Connection) -> None:
    box = await new_box(db, pin=" 4711 ")

    async def opens(pin: str) -> bool:
        answer = await mailboxes.open_with_pin("1001", pin, attempts=9, lockout=60)
        return answer is PinAnswer.RIGHT

    assert await mailboxes.has_pin(box)
    assert [await opens(pin) for pin in ("4711", "4712", "")] == [True, False, False]
    await mailboxes.set_pin(box, "0815")
    assert [await opens(pin) for pin in ("4711", "0815")] == [False, True]
    await db.execute(
        "UPDATE voicemail_boxes SET pin = ' '; UPDATE extensions SET voicemail_pin = ''"
    )
    assert not await mailboxes.has_pin(box)
    assert not await mailboxes.has_pin(uuid4())
    assert [await opens(pin) for pin in ("", " ", "0815")] == [False, False, False]


@pytest.mark.parametrize("change", ["voicemail_enabled = FALSE", "deleted_at = now()"])
async def test_a_box_that_is_not_used_can_not_be_opened(
    mailboxes: Mailboxes, db: Connection, change: str
) -> None:
    await new_box(db, pin="4711")
    await db.execute(f"UPDATE extensions SET {change}")
    answers = [
        await mailboxes.open_with_pin("1001", "4711", attempts=1, lockout=60) for _ in range(2)
    ]
    assert answers == [PinAnswer.WRONG] * 2


async def test_tries_from_everywhere_at_once_lock_the_box(dsn: str, db: Connection) -> None:
    await new_box(db, pin="4711")
    many = [Mailboxes(dsn) for _ in range(5)]

    async def guess(mailboxes: Mailboxes) -> list[PinAnswer]:
        return [
            await mailboxes.open_with_pin("1001", f"{n:04}", attempts=5, lockout=60)
            for n in range(10)
        ]

    answers = await asyncio.gather(*(guess(mailboxes) for mailboxes in many for _ in range(3)))
    assert Counter(chain(*answers)) == {PinAnswer.WRONG: 4, PinAnswer.LOCKED: 146}
    assert await many[0].open_with_pin("1001", "4711", attempts=5, lockout=60) is PinAnswer.LOCKED
    assert await db.fetchval("SELECT failures FROM voicemail_pin_failures") == 5
    await db.execute(UNLOCK)
    again = [
        await many[0].open_with_pin("1001", pin, attempts=2, lockout=60)
        for pin in ("1", "4711", "1", "1", "4711")
    ]
    assert again == [
        *(PinAnswer.WRONG, PinAnswer.RIGHT),
        *(PinAnswer.WRONG, PinAnswer.LOCKED, PinAnswer.LOCKED),
    ]
    await db.execute("DELETE FROM voicemail_pin_failures")
    assert await many[0].open_with_pin("1001", "4711", attempts=0, lockout=0) is PinAnswer.RIGHT
    for mailboxes in many:
        mailboxes.close()


class Counting:
    """A connection that counts what it is asked."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        return getattr(self._connection, name)


async def test_every_answer_costs_the_same_statements(db: Connection) -> None:
    """A caller could tell by the time which numbers have a mailbox."""
    await new_box(db, "1001", pin="4711")
    await new_box(db, "1002")
    answers, costs = [], []
    for number, pin in (
        *(("1001", "4711"), ("1001", "4712"), ("1002", "4711"), ("9999", "4711")),
        *(("1001", "4712"), ("1001", "4711"), ("9999", "4711")),
    ):
        counting: Any = Counting(db)
        answers.append(await _try_pin(counting, number, pin, 2, 60.0))
        costs.append(tuple(counting.asked))
    assert answers == [
        *(PinAnswer.RIGHT, PinAnswer.WRONG, PinAnswer.WRONG, PinAnswer.WRONG),
        *(PinAnswer.LOCKED, PinAnswer.LOCKED, PinAnswer.WRONG),
    ]
    assert len(set(costs)) == 1
    assert await db.fetchval("SELECT count(*) FROM voicemail_pin_failures") == 2


@pytest.mark.parametrize("greeting", Greeting)
async def test_greetings_that_come_and_go(
    mailboxes: Mailboxes, db: Connection, greeting: Greeting
) -> None:
    box, other = await new_box(db), await new_box(db, "1002")
    by_admin = await db.fetchval(ADD_MEDIA, "by an admin", None)
    by_phone = await db.fetchval(ADD_MEDIA, "by phone", box)
    of_other = await db.fetchval(ADD_MEDIA, "of another", other)
    for media in (by_admin, by_phone, by_phone, of_other, None):
        await mailboxes.choose_greeting(box, greeting, media)
    left = await db.fetch("SELECT id FROM media_files")
    assert {row["id"] for row in left} == {by_admin, of_other}
    await mailboxes.choose_greeting(uuid4(), greeting, by_admin)
    assert await db.fetchval("SELECT storage_path FROM object_removals") == "by phone"


async def test_a_greeting_that_serves_twice_stays(mailboxes: Mailboxes, db: Connection) -> None:
    box = await new_box(db)
    media = await db.fetchval(ADD_MEDIA, "a", box)
    for greeting in (Greeting.BUSY, Greeting.UNAVAILABLE):
        await mailboxes.choose_greeting(box, greeting, media)
    await mailboxes.choose_greeting(box, Greeting.BUSY, None)
    assert await db.fetchval("SELECT greeting_prompt_id FROM voicemail_boxes") == media


async def test_the_audio_of_a_message(dsn: str, db: Connection) -> None:
    """Also of one that was deleted by phone, and as it was seen while Postgres is away."""
    message = await leave(db, await new_box(db), "voicemail/a.wav", deleted_at=AT)
    files = MediaFiles(dsn)
    found = await files.message(message)
    assert found is not None
    assert (found.id, found.kind, found.storage_path) == (message, "message", "voicemail/a.wav")
    assert found.url_path.startswith(f"/messages/{message}/{found.token}/")
    assert await files.message(uuid4()) is None
    assert await files.get(message) is None
    files.close()


def _everything(mailboxes: Mailboxes, one: UUID) -> list[Callable[[], Awaitable[object]]]:
    return [
        lambda: mailboxes.count(one),
        lambda: mailboxes.messages(one),
        lambda: mailboxes.mark_read(one),
        lambda: mailboxes.delete(one),
        lambda: mailboxes.undelete(one),
        lambda: mailboxes.save(one),
        lambda: mailboxes.has_pin(one),
        lambda: mailboxes.set_pin(one, "4711"),
        lambda: mailboxes.choose_greeting(one, Greeting.NAME, None),
        lambda: mailboxes.open_with_pin("1001", "1", attempts=5, lockout=60),
    ]


async def test_postgres_is_away(server: Server, dsn: str) -> None:
    """Each says so, and all of them work again when it is back."""
    mailboxes, one = Mailboxes(dsn), uuid4()
    acts = _everything(mailboxes, one)
    await mailboxes.count(one)
    await server.stop()
    try:
        for act in acts:
            with pytest.raises(ConnectionError):
                await act()
    finally:
        await server.resume()
    for act in acts:
        await act()
    mailboxes.close()


async def test_postgres_does_not_answer(dsn: str, db: Connection) -> None:
    """The deadline counts for waiting for a connection, a lock and an answer together."""
    mailboxes, message = Mailboxes(dsn), await leave(db, await new_box(db))
    mailboxes._pool = Pool(dsn, seconds=0.2)
    async with db.transaction():
        await db.execute("LOCK TABLE voicemail_messages")
        tries = (mailboxes.mark_read(message) for _ in range(9))
        found = await asyncio.gather(*tries, return_exceptions=True)
    assert {type(error) for error in found} == {ConnectionError}
    await mailboxes.mark_read(message)
    assert await db.fetchval("SELECT is_read FROM voicemail_messages")
    mailboxes.close()
