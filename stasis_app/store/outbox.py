"""`mail_outbox`: the mails that are to be sent, with all that they tell."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from .pool import Pool

SECONDS = 10.0
LEASE_SECONDS = 120.0
BACK_OFF_SECONDS = (10.0, 60.0, 300.0, 1800.0, 7200.0)
MOST_ATTEMPTS = 20
LONGEST_PROBLEM = 500

TAKE = """
WITH taken AS (
    UPDATE mail_outbox SET next_try_at = now() + make_interval(secs => $2)
    -- an array is made once; with IN the plan may be a join that asks anew for each row
    WHERE id = ANY (ARRAY(
        SELECT id FROM mail_outbox WHERE state = 'pending' AND next_try_at <= now()
        ORDER BY next_try_at LIMIT $1 FOR UPDATE SKIP LOCKED))
    RETURNING id, recipient, attempts, message_id)
SELECT taken.*, extension.number, message.caller_number,
    coalesce(message.caller_name, '') AS caller_name,
    coalesce(message.received_at, message.created_at) AS received_at,
    message.duration_seconds, message.file_size_bytes, message.storage_path,
    message.is_urgent IS TRUE AS urgent, message.forwarded_from IS NOT NULL AS forwarded,
    box.attach_audio IS TRUE AS attach_audio,
    coalesce(users.first_name || ' ' || users.last_name, '') AS owner,
    coalesce(users.language, '') AS language, coalesce(users.timezone, '') AS timezone
FROM taken
JOIN voicemail_messages AS message ON message.id = message_id
JOIN voicemail_boxes AS box ON box.id = message.voicemail_box_id
JOIN extensions AS extension ON extension.id = box.extension_id
LEFT JOIN users ON users.id = extension.user_id
ORDER BY message.received_at, taken.id
"""

SENT = """
UPDATE mail_outbox SET state = 'sent', sent_at = now(), problem = NULL
WHERE id = $1 AND state = 'pending'
"""

FAIL = """
UPDATE mail_outbox SET attempts = attempts + 1, problem = $2,
    next_try_at = now() + make_interval(secs => $3),
    state = CASE WHEN $4 THEN 'dead' ELSE state END
WHERE id = $1 AND state = 'pending'
"""

HAND_BACK = """
UPDATE mail_outbox SET problem = $2, next_try_at = now() + make_interval(secs => $3)
WHERE id = $1 AND state = 'pending'
"""

WAITING = """
SELECT count(*) FROM mail_outbox
WHERE state = 'pending' AND created_at < now() - INTERVAL '1 minute'
"""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that tells of a message. `id` stays the same at each attempt.

    `number` is the mailbox's extension; `owner` (a name), `language` and `timezone` are those of
    its user, empty where there is none. `size` is the object's, in bytes.
    """

    id: UUID
    recipient: str
    attempts: int
    message: UUID
    number: str
    caller_number: str
    caller_name: str
    received_at: datetime
    seconds: int
    size: int | None
    storage_path: str
    urgent: bool
    forwarded: bool
    attach_audio: bool
    owner: str
    language: str
    timezone: str


class Outbox:
    """Every method raises ConnectionError when Postgres is away."""

    def __init__(self, dsn: str) -> None:
        self._pool = Pool(dsn, size=2, seconds=SECONDS)

    async def take(self, most: int = 10, lease: float = LEASE_SECONDS) -> list[Mail]:
        """Return mails to be sent now. Each is taken for so many seconds: nobody else gets it.

        One that is neither sent nor failed by then, as its sender was killed, is due again.
        """
        async with self._pool.connection("mails can't be read") as connection:
            return [_mail(row) for row in await connection.fetch(TAKE, most, lease)]

    async def sent(self, mail: Mail) -> None:
        await self._execute(SENT, mail.id)

    async def fail(self, mail: Mail, problem: str, *, permanent: bool = False) -> bool:
        """Note a failure; return whether the mail will be tried again."""
        seconds = BACK_OFF_SECONDS[min(mail.attempts, len(BACK_OFF_SECONDS) - 1)]
        dead = permanent or mail.attempts + 1 >= MOST_ATTEMPTS
        await self._execute(FAIL, mail.id, problem[:LONGEST_PROBLEM], seconds, dead)
        return not dead

    async def hand_back(self, mail: Mail, problem: str, seconds: float = 0.0) -> None:
        """Give back a mail that is not to blame: it is due again after so many seconds."""
        await self._execute(HAND_BACK, mail.id, problem[:LONGEST_PROBLEM], seconds)

    async def waiting(self) -> int:
        """Return how many mails have been waiting for more than a minute."""
        async with self._pool.connection("mails can't be counted") as connection:
            return int(await connection.fetchval(WAITING))

    def close(self) -> None:
        self._pool.close()

    async def _execute(self, statement: str, *arguments: object) -> None:
        async with self._pool.connection("a mail can't be changed") as connection:
            await connection.execute(statement, *arguments)


def _mail(row: asyncpg.Record) -> Mail:
    return Mail(
        id=row["id"],
        recipient=row["recipient"],
        attempts=row["attempts"],
        message=row["message_id"],
        number=row["number"],
        caller_number=row["caller_number"],
        caller_name=row["caller_name"],
        received_at=row["received_at"],
        seconds=row["duration_seconds"],
        size=row["file_size_bytes"],
        storage_path=row["storage_path"],
        urgent=row["urgent"],
        forwarded=row["forwarded"],
        attach_audio=row["attach_audio"],
        owner=row["owner"],
        language=row["language"],
        timezone=row["timezone"],
    )
