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
from structlog.testing import capture_logs

from stasis_app.rules.mailbox import Greeting, PinAnswer
from stasis_app.store import media_files
from stasis_app.store.mailboxes import Mailboxes, Try, _try_pin
from stasis_app.store.media_files import MediaFiles
from stasis_app.store.pool import Pool
from tests.support.until import until

from .conftest import StoppableServer as Server
from .mailboxes import AT, leave, new_box

Connection = asyncpg.Connection
ADD_MEDIA = """
    INSERT INTO media_files (name, file_type, storage_path, recorded_for)
    VALUES ('a', 'greeting', $1, $2) RETURNING id"""
C = "extension:1"
UNLOCK = "UPDATE voicemail_pin_failures SET locked_until = now() - interval '1 second'"
EXPIRE = """
    UPDATE voicemail_pin_failures
        SET locked_until = now() - interval '1 second', last_at = now() - interval '2 second';
    UPDATE voicemail_pin_callers
        SET locked_until = now() - interval '1 second', last_at = now() - interval '2 second'"""


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
        answer = await mailboxes.open_with_pin("1001", pin, caller=C, attempts=9, lockout=60)
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
        await mailboxes.open_with_pin("1001", "4711", caller=caller, attempts=2, lockout=60)
        for caller in ("a", "b", "c")
    ]
    assert answers == [PinAnswer.WRONG] * 3


async def _opens(mailboxes: Mailboxes, pin: str, attempts: int) -> PinAnswer:
    """Try a PIN at 1001, as a caller who has not called before."""
    caller = str(uuid4())
    return await mailboxes.open_with_pin("1001", pin, caller=caller, attempts=attempts, lockout=60)


async def test_tries_from_everywhere_at_once_lock_the_box(dsn: str, db: Connection) -> None:
    await new_box(db, pin="4711")
    many = [Mailboxes(dsn) for _ in range(5)]

    async def guess(mailboxes: Mailboxes) -> list[PinAnswer]:
        return [
            await mailboxes.open_with_pin(
                "1001", f"{n:04}", caller=str(uuid4()), attempts=5, lockout=60
            )
            for n in range(10)
        ]

    answers = await asyncio.gather(*(guess(mailboxes) for mailboxes in many for _ in range(3)))
    assert Counter(chain(*answers)) == {PinAnswer.WRONG: 4, PinAnswer.LOCKED: 146}
    assert await _opens(many[0], "4711", 5) is PinAnswer.LOCKED
    assert await db.fetchval("SELECT failures FROM voicemail_pin_failures") == 5
    await db.execute(UNLOCK)
    again = [await _opens(many[0], pin, 2) for pin in ("1", "4711", "1", "1", "4711")]
    assert again == [
        *(PinAnswer.WRONG, PinAnswer.RIGHT),
        *(PinAnswer.WRONG, PinAnswer.LOCKED, PinAnswer.LOCKED),
    ]
    await db.execute("DELETE FROM voicemail_pin_failures")
    assert await _opens(many[0], "4711", 0) is PinAnswer.RIGHT
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
    for caller, number, pin in (
        *(("a", "1001", "4711"), ("a", "1001", "4712"), ("b", "1002", "4711")),
        *(("c", "9999", "4711"), ("d", "1001", "4712"), ("e", "1001", "4711")),
        *(("f", "9999", "4711"), ("f", "9999", "4711"), ("f", "9999", "4711")),
        *(("f", "1002", "4711"), ("f", "1001", "4711")),
    ):
        counting: Any = Counting(db)
        outcome = await _try_pin(counting, Try(number, pin, caller, 2, 60.0))
        answers.append(outcome.answer)
        costs.append(tuple(counting.asked))
    assert answers == [
        *(PinAnswer.RIGHT, PinAnswer.WRONG, PinAnswer.WRONG, PinAnswer.WRONG),
        *(PinAnswer.LOCKED, PinAnswer.LOCKED, PinAnswer.WRONG, PinAnswer.LOCKED),
        *(PinAnswer.LOCKED, PinAnswer.LOCKED, PinAnswer.LOCKED),
    ]
    assert len(set(costs)) == 1
    assert await db.fetchval("SELECT count(*) FROM voicemail_pin_failures") == 2


async def test_one_phone_tries_the_same_pin_at_many_boxes(
    mailboxes: Mailboxes, db: Connection
) -> None:
    """Opening the own box in between does not help; waiting, or an admin, does."""
    own = await new_box(db, "1000", pin="4711")
    for n in range(1, 6):
        await new_box(db, f"100{n}", pin="1234" if n == 5 else "9876")

    async def tries(number: str, pin: str, caller: str = C) -> PinAnswer:
        return await mailboxes.open_with_pin(number, pin, caller=caller, attempts=4, lockout=60)

    assert [await tries("1000", pin) for pin in ("1", "2", "4711")] == [
        *(PinAnswer.WRONG, PinAnswer.WRONG, PinAnswer.RIGHT)
    ]
    guesses = [("1001", "1234"), ("1000", "4711"), ("1002", "1234"), ("1000", "4711")]
    guesses += [("9999", "1234"), ("1000", "4711"), ("1004", "1234"), ("1005", "1234")]
    with capture_logs() as logs:
        answers = [await tries(*guess) for guess in guesses]
    assert answers == [
        *(PinAnswer.WRONG, PinAnswer.RIGHT, PinAnswer.WRONG, PinAnswer.RIGHT),
        *(PinAnswer.WRONG, PinAnswer.RIGHT, PinAnswer.LOCKED, PinAnswer.LOCKED),
    ]
    told = {"action": "pin_caller_locked", "caller": C, "seconds": 60.0}
    assert [told.items() <= entry.items() for entry in logs] == [True]
    assert await tries("1005", "1234", "extension:2") is PinAnswer.RIGHT
    assert await db.fetchval("SELECT count(*) FROM voicemail_pin_failures WHERE locks > 0") == 0
    await db.execute("DELETE FROM voicemail_pin_callers")
    assert await tries("1000", "4711") is PinAnswer.RIGHT
    assert await mailboxes.has_pin(own)


