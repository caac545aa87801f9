"""The mailboxes, as callers use them while their call goes on."""

import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import structlog

from stasis_app.rules.mailbox import Greeting, Message, PinAnswer
from stasis_app.rules.voicemail import pin_problem

from .greetings import set_greeting
from .pool import Pool

log = structlog.get_logger()

COUNT = """
SELECT (SELECT count(*) FROM voicemail_messages
        WHERE voicemail_box_id = $1 AND deleted_at IS NULL)
    + (SELECT count(*) FROM recording_deliveries
        WHERE box_id = $1 AND kind = 'message' AND state IN ('recording', 'finished'))
"""

MESSAGES = """
SELECT id, caller_number, coalesce(caller_name, '') AS caller_name,
    coalesce(received_at, created_at) AS received_at, duration_seconds,
    is_read IS TRUE AS read, is_urgent IS TRUE AS urgent, delete_at = 'infinity' IS TRUE AS saved,
    from_inside
FROM voicemail_messages
WHERE voicemail_box_id = $1 AND deleted_at IS NULL
ORDER BY read, is_read IS NOT TRUE AND is_urgent IS TRUE DESC, 4, id
"""

MARK_READ = "UPDATE voicemail_messages SET is_read = TRUE WHERE id = $1 AND is_read IS NOT TRUE"
DELETE = "UPDATE voicemail_messages SET deleted_at = now() WHERE id = $1 AND deleted_at IS NULL"
UNDELETE = "UPDATE voicemail_messages SET deleted_at = NULL WHERE id = $1"
SAVE = "UPDATE voicemail_messages SET delete_at = 'infinity', deleted_at = NULL WHERE id = $1"

PIN = "coalesce(nullif(btrim(box.pin), ''), nullif(btrim(extension.voicemail_pin), ''))"

PIN_OF_BOX = f"""
SELECT {PIN} AS pin, extension.number
FROM voicemail_boxes AS box JOIN extensions AS extension ON extension.id = extension_id
WHERE box.id = $1
"""  # noqa: S608
SET_PIN = "UPDATE voicemail_boxes SET pin = $2 WHERE id = $1"

# who writes nothing waits for no disk: a wrong PIN must not take longer than an unknown number
WITHOUT_WAITING = "SET LOCAL synchronous_commit = off"
# one try after the other: the row stays locked until the answer is written down
LOCK_BOX = f"""
SELECT box.id, {PIN} AS pin
FROM voicemail_boxes AS box JOIN extensions AS extension ON extension.id = extension_id
WHERE extension.number = $1 AND extension.voicemail_enabled AND extension.deleted_at IS NULL
FOR NO KEY UPDATE OF box
"""  # noqa: S608
LOCK_CALLER = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
# a day after the last wrong PIN, and after the last lock, the next lock is a short one again
QUIET = "greatest(last_at, locked_until) < now() - interval '1 day'"
LOCKED = "coalesce(locked_until > now(), FALSE) AS locked"
BOX_FAILURES = f"""
SELECT CASE WHEN locked_until IS NULL THEN failures ELSE 0 END AS failures,
    CASE WHEN {QUIET} THEN 0 ELSE locks END AS locks, {LOCKED}
FROM voicemail_pin_failures WHERE box_id = $1
"""  # noqa: S608
CALLER_FAILURES = f"""
SELECT CASE WHEN {QUIET} OR locked_until IS NOT NULL THEN 0 ELSE failures END AS failures,
    CASE WHEN {QUIET} OR locked_until IS NOT NULL OR box_id <> $2 THEN 0 ELSE failures_there
    END AS there,
    CASE WHEN {QUIET} THEN 0 ELSE locks END AS locks, {LOCKED}
FROM voicemail_pin_callers WHERE caller = $1
"""  # noqa: S608
FORGET_BOX = "DELETE FROM voicemail_pin_failures WHERE box_id = $1"
# else who opens the own box now and then could go on guessing at others
FORGIVE_CALLER = """
UPDATE voicemail_pin_callers SET failures = failures - failures_there, failures_there = 0
WHERE caller = $1 AND box_id = $2
"""
NOTE_BOX = """
INSERT INTO voicemail_pin_failures (box_id, failures, locks, last_at, locked_until)
SELECT id, $2, $3, now(), now() + make_interval(secs => $4) FROM voicemail_boxes WHERE id = $1
ON CONFLICT (box_id) DO UPDATE SET failures = excluded.failures, locks = excluded.locks,
    last_at = excluded.last_at, locked_until = excluded.locked_until
"""
NOTE_CALLER = """
WITH swept AS (
    DELETE FROM voicemail_pin_callers WHERE caller IN (
        SELECT caller FROM voicemail_pin_callers
        WHERE last_at < now() - interval '7 days' AND caller <> $1
        ORDER BY last_at LIMIT 10 FOR UPDATE SKIP LOCKED)
)
INSERT INTO voicemail_pin_callers
    (caller, failures, box_id, failures_there, locks, last_at, locked_until)
VALUES ($1, $2, $3, $4, $5, now(), now() + make_interval(secs => $6))
ON CONFLICT (caller) DO UPDATE SET failures = excluded.failures, box_id = excluded.box_id,
    failures_there = excluded.failures_there, locks = excluded.locks,
    last_at = excluded.last_at, locked_until = excluded.locked_until
"""

