"""Rows of queues and their agents, for tests."""

from typing import Any
from uuid import UUID

import asyncpg

ADD_QUEUE = "INSERT INTO queues (name) VALUES ($1) RETURNING id"
ADD_EXTENSION = "INSERT INTO extensions (number, sip_password) VALUES ($1, 'x') RETURNING id"
ADD_MEMBER = "INSERT INTO queue_members (queue_id, extension_id) VALUES ($1, $2)"


async def new_queue(db: asyncpg.Connection, name: str = "sales", **columns: Any) -> UUID:
    queue: UUID = await db.fetchval(ADD_QUEUE, name)
    for column, value in columns.items():
        await db.execute(f"UPDATE queues SET {column} = $2 WHERE id = $1", queue, value)
    return queue


async def new_agent(db: asyncpg.Connection, number: str, *queues: UUID) -> UUID:
    """Make an extension that is a member of the queues; return its id."""
    extension: UUID = await db.fetchval(ADD_EXTENSION, number)
    for queue in queues:
        await db.execute(ADD_MEMBER, queue, extension)
    return extension


async def slot_of(db: asyncpg.Connection, extension: UUID) -> asyncpg.Record:
    row = await db.fetchrow("SELECT * FROM agent_slots WHERE extension_id = $1", extension)
    assert row is not None
    return row