async def test_tries_of_one_caller_everywhere_at_once(dsn: str, db: Connection) -> None:
    many = [Mailboxes(dsn) for _ in range(3)]
    for n in range(10, 40):
        await new_box(db, f"10{n}", pin="9876")
    answers = await asyncio.gather(
        *(
            many[n % 3].open_with_pin(f"10{n}", "1234", caller=C, attempts=5, lockout=60)
            for n in range(10, 40)
        )
    )
    assert Counter(answers) == {PinAnswer.WRONG: 4, PinAnswer.LOCKED: 26}
    for mailboxes in many:
        mailboxes.close()


async def test_a_lock_lasts_twice_as_long_as_the_one_before(
    mailboxes: Mailboxes, db: Connection
) -> None:
    """A day at the most, and for the caller likewise. A day of rest, or the right PIN, forgets."""
    box = await new_box(db, pin="4711")
    lasts = "SELECT extract(epoch FROM locked_until - last_at)::float FROM "
    seconds: list[tuple[float, float]] = []

    async def locks(caller: str = "trunk:1:030") -> None:
        await mailboxes.open_with_pin("1001", "1", caller=caller, attempts=1, lockout=900)
        tables = ("voicemail_pin_failures", "voicemail_pin_callers")
        found = [await db.fetchval(lasts + table) for table in tables]
        seconds.append((found[0], found[1]))

    with capture_logs() as logs:
        for _ in range(9):
            await locks()
            await db.execute(EXPIRE)
        await db.execute(EXPIRE.replace("second", "day"))
        await locks()
    one_by_one = [900.0 * 2**n for n in range(7)] + [86_400.0] * 2 + [900.0]
    assert seconds == [(length, length) for length in one_by_one]
    actions = [entry["action"] for entry in logs]
    assert actions == ["mailbox_locked", "pin_caller_locked"] * 10
    assert (logs[0]["box"], logs[0]["log_level"]) == (box, "warning")
    assert "030" not in str(logs)
    await db.execute(EXPIRE)
    right = await mailboxes.open_with_pin("1001", "4711", caller="b", attempts=1, lockout=900)
    assert right is PinAnswer.RIGHT
    await db.execute("DELETE FROM voicemail_pin_callers")
    await locks()
    assert seconds[-1] == (900.0, 900.0)


async def test_callers_who_gave_up_are_forgotten(mailboxes: Mailboxes, db: Connection) -> None:
    for caller in ("a", "b"):
        await mailboxes.open_with_pin("9", "1", caller=caller, attempts=5, lockout=60)
    await db.execute("UPDATE voicemail_pin_callers SET last_at = now() - interval '8 days'")
    await mailboxes.open_with_pin("9", "1", caller="a", attempts=5, lockout=60)
    rows = await db.fetch("SELECT caller, failures FROM voicemail_pin_callers")
    assert [tuple(row) for row in rows] == [("a", 1)]


@pytest.mark.parametrize("pin", ["1001", "0000", "12", "12a4"])
async def test_a_pin_that_could_not_be_set_opens_nothing(
    mailboxes: Mailboxes, db: Connection, pin: str
) -> None:
    """Somebody wrote it into the row; such a box is one without a PIN."""
    box = await new_box(db, pin=pin)
    assert not await mailboxes.has_pin(box)
    answer = await mailboxes.open_with_pin("1001", pin, caller=C, attempts=5, lockout=60)
    assert answer is PinAnswer.WRONG


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
    assert await files.message(uuid4()) is None
    assert await files.get(message) is None
    files.close()


async def test_audio_that_was_seen_is_not_waited_for(
    dsn: str, db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Postgres that hangs would be seconds of silence before each prompt."""
    monkeypatch.setattr(media_files, "REST_SECONDS", 0.5)
    one, other = [await db.fetchval(ADD_MEDIA, path, None) for path in ("a", "b")]
    files, now = MediaFiles(dsn), asyncio.get_running_loop().time
    seen = await files.get(one)
    assert seen
    async with db.transaction():
        await db.execute("LOCK TABLE media_files")
        began = now()
        for _ in range(20):
            assert await files.get(one) == seen
        assert media_files.PATIENCE_SECONDS <= now() - began < 1.0
        files._pool = Pool(dsn, seconds=0.2)
        with pytest.raises(ConnectionError):
            await files.get(other)
    await db.execute("UPDATE media_files SET storage_path = 'c'")
    assert await files.get(one) == seen  # it rests
    await until(lambda: now() > files._resting_until)
    found = await files.get(one)
    assert found
    assert found.storage_path == "c"
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
        lambda: mailboxes.open_with_pin("1001", "1", caller=C, attempts=5, lockout=60),
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
