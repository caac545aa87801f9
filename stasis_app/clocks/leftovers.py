"""Tells of recordings in Asterisk that no delivery knows, and deletes them a week after the call.

There are none, unless Asterisk did not find one when it was to delete it, or the journal could not
be written.
"""

import asyncio
import contextlib
from collections.abc import Mapping

import structlog

from stasis_app.ari.door import Door
from stasis_app.ari.errors import AriError, Gone
from stasis_app.store.deliveries import Deliveries

log = structlog.get_logger()

EVERY_SECONDS = 3600.0


async def sweep_recordings(door: Door, deliveries: Deliveries) -> None:
    seen: dict[str, bool] = {}
    while True:
        await door.connected.wait()
        try:
            seen = await _sweep(door, deliveries, seen)
        except (AriError, ConnectionError) as error:
            log.warning(
                "chore not done", action="chore_failed", chore="leftovers", error=str(error)
            )
        await asyncio.sleep(EVERY_SECONDS)


async def _sweep(door: Door, deliveries: Deliveries, seen: Mapping[str, bool]) -> dict[str, bool]:
    """Return what is there, and whether it was told.

    What the journal says of a call that nobody knows may be on its way: it is looked at again.
    """
    left: dict[str, bool] = {}
    for one in await deliveries.left_over(await door.stored_recordings()):
        name = one.recording
        if await door.recording_lives(name):
            continue
        left[name] = one.of_ended or name in seen
        if left[name] and not seen.get(name):
            log.warning("nobody delivers a recording", action="recording_lost", recording=name)
        if one.old:
            with contextlib.suppress(Gone):
                await door.delete_recording(name)
            log.warning("nobody knew a recording", action="recording_swept", recording=name)
    return left
