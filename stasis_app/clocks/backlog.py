"""Counts what should have arrived by now, for /healthz."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

log = structlog.get_logger()

EVERY_SECONDS = 10.0

Count = Callable[[], Awaitable[int]]


class Backlog:
    """`waiting` says how many of each kind have waited for more than a minute, as last counted."""

    def __init__(self, counts: Mapping[str, Count]) -> None:
        self._counts = counts
        self.waiting = dict.fromkeys(counts, 0)

    async def follow(self) -> None:
        while True:
            for kind, count in self._counts.items():
                await self._look(kind, count)
            await asyncio.sleep(EVERY_SECONDS)

    async def _look(self, kind: str, count: Count) -> None:
        try:
            found = await count()
        except ConnectionError as error:
            log.debug("backlog not counted", action="backlog_unknown", error=str(error))
            return
        if found and not self.waiting[kind]:
            log.warning("something is waiting", action="backlog", kind=kind, count=found)
        self.waiting[kind] = found
