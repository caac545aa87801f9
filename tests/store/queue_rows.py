"""Rows of queues, their calls and their agents, for tests."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg

Connection = asyncpg.Connection

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ADD_QUEUE = "INSERT INTO queues (name, created_at) VALUES ($1, $2) RETURNING id"
ADD_EXTENSION = "INSERT INTO extensions (number, sip_password) VALUES ($1, 'x') RETURNING id"
ADD_MEMBER = "INSERT INTO queue_members (queue_id, extension_id) VALUES ($1, $2)"


async def new_queue(db: Connection, name: str = "support", created_at: datetime = LONG_AGO) -> UUID:
    queue: UUID = await db.fetchval(ADD_QUEUE, name, created_at)
    return queue


async def enter(db: Connection, queue: UUID, entered_at: datetime, **columns: Any) -> UUID:
    """Add a call of the queue; return its id. It came to the first place."""
    row = {
        "id": uuid4(),
        "call_id": uuid4(),
        "queue_id": queue,
        "joined_at": entered_at,
        "entered_at": entered_at,
        "position": 1,
    } | columns
    places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
    await db.execute(f"INSERT INTO queue_calls ({', '.join(row)}) VALUES ({places})", *row.values())
    return UUID(str(row["id"]))


async def answered(
    db: Connection, queue: UUID, entered_at: datetime, wait: float, talk: float, **columns: Any
) -> UUID:
    then = entered_at + timedelta(seconds=wait)
    ended: dict[str, Any] = {"ended_at": then + timedelta(seconds=talk), "talk_seconds": talk}
    gone = {"answered_at": then, "left_at": then, "left_how": "answered"}
    return await enter(db, queue, entered_at, **gone, **ended, **columns)


async def left(
    db: Connection, queue: UUID, entered_at: datetime, wait: float, how: str, **columns: Any
) -> UUID:
    then = entered_at + timedelta(seconds=wait)
    return await enter(db, queue, entered_at, left_at=then, left_how=how, ended_at=then, **columns)


async def new_agents(db: Connection, queues: Sequence[UUID], count: int) -> list[UUID]:
    """Make extensions that are members of all the queues."""
    agents = [await db.fetchval(ADD_EXTENSION, str(1001 + place)) for place in range(count)]
    for queue in queues:
        await db.executemany(ADD_MEMBER, [(queue, agent) for agent in agents])
    return agents


async def changed(db: Connection, agent: UUID, change: str, then: datetime, **more: Any) -> None:
    one = {"extension_id": str(agent), "change": change, "at": then.isoformat(), **more}
    await db.execute("SELECT change_agents($1::jsonb)", json.dumps([one]))
