"""The greetings of a mailbox: which column holds which, and what becomes of an old one."""

from uuid import UUID

import asyncpg

from stasis_app.rules.mailbox import Greeting

COLUMNS = {
    Greeting.UNAVAILABLE: "greeting_prompt_id",
    Greeting.BUSY: "busy_greeting_prompt_id",
    Greeting.TEMPORARY: "temporary_greeting_prompt_id",
    Greeting.NAME: "name_prompt_id",
}

DELETE_UNUSED = f"""
DELETE FROM media_files WHERE id = $2 AND recorded_for = $1
    AND NOT EXISTS (SELECT FROM voicemail_boxes WHERE $2 IN ({", ".join(COLUMNS.values())}))
"""  # noqa: S608


# who deletes a media file has locked it before its mailboxes are changed: the same order here
LOCK_MEDIA = "SELECT FROM media_files WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE"


async def set_greeting(
    connection: asyncpg.Connection, box: UUID, greeting: Greeting, media: UUID | None
) -> bool:
    """Use a media file as a greeting, None for that of the exchange. False: there is no such box.

    The one it replaces is deleted if it was recorded for this box by phone and serves no other.
    A deadlock is tried again once; in a transaction only this part of it.
    """
    try:
        return await _set_greeting(connection, box, greeting, media)
    except asyncpg.DeadlockDetectedError:
        return await _set_greeting(connection, box, greeting, media)


async def _set_greeting(
    connection: asyncpg.Connection, box: UUID, greeting: Greeting, media: UUID | None
) -> bool:
    column = COLUMNS[greeting]
    known = f"SELECT {column} FROM voicemail_boxes WHERE id = $1"  # noqa: S608
    change = f"UPDATE voicemail_boxes SET {column} = $2 WHERE id = $1"  # noqa: S608
    async with connection.transaction():
        replaced = await connection.fetchval(known, box)
        await connection.execute(LOCK_MEDIA, [one for one in (replaced, media) if one])
        row = await connection.fetchrow(f"{known} FOR NO KEY UPDATE", box)
        if row is None:
            return False
        await connection.execute(change, box, media)
        if row[0] is not None:
            await connection.execute(DELETE_UNUSED, box, row[0])
    return True
