"""CDR partitions: ahead of time, by UTC months, around rows that were there before."""

import asyncio
from datetime import UTC, datetime

import asyncpg

from tests.support.until import until

from .conftest import UTC as UTC_SESSION

MONTHS = """
    SELECT array_agg(to_char(date_trunc('month', now() AT TIME ZONE 'UTC')
        + make_interval(months => ahead), '"cdr_"YYYY_MM') ORDER BY ahead)
    FROM generate_series($1::int, $2::int) AS ahead"""
INSERT = """
    INSERT INTO cdr (call_id, direction, caller_number, callee_number, initiated_at, ended_at)
    VALUES (gen_random_uuid(), 'internal', '1001', '1002', $1, $1)"""
WHERE_ROWS_LIE = "SELECT tableoid::regclass::text FROM cdr ORDER BY initiated_at"


async def months(db: asyncpg.Connection, first: int, last: int) -> list[str]:
    """Names of the partitions from `first` to `last` months from now."""
    names: list[str] = await db.fetchval(MONTHS, first, last)
    return names


async def ensure(db: asyncpg.Connection, months_ahead: int) -> list[str]:
    """Names of the partitions that were made."""
    rows = await db.fetch("SELECT cdr_ensure_partitions($1)", months_ahead)
    return [row[0] for row in rows]


async def test_migration_makes_three_months_ahead(db: asyncpg.Connection) -> None:
    there = "SELECT bool_and(to_regclass(name) IS NOT NULL) FROM unnest($1::text[]) AS name"
    assert await db.fetchval(there, await months(db, 0, 3))


async def test_only_what_is_missing(db: asyncpg.Connection) -> None:
    assert await ensure(db, 3) == []
    assert await ensure(db, 5) == await months(db, 4, 5)
    assert await ensure(db, 5) == []


async def test_boundaries_are_utc(db: asyncpg.Connection) -> None:
    await db.execute("SET timezone = 'Pacific/Auckland'")
    [name] = await ensure(db, 4)
    start = datetime.strptime(name, "cdr_%Y_%m").replace(tzinfo=UTC)
    await db.execute(INSERT, start)
    assert [row[0] for row in await db.fetch(WHERE_ROWS_LIE)] == [name]


async def test_rows_in_default_are_moved(db: asyncpg.Connection) -> None:
    [fourth, fifth] = await months(db, 4, 5)
    for name in (fourth, fifth):
        await db.execute(INSERT, datetime.strptime(name, "cdr_%Y_%m").replace(day=15, tzinfo=UTC))
    assert [row[0] for row in await db.fetch(WHERE_ROWS_LIE)] == ["cdr_default"] * 2
    await ensure(db, 4)
    assert [row[0] for row in await db.fetch(WHERE_ROWS_LIE)] == [fourth, "cdr_default"]


async def test_two_at_once(db: asyncpg.Connection, dsn: str) -> None:
    other = await asyncpg.connect(dsn, server_settings=UTC_SESSION)
    try:
        made = await asyncio.gather(ensure(db, 12), ensure(other, 12))
    finally:
        await other.close()
    assert sorted(made[0] + made[1]) == await months(db, 4, 12)


async def test_waits_for_a_call_that_is_just_ending(db: asyncpg.Connection, dsn: str) -> None:
    other = await asyncpg.connect(dsn, server_settings=UTC_SESSION)
    waiting = "SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'"
    try:
        [name] = await months(db, 4, 4)
        transaction = db.transaction()
        await transaction.start()
        await db.execute(INSERT, datetime.strptime(name, "cdr_%Y_%m").replace(tzinfo=UTC))
        ensuring = asyncio.create_task(ensure(other, 4))
        await until(lambda: db.fetchval(waiting, other.get_server_pid()))
        await transaction.commit()
        assert await ensuring == [name]
    finally:
        await other.close()
    assert [row[0] for row in await db.fetch(WHERE_ROWS_LIE)] == [name]


async def test_new_partition_is_like_the_others(db: asyncpg.Connection) -> None:
    shape = """
        SELECT (SELECT count(*) FROM pg_index WHERE indrelid = t::regclass),
               (SELECT count(*) FROM pg_attrdef WHERE adrelid = t::regclass)
        FROM unnest($1::text[]) AS t"""
    [made] = await ensure(db, 4)
    ours, seeds = await db.fetch(shape, [made, "cdr_2025_11"])
    assert ours == seeds


async def test_not_for_everybody(db: asyncpg.Connection) -> None:
    allowed = "SELECT has_function_privilege('asterisk', 'cdr_ensure_partitions(int)', 'EXECUTE')"
    assert not await db.fetchval(allowed)
