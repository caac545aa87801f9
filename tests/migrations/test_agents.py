"""What agents want and do, in SQL alone: how their status follows from both."""

import json
from datetime import datetime
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from .agents import (
    START,
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
from .test_mailboxes import column

__all__ = ["heard"]

Connection = asyncpg.Connection

EVERYWHERE = "WHERE extension_id = $1 AND queue_id IS NULL"


async def test_a_member_is_available(db: Connection) -> None:
    sales, support = await new_queue(db), await new_queue(db, "support")
    anna = await new_agent(db, "1001", sales, support)
    assert await states(db, anna) == [
        (None, "available", None),
        ("sales", "available", None),
        ("support", "available", None),
    ]
    assert (await slot(db, anna))["call_id"] is None
    await db.execute("DELETE FROM queue_members WHERE queue_id = $1", sales)
    assert [row[0] for row in await states(db, anna)] == [None, "support"]
    await db.execute("UPDATE queue_members SET queue_id = $1", sales)
    assert [row[0] for row in await states(db, anna)] == [None, "sales"]
    await assert_true(db)


@pytest.mark.parametrize(
    ("situation", "wanted", "everywhere"),
    [
        ({}, "available", ("available", None)),
        ({}, "break", ("break", "why")),
        ({"hindrance": "unregistered"}, "available", ("offline", "unregistered")),
        ({"hindrance": "inactive"}, "available", ("offline", "inactive")),
        ({"hindrance": "dnd"}, "available", ("break", "dnd")),
        ({"hindrance": "dnd"}, "offline", ("offline", "why")),
        ({"hindrance": "unregistered"}, "break", ("break", "why")),
        ({"engaged": True, "hindrance": "dnd"}, "offline", ("busy", None)),
    ],
)
async def test_precedence(
    db: Connection, situation: dict[str, Any], wanted: str, everywhere: tuple[str, str | None]
) -> None:
    sales = await new_queue(db)
    anna = await new_agent(db, "1001", sales)
    await db.execute(
        "UPDATE agent_states SET status = 'break', reason_code = 'here' WHERE queue_id = $1", sales
    )
    reason = None if wanted == "available" else "why"
    await db.execute(
        f"UPDATE agent_states SET status = $2, reason_code = $3 {EVERYWHERE}", anna, wanted, reason
    )
    await told(db, change(anna, "situation", **situation))
    here = ("break", "here") if everywhere[0] == "available" else everywhere
    assert await states(db, anna) == [(None, *everywhere), ("sales", *here)]
    await assert_true(db)


async def test_a_call_of_a_queue(db: Connection) -> None:
    """An offer is no state; busy, then wrap-up, then what is wanted."""
    sales, support = await new_queue(db), await new_queue(db, "support")
    anna = await new_agent(db, "1001", sales, support)
    await began(db, later(-60))
    before = await db.fetchval("SELECT max(state_changed_at) FROM agent_states")
    call, at = await reserve(db, anna, sales), {"call_id": None, "queue_id": str(sales)}
    at["call_id"] = str(call)
    await told(db, change(anna, "offered", 0, **at))
    assert await db.fetchval("SELECT max(state_changed_at) FROM agent_states") == before
    assert await history(db, anna) == [("available", None)]
    offered = await db.fetch("SELECT queue_id FROM agent_states WHERE last_offered_at = $1", START)
    assert [row[0] for row in offered] == [sales]
    await told(db, change(anna, "connected", 1, **at))
    assert {row[1] for row in await states(db, anna)} == {"busy"}
    row = await slot(db, anna)
    assert (row["call_id"], row["talking_since"], row["reserved_until"]) == (call, later(1), None)
    wraps = {"wrap_up_until": later(30), "talk_seconds": 9.5, "talk_since": START}
    await told(db, change(anna, "ended", 20, **at, **wraps))
    assert {row[1] for row in await states(db, anna)} == {"wrap_up"}
    row = await slot(db, anna)
    assert (row["call_id"], row["queue_id"], row["talking_since"]) == (None, None, None)
    assert (row["last_call_ended_at"], row["wrap_up_until"]) == (later(20), later(30))
    assert (float(row["talk_seconds"]), row["talk_since"]) == (9.5, START)
    ended = await db.fetch(
        "SELECT queue_id FROM agent_states WHERE last_call_ended_at = $1", later(20)
    )
    assert {row[0] for row in ended} == {None, sales}
    await told(db, change(anna, "rested", 30))
    assert {row[1] for row in await states(db, anna)} == {"available"}
    lived = ["available", "busy", "wrap_up", "available"]
    for queue in (None, sales, support):
        assert [status for status, _ in await history(db, anna, queue)] == lived
    await assert_true(db)


async def began(db: Connection, at: datetime) -> None:
    """Let all that agents are have begun then."""
    await db.execute("UPDATE agent_state_changes SET from_at = $1", at)
    await db.execute("ALTER TABLE agent_states DISABLE TRIGGER USER")
    await db.execute("UPDATE agent_states SET state_changed_at = $1", at)
    await db.execute("ALTER TABLE agent_states ENABLE TRIGGER USER")


async def test_times_of_the_application_count(db: Connection) -> None:
    """Whenever the journal is read; a time that lies before the last change is moved up to it.

    What has lasted no time then is forgotten.
    """
    sales = await new_queue(db)
    anna = await new_agent(db, "1001", sales)
    await began(db, START)
    await told(
        db, *(change(anna, "situation", at, engaged=busy) for at, busy in ((9, True), (5, False)))
    )
    assert await column(db, "SELECT DISTINCT state_changed_at FROM agent_states") == [later(9)]
    rows = await db.fetch(
        "SELECT from_at, until_at FROM agent_state_changes WHERE queue_id IS NULL ORDER BY id"
    )
    assert [tuple(row) for row in rows] == [
        (START, later(9)),
        (later(9), None),
    ]
    await assert_true(db)


@pytest.mark.parametrize("word", ["connected", "missed", "released", "ended"])
async def test_a_slot_that_holds_another_call_by_now_is_left_alone(
    db: Connection, word: str
) -> None:
    sales = await new_queue(db)
    anna = await new_agent(db, "1001", sales)
    call = await reserve(db, anna, sales)
    await told(db, change(anna, word, call_id=uuid4(), queue_id=sales, misses=2))
    row = await slot(db, anna)
    assert (row["call_id"], row["queue_id"], row["talking_since"]) == (call, sales, None)
    assert row["reserved_until"] is not None
    assert row["misses"] == (2 if word == "missed" else 0)
    assert {row[1] for row in await states(db, anna)} == {"available"}


async def test_a_missed_call_may_begin_a_break(db: Connection, heard: Heard) -> None:
    sales = await new_queue(db)
    anna = await new_agent(db, "1001", sales)
    call = await reserve(db, anna, sales)
    missed = change(anna, "missed", call_id=call, rests_until=later(5), misses=1)
    await told(db, missed)
    row = await slot(db, anna)
    assert (row["call_id"], row["rests_until"], row["misses"]) == (None, later(5), 1)
    assert {row[1] for row in await states(db, anna)} == {"available"}
    await told(db, {**missed, "break": "missed calls"})
    assert {row[1:] for row in await states(db, anna)} == {("break", "missed calls")}
    await told(db, {**missed, "break": "again"})
    assert await wants(db, anna) == ("break", "missed calls")
    await assert_true(db)


async def test_seconds_of_talk_count_by_day(db: Connection) -> None:
    sales = await new_queue(db)
    anna = await new_agent(db, "1001", sales)
    tomorrow = later(86400)
    for day, seconds, total in ((START, 5, 5), (START, 2.5, 7.5), (tomorrow, 3, 3), (START, 9, 3)):
        await told(
            db,
            change(
                anna, "ended", call_id=uuid4(), queue_id=sales, talk_seconds=seconds, talk_since=day
            ),
        )
        assert (await slot(db, anna))["talk_seconds"] == total
    assert (await slot(db, anna))["talk_since"] == tomorrow


async def test_the_longest_wrap_up_wins(db: Connection) -> None:
    sales = await new_queue(db)
    anna = await new_agent(db, "1001", sales)
    for ends in (later(60), later(30), None):
        await told(db, change(anna, "ended", call_id=uuid4(), queue_id=sales, wrap_up_until=ends))
    assert (await slot(db, anna))["wrap_up_until"] == later(60)


async def test_announcements(db: Connection, heard: Heard) -> None:
    """What is wanted is announced, what follows from it and from calls is not."""
    sales = await new_queue(db)
    anna = await new_agent(db, "1001", sales)
    rows = await db.fetch("SELECT queue_id, id FROM agent_states")
    ids = {row["queue_id"]: row["id"] for row in rows}
    status = f"UPDATE agent_states SET status = $2 {EVERYWHERE}"
    assert await heard(status, anna, "break") == [f"agent_states:{ids[None]}"]
    assert await heard(status, anna, "break") == []
    assert await heard("UPDATE agent_states SET last_offered_at = now()") == []
    call = await reserve(db, anna, sales)
    for word in ("offered", "connected", "ended", "rested", "released"):
        one = change(anna, word, call_id=call, queue_id=sales)
        assert await heard(f"SELECT change_agents('[{json.dumps(one, default=str)}]')") == []
    await db.execute(status, anna, "available")
    one = change(anna, "missed", call_id=call) | {"break": "missed"}
    assert await heard(f"SELECT change_agents('[{json.dumps(one, default=str)}]')") == [
        f"agent_states:{ids[None]}"
    ]
    assert await heard("DELETE FROM agent_states WHERE queue_id IS NULL") == [
        f"agent_states:{ids[None]}"
    ]
    member = await db.fetchval("SELECT id FROM queue_members")
    gone = {f"agent_states:{ids[sales]}", f"queue_members:{member}"}
    assert set(await heard("DELETE FROM queue_members")) == gone
    assert await heard("TRUNCATE agent_states") == ["agent_states:*"]


async def test_a_member_who_goes_while_he_talks(db: Connection) -> None:
    sales = await new_queue(db)
    anna = await new_agent(db, "1001", sales)
    call = await reserve(db, anna, sales)
    await told(db, change(anna, "connected", call_id=call))
    await db.execute("DELETE FROM queue_members")
    assert await states(db, anna) == [(None, "busy", None)]
    await db.execute(
        "INSERT INTO queue_members (queue_id, extension_id) VALUES ($1, $2)", sales, anna
    )
    assert await states(db, anna) == [(None, "busy", None), ("sales", "busy", None)]
    await db.execute("DELETE FROM queues")
    await told(db, change(anna, "ended", call_id=call, queue_id=sales))
    assert await states(db, anna) == [(None, "available", None)]
    await assert_true(db)
    await db.execute("DELETE FROM extensions")
    await told(db, change(anna, "ended", call_id=call, queue_id=sales))
    for table in ("agent_states", "agent_slots", "queue_members"):
        assert await db.fetchval(f"SELECT count(*) FROM {table}") == 0
    assert await db.fetchval("SELECT count(*) FROM agent_state_changes WHERE until_at IS NULL") == 0


async def test_unknown_changes_are_refused(db: Connection) -> None:
    anna = await new_agent(db, "1001", await new_queue(db))
    for extension in (anna, uuid4()):
        with pytest.raises(asyncpg.DataError, match="agents do not know the change asleep"):
            await told(db, change(extension, "asleep"))
    await db.execute(f"UPDATE agent_states SET status = 'break' {EVERYWHERE}", anna)
    assert await wants(db, anna) == ("break", None)


async def test_history_and_time(db: Connection) -> None:
    sales = await new_queue(db)
    anna = await new_agent(db, "1001", sales)
    await db.execute("TRUNCATE agent_state_changes")
    await db.execute(
        """INSERT INTO agent_state_changes (extension_id, queue_id, status, from_at, until_at)
        VALUES ($1, NULL, 'break', $2, $3), ($1, NULL, 'busy', $3, $4)""",
        *(anna, later(0), later(3600), later(86400)),
    )
    rows = await db.fetch(
        "SELECT day::text, status, seconds::int FROM agent_time ORDER BY day, status"
    )
    assert [tuple(row) for row in rows] == [
        ("2026-03-02", "break", 3600),
        ("2026-03-02", "busy", 14 * 3600),
        ("2026-03-03", "busy", 9 * 3600),
    ]
