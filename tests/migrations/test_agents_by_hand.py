"""What somebody writes about agents, and what becomes of it."""

from uuid import uuid4

import asyncpg
import pytest

from stasis_app.store.migrate import migrate, rollback

from .agents import (
    assert_true,
    change,
    history,
    later,
    new_agent,
    new_queue,
    reserve,
    slot,
    states,
    told,
    wants,
)
from .test_announcements import Heard, heard

__all__ = ["heard"]

Connection = asyncpg.Connection

BEFORE_QUEUES = "20261125138000"
SEED_STATE = """
    INSERT INTO agent_states (extension_id, queue_id, status, reason_code)
    VALUES ($1, $2, $3, $4)"""
SEED_UPSERT = f"""{SEED_STATE} ON CONFLICT (extension_id, queue_id)
    DO UPDATE SET status = EXCLUDED.status, reason_code = EXCLUDED.reason_code"""
EVERYWHERE = "WHERE extension_id = $1 AND queue_id IS NULL"


@pytest.mark.parametrize("first", ["members", "states"])
async def test_rows_written_for_the_seed(db: Connection, first: str) -> None:
    """An INSERT takes the place of a row that was made by itself, whichever comes first."""
    sales = await new_queue(db)
    anna = await new_agent(db, "1001", *([sales] if first == "members" else []))
    await db.execute(SEED_STATE, anna, None, "available", None)
    await db.execute(SEED_STATE, anna, sales, "break", "lunch")
    if first == "states":
        await db.execute(
            "INSERT INTO queue_members (queue_id, extension_id) VALUES ($1, $2)", sales, anna
        )
    assert await states(db, anna) == [(None, "available", None), ("sales", "break", "lunch")]
    with pytest.raises(asyncpg.UniqueViolationError):
        await db.execute(SEED_STATE, anna, sales, "available", None)
    await db.execute(SEED_UPSERT, anna, sales, "offline", None)
    assert await states(db, anna) == [(None, "available", None), ("sales", "offline", None)]
    await db.execute("INSERT INTO queue_stats (time, queue_id) VALUES (now(), $1)", sales)
    await assert_true(db)


async def test_what_is_inserted_during_a_call_counts_after_it(db: Connection) -> None:
    sales = await new_queue(db)
    anna = await new_agent(db, "1001", sales)
    call = await reserve(db, anna, sales)
    await told(db, change(anna, "connected", call_id=call))
    await db.execute(SEED_UPSERT, anna, None, "break", "lunch")
    await db.execute(SEED_UPSERT, anna, None, "busy", "lunch")
    assert {row[1:] for row in await states(db, anna)} == {("busy", None)}
    await told(db, change(anna, "ended", 5, call_id=call, queue_id=sales))
    assert {row[1:] for row in await states(db, anna)} == {("break", "lunch")}
    await assert_true(db)


@pytest.mark.parametrize("queue", [True, False])
async def test_available_by_hand_ends_a_wrap_up(
    db: Connection, heard: Heard, *, queue: bool
) -> None:
    sales = await new_queue(db)
    anna = await new_agent(db, "1001", sales)
    await told(db, change(anna, "ended", call_id=uuid4(), queue_id=sales, wrap_up_until=later(60)))
    assert {row[1] for row in await states(db, anna)} == {"wrap_up"}
    row = "queue_id IS NOT NULL" if queue else "queue_id IS NULL"
    assert await heard(f"UPDATE agent_states SET status = 'available' WHERE {row}") == [
        f"agent_slots:{anna}"
    ]
    assert {row[1] for row in await states(db, anna)} == {"available"}
    assert (await slot(db, anna))["wrap_up_until"] is None
    await assert_true(db)


@pytest.mark.parametrize(
    ("written", "wanted", "shown"),
    [
        ("status = 'break', reason_code = 'lunch'", ("break", "lunch"), ("break", "lunch")),
        ("status = 'break'", ("break", None), ("break", None)),
        ("status = 'busy'", ("available", None), ("available", None)),
        ("status = NULL", ("available", None), ("available", None)),
        ("status = 'wrap_up', reason_code = 'x'", ("available", "x"), ("available", "x")),
        ("wanted = 'offline', wanted_reason = 'home'", ("offline", "home"), ("offline", "home")),
        ("wanted = 'offline', status = 'break'", ("offline", None), ("offline", None)),
        ("state_changed_at = '2001-01-01'", ("available", None), ("available", None)),
        (
            "wanted_at = '2001-01-01', made_by_itself = TRUE",
            ("available", None),
            ("available", None),
        ),
    ],
)
async def test_what_somebody_writes(
    db: Connection, written: str, wanted: tuple[str, str | None], shown: tuple[str, str | None]
) -> None:
    anna = await new_agent(db, "1001", await new_queue(db))
    row = await db.fetchrow(
        f"UPDATE agent_states SET {written} {EVERYWHERE} RETURNING status, reason_code", anna
    )
    assert row is not None
    assert tuple(row) == shown
    assert await wants(db, anna) == wanted
    here = shown if shown[0] != "available" else ("available", None)
    assert await states(db, anna) == [(None, *shown), ("sales", *here)]
    fresh = "SELECT bool_and(least(state_changed_at, wanted_at) > '2026-01-01') FROM agent_states"
    assert await db.fetchval(fresh)
    assert not await db.fetchval(f"SELECT made_by_itself FROM agent_states {EVERYWHERE}", anna)
    await assert_true(db)


