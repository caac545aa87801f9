"""Callers who wait to be called back: `queue_callbacks`.

Only who calls one is decided here. What is asked for, and what comes of it, is in the journal.
"""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from stasis_app.rules.callbacks import Callback
from stasis_app.rules.columns import aware

from .pool import Pool

WAITING = """
SELECT id, queue_id, number, coalesce(caller_name, '') AS name, coalesce(language, '') AS language,
    priority, coalesce(skills, '{}') AS skills, joined_at, attempts, next_try_at
FROM queue_callbacks WHERE state = 'waiting' ORDER BY joined_at
"""

# until then the call has its row, or nobody has begun it
TAKE = """
UPDATE queue_callbacks SET state = 'calling', attempts = attempts + 1, last_call_id = $3,
    next_try_at = now() + interval '30 seconds'
WHERE id = $1 AND state = 'waiting' AND attempts = $2
RETURNING id
"""

# a call that is over has said what came of it, unless nobody lived to write that down
RELEASE_LOST = """
UPDATE queue_callbacks AS c SET problem = 'lost',
    state = CASE WHEN tries.over THEN 'failed' ELSE 'waiting' END,
    done_at = CASE WHEN tries.over THEN now() END
FROM (
    SELECT waiting.id, waiting.attempts >= coalesce(queues.callback_tries, 0) AS over
    FROM queue_callbacks AS waiting LEFT JOIN queues ON queues.id = waiting.queue_id
    WHERE waiting.state = 'calling') AS tries
WHERE c.id = tries.id AND c.state = 'calling' AND c.next_try_at < now()
    AND NOT EXISTS (SELECT FROM calls WHERE calls.id = c.last_call_id)
"""


class Callbacks:
    """Every method raises ConnectionError when Postgres is away or does not answer in 3 s."""

    def __init__(self, dsn: str) -> None:
        self._pool = Pool(dsn, size=2)

    async def waiting(self) -> Sequence[Callback]:
        """Return those that nobody calls now, the first to have come first."""
        async with self._pool.connection("callbacks can't be read") as connection:
            return [_callback(row) for row in await connection.fetch(WAITING)]

    async def take(self, wanted: Callback, call: UUID) -> bool:
        """Take over one, as it was read, to call it; False: it is other than that by now."""
        async with self._pool.connection("the callback can't be taken") as connection:
            found = await connection.fetchrow(TAKE, wanted.id, wanted.attempts, call)
            return found is not None

    async def release_lost(self) -> None:
        """Let those wait again whose call nobody knows."""
        async with self._pool.connection("callbacks can't be released") as connection:
            await connection.execute(RELEASE_LOST)

    def close(self) -> None:
        self._pool.close()


def _callback(row: asyncpg.Record) -> Callback:
    return Callback(
        row["id"],
        row["queue_id"],
        row["number"],
        row["name"],
        row["language"],
        row["priority"],
        tuple(row["skills"]),
        row["joined_at"],
        row["attempts"],
        aware(row["next_try_at"]),
    )
