"""The agents of the queues: `agent_slots` and `agent_states`, and what `queue_calls` tells.

Only the reservation of a slot is done here. What follows it goes through the journal.
"""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from stasis_app.rules.columns import aware
from stasis_app.rules.numbers import is_anonymous
from stasis_app.rules.queues import Reservation, Slot, Wait
from stasis_app.words import Wanted

from .pool import Pool

SLOTS = """
SELECT slot.extension_id, call_id, reserved_until, talking_since, wrap_up_until, rests_until,
    last_call_ended_at, talk_seconds::float8 AS talk_seconds, talk_since, misses, engaged,
    hindrance,
    coalesce(offered.queues, '{}') AS queues, coalesce(offered.times, '{}') AS times
FROM agent_slots AS slot
LEFT JOIN (
    SELECT extension_id, array_agg(queue_id) AS queues, array_agg(last_offered_at) AS times
    FROM agent_states WHERE queue_id IS NOT NULL AND last_offered_at IS NOT NULL
    GROUP BY extension_id) AS offered USING (extension_id)
"""

# Nobody is waited for: who holds a slot at this moment has it, or is about to write to it.
# A row that another statement has changed since this one began is looked at again when it is
# locked, so of two that want the same slot one finds it taken.
RESERVE = """
WITH wish AS MATERIALIZED (
    SELECT DISTINCT ON (extension_id) *
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[])
        WITH ORDINALITY AS w(extension_id, queue_id, call_id, expected, until, place)
    WHERE NOT EXISTS (
        SELECT FROM agent_states AS state
        WHERE state.extension_id = w.extension_id AND state.wanted <> 'available'
            AND (state.queue_id IS NULL OR state.queue_id = w.queue_id))
    ORDER BY extension_id, place
), free AS MATERIALIZED (
    SELECT slot.extension_id
    FROM agent_slots AS slot JOIN wish ON wish.extension_id = slot.extension_id
    WHERE slot.call_id IS NULL OR slot.call_id = wish.expected
        OR (slot.talking_since IS NULL AND slot.reserved_until < now())
    ORDER BY slot.extension_id
    FOR NO KEY UPDATE OF slot SKIP LOCKED
), kept AS (
    UPDATE agent_slots AS slot SET call_id = wish.call_id, queue_id = wish.queue_id,
        reserved_until = wish.until, talking_since = NULL
    FROM wish JOIN free ON free.extension_id = wish.extension_id
    WHERE slot.extension_id = wish.extension_id
    RETURNING slot.extension_id
), missing AS MATERIALIZED (
    SELECT wish.*
    FROM wish JOIN extensions AS extension ON extension.id = wish.extension_id
    WHERE NOT EXISTS (SELECT FROM agent_slots AS slot WHERE slot.extension_id = extension.id)
    ORDER BY wish.extension_id
    FOR KEY SHARE OF extension SKIP LOCKED
), made AS (
    INSERT INTO agent_slots (extension_id, call_id, queue_id, reserved_until)
    SELECT extension_id, call_id, queue_id, until FROM missing
    ON CONFLICT (extension_id) DO NOTHING
    RETURNING extension_id
)
SELECT place, TRUE AS given FROM wish
WHERE extension_id IN (SELECT extension_id FROM kept UNION ALL SELECT extension_id FROM made)
UNION ALL
SELECT place, FALSE FROM wish JOIN agent_slots AS slot USING (extension_id)
WHERE extension_id NOT IN (SELECT extension_id FROM free)
    AND (slot.call_id IS NULL OR slot.call_id = wish.expected
        OR (slot.talking_since IS NULL AND slot.reserved_until < now()))
ORDER BY place
"""
RESERVES = {"pbx.reserves": "on"}
"""Others who write a slot wait for each other first (see the trigger `lock_agents_update`)."""
TRY_AGAIN_SECONDS = (0.01, 0.02, 0.04)
"""A slot is written to for as long as a group of the journal takes."""

