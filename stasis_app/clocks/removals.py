"""Removes the objects that no row uses any more."""

import asyncio

import structlog

from stasis_app.media.objects import Missing, ObjectError, Objects
from stasis_app.store import removals
from stasis_app.store.removals import Removal

from .keeping import woken

log = structlog.get_logger()

TABLE = "object_removals"
LOOK_AGAIN_SECONDS = 30.0
TRY_AGAIN_SECONDS = 5.0
BATCH = 100


async def remove_objects(dsn: str, objects: Objects, changed: asyncio.Event) -> None:
    """Remove what is due, for ever; `changed` is set when there is more."""
    while True:
        changed.clear()
        try:
            pause = await _remove_due(dsn, objects)
        except ConnectionError as error:
            log.warning("objects stay", action="removals_wait", error=str(error))
            pause = TRY_AGAIN_SECONDS
        await woken(changed, pause)


async def _remove_due(dsn: str, objects: Objects) -> float:
    """Return after how many seconds to look again."""
    while due := await removals.due(dsn, BATCH):
        removed = []
        failed = None
        for removal in due:
            failed = await _remove(objects, removal)
            if failed:
                break
            removed.append(removal.storage_path)
        await removals.done(dsn, removed)
        if failed:
            log.warning("objects stay", action="removals_wait", error=failed)
            await removals.fail(dsn, due[len(removed)], failed)
            return TRY_AGAIN_SECONDS
    return LOOK_AGAIN_SECONDS


async def _remove(objects: Objects, removal: Removal) -> str | None:
    """Return what went wrong. An object that is not there is gone."""
    try:
        await objects.remove(removal.storage_path)
    except Missing:
        return None
    except ObjectError as error:
        return str(error)
    return None
