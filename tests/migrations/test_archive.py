"""A call that ends leaves `calls` and makes exactly one row in `cdr`."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

START = datetime(2025, 11, 12, 10, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


async def begin(db: asyncpg.Connection, initiated_at: datetime | None = START) -> str:
    insert = """
        INSERT INTO calls (call_id, direction, caller_number, callee_number, initiated_at)
        VALUES ('a@phone', 'internal', '1001', '1002', $1) RETURNING id"""
    return str(await db.fetchval(insert, initiated_at))


async def end(
    db: asyncpg.Connection, answered_at: datetime | None, ended_at: datetime | None
) -> str:
    """Status of the UPDATE, e.g. 'UPDATE 1'."""
    update = """
        UPDATE calls SET state = 'ended', answered_at = $1, ended_at = $2,
            hangup_cause = 'normal_clearing'"""
    return str(await db.execute(update, answered_at, ended_at))


async def archived(db: asyncpg.Connection) -> asyncpg.Record:
    """The only row of cdr, once calls is empty."""
    assert await db.fetchval("SELECT count(*) FROM calls") == 0
    rows = await db.fetch("SELECT * FROM cdr")
    assert len(rows) == 1
    return rows[0]


async def test_answered_call(db: asyncpg.Connection) -> None:
    call = await begin(db)
    await db.execute("UPDATE calls SET state = 'ringing', ringing_at = $1", after(1))
    await db.execute("UPDATE calls SET state = 'answered', answered_at = $1", after(5.5))
    assert await db.fetchval("SELECT count(*) FROM cdr") == 0

    assert await end(db, after(5.5), after(71.2)) == "UPDATE 1"

    cdr = await archived(db)
    expected = {
        "call_id": call,
        "direction": "internal",
        "caller_number": "1001",
        "callee_number": "1002",
        "initiated_at": START,
        "ringing_at": after(1),
        "answered_at": after(5.5),
        "ended_at": after(71.2),
        "duration_seconds": 65,
        "billable_seconds": 66,
        "hangup_cause": "normal_clearing",
        "total_cost": None,
    }
    assert {column: cdr[column] for column in expected} == expected | {"call_id": cdr["call_id"]}
    assert str(cdr["call_id"]) == call
    assert cdr["id"] != cdr["call_id"]


async def test_every_column_is_carried_over(db: asyncpg.Connection) -> None:
    await db.execute("""
        WITH extension AS (
            INSERT INTO extensions (number, sip_password) VALUES ('1001', 'x') RETURNING id
        ), trunk AS (
            INSERT INTO trunks (name, trunk_type, host) VALUES ('t', 'static', 'h') RETURNING id
        ), queue AS (
            INSERT INTO queues (name) VALUES ('q') RETURNING id
        ), recording AS (
            INSERT INTO recordings (call_id, recording_type, storage_path, duration_seconds,
                retention_until, started_at)
            VALUES (gen_random_uuid(), 'automatic', 'p', 1, now(), now()) RETURNING id
        )
        INSERT INTO calls (call_id, direction, caller_number, caller_name, callee_number,
            callee_name, caller_extension_id, callee_extension_id, agent_extension_id, trunk_id,
            queue_id, recording_id, queue_wait_time_seconds, ringing_at, answered_at, ended_at,
            hangup_cause)
        SELECT 'b@phone', 'inbound', '1', 'One', '2', 'Two', extension.id, extension.id,
            extension.id, trunk.id, queue.id, recording.id, 7, now(), now(), now(), 'busy'
        FROM extension, trunk, queue, recording""")
    live = dict(await db.fetchrow("SELECT * FROM calls") or {})
    await db.execute("UPDATE calls SET state = 'ended'")
    cdr = await archived(db)
    renamed = {"id", "call_id", "state", "created_at", "updated_at"}
    carried = {column: value for column, value in live.items() if column not in renamed}
    assert {column: cdr[column] for column in carried} == carried
    assert None not in carried.values()


async def test_unanswered_call_lasts_no_time(db: asyncpg.Connection) -> None:
    await begin(db)
    await end(db, None, after(30))
    cdr = await archived(db)
    assert (cdr["duration_seconds"], cdr["billable_seconds"]) == (0, 0)


@pytest.mark.parametrize(
    ("seconds", "duration", "billable"), [(0, 0, 0), (0.2, 0, 1), (60, 60, 60), (-3, 0, 0)]
)
async def test_seconds(
    db: asyncpg.Connection, seconds: float, duration: int, billable: int
) -> None:
    await begin(db)
    await end(db, after(10), after(10 + seconds))
    cdr = await archived(db)
    assert (cdr["duration_seconds"], cdr["billable_seconds"]) == (duration, billable)


@pytest.mark.parametrize("year", [1999, 2099])
async def test_month_without_partition(db: asyncpg.Connection, year: int) -> None:
    start = START.replace(year=year)
    await begin(db, start)
    await end(db, None, start)
    assert (await archived(db))["initiated_at"] == start
    assert await db.fetchval("SELECT count(*) FROM cdr_default") == 1


async def test_ended_twice(db: asyncpg.Connection) -> None:
    await begin(db)
    assert await end(db, None, after(1)) == "UPDATE 1"
    assert await end(db, None, after(2)) == "UPDATE 0"
    assert (await archived(db))["ended_at"] == after(1)


async def test_missing_times_do_not_stop_the_end(db: asyncpg.Connection) -> None:
    await begin(db, None)
    now = await db.fetchval("SELECT now()")
    await end(db, None, None)
    cdr = await archived(db)
    assert now <= cdr["ended_at"]
    assert cdr["initiated_at"] <= cdr["ended_at"]


async def test_inserted_as_ended(db: asyncpg.Connection) -> None:
    await db.execute(
        """INSERT INTO calls (call_id, direction, caller_number, callee_number, state,
               initiated_at, answered_at, ended_at)
           VALUES ('c@phone', 'internal', '1001', '1002', 'ended', $1, $1, $2)""",
        START,
        after(9),
    )
    assert (await archived(db))["duration_seconds"] == 9
