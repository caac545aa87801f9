"""Queues, their calls and their callbacks in SQL alone."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from stasis_app.words import Moment

from .agents import START, later, new_agent, new_queue
from .test_announcements import Heard, heard

__all__ = ["heard"]

Connection = asyncpg.Connection

ADD_CALL = """
    INSERT INTO calls (id, call_id, direction, caller_number, callee_number, state)
    VALUES ($1, $1::uuid::text, 'inbound', '030', '3000', 'answered')"""
ADD_EVENT = "INSERT INTO call_events (call_id, seq, at, event, details) VALUES ($1, $2, $3, $4, $5)"
ADD_CALLBACK = "INSERT INTO queue_callbacks (queue_id, number, state) VALUES ($1, $2, $3)"
END_CALL = "UPDATE calls SET state = 'ended', ended_at = $1"
LOG = """
    SELECT queuename, agent, event, data1, data2, data3, data4, data5 FROM queue_log
    ORDER BY time, queuename"""


async def enter(db: Connection, queue: UUID, call: UUID | None = None, **columns: Any) -> UUID:
    """Add a way through the queue that began at START; return its id."""
    row = {
        "id": uuid4(),
        "call_id": call or uuid4(),
        "queue_id": queue,
        "joined_at": START,
        "entered_at": START,
        **columns,
    }
    places = ", ".join(f"${n + 1}" for n in range(len(row)))
    await db.execute(f"INSERT INTO queue_calls ({', '.join(row)}) VALUES ({places})", *row.values())
    return UUID(str(row["id"]))


async def test_rows_written_for_the_seed_have_defaults(db: Connection) -> None:
    await db.execute("""
        INSERT INTO queues (name) VALUES ('sales');
        INSERT INTO inbound_rules (name, did_pattern, destination_type) VALUES ('a', '1', 'queue');
        INSERT INTO ivr_menus (name) VALUES ('main');
        INSERT INTO ivr_menu_options (ivr_menu_id, dtmf_digit, action)
            SELECT id, '1', 'queue' FROM ivr_menus""")
    row = await db.fetchrow("""
        SELECT q.priority, weight::int, ring_seconds, wait_announcement_enabled, when_empty,
            exit_key, exit_destination_type, exit_destination_id, exit_destination_number,
            skill_relax_seconds, redial_window_seconds, break_after_misses, agent_prompt_id,
            callback_key, callback_tries, r.queue_priority, r.queue_skills,
            o.queue_priority AS chosen_priority, o.queue_skills AS chosen_skills
        FROM queues q, inbound_rules r, ivr_menu_options o""")
    assert row is not None
    assert {name: value for name, value in row.items() if value is not None} == {
        "priority": 0,
        "weight": 1,
        "ring_seconds": 20,
        "wait_announcement_enabled": True,
        "when_empty": "join",
        "redial_window_seconds": 0,
        "break_after_misses": 3,
        "callback_key": "1",
        "callback_tries": 3,
    }


@pytest.mark.parametrize(
    "change",
    [
        "weight = 0",
        "weight = 'NaN'",
        "weight = 'infinity'",
        "ring_seconds = 0",
        "when_empty = 'stay'",
        "exit_key = 'a'",
        "exit_key = ''",
        "exit_destination_type = 'hangup'",
        "skill_relax_seconds = 0",
        "redial_window_seconds = -1",
        "break_after_misses = -1",
        "callback_key = 'x'",
        "callback_tries = 0",
        "priority = NULL",
    ],
)
async def test_nonsense_is_refused(db: Connection, change: str) -> None:
    await new_queue(db)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=change.partition(" ")[0]):
        await db.execute(f"UPDATE queues SET {change}")


async def test_an_agents_prompt_may_go(db: Connection) -> None:
    await db.execute("""
        INSERT INTO media_files (name, file_type, storage_path) VALUES ('a', 'prompt', 'a');
        INSERT INTO queues (name, agent_prompt_id) SELECT 'sales', id FROM media_files;
        DELETE FROM media_files""")
    assert await db.fetchval("SELECT agent_prompt_id IS NULL FROM queues")


async def test_live_figures(db: Connection) -> None:
    """Waiting is who waits, whatever the exchange has answered; nothing multiplies."""
    sales = await new_queue(db)
    await new_queue(db, "empty")
    for number in ("1001", "1002", "1003"):
        await new_agent(db, number, sales)
    await db.execute("""
        UPDATE agent_slots SET engaged = TRUE FROM extensions
        WHERE id = extension_id AND number = '1003'""")
    now = await db.fetchval("SELECT now()")
    for ago in (10, 30):
        since = now - timedelta(seconds=ago)
        await enter(db, sales, entered_at=since, joined_at=since - timedelta(hours=1))
    talks = {"answered_at": now, "left_at": now, "left_how": "answered"}
    await enter(db, sales, **talks)
    await enter(db, sales, **talks, ended_at=now)
    await enter(db, sales, left_at=now, left_how="abandoned")
    rows = await db.fetch("SELECT * FROM queue_live_stats ORDER BY queue_name DESC")
    (name, *figures, wait), empty = (tuple(row)[1:] for row in rows)
    assert (name, figures) == ("sales", [2, 1, 2, 1])
    assert 20 <= wait <= 25
    assert empty == ("empty", 0, 0, 0, 0, None)


async def test_what_is_open_ends_with_the_call(db: Connection) -> None:
    sales, call, other = await new_queue(db), uuid4(), uuid4()
    for one in (call, other):
        await db.execute(ADD_CALL, one)
    waiting = await enter(db, sales, call)
    answered = {"answered_at": later(5), "left_at": later(5), "left_how": "answered"}
    talking = await enter(db, sales, call, **answered)
    done = await enter(db, sales, call, **answered, ended_at=later(8), ended_by="agent")
    left = await enter(db, sales, call, left_at=later(7), left_how="timeout")
    lives = await enter(db, sales, other)
    await db.execute(f"{END_CALL} WHERE id = $2", later(9), call)
    rows = await db.fetch("SELECT id, left_at, left_how, ended_at FROM queue_calls")
    assert {row["id"]: tuple(row)[1:] for row in rows} == {
        waiting: (later(9), "abandoned", None),
        talking: (later(5), "answered", later(9)),
        done: (later(5), "answered", later(8)),
        left: (later(7), "timeout", None),
        lives: (None, None, None),
    }


async def test_figures_are_found_by_index(db: Connection) -> None:
    """However many calls there were."""
    sales = await new_queue(db)
    await db.execute(
        """INSERT INTO queue_calls (id, call_id, queue_id, caller_number, joined_at, entered_at,
            answered_at, left_at, left_how, ended_at)
        SELECT gen_random_uuid(), gen_random_uuid(), $1, n, at, at, at, at, 'answered', at
        FROM generate_series(1, 20000) AS n
        CROSS JOIN LATERAL (SELECT $2::timestamptz + n * INTERVAL '1 s' AS at) AS t""",
        sales,
        START,
    )
    await db.execute("ANALYZE queue_calls")
    for condition, index in {
        "left_at IS NULL": "waiting",
        "answered_at IS NOT NULL AND ended_at IS NULL": "talking",
        "entered_at > '2026-03-02 14:30Z'": "entered_at",
        "answered_at > '2026-03-02 14:30Z'": "answered_at",
        "left_at > '2026-03-02 14:30Z'": "left_at",
        "ended_at > '2026-03-02 14:30Z'": "ended_at",
        "caller_number = '77'": "caller_number",
    }.items():
        query = f"EXPLAIN SELECT * FROM queue_calls WHERE queue_id = '{sales}' AND {condition}"
        assert f"idx_queue_calls_{index} " in str(await db.fetch(query))


TIMELINE: list[tuple[str, dict[str, Any], tuple[str | None, ...]]] = [
    ("ENTERQUEUE", {"position": 2, "priority": 0}, ("NONE", "", "030", "2")),
    ("RINGNOANSWER", {"agent": "1001", "seconds": 20.25}, ("1001", "20250")),
    ("RINGCANCELED", {"agent": "1001", "seconds": 3}, ("1001", "3000")),
    ("CONNECT", {"agent": "1001", "wait": 31.9, "ring": 4.2}, ("1001", "31", "", "4")),
    (
        "COMPLETEAGENT",
        {"agent": "1001", "wait": 31.9, "talk": 60.5, "position": 2},
        ("1001", "31", "60", "2"),
    ),
    (
        "COMPLETECALLER",
        {"agent": "1001", "wait": 1, "talk": 0, "position": 1},
        ("1001", "1", "0", "1"),
    ),
    ("ABANDON", {"position": 1, "original_position": 2, "wait": 7}, ("NONE", "1", "2", "7")),
    (
        "EXITWITHKEY",
        {"key": "9", "position": 1, "original_position": 2, "wait": 7.5},
        ("NONE", "9", "1", "2", "7"),
    ),
    (
        "EXITWITHTIMEOUT",
        {"position": 1, "original_position": 2, "wait": 7},
        ("NONE", "1", "2", "7"),
    ),
    ("EXITEMPTY", {"position": 1, "original_position": 2, "wait": 7}, ("NONE", "1", "2", "7")),
    ("FULL", {"reason": "closed"}, ("NONE", "closed")),
]


async def test_a_call_in_the_queue_log(db: Connection) -> None:
    sales, call = await new_queue(db), uuid4()
    await enter(db, sales, call, caller_number="030")
    steps = [*TIMELINE, ("position_told", {"position": 1}, ())]
    for n, (event, details, _) in enumerate(steps):
        told = json.dumps({"queue": "sales", **details})
        await db.execute(ADD_EVENT, call, n, later(n), event, told)
    rows = [tuple(row) for row in await db.fetch(LOG)]
    assert rows == [
        ("sales", agent, event, *(*data, *[None] * 5)[:5]) for event, _, (agent, *data) in TIMELINE
    ]
    assert {row[0] for row in await db.fetch("SELECT callid FROM queue_log")} == {str(call)}


async def test_details_that_are_missing_spoil_nothing(db: Connection) -> None:
    for n, (event, _, _) in enumerate(TIMELINE):
        await db.execute(ADD_EVENT, uuid4(), n, later(n), event, "{}")
    assert len(await db.fetch(LOG)) == len(TIMELINE)


def test_every_moment_of_a_queue_is_in_the_log() -> None:
    assert {moment for moment in Moment if moment.isupper()} == {event for event, _, _ in TIMELINE}


async def test_breaks_in_the_queue_log(db: Connection) -> None:
    anna = await new_agent(db, "1001", await new_queue(db))
    write = "UPDATE agent_states SET status = $1, reason_code = $2 WHERE queue_id IS NULL"
    await db.execute(write, "break", "lunch")
    await db.execute(write, "available", None)
    rows = [tuple(row)[:4] for row in await db.fetch(LOG)]
    assert rows == [
        ("NONE", "1001", "PAUSEALL", "lunch"),
        ("sales", "1001", "PAUSE", "lunch"),
        ("NONE", "1001", "UNPAUSEALL", "lunch"),
        ("sales", "1001", "UNPAUSE", "lunch"),
    ]
    await db.execute("DELETE FROM extensions")
    agents = {row[0] for row in await db.fetch("SELECT agent FROM queue_log")}
    assert agents == {str(anna)}


async def test_a_number_waits_once_to_be_called_back(db: Connection, heard: Heard) -> None:
    sales, support = await new_queue(db), await new_queue(db, "support")
    [told] = await heard(ADD_CALLBACK, sales, "030", "waiting")
    assert told == f"queue_callbacks:{await db.fetchval('SELECT id FROM queue_callbacks')}"
    with pytest.raises(asyncpg.UniqueViolationError):
        await db.execute(ADD_CALLBACK, sales, "030", "calling")
    await db.execute(ADD_CALLBACK, support, "030", "waiting")
    await db.execute("UPDATE queue_callbacks SET state = 'done'")
    await db.execute(ADD_CALLBACK, sales, "030", "waiting")
    for number, state in (("", "waiting"), ("031", "asleep")):
        with pytest.raises(asyncpg.CheckViolationError):
            await db.execute(ADD_CALLBACK, sales, number, state)
    assert await heard("DELETE FROM queues") != []
    assert await db.fetchval("SELECT count(*) FROM queue_callbacks") == 3
