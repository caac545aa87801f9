"""Tells phones how many messages wait in their mailboxes (MWI)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from itertools import islice
from typing import TypeVar

import structlog

from stasis_app.ari.door import Door
from stasis_app.ari.errors import AriError
from stasis_app.store.directory import Directory

from .keeping import woken

log = structlog.get_logger()

TABLE = "mailbox_counts"
LOOK_AGAIN_SECONDS = 60.0
TRY_AGAIN_SECONDS = 2.0
BATCH = 100
SLICE_ROWS = 1000

T = TypeVar("T")

Counts = tuple[int, int]
EMPTY: Counts = (0, 0)


class Lamps:
    """Tells Asterisk what has changed, and everything when it has restarted: it forgets.

    Boxes with messages come first. A box that is gone is told to be empty.
    """

    def __init__(self, directory: Directory, door: Door) -> None:
        self._book = directory.book
        self._changed = directory.watch(TABLE)
        self._door = door
        self._told: dict[str, Counts] = {}
        self._started_at: datetime | None = None

    def connected(self) -> None:
        """Look whether Asterisk is still the same."""
        self._changed.set()

    async def follow(self) -> None:
        while True:
            pause = LOOK_AGAIN_SECONDS
            self._changed.clear()
            if self._door.connected.is_set():
                try:
                    await self._sync()
                except AriError as error:
                    log.warning("lamps not told", action="lamps_failed", error=str(error))
                    pause = TRY_AGAIN_SECONDS
            await woken(self._changed, pause)

    async def _sync(self) -> None:
        started_at = await self._door.started_at()
        if started_at != self._started_at:
            self._told.clear()
            self._started_at = started_at
        different = iter(await self._different())
        while batch := dict(islice(different, BATCH)):
            await self._door.put_mailboxes(batch)
            self._told.update(batch)
            if self._changed.is_set():
                return  # what is new comes before what is left

    async def _different(self) -> list[tuple[str, Counts]]:
        """Return what Asterisk does not know yet, giving way to calls in between."""
        wanted = {}
        async for box in _in_slices(tuple(self._book.mailbox_counts.items.values())):
            wanted[box.number] = (box.unread, box.read)
        gone = [number for number in self._told if number not in wanted]
        found = [(number, EMPTY) for number in gone if self._told[number] != EMPTY]
        async for number, counts in _in_slices(tuple(wanted.items())):
            if self._told.get(number) != counts:
                found.append((number, counts))
        for number in gone:
            if self._told[number] == EMPTY:
                del self._told[number]
        return sorted(found, key=lambda one: not one[1][0])


async def _in_slices(rows: Sequence[T]) -> AsyncIterator[T]:
    for place, row in enumerate(rows):
        yield row
        if not place % SLICE_ROWS:
            await asyncio.sleep(0)
