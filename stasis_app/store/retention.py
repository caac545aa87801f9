"""Deletes the messages whose time is over. Their objects follow (see `removals`)."""

from .connection import connected

SECONDS = 60.0
BATCH = 500

PURGE = """
DELETE FROM voicemail_messages WHERE id = ANY (ARRAY(
    SELECT id FROM voicemail_messages
    WHERE (delete_at <= now() AND (is_read OR $1))
        OR deleted_at <= now() - make_interval(secs => 86400 * $2::float8)
    LIMIT $3 FOR UPDATE SKIP LOCKED))
"""


async def purge(dsn: str, *, delete_unread: bool, trash_days: float, batch: int = BATCH) -> int:
    """Delete what retention or the owner has given up; return how many messages.

    `delete_unread`: also messages that nobody has heard. Each batch is a transaction of its own.
    Raises ConnectionError.
    """
    purged = 0
    async with connected(dsn, "old messages can't be deleted", SECONDS) as connection:
        while True:
            status: str = await connection.execute(PURGE, delete_unread, trash_days, batch)
            deleted = int(status.rpartition(" ")[2])
            purged += deleted
            if deleted < batch:
                return purged
