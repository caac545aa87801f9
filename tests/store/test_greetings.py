"""Greetings that are chosen while somebody else changes media files and mailboxes."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from stasis_app.rules.mailbox import Greeting
from stasis_app.store.greetings import set_greeting
from tests.support.until import until

from .mailboxes import new_box

Connection = asyncpg.Connection
ADD_MEDIA = """
    INSERT INTO media_files (name, file_type, storage_path, recorded_for)
    VALUES ('a', 'greeting', 'a', $1) RETURNING id"""
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"
DELETE = "DELETE FROM media_files WHERE id = $1"
CHOSEN = "SELECT greeting_prompt_id FROM voicemail_boxes"


@pytest.fixture
async def admin(dsn: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


async def recorded(db: Connection) -> tuple[UUID, UUID]:
    """A mailbox, and its greeting that was recorded by phone."""
    box = await new_box(db)
    media: UUID = await db.fetchval(ADD_MEDIA, box)
    assert await set_greeting(db, box, Greeting.UNAVAILABLE, media)
    return box, media


async def test_who_deletes_the_file_is_waited_for(db: Connection, admin: Connection) -> None:
    """With the mailbox locked meanwhile the two would wait for each other."""
    box, media = await recorded(db)
    async with admin.transaction():
        await admin.execute("SELECT FROM media_files WHERE id = $1 FOR UPDATE", media)
        choosing = asyncio.create_task(set_greeting(db, box, Greeting.UNAVAILABLE, None))
        await until(lambda: admin.fetchval(WAITING))
        await admin.execute("SELECT FROM voicemail_boxes FOR UPDATE NOWAIT")
        await admin.execute(DELETE, media)
    assert await choosing
    assert await db.fetchval("SELECT count(*) FROM media_files") == 0


@pytest.mark.parametrize("within", [False, True])
async def test_a_deadlock_is_tried_again(
    db: Connection, admin: Connection, *, within: bool
) -> None:
    """Also in a transaction that has done something before."""
    box, media = await recorded(db)
    outer = db.transaction()
    if within:
        await outer.start()
    newer = await db.fetchval(ADD_MEDIA, box)
    async with admin.transaction():
        await admin.execute("UPDATE voicemail_boxes SET pin = '1'")
        choosing = asyncio.create_task(set_greeting(db, box, Greeting.UNAVAILABLE, newer))
        await until(lambda: admin.fetchval(WAITING))
        await admin.execute(DELETE, media)
    assert await choosing
    if within:
        await outer.commit()
    assert await admin.fetchval(CHOSEN) == newer