LONGEST_LOCKOUT = 86_400.0

Failures = asyncpg.Record | Mapping[str, int]
NO_FAILURES: Mapping[str, int] = {"failures": 0, "there": 0, "locks": 0, "locked": False}


@dataclass(frozen=True, slots=True)
class Try:
    """A PIN typed at the box of `number`. After `attempts` wrong ones there is a lock."""

    number: str
    pin: str
    caller: str
    attempts: int
    lockout: float

    def lock(self, failures: int, locks: int) -> float | None:
        """Return for how many seconds so many wrong PINs lock now; None: not yet."""
        if failures < self.attempts:
            return None
        return min(self.lockout * 2.0 ** min(locks, 20), max(self.lockout, LONGEST_LOCKOUT))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a try has led to: seconds of the locks that it has put on a box, and on its caller."""

    answer: PinAnswer
    box: UUID
    box_locked: float | None = None
    caller_locked: float | None = None


class Mailboxes:
    """Every method raises ConnectionError when Postgres is away or does not answer in 3 s."""

    def __init__(self, dsn: str) -> None:
        self._pool = Pool(dsn)

    async def count(self, box: UUID) -> int:
        """Return how many messages a box holds, those on their way into it included."""
        return int(await self._value("messages can't be counted", COUNT, box))

    async def messages(self, box: UUID) -> Sequence[Message]:
        """Return what is not deleted: new before old, of the new the urgent first; then by age."""
        async with self._pool.connection("messages can't be read") as connection:
            rows = await connection.fetch(MESSAGES, box)
        return [_message(row) for row in rows]

    async def mark_read(self, message: UUID) -> None:
        await self._change(MARK_READ, message)

    async def delete(self, message: UUID) -> None:
        """Delete a message so that it can be taken back (see retention)."""
        await self._change(DELETE, message)

    async def undelete(self, message: UUID) -> None:
        await self._change(UNDELETE, message)

    async def save(self, message: UUID) -> None:
        """Keep a message for ever, also one that was just deleted."""
        await self._change(SAVE, message)

    async def has_pin(self, box: UUID) -> bool:
        """Return whether a box has a PIN that can open it."""
        async with self._pool.connection("the PIN can't be read") as connection:
            row = await connection.fetchrow(PIN_OF_BOX, box)
        return row is not None and _usable(row["pin"], row["number"]) is not None

    async def set_pin(self, box: UUID, pin: str) -> None:
        await self._change(SET_PIN, box, pin)

    async def choose_greeting(self, box: UUID, greeting: Greeting, media: UUID | None) -> None:
        """Use a media file as a greeting; None: that of the exchange.

        What was recorded by phone and is used no more is deleted.
        """
        async with self._pool.connection("the greeting can't be changed") as connection:
            await set_greeting(connection, box, greeting, media)

    async def open_with_pin(
        self, number: str, pin: str, *, caller: str, attempts: int, lockout: float
    ) -> PinAnswer:
        """Try a PIN at the box of an extension; after `attempts` wrong ones it is locked.

        So is the `caller` (any text that stays the same), at whatever boxes they were. Each lock
        lasts twice as long as the one before, from `lockout` seconds to a day. Counting and locking
        are one transaction with the try, and tries at one box, or of one caller, come one after the
        other. A number without a box, or a box without a usable PIN, costs the same statements and
        the same comparison as a wrong PIN. During a lock the right PIN is not taken either, and no
        try prolongs it.
        """
        tried = Try(number, pin, caller, max(1, attempts), lockout)
        async with self._pool.transaction("the PIN can't be checked") as connection:
            await connection.execute(WITHOUT_WAITING)
            outcome = await _try_pin(connection, tried)
        _tell(outcome, caller)
        return outcome.answer

    def close(self) -> None:
        self._pool.close()

    async def _value(self, purpose: str, query: str, box: UUID) -> Any:
        async with self._pool.connection(purpose) as connection:
            return await connection.fetchval(query, box)

    async def _change(self, statement: str, *arguments: object) -> None:
        async with self._pool.connection("the mailbox can't be changed") as connection:
            await connection.execute(statement, *arguments)


async def _try_pin(connection: asyncpg.Connection, tried: Try) -> Outcome:
    found = await connection.fetchrow(LOCK_BOX, tried.number)
    box = found["id"] if found else uuid4()
    await connection.execute(LOCK_CALLER, tried.caller)
    at_box = await connection.fetchrow(BOX_FAILURES, box) or NO_FAILURES
    of_caller = await connection.fetchrow(CALLER_FAILURES, tried.caller, box) or NO_FAILURES
    right = _matches(tried.pin, _usable(found["pin"], tried.number) if found else None)
    if at_box["locked"] or of_caller["locked"]:
        await connection.execute(FORGET_BOX, uuid4())
        await connection.execute(FORGIVE_CALLER, tried.caller, uuid4())
        return Outcome(PinAnswer.LOCKED, box)
    if right:
        await connection.execute(FORGET_BOX, box)
        await connection.execute(FORGIVE_CALLER, tried.caller, box)
        return Outcome(PinAnswer.RIGHT, box)
    box_locked = await _note_box(connection, tried, box, at_box)
    caller_locked = await _note_caller(connection, tried, box, of_caller)
    if found is None:
        box_locked = None
    full = box_locked is not None or caller_locked is not None
    return Outcome(PinAnswer.LOCKED if full else PinAnswer.WRONG, box, box_locked, caller_locked)


async def _note_box(
    connection: asyncpg.Connection, tried: Try, box: UUID, before: Failures
) -> float | None:
    failures, locks = before["failures"] + 1, before["locks"]
    seconds = tried.lock(failures, locks)
    await connection.execute(NOTE_BOX, box, failures, locks + (seconds is not None), seconds)
    return seconds


async def _note_caller(
    connection: asyncpg.Connection, tried: Try, box: UUID, before: Failures
) -> float | None:
    failures, there, locks = before["failures"] + 1, before["there"] + 1, before["locks"]
    seconds = tried.lock(failures, locks)
    locks += seconds is not None
    await connection.execute(NOTE_CALLER, tried.caller, failures, box, there, locks, seconds)
    return seconds


def _tell(outcome: Outcome, caller: str) -> None:
    """Log a lock; of a caller outside only the trunk."""
    if outcome.box_locked is not None:
        seconds = outcome.box_locked
        log.warning(
            "too many wrong PINs", action="mailbox_locked", box=outcome.box, seconds=seconds
        )
    if outcome.caller_locked is not None:
        who = ":".join(caller.split(":")[:2])
        seconds = outcome.caller_locked
        log.warning("too many wrong PINs", action="pin_caller_locked", caller=who, seconds=seconds)


def _usable(pin: str | None, number: str) -> str | None:
    """Return a stored PIN if it is one that may be set: what everybody would try opens nothing."""
    return None if pin is None or pin_problem(pin, number) else pin


def _matches(pin: str, stored: str | None) -> bool:
    """Compare in a time that depends neither on what is stored nor on whether there is any."""
    key = secrets.token_bytes(16)
    given, wanted = (
        hmac.digest(key, text.encode(), "sha256") for text in (pin, stored or key.hex())
    )
    return hmac.compare_digest(given, wanted) and stored is not None


def _message(row: asyncpg.Record) -> Message:
    return Message(
        id=row["id"],
        caller_number=row["caller_number"],
        caller_name=row["caller_name"],
        received_at=row["received_at"],
        seconds=float(row["duration_seconds"]),
        read=row["read"],
        urgent=row["urgent"],
        saved=row["saved"],
        from_inside=row["from_inside"],
    )