@pytest.mark.parametrize("written", ["status = 'asleep'", "wanted = 'busy'", "wanted = NULL"])
async def test_nonsense_is_refused(db: Connection, written: str) -> None:
    await new_agent(db, "1001", await new_queue(db))
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await db.execute(f"UPDATE agent_states SET {written}")


async def test_offline_counts_also_of_who_is_not_registered(db: Connection) -> None:
    anna = await new_agent(db, "1001", await new_queue(db))
    await told(db, change(anna, "situation", hindrance="unregistered"))
    await db.execute(f"UPDATE agent_states SET status = 'offline' {EVERYWHERE}", anna)
    await told(db, change(anna, "situation", hindrance=None))
    assert {row[1:] for row in await states(db, anna)} == {("offline", None)}


async def test_a_reason_goes_with_what_it_was_for(db: Connection) -> None:
    anna = await new_agent(db, "1001", await new_queue(db))
    write = "UPDATE agent_states SET"
    for written, wanted in (
        ("status = 'break', reason_code = 'lunch'", ("break", "lunch")),
        ("reason_code = 'meeting'", ("break", "meeting")),
        ("status = 'offline'", ("offline", None)),
        ("wanted = 'break', wanted_reason = 'lunch'", ("break", "lunch")),
        ("wanted = 'available'", ("available", None)),
    ):
        since = await db.fetchval(f"SELECT wanted_at FROM agent_states {EVERYWHERE}", anna)
        await db.execute(f"{write} {written} {EVERYWHERE}", anna)
        assert await wants(db, anna) == wanted
        assert await db.fetchval(f"SELECT wanted_at FROM agent_states {EVERYWHERE}", anna) > since
    assert len(await history(db, anna)) == 6
    await assert_true(db)


async def test_a_slot_that_is_edited(db: Connection, heard: Heard) -> None:
    sales = await new_queue(db)
    anna = await new_agent(db, "1001", sales)
    call = await reserve(db, anna, sales)
    await told(db, change(anna, "connected", call_id=call))
    assert await heard("UPDATE agent_slots SET talk_seconds = 0") == []
    freed = "UPDATE agent_slots SET call_id = NULL, queue_id = NULL, talking_since = NULL"
    assert await heard(freed) == [f"agent_slots:{anna}"]
    assert {row[1] for row in await states(db, anna)} == {"available"}
    await db.execute("UPDATE agent_slots SET engaged = TRUE")
    assert {row[1] for row in await states(db, anna)} == {"busy"}
    await db.execute("DELETE FROM agent_slots")
    assert {row[1] for row in await states(db, anna)} == {"available"}
    assert (await slot(db, anna))["engaged"] is False
    await assert_true(db)


async def test_no_row_means_available(db: Connection) -> None:
    sales = await new_queue(db)
    anna = await new_agent(db, "1001", sales)
    await db.execute(f"UPDATE agent_states SET status = 'break' {EVERYWHERE}", anna)
    assert {row[1] for row in await states(db, anna)} == {"break"}
    await db.execute(f"DELETE FROM agent_states {EVERYWHERE}", anna)
    assert await states(db, anna) == [("sales", "available", None)]
    await assert_true(db)
    await db.execute("TRUNCATE agent_states")
    await assert_true(db)
    await db.execute("TRUNCATE queue_members")


async def test_what_is_there_already(empty_dsn: str) -> None:
    """States that were written for the seed say what is wanted; members get the rows they lack."""
    await migrate(empty_dsn)
    await rollback(empty_dsn, BEFORE_QUEUES)
    db = await asyncpg.connect(empty_dsn)
    sales, support = await new_queue(db), await new_queue(db, "support")
    anna, ben = await new_agent(db, "1001", sales), await new_agent(db, "1002", sales, support)
    await db.execute(SEED_STATE, anna, None, "busy", None)
    await db.execute(SEED_STATE, anna, sales, "break", "lunch")
    await db.execute(SEED_STATE, ben, None, "offline", None)
    written = await db.fetch("SELECT id, extension_id, queue_id FROM agent_states ORDER BY id")
    await migrate(empty_dsn)
    assert await states(db, anna) == [(None, "available", None), ("sales", "break", "lunch")]
    assert {row[1:] for row in await states(db, ben)} == {("offline", None)}
    assert len(await states(db, ben)) == 3
    await assert_true(db)
    await db.execute("UPDATE agent_slots SET engaged = TRUE")
    await rollback(empty_dsn, BEFORE_QUEUES)
    left = "SELECT id, extension_id, queue_id FROM agent_states ORDER BY id"
    assert await db.fetch(left) == written
    await db.close()


async def test_who_was_hindered_is_not_logged_out_by_a_rollback(empty_dsn: str) -> None:
    await migrate(empty_dsn)
    db = await asyncpg.connect(empty_dsn)
    sales = await new_queue(db)
    anna, ben = await new_agent(db, "1001", sales), await new_agent(db, "1002", sales)
    for status in ("offline", "available"):
        await db.execute(f"UPDATE agent_states SET status = $2 {EVERYWHERE}", anna, status)
    await db.execute(
        f"UPDATE agent_states SET status = 'break', reason_code = 'lunch' {EVERYWHERE}", ben
    )
    await db.execute("UPDATE agent_slots SET hindrance = 'unregistered'")
    assert (None, "offline", "unregistered") in await states(db, anna)
    await rollback(empty_dsn, BEFORE_QUEUES)
    await migrate(empty_dsn)
    assert {row[1:] for row in await states(db, anna)} == {("available", None)}
    assert {row[1:] for row in await states(db, ben)} == {("break", "lunch")}
    await assert_true(db)
    await db.close()
