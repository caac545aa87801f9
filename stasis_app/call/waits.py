"""How long callers wait in each queue, learnt from those who were answered."""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial
from uuid import UUID

from stasis_app.rules.estimate import REMEMBERED, Estimate

from .stock import Agents, Wait

SAME_SECONDS = 0.05
"""What we have learnt and what is written of one call differ by less."""


class Waits:
    """An estimate for each queue; what was before this process is read when first asked for.

    What is learnt until then counts at once, and is newer than what is read.
    """

    def __init__(self, agents: Agents) -> None:
        self._agents = agents
        self._estimates: dict[UUID, Estimate] = {}
        self._since: dict[UUID, deque[Wait]] = {}
        self._complete: set[UUID] = set()
        self._reading: dict[UUID, asyncio.Task[None]] = {}

    def prepare(self, queue: UUID) -> None:
        """Begin to read what was before, so that it is there when it is asked for."""
        if queue in self._complete or queue in self._reading:
            return
        task = asyncio.create_task(self._read(queue), name="waits")
        self._reading[queue] = task
        task.add_done_callback(partial(self._has_read, queue))

    def learn(self, queue: UUID, position: int, seconds: float) -> None:
        self.prepare(queue)
        self._of(queue).learn(position, seconds)
        if queue not in self._complete:
            since = self._since.setdefault(queue, deque(maxlen=REMEMBERED))
            since.append(Wait(position, seconds))

    def seconds(self, queue: UUID, position: int) -> float | None:
        """Return how long a call waits from this place; None: not known."""
        self.prepare(queue)
        return self._of(queue).seconds(position)

    def _of(self, queue: UUID) -> Estimate:
        return self._estimates.setdefault(queue, Estimate())

    async def _read(self, queue: UUID) -> None:
        """Without Postgres nothing is known of before: it is read when next asked for."""
        try:
            before = await self._agents.waits(queue)
        except ConnectionError:
            return
        since = self._since.pop(queue, ())
        estimate = self._estimates[queue] = Estimate()
        for wait in (*_without(before, since), *since):
            estimate.learn(wait.position, wait.seconds)
        self._complete.add(queue)

    def _has_read(self, queue: UUID, _: asyncio.Task[None]) -> None:
        del self._reading[queue]


def _without(before: Iterable[Wait], since: Iterable[Wait]) -> Iterator[Wait]:
    """Return what was before without what we have learnt ourselves and is written already."""
    ours = list(since)
    for wait in before:
        same = next((one for one in ours if _are_same(one, wait)), None)
        if same:
            ours.remove(same)
        else:
            yield wait


def _are_same(one: Wait, other: Wait) -> bool:
    return one.position == other.position and abs(one.seconds - other.seconds) < SAME_SECONDS
