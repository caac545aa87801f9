"""Mails that are to be sent, objects that are to go, messages whose time is over."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from stasis_app.store import lamps, removals, retention
from stasis_app.store.outbox import MOST_ATTEMPTS, Mail, Outbox
from stasis_app.store.removals import Removal

from .conftest import StoppableServer as Server
from .mailboxes import AT, leave, new_box

Connection = asyncpg.Connection
SEND = "INSERT INTO mail_outbox (message_id, recipient) VALUES ($1, $2) RETURNING id"
LAPSE = "UPDATE mail_outbox SET next_try_at = now()"


@pytest.fixture
async def outbox(dsn: str) -> AsyncIterator[Outbox]:
    outbox = Outbox(dsn)
    yield outbox
    outbox.close()


async def only(outbox: Outbox) -> Mail:
    [mail] = await outbox.take()
    return mail


async def states(db: Connection) -> list[tuple[str, int, str | None]]:
    rows = await db.fetch("SELECT state, attempts, problem FROM mail_outbox ORDER BY recipient")
    return [tuple(row) for row in rows]


async def test_what_a_mail_tells(outbox: Outbox, db: Connection) -> None:
    box, other = await new_box(db, mail="anna@example.com"), await new_box(db, "1002")
    message = await leave(
        db,
        box,
        "voicemail/a.wav",
        caller_name="Ben",
        received_at=AT,
        file_size_bytes=7,
        is_urgent=True,
    )
    identity = await db.fetchval(SEND, message, "x@example.com")
    assert await only(outbox) == Mail(
        id=identity,
        recipient="x@example.com",
        attempts=0,
        message=message,
        number="1001",
        caller_number="030",
        caller_name="Ben",
        received_at=AT,
        seconds=3,
        size=7,
        storage_path="voicemail/a.wav",
        urgent=True,
        forwarded=False,
        attach_audio=True,
        owner="Anna Albers",
        language="de-DE",
        timezone="Europe/Lisbon",
    )
    plain = await leave(db, other, "b", forwarded_from=message)
    await db.fetchval(SEND, plain, "y@example.com")
    mail = await only(outbox)
    assert (mail.owner, mail.language, mail.timezone) == ("", "", "")
    assert (mail.caller_name, mail.size, mail.urgent, mail.forwarded) == ("", None, False, True)


async def test_a_mail_is_taken_by_one(dsn: str, db: Connection) -> None:
    """It is due again when its lease is over: who took it may have been killed."""
    message = await leave(db, await new_box(db))
    for number in range(20):
        await db.fetchval(SEND, message, f"{number:02}@example.com")
    both = [Outbox(dsn), Outbox(dsn)]
    taken = await asyncio.gather(*(one.take(5) for one in both for _ in range(2)))
    assert len({mail.id for mails in taken for mail in mails}) == 20
    assert await both[0].take() == []
    await db.execute(LAPSE)
    again = await both[0].take(99)
    assert len(again) == 20
    await both[0].sent(again[0])
    await db.execute(LAPSE)
    assert len(await both[1].take(99)) == 19
    assert await both[1].take(99, lease=0) == []
    for one in both:
        one.close()


async def test_no_more_mails_are_taken_than_asked_for(outbox: Outbox, db: Connection) -> None:
    """Others would stay taken until their lease is over. With few rows the plan may be a join."""
    message = await leave(db, await new_box(db))
    for number in range(5):
        await db.fetchval(SEND, message, f"{number}@example.com")
        if not number:
            await db.execute("ANALYZE")
    assert [len(await outbox.take(1)) for _ in range(6)] == [1, 1, 1, 1, 1, 0]


async def test_failures_are_spaced_out_and_come_to_an_end(outbox: Outbox, db: Connection) -> None:
    await db.fetchval(SEND, await leave(db, await new_box(db)), "a")
    pauses = []
    while mails := await outbox.take():
        tried_again = await outbox.fail(mails[0], "x" * 900)
        [row] = await db.fetch("SELECT next_try_at - now() AS pause FROM mail_outbox")
        pauses.append(round(row["pause"].total_seconds()))
        await db.execute(LAPSE)
    assert not tried_again
    assert pauses[:6] == [10, 60, 300, 1800, 7200, 7200]
    assert await states(db) == [("dead", 20, "x" * 500)]
    assert await db.fetchval("SELECT recipient FROM mail_dead_letters") == "a"


async def test_a_mail_is_refused_for_good_or_handed_back(outbox: Outbox, db: Connection) -> None:
    message = await leave(db, await new_box(db))
    for recipient in "ab":
        await db.fetchval(SEND, message, recipient)
    first, second = sorted(await outbox.take(), key=lambda mail: mail.recipient)
    assert not await outbox.fail(first, "no such user", permanent=True)
    await outbox.hand_back(second, "the server is away")
    assert await states(db) == [("dead", 1, "no such user"), ("pending", 0, "the server is away")]
    assert (await only(outbox)).id == second.id
    await outbox.hand_back(second, "the server is away", 60.0)
    assert await outbox.take() == []
    assert await outbox.waiting() == 0
    await db.execute("UPDATE mail_outbox SET created_at = now() - interval '2 minutes'")
    assert await outbox.waiting() == 1


async def test_objects_that_are_to_go(dsn: str, db: Connection) -> None:
    box = await new_box(db)
    for path in "abc":
        await leave(db, box, path)
    await db.execute("""
        INSERT INTO media_files (name, file_type, storage_path) VALUES ('x', 'moh', 'd');
        INSERT INTO recordings (call_id, recording_type, storage_path, duration_seconds,
            retention_until, started_at)
        VALUES (gen_random_uuid(), 'automatic', 'e', 1, now(), now());
        INSERT INTO object_removals (storage_path) VALUES ('d'), ('e');
        DELETE FROM voicemail_messages""")
    await leave(db, box, "a")
    assert len(await removals.due(dsn, 1)) == 1  # whatever is asked about first
    due = await removals.due(dsn)
    assert sorted(removal.storage_path for removal in due) == ["b", "c"]
    await removals.done(dsn, ["b"])
    await removals.fail(dsn, Removal("c", 0), "x" * 900)
    [row] = await db.fetch("SELECT storage_path, attempts, problem FROM object_removals")
    assert tuple(row) == ("c", 1, "x" * 500)
    assert await removals.due(dsn) == []
    await db.execute("UPDATE object_removals SET next_try_at = now()")
    assert await removals.due(dsn) == [Removal("c", 1)]


@pytest.mark.parametrize(("delete_unread", "left"), [(False, "bcdf"), (True, "cdf")])
async def test_messages_whose_time_is_over(
    dsn: str, db: Connection, *, delete_unread: bool, left: str
) -> None:
    box, past = await new_box(db), datetime.now(UTC) - timedelta(hours=1)
    day = timedelta(days=1)
    rows: dict[str, dict[str, Any]] = {
        "a": {"delete_at": past, "is_read": True},
        "b": {"delete_at": past, "is_read": False},
        "c": {"delete_at": past + day, "is_read": True},
        "d": {"delete_at": None, "is_read": True},
        "e": {"deleted_at": past - day, "is_read": False},
        "f": {"deleted_at": past, "is_read": True},
    }
    for path, columns in rows.items():
        await leave(db, box, path, **columns)
    for path in "gh":
        message = await leave(db, box, path, is_read=True)
        await db.execute(
            "UPDATE voicemail_messages SET delete_at = 'infinity' WHERE id = $1", message
        )
    purged = await retention.purge(dsn, delete_unread=delete_unread, trash_days=1.0, batch=1)
    kept = await db.fetch("SELECT storage_path FROM voicemail_messages ORDER BY 1")
    assert "".join(row[0] for row in kept) == left + "gh"
    assert purged == 6 - len(left)
    assert len(await removals.due(dsn)) == purged
    for days, further in ((36500.0, 0), (0.02, 1)):
        assert await retention.purge(dsn, delete_unread=False, trash_days=days) == further


async def test_a_dead_mail_is_tried_again(outbox: Outbox, db: Connection) -> None:
    """As often as a new one."""
    await db.fetchval(SEND, await leave(db, await new_box(db)), "a")
    await db.execute("UPDATE mail_outbox SET attempts = $1", MOST_ATTEMPTS - 1)
    assert not await outbox.fail(await only(outbox), "full")
    assert await states(db) == [("dead", MOST_ATTEMPTS, "full")]
    await db.execute("UPDATE mail_outbox SET state = 'pending', next_try_at = now()")
    mail = await only(outbox)
    assert mail.attempts == 0
    assert await outbox.fail(mail, "still full")
    assert await states(db) == [("pending", 1, "still full")]


async def test_phones_that_are_to_be_reminded(dsn: str, db: Connection) -> None:
    """One contact of each extension that has a mailbox and a phone."""
    register = """
        INSERT INTO extension_registrations
            (extension_id, contact_uri, ip_address, port, transport, expires_at, contact_id)
        SELECT id, 'sip:x@192.0.2.1', '192.0.2.1', 5060, 'udp', now() + $3, $2
        FROM extensions WHERE number = $1"""
    for number in ("1001", "1002", "1003", "1004"):
        await new_box(db, number)
    await db.execute("UPDATE extensions SET voicemail_enabled = number <> '1003'")
    minute = timedelta(minutes=1)
    for number, contact, lasting in (
        *(("1001", "a", minute), ("1001", "b", minute * 2), ("1002", "c", -minute)),
        *(("1003", "d", minute), ("1004", None, minute), ("1004", "e", minute)),
    ):
        await db.execute(register, number, contact, lasting)
    assert await lamps.contacts(dsn) == {"1001": "b", "1004": "e"}
    assert await lamps.contacts(dsn, ["1004", "1002"]) == {"1004": "e"}


async def test_postgres_is_away(server: Server, dsn: str, db: Connection) -> None:
    outbox = Outbox(dsn)
    await db.fetchval(SEND, await leave(db, await new_box(db)), "a")
    mail = await only(outbox)
    await server.stop()
    try:
        for act in (
            *(outbox.take, outbox.waiting, lambda: outbox.sent(mail)),
            *(lambda: outbox.fail(mail, "x"), lambda: outbox.hand_back(mail, "x")),
            *(lambda: removals.due(dsn), lambda: removals.done(dsn, ["a"])),
            lambda: removals.fail(dsn, Removal("a", 0), "x"),
            lambda: retention.purge(dsn, delete_unread=False, trash_days=1),
            lambda: lamps.contacts(dsn),
        ):
            with pytest.raises(ConnectionError):
                await act()
    finally:
        await server.resume()
    await outbox.sent(mail)
    outbox.close()
    assert await outbox_of(dsn) == [("sent",)]


async def outbox_of(dsn: str) -> list[tuple[str, ...]]:
    db = await asyncpg.connect(dsn)
    try:
        return [tuple(row) for row in await db.fetch("SELECT state FROM mail_outbox")]
    finally:
        await db.close()


async def test_a_mail_whose_message_is_gone(outbox: Outbox, db: Connection) -> None:
    await db.fetchval(SEND, await leave(db, await new_box(db)), str(uuid4()))
    mail = await only(outbox)
    await db.execute("DELETE FROM voicemail_messages")
    await outbox.sent(mail)
    assert await states(db) == []
