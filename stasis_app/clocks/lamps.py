"""Tells phones how many messages wait in their mailboxes (MWI)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from itertools import islice, takewhile
from typing import TypeVar

import structlog

from stasis_app.ari.door import Door
from stasis_app.ari.errors import AriError, Gone
from stasis_app.store.directory import Directory

from .keeping import woken

log = structlog.get_logger()

TABLE = "mailbox_counts"
LOOK_AGAIN_SECONDS = 60.0
TRY_AGAIN_SECONDS = 2.0
REMIND_SECONDS = 2.0
"""So long Asterisk may hold a phone in its cache without its mailbox (sorcery.conf)."""

BATCH = 100
SLICE_ROWS = 1000

T = TypeVar("T")

Counts = tuple[int, int]
EMPTY: Counts = (0, 0)

Contacts = Callable[[Collection[str]], Awaitable[Mapping[str, str]]]
"""Returns the contact of a registered phone of each extension that has one (see store.lamps)."""


class Lamps:
    """Tells Asterisk what has changed, and everything when it has restarted: it forgets.

    Boxes with messages come first. A box that is gone is told to be empty. Phones that registered
    before Asterisk knew of their box are reminded of it.
    """

    def __init__(self, directory: Directory, door: Door, contacts: Contacts) -> None:
        self._book = directory.book
        self._changed = directory.watch(TABLE)
        self._door = door
        self._contacts = contacts
        self._told: dict[str, Counts] = {}
        self._reminders: dict[str, float] = {}
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
                    pause = self._until_reminder()
                except (AriError, ConnectionError) as error:
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
            due = asyncio.get_running_loop().time() + REMIND_SECONDS
            self._reminders |= {one: due for one in batch if one not in self._told}
            self._told.update(batch)
            if self._changed.is_set():
                return  # what is new comes before what is left
        await self._remind()

    async def _remind(self) -> None:
        """Remind some of the phones that are due; what is new comes before the rest."""
        now = asyncio.get_running_loop().time()
        due = takewhile(lambda one: self._reminders[one] <= now, self._reminders)
        numbers = tuple(islice(due, BATCH))
        if not numbers:
            return
        for contact in (await self._contacts(numbers)).values():
            with contextlib.suppress(Gone):
                await self._door.remind_phones(contact)
        for number in numbers:
            del self._reminders[number]

    def _until_reminder(self) -> float:
        first = next(iter(self._reminders.values()), None)
        if first is None:
            return LOOK_AGAIN_SECONDS
        return max(first - asyncio.get_running_loop().time(), 0.0)

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
