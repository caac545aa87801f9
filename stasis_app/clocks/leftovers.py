"""Deletes recordings in Asterisk that no delivery knows, long after their calls.

There are none, unless Asterisk did not find one when it was to delete it, or the journal could not
be written.
"""

import asyncio
import contextlib

import structlog

from stasis_app.ari.door import Door
from stasis_app.ari.errors import AriError, Gone
from stasis_app.store.deliveries import Deliveries

log = structlog.get_logger()

EVERY_SECONDS = 86400.0


async def sweep_recordings(door: Door, deliveries: Deliveries) -> None:
    while True:
        await door.connected.wait()
        try:
            await _sweep(door, deliveries)
        except (AriError, ConnectionError) as error:
            log.warning(
                "chore not done", action="chore_failed", chore="leftovers", error=str(error)
            )
        await asyncio.sleep(EVERY_SECONDS)


async def _sweep(door: Door, deliveries: Deliveries) -> None:
    for name in await deliveries.left_over(await door.stored_recordings()):
        if await door.recording_lives(name):
            continue
        with contextlib.suppress(Gone):
            await door.delete_recording(name)
        log.warning("nobody knew a recording", action="recording_swept", recording=name)
