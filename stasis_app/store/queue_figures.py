"""`queue_stats`: what happened in each queue in five minutes, computed from `queue_calls`.

An interval is never added to: it is computed anew from the rows that are there, as often as
somebody likes, and written only if it has become another. So a record that comes late counts as
soon as its interval is looked at again.
"""

from datetime import datetime, timedelta

import asyncpg

from .connection import connected

SECONDS = 60.0
SLICE = timedelta(days=1)
LONGEST = timedelta(days=31)

LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('queue_stats', 0))"

# intervals of five minutes from the epoch on are the same in every time zone, on every day
SPAN = """
SELECT
    date_bin('5 minutes', greatest($3, least($2, coalesce(
        (SELECT max(time) FROM queue_stats), (SELECT min(entered_at) FROM queue_calls), $1
    ))), 'epoch'::timestamptz) AS first,
    date_bin('5 minutes', $1::timestamptz, 'epoch'::timestamptz) AS until
"""

# What a call has done counts where it was done: it may be offered in one interval, answered in the
# next, and end in a third. A call back enters when an agent is there for it, so it tells nothing of
# waiting. The agents are those just before the end of an interval.
WRITE = """
WITH slots AS (
    SELECT time, time + INTERVAL '5 minutes' AS until
    FROM generate_series($1::timestamptz, $2::timestamptz - INTERVAL '5 minutes',
        INTERVAL '5 minutes') AS time
), moments AS (
    SELECT queues.id AS queue_id, moment.*,
        moment.waited <= coalesce(queues.service_level_threshold_seconds, 20) AS in_time
    FROM queues CROSS JOIN LATERAL (
        SELECT entered_at AS at, 'offered' AS kind, NULL::numeric AS waited, NULL::numeric AS talked
        FROM queue_calls
        WHERE queue_id = queues.id AND entered_at >= $1 AND entered_at < $2
            AND position IS NOT NULL
        UNION ALL
        SELECT answered_at, 'answered',
            CASE WHEN NOT is_callback THEN extract(epoch FROM answered_at - entered_at) END, NULL
        FROM queue_calls
        WHERE queue_id = queues.id AND answered_at >= $1 AND answered_at < $2
        UNION ALL
        SELECT left_at, CASE left_how WHEN 'abandoned' THEN 'abandoned' ELSE 'left' END,
            CASE WHEN NOT is_callback THEN extract(epoch FROM left_at - entered_at) END, NULL
        FROM queue_calls
        WHERE queue_id = queues.id AND left_at >= $1 AND left_at < $2
            AND position IS NOT NULL AND answered_at IS NULL
        UNION ALL
        SELECT ended_at, 'ended', NULL,
            coalesce(talk_seconds, extract(epoch FROM ended_at - answered_at))
        FROM queue_calls
        WHERE queue_id = queues.id AND ended_at >= $1 AND ended_at < $2
            AND answered_at IS NOT NULL
    ) AS moment
), calls AS (
    SELECT queue_id, date_bin('5 minutes', at, 'epoch'::timestamptz) AS time,
        count(*) FILTER (WHERE kind = 'offered') AS offered,
        count(*) FILTER (WHERE kind = 'answered') AS answered,
        count(*) FILTER (WHERE kind = 'abandoned') AS abandoned,
        avg(in_time::int) FILTER (WHERE kind IN ('answered', 'abandoned')) AS in_time,
        avg(waited) AS waited, max(waited) AS longest, avg(talked) AS talked
    FROM moments GROUP BY 1, 2
), agents AS (
    SELECT queue_id, until - INTERVAL '5 minutes' AS time,
        count(*) FILTER (WHERE status = 'available') AS available,
        count(*) FILTER (WHERE status = 'busy') AS busy
    FROM agent_state_changes CROSS JOIN LATERAL generate_series(
        date_bin('5 minutes', greatest(from_at, $1), 'epoch'::timestamptz) + INTERVAL '5 minutes',
        least(until_at, $2), INTERVAL '5 minutes') AS until
    WHERE queue_id IS NOT NULL AND status IN ('available', 'busy')
        AND from_at < $2 AND (until_at IS NULL OR until_at > $1)
    GROUP BY 1, 2
)
INSERT INTO queue_stats (time, queue_id, calls_offered, calls_answered, calls_abandoned,
    avg_wait_time_seconds, max_wait_time_seconds, avg_talk_time_seconds, service_level_percent,
    agents_available, agents_busy)
SELECT slots.time, queues.id, coalesce(offered, 0), coalesce(answered, 0), coalesce(abandoned, 0),
    round(waited), round(longest), round(talked),
    round(100 * in_time, 2),
    coalesce(available, 0), coalesce(busy, 0)
FROM slots CROSS JOIN queues
LEFT JOIN calls ON calls.time = slots.time AND calls.queue_id = queues.id
LEFT JOIN agents ON agents.time = slots.time AND agents.queue_id = queues.id
WHERE calls.queue_id IS NOT NULL
    OR (coalesce(queues.created_at, '-infinity') < slots.until
        AND coalesce(queues.deleted_at, 'infinity') >= slots.until)
ON CONFLICT (time, queue_id) DO UPDATE SET
    calls_offered = excluded.calls_offered,
    calls_answered = excluded.calls_answered,
    calls_abandoned = excluded.calls_abandoned,
    avg_wait_time_seconds = excluded.avg_wait_time_seconds,
    max_wait_time_seconds = excluded.max_wait_time_seconds,
    avg_talk_time_seconds = excluded.avg_talk_time_seconds,
    service_level_percent = excluded.service_level_percent,
    agents_available = excluded.agents_available,
    agents_busy = excluded.agents_busy
-- without the service level: another threshold is no reason to write the past anew
WHERE (queue_stats.calls_offered, queue_stats.calls_answered, queue_stats.calls_abandoned,
    queue_stats.avg_wait_time_seconds, queue_stats.max_wait_time_seconds,
    queue_stats.avg_talk_time_seconds, queue_stats.agents_available, queue_stats.agents_busy)
    IS DISTINCT FROM (excluded.calls_offered, excluded.calls_answered, excluded.calls_abandoned,
    excluded.avg_wait_time_seconds, excluded.max_wait_time_seconds,
    excluded.avg_talk_time_seconds, excluded.agents_available, excluded.agents_busy)
"""


async def write(dsn: str, *, now: datetime, look_back: timedelta) -> int:
    """Write the intervals that were over at `now`; return how many rows are new or different.

    They are those of `look_back` and all that are missing since the last one, from the first call
    on, but never more than `LONGEST`. Several processes may do so at once. Raises ConnectionError.
    """
    async with connected(dsn, "figures of queues can't be written", SECONDS) as connection:
        ((first, until),) = await connection.fetch(SPAN, now, now - look_back, now - LONGEST)
        written = 0
        while first < until:
            end = min(first + SLICE, until)
            written += await _write(connection, first, end)
            first = end
    return written


async def _write(connection: asyncpg.Connection, first: datetime, until: datetime) -> int:
    """Write what is between, in a transaction of its own. The oldest slice must come first."""
    async with connection.transaction():
        await connection.execute(LOCK)
        status: str = await connection.execute(WRITE, first, until)
    return int(status.rpartition(" ")[2])
