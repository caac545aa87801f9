"""Sweeps expired registrations every minute and makes the partitions of `cdr` ahead every day."""

import asyncio

import structlog

from stasis_app.store import housekeeping

log = structlog.get_logger()

EVERY_SECONDS = {"registrations": 60.0, "partitions": 86400.0}


async def keep_house(dsn: str) -> None:
    async with asyncio.TaskGroup() as clocks:
        for chore, seconds in EVERY_SECONDS.items():
            clocks.create_task(_repeat(dsn, chore, seconds), name=f"clock {chore}")


async def _repeat(dsn: str, chore: str, seconds: float) -> None:
    while True:
        try:
            await housekeeping.do(dsn, chore)
        except ConnectionError as error:
            log.warning("chore not done", action="chore_failed", chore=chore, error=str(error))
        await asyncio.sleep(seconds)