# first of all: who deletes one of them waits for all others who change agents
LOCK_OWNERS = """
WITH extension AS MATERIALIZED (SELECT FROM extensions WHERE id = $1 FOR KEY SHARE),
    queue AS MATERIALIZED (SELECT FROM queues WHERE id = $2 FOR KEY SHARE)
SELECT FROM extension WHERE $2::uuid IS NULL OR EXISTS (SELECT FROM queue)
"""
# an INSERT may take the place of a row, under another id, so the row is tried first
SAY = """
WITH said AS (
    UPDATE agent_states SET wanted = $3, wanted_reason = left(nullif($4, ''), 100)
    WHERE extension_id = $1 AND queue_id IS NOT DISTINCT FROM $2::uuid
    RETURNING id
)
INSERT INTO agent_states (extension_id, queue_id, status, wanted, wanted_reason)
SELECT $1, $2, $3, $3, left(nullif($4, ''), 100) WHERE NOT EXISTS (SELECT FROM said)
ON CONFLICT (extension_id, queue_id) DO UPDATE
    SET wanted = excluded.wanted, wanted_reason = excluded.wanted_reason
"""

# a callback enters when an agent is there for it already: that tells nothing of waiting
WAITS = """
SELECT position, seconds
FROM (
    SELECT position, answered_at,
        greatest(extract(epoch FROM answered_at - entered_at), 0)::float8 AS seconds
    FROM queue_calls
    WHERE queue_id = $1 AND answered_at > now() - interval '8 hours'
        AND position > 0 AND NOT is_callback
    ORDER BY answered_at DESC LIMIT 20) AS latest
ORDER BY answered_at
"""

# who came back after he had hung up or was cut off has taken his place along: the later entry
# holds it. Many may show the same number: the latest entry is looked for once, not for each.
EARLIER = """
WITH superseded AS (
    UPDATE queue_callbacks SET state = 'superseded', done_at = now()
    WHERE queue_id = $1 AND number = $2 AND state IN ('waiting', 'calling')
    RETURNING joined_at
), abandoned AS (
    SELECT joined_at FROM queue_calls
    WHERE queue_id = $1 AND caller_number = $2 AND left_how IN ('abandoned', 'failed')
        AND left_at > now() - make_interval(secs => $3)
        AND left_at > (
            SELECT max(entered_at) FROM queue_calls
            WHERE queue_id = $1 AND caller_number = $2 AND position IS NOT NULL)
)
SELECT min(joined_at)
FROM (SELECT joined_at FROM superseded UNION ALL SELECT joined_at FROM abandoned) AS waited
"""

# as change_agents() does: first the lock that all share, then the row
LOCK_AGENTS = "SELECT pg_advisory_xact_lock(hashtextextended('pbx.agents', 0))"
RELEASE_LOST = """
WITH held AS MATERIALIZED (
    SELECT extension_id, call_id FROM agent_slots
    WHERE extension_id = $1 AND call_id = $2 FOR NO KEY UPDATE)
SELECT change_agents(jsonb_build_array(jsonb_build_object(
    'extension_id', extension_id, 'call_id', call_id, 'change', 'released', 'at', now())))
FROM held
"""

HELD = """
SELECT extension_id, call_id, EXISTS (SELECT FROM calls WHERE calls.id = slot.call_id) AS open
FROM agent_slots AS slot WHERE call_id IS NOT NULL
"""


class Held(NamedTuple):
    """A slot that holds a call, and whether the call is `open`: it has a row in `calls`.

    The row of a call that has just begun may still be on its way.
    """

    extension: UUID
    call: UUID
    open: bool


