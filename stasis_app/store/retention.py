"""Deletes the messages whose time is over. Their objects follow (see `removals`)."""

import asyncpg

from .connection import connected

SECONDS = 60.0
BATCH = 500

# one by one, so that each has an index of its own: unread messages may be old, and many
BATCHWISE = """
DELETE FROM voicemail_messages WHERE id = ANY (ARRAY(
    SELECT id FROM voicemail_messages WHERE {} LIMIT $1 FOR UPDATE SKIP LOCKED))
"""
PURGE_READ = BATCHWISE.format("delete_at <= now() AND is_read ORDER BY delete_at")
PURGE_ALL = BATCHWISE.format("delete_at <= now() ORDER BY delete_at")
PURGE_DELETED = BATCHWISE.format(
    "deleted_at <= now() - make_interval(secs => 86400 * $2::float8) ORDER BY deleted_at"
)


async def purge(dsn: str, *, delete_unread: bool, trash_days: float, batch: int = BATCH) -> int:
    """Delete what retention or the owner has given up; return how many messages.

    `delete_unread`: also messages that nobody has heard. Each batch is a transaction of its own.
    Raises ConnectionError.
    """
    async with connected(dsn, "old messages can't be deleted", SECONDS) as connection:
        kept_long_enough = PURGE_ALL if delete_unread else PURGE_READ
        return await _purge(connection, kept_long_enough, batch) + await _purge(
            connection, PURGE_DELETED, batch, trash_days
        )


async def _purge(
    connection: asyncpg.Connection, statement: str, batch: int, *arguments: float
) -> int:
    purged, deleted = 0, batch
    while deleted == batch:
        status: str = await connection.execute(statement, batch, *arguments)
        deleted = int(status.rpartition(" ")[2])
        purged += deleted
    return purged
