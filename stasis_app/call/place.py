"""The place of a waiting caller in the line of a queue."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID


@dataclass(eq=False, slots=True)
class Place:
    """`offered` gets the agents who are reserved for the call.

    `changed` is set when the queue or its agents are other than before. Of who is not there yet,
    but must be called, `absent_seconds` says how long that takes at the most: the agents wait.
    `skills` are those asked for now; `spared` are agents who get no offer until then (loop time).
    """

    call: UUID
    queue: UUID
    joined_at: datetime
    skills: tuple[str, ...]
    _position: Callable[[UUID], int]
    offered: asyncio.Future[tuple[UUID, ...]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    absent_seconds: float = 0.0
    spared: dict[UUID, float] = field(default_factory=dict)

    @property
    def position(self) -> int:
        """Return how many are before, and one: the head of the line is 1."""
        return self._position(self.call)

    def take(self) -> tuple[UUID, ...]:
        """Take the agents who are offered, and see to it that they are freed again."""
        agents = self.offered.result()
        self.offered = asyncio.get_running_loop().create_future()
        return agents

    async def happening(self, others: Iterable[asyncio.Future[Any]], seconds: float | None) -> None:
        """Return when agents are offered, the queue has changed, or one of the others is done."""
        changed = asyncio.ensure_future(self.changed.wait())
        try:
            awaited: set[asyncio.Future[Any]] = {self.offered, changed, *others}
            await asyncio.wait(
                awaited,
                timeout=seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            changed.cancel()
            self.changed.clear()


class Kept(NamedTuple):
    """A place, the `line` to close when it is given up, and the agent who is reserved for it."""

    line: ExitStack
    place: Place
    agent: UUID
