"""What the views say of queues and agents."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from .queue_rows import answered, changed, enter, left, new_agents, new_queue

Connection = asyncpg.Connection

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RESERVE = """
    UPDATE agent_slots SET call_id = $2, queue_id = $3, reserved_until = now() + INTERVAL '20 s'
    WHERE extension_id = $1"""
ZONES = ["UTC", "Europe/Berlin", "America/St_Johns"]


async def test_live_stats(db: Connection) -> None:
    now: datetime = await db.fetchval("SELECT now()")
    queue, other, empty, gone = [await new_queue(db, name) for name in ("a", "b", "c", "d")]
    await db.execute("UPDATE queues SET deleted_at = now() WHERE id = $1", gone)
    agents = await new_agents(db, (queue, other), 5)
    await changed(db, agents[0], "situation", now, engaged=True, hindrance=None)
    await changed(db, agents[1], "situation", now, engaged=False, hindrance="unregistered")
    await db.execute(
        "UPDATE agent_states SET status = 'break' WHERE extension_id = $1 AND queue_id = $2",
        agents[2],
        queue,
    )
    call = uuid4()
    await db.execute(RESERVE, agents[3], call, queue)
    ago = [now - timedelta(seconds=seconds) for seconds in (100, 200, 600)]
    await enter(db, queue, ago[0], call_id=call)  # an agent's phone rings
    await enter(db, queue, ago[1], joined_at=ago[2])  # came back to an old place
    await enter(db, queue, ago[2], answered_at=ago[1], left_at=ago[1], left_how="answered")
    await answered(db, queue, ago[2], wait=10, talk=20)
    await left(db, queue, ago[2], 0, "full", position=None)
    await left(db, other, ago[2], 50, "abandoned")
    await enter(db, gone, ago[0])
    rows = await db.fetch(
        "SELECT queue_id, waiting_calls, active_calls, available_agents, busy_agents,"
        " avg_wait_time_seconds FROM queue_live_stats"
    )
    found = {row["queue_id"]: tuple(row)[1:] for row in rows}
    wait = found[queue][-1]
    assert 150 <= wait <= 160
    assert found == {
        queue: (2, 1, 2, 1, wait),
        other: (0, 0, 3, 1, None),
        empty: (0, 0, 0, 0, None),
    }


@pytest.mark.parametrize("zone", ZONES)
async def test_the_time_of_agents_is_all_of_it(db: Connection, zone: str) -> None:
    """The seconds of a day are 86400, whatever happened on it; and known for each state."""
    await db.execute(f"SET timezone = '{zone}'")
    queues = [await new_queue(db, name) for name in ("a", "b")]
    agent, _ = await new_agents(db, queues, 2)
    first = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - 4 * DAY
    await db.execute("UPDATE agent_state_changes SET from_at = $1", first)
    for hours, engaged, hindrance in (
        (46, True, None),
        (49, False, None),
        (58, False, "dnd"),
        (60, True, "dnd"),
        (61, False, None),
    ):
        then = first + hours * HOUR
        await changed(db, agent, "situation", then, engaged=engaged, hindrance=hindrance)
    spent = await db.fetch(
        "SELECT extension_id, queue_id, day, sum(seconds)::int AS seconds FROM agent_time"
        " WHERE day < (now() AT TIME ZONE 'UTC')::date GROUP BY 1, 2, 3"
    )
    assert {row["seconds"] for row in spent} == {86400}
    assert len(spent) == 2 * (1 + len(queues)) * 4
    for queue in (None, *queues):
        known = await db.fetch(
            "SELECT day - $3::date AS day, status, reason_code, seconds::int AS seconds"
            " FROM agent_time WHERE extension_id = $1 AND queue_id IS NOT DISTINCT FROM $2::uuid"
            " AND day - $3::date IN (1, 2) ORDER BY day, status",
            agent,
            queue,
            first.date(),
        )
        assert [tuple(row) for row in known] == [
            (1, "available", None, 22 * 3600),
            (1, "busy", None, 2 * 3600),
            (2, "available", None, 20 * 3600),
            (2, "break", "dnd", 2 * 3600),
            (2, "busy", None, 2 * 3600),
        ]
