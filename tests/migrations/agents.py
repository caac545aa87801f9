"""Agents in SQL: rows to begin with, what the application tells, and what can be seen."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg

Connection = asyncpg.Connection
State = tuple[str | None, str, str | None]

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

ADD_EXTENSION = """
    INSERT INTO extensions (number, sip_password, voicemail_enabled) VALUES ($1, 'x', FALSE)
    RETURNING id"""
ADD_QUEUE = "INSERT INTO queues (name) VALUES ($1) RETURNING id"
ADD_MEMBER = "INSERT INTO queue_members (queue_id, extension_id) VALUES ($1, $2)"
STATES = """
    SELECT name, state.status, reason_code
    FROM agent_states AS state LEFT JOIN queues ON queues.id = queue_id
    WHERE extension_id = $1 ORDER BY name NULLS FIRST"""
HISTORY = """
    SELECT status, reason_code, until_at FROM agent_state_changes
    WHERE extension_id = $1 AND queue_id IS NOT DISTINCT FROM $2::uuid ORDER BY id"""
WANTED = (
    "SELECT wanted, wanted_reason FROM agent_states WHERE extension_id = $1 AND queue_id IS NULL"
)
UNTRUE = """
    SELECT state.id FROM agent_states AS state
    LEFT JOIN agent_states AS agent
        ON agent.extension_id = state.extension_id AND agent.queue_id IS NULL
    JOIN agent_slots AS slot ON slot.extension_id = state.extension_id
    CROSS JOIN LATERAL agent_status(coalesce(agent.wanted, 'available'), slot) AS all_queues
    WHERE state.status <> CASE WHEN all_queues = 'available' AND state.queue_id IS NOT NULL
        THEN state.wanted ELSE all_queues END"""
MISTOLD = """
    SELECT state.extension_id, state.queue_id, state.status, open.status
    FROM agent_states AS state FULL JOIN (
        SELECT * FROM agent_state_changes WHERE until_at IS NULL) AS open
    ON (state.extension_id, state.status) = (open.extension_id, open.status)
        AND state.queue_id IS NOT DISTINCT FROM open.queue_id
        AND state.reason_code IS NOT DISTINCT FROM open.reason_code
    WHERE state.id IS NULL OR open.id IS NULL"""
TORN = """
    SELECT one.id FROM agent_state_changes AS one JOIN agent_state_changes AS two
    ON one.extension_id = two.extension_id AND one.queue_id IS NOT DISTINCT FROM two.queue_id
        AND one.id < two.id
    WHERE one.until_at IS NULL OR one.until_at > two.from_at OR one.from_at > one.until_at"""


async def new_queue(db: Connection, name: str = "sales") -> UUID:
    queue: UUID = await db.fetchval(ADD_QUEUE, name)
    return queue


async def new_agent(db: Connection, number: str, *queues: UUID) -> UUID:
    """Make an extension that is a member of the queues; return its id."""
    extension: UUID = await db.fetchval(ADD_EXTENSION, number)
    for queue in queues:
        await db.execute(ADD_MEMBER, queue, extension)
    return extension


async def states(db: Connection, extension: UUID) -> list[State]:
    """(queue, status, reason) of each row of an agent, first that without a queue."""
    return [tuple(row) for row in await db.fetch(STATES, extension)]


async def history(db: Connection, extension: UUID, queue: UUID | None = None) -> list[Any]:
    """(status, reason) of each interval that lasted or goes on."""
    rows = await db.fetch(HISTORY, extension, queue)
    return [(row["status"], row["reason_code"]) for row in rows]


async def told(db: Connection, *changes: dict[str, Any]) -> None:
    await db.execute("SELECT change_agents($1::jsonb)", json.dumps(changes, default=str))


async def wants(db: Connection, extension: UUID) -> tuple[str, str | None]:
    row = await db.fetchrow(WANTED, extension)
    assert row is not None
    return row["wanted"], row["wanted_reason"]


async def slot(db: Connection, extension: UUID) -> asyncpg.Record:
    row = await db.fetchrow("SELECT * FROM agent_slots WHERE extension_id = $1", extension)
    assert row is not None
    return row


async def reserve(db: Connection, extension: UUID, queue: UUID) -> UUID:
    """Offer a call to an agent as the application does; return the call."""
    call = uuid4()
    await db.execute(
        """UPDATE agent_slots SET call_id = $2, queue_id = $3, talking_since = NULL,
            reserved_until = now() + INTERVAL '30 s' WHERE extension_id = $1""",
        *(extension, call, queue),
    )
    return call


def later(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def change(extension: UUID, word: str, seconds: float = 0, **more: Any) -> dict[str, Any]:
    """What happened so many seconds after START."""
    return {
        "extension_id": extension,
        "change": word,
        "at": later(seconds).isoformat(),
        **{
            key: value.isoformat() if isinstance(value, datetime) else value
            for key, value in more.items()
        },
    }


async def assert_true(db: Connection) -> None:
    """Each status follows from what is wanted and done, and the history says the same."""
    assert await db.fetch(UNTRUE) == []
    assert await db.fetch(MISTOLD) == []
    assert await db.fetch(TORN) == []
