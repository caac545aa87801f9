"""Deletes messages whose time is over, as mailboxes and `system_settings` say."""

import asyncio

import structlog

from stasis_app.store import retention
from stasis_app.store.directory import Directory

log = structlog.get_logger()

EVERY_SECONDS = 60.0
TRASH_DAYS = 1.0
MOST_DAYS = 36500.0


async def keep_retention(dsn: str, directory: Directory) -> None:
    """Look every minute, once the settings are known."""
    await directory.ready.wait()
    while True:
        settings = directory.book.settings
        try:
            purged = await retention.purge(
                dsn,
                delete_unread=settings.flag("voicemail.delete_unread"),
                trash_days=min(settings.number("voicemail.trash_days", TRASH_DAYS), MOST_DAYS),
            )
        except ConnectionError as error:
            log.warning("old messages stay", action="retention_failed", error=str(error))
        else:
            if purged:
                log.info("old messages deleted", action="messages_purged", count=purged)
        await asyncio.sleep(EVERY_SECONDS)
