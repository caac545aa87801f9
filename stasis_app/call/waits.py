"""How long callers wait in each queue, learnt from those who were answered."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from stasis_app.rules.estimate import Estimate

from .stock import Agents, Wait


class Waits:
    """An estimate for each queue; what was before this process is read when first asked for."""

    def __init__(self, agents: Agents) -> None:
        self._agents = agents
        self._estimates: dict[UUID, Estimate] = {}
        self._reading: set[asyncio.Task[None]] = set()

    def prepare(self, queue: UUID) -> None:
        """Begin to read what was before, so that it is there when it is asked for."""
        self._of(queue)

    def learn(self, queue: UUID, position: int, seconds: float) -> None:
        self._of(queue).learn(position, seconds)

    def seconds(self, queue: UUID, position: int) -> float | None:
        """Return how long a call waits from this place; None: not known."""
        return self._of(queue).seconds(position)

    def _of(self, queue: UUID) -> Estimate:
        found = self._estimates.get(queue)
        if found is None:
            found = self._estimates[queue] = Estimate()
            task = asyncio.create_task(self._read(queue), name="waits")
            self._reading.add(task)
            task.add_done_callback(self._reading.discard)
        return found

    async def _read(self, queue: UUID) -> None:
        """Without Postgres nothing is known of before."""
        waits: Sequence[Wait] = ()
        try:
            waits = await self._agents.waits(queue)
        except ConnectionError:
            del self._estimates[queue]
        for wait in waits:
            self._of(queue).learn(wait.position, wait.seconds)
