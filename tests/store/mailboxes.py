"""Rows of mailboxes, for tests."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

AT = datetime(2026, 1, 1, 10, 0, tzinfo=UTC)

ADD_USER = """
    INSERT INTO users (email, password_hash, first_name, last_name, role, timezone)
    VALUES ($1, '!', 'Anna', 'Albers', 'user', 'Europe/Lisbon') RETURNING id"""
ADD_EXTENSION = """
    INSERT INTO extensions (number, sip_password, user_id, voicemail_pin)
    VALUES ($1, 'x', $2, $3) RETURNING id"""
ADD_MESSAGE = """
    INSERT INTO voicemail_messages (voicemail_box_id, caller_number, storage_path, duration_seconds)
    VALUES ($1, '030', $2, 3) RETURNING id"""


async def new_box(
    db: asyncpg.Connection, number: str = "1001", *, mail: str | None = None, pin: str | None = None
) -> UUID:
    """Make an extension, with a user if it has a `mail` address; return the id of its mailbox."""
    user = await db.fetchval(ADD_USER, mail) if mail else None
    extension = await db.fetchval(ADD_EXTENSION, number, user, pin)
    box: UUID = await db.fetchval(
        "SELECT id FROM voicemail_boxes WHERE extension_id = $1", extension
    )
    return box


async def leave(db: asyncpg.Connection, box: UUID, path: str = "a", **columns: Any) -> UUID:
    """Put a message into a box; return its id."""
    message: UUID = await db.fetchval(ADD_MESSAGE, box, path)
    for column, value in columns.items():
        change = f"UPDATE voicemail_messages SET {column} = $2 WHERE id = $1"
        await db.execute(change, message, value)
    return message