class Agents:
    """Every method raises ConnectionError when Postgres is away or does not answer in 3 s."""

    def __init__(self, dsn: str) -> None:
        self._pool = Pool(dsn, settings=RESERVES)

    async def slots(self) -> Sequence[Slot]:
        """Return every agent's slot."""
        async with self._pool.connection("agents can't be read") as connection:
            return [_slot(row) for row in await connection.fetch(SLOTS)]

    async def reserve(self, wishes: Collection[Reservation]) -> Collection[Reservation]:
        """Reserve slots for calls; return the wishes that came true, in their order.

        A slot is given that is free, holds what is expected, or whose reservation has run out, if
        the agent wants calls. Of wishes for one agent the first counts. A slot that is being
        written to for longer than a moment is not given.
        """
        given, left = await self._reserve(tuple(wishes))
        for pause in TRY_AGAIN_SECONDS:
            if left:
                await asyncio.sleep(pause)
                more, left = await self._reserve(left)
                given |= more
        return [wish for wish in wishes if wish in given]

    async def _reserve(
        self, wishes: Sequence[Reservation]
    ) -> tuple[set[Reservation], Sequence[Reservation]]:
        """Return the wishes that came true, and those whose slots were just being written to."""
        if not wishes:
            return set(), ()
        columns = zip(
            *((w.extension, w.queue, w.call, w.expected, w.until) for w in wishes), strict=True
        )
        async with self._pool.connection("agents can't be reserved") as connection:
            rows = await connection.fetch(RESERVE, *columns)
        given = {wishes[row["place"] - 1] for row in rows if row["given"]}
        return given, [wishes[row["place"] - 1] for row in rows if not row["given"]]

    async def say(self, extension: UUID, queue: UUID | None, wanted: Wanted, reason: str) -> None:
        """Write down what an agent wants, in all queues (None) or in one.

        Of an extension or a queue that is gone nothing is written.
        """
        async with self._pool.transaction("the agent can't be changed") as connection:
            if await connection.fetchrow(LOCK_OWNERS, extension, queue) is not None:
                await connection.execute(SAY, extension, queue, wanted, reason)

    async def waits(self, queue: UUID) -> Sequence[Wait]:
        """Return the waits of the last 20 calls that were answered within 8 hours, oldest first."""
        async with self._pool.connection("waits can't be read") as connection:
            return [Wait(*row) for row in await connection.fetch(WAITS, queue)]

    async def earlier(self, queue: UUID, number: str, seconds: float) -> datetime | None:
        """Return since when this caller has waited who hung up so many seconds ago at the most.

        One who was cut off counts as well, and so does a call back that he waits for, which is
        called off. Ask before the new entry is written: with it he has come back. Who withholds the
        number is nobody.
        """
        if is_anonymous(number):
            return None
        async with self._pool.connection("earlier calls can't be read") as connection:
            found: datetime | None = await connection.fetchval(EARLIER, queue, number, seconds)
        return found

    async def held(self) -> Sequence[Held]:
        """Return the slots that hold a call."""
        async with self._pool.connection("agents can't be read") as connection:
            return [Held(*row) for row in await connection.fetch(HELD)]

    async def release_lost(self, extension: UUID, call: UUID) -> bool:
        """Free the slot of an agent if it still holds the call; return whether it did."""
        async with self._pool.transaction("the agent can't be released") as connection:
            await connection.execute(LOCK_AGENTS)
            return await connection.fetchrow(RELEASE_LOST, extension, call) is not None

    def close(self) -> None:
        self._pool.close()


def _time(at: datetime | None) -> datetime | None:
    return aware(at) if at else None


def _slot(row: asyncpg.Record) -> Slot:
    return Slot(
        extension=row["extension_id"],
        call=row["call_id"],
        reserved_until=_time(row["reserved_until"]),
        talking_since=_time(row["talking_since"]),
        wrap_up_until=_time(row["wrap_up_until"]),
        rests_until=_time(row["rests_until"]),
        last_call_ended_at=_time(row["last_call_ended_at"]),
        talk_seconds=row["talk_seconds"],
        talk_since=_time(row["talk_since"]),
        misses=row["misses"],
        engaged=row["engaged"],
        hindrance=row["hindrance"],
        offered_at=dict(zip(row["queues"], map(aware, row["times"]), strict=True)),
    )
