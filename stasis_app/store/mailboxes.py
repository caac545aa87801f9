"""The mailboxes, as callers use them while their call goes on."""

import hmac
import secrets
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from stasis_app.rules.mailbox import Greeting, Message, PinAnswer

from .greetings import set_greeting
from .pool import Pool

COUNT = """
SELECT (SELECT count(*) FROM voicemail_messages
        WHERE voicemail_box_id = $1 AND deleted_at IS NULL)
    + (SELECT count(*) FROM recording_deliveries
        WHERE box_id = $1 AND kind = 'message' AND state IN ('recording', 'finished'))
"""

MESSAGES = """
SELECT id, caller_number, coalesce(caller_name, '') AS caller_name,
    coalesce(received_at, created_at) AS received_at, duration_seconds,
    is_read IS TRUE AS read, is_urgent IS TRUE AS urgent, delete_at = 'infinity' IS TRUE AS saved
FROM voicemail_messages
WHERE voicemail_box_id = $1 AND deleted_at IS NULL
ORDER BY read, is_read IS NOT TRUE AND is_urgent IS TRUE DESC, 4, id
"""

MARK_READ = "UPDATE voicemail_messages SET is_read = TRUE WHERE id = $1 AND is_read IS NOT TRUE"
DELETE = "UPDATE voicemail_messages SET deleted_at = now() WHERE id = $1 AND deleted_at IS NULL"
UNDELETE = "UPDATE voicemail_messages SET deleted_at = NULL WHERE id = $1"
SAVE = "UPDATE voicemail_messages SET delete_at = 'infinity', deleted_at = NULL WHERE id = $1"

PIN = "coalesce(nullif(btrim(box.pin), ''), nullif(btrim(extension.voicemail_pin), ''))"

HAS_PIN = f"""
SELECT {PIN} IS NOT NULL
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
FAILURES = """
SELECT CASE WHEN locked_until IS NULL THEN failures ELSE 0 END AS failures,
    coalesce(locked_until > now(), FALSE) AS locked
FROM voicemail_pin_failures WHERE box_id = $1
"""
FORGET_FAILURES = "DELETE FROM voicemail_pin_failures WHERE box_id = $1"
NOTE_FAILURE = """
INSERT INTO voicemail_pin_failures (box_id, failures, last_at, locked_until)
SELECT id, $2, now(), now() + make_interval(secs => $3) FROM voicemail_boxes WHERE id = $1
ON CONFLICT (box_id) DO UPDATE SET
    failures = excluded.failures, last_at = excluded.last_at, locked_until = excluded.locked_until
"""


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
        return await self._value("the PIN can't be read", HAS_PIN, box) is True

    async def set_pin(self, box: UUID, pin: str) -> None:
        await self._change(SET_PIN, box, pin)

    async def choose_greeting(self, box: UUID, greeting: Greeting, media: UUID | None) -> None:
        """Use a media file as a greeting; None: that of the exchange.

        What was recorded by phone and is used no more is deleted.
        """
        async with self._pool.connection("the greeting can't be changed") as connection:
            await set_greeting(connection, box, greeting, media)

    async def open_with_pin(
        self, number: str, pin: str, *, attempts: int, lockout: float
    ) -> PinAnswer:
        """Try a PIN at the box of an extension; after `attempts` wrong ones it is locked.

        Counting and locking are one transaction with the try, and tries at one box come one after
        the other. A number without a box, or a box without a PIN, costs the same statements and
        the same comparison as a wrong PIN. While a box is locked the right PIN is not taken
        either, and no try prolongs that.
        """
        async with self._pool.transaction("the PIN can't be checked") as connection:
            await connection.execute(WITHOUT_WAITING)
            return await _try_pin(connection, number, pin, max(1, attempts), lockout)

    def close(self) -> None:
        self._pool.close()

    async def _value(self, purpose: str, query: str, box: UUID) -> Any:
        async with self._pool.connection(purpose) as connection:
            return await connection.fetchval(query, box)

    async def _change(self, statement: str, *arguments: object) -> None:
        async with self._pool.connection("the mailbox can't be changed") as connection:
            await connection.execute(statement, *arguments)


async def _try_pin(
    connection: asyncpg.Connection, number: str, pin: str, attempts: int, lockout: float
) -> PinAnswer:
    found = await connection.fetchrow(LOCK_BOX, number)
    box = found["id"] if found else uuid4()
    told = await connection.fetchrow(FAILURES, box)
    failures, locked = (told["failures"], told["locked"]) if told else (0, False)
    right = _matches(pin, found["pin"] if found else None)
    if locked:
        await connection.execute(NOTE_FAILURE, uuid4(), 0, 0.0)
        return PinAnswer.LOCKED
    if right:
        await connection.execute(FORGET_FAILURES, box)
        return PinAnswer.RIGHT
    failures += 1
    full = found is not None and failures >= attempts
    await connection.execute(NOTE_FAILURE, box, failures, lockout if full else None)
    return PinAnswer.LOCKED if full else PinAnswer.WRONG


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
    )
