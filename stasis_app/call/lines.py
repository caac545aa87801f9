"""The lines of the queues: who waits, at which place, and whom he is not offered to."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from stasis_app.rules.book import Book
from stasis_app.rules.dispatch import Dispatch, Seat, Waiting
from stasis_app.rules.queues import Queue
from stasis_app.words import QueueStrategy, WhenEmpty

from .journal import Write
from .occupancy import Occupancy
from .place import Place
from .staff import Staff

MEMORY_SECONDS = 60.0


class Lines(Staff):
    """Who waits in this process, beside the agents. What is decided is the concern of `Floor`."""

    def __init__(self, book: Book, write: Write, engaged: Occupancy) -> None:
        super().__init__(book, write, engaged)
        self._dispatch = Dispatch()
        self.places: dict[UUID, Place] = {}
        self._lines: dict[UUID, set[Place]] = {}
        self._sparing: set[Place] = set()
        self._absent: Counter[UUID] = Counter()
        self._order = 0
        self._left_behind: dict[UUID, list[UUID]] = {}

    def _decide_soon(self) -> None:
        """Decide once over all that happens in this moment."""
        raise NotImplementedError

    def _gather(self, call: UUID) -> None:
        """Take note of one who stands in line."""
        raise NotImplementedError

    @contextmanager
    def line_up(
        self,
        call: UUID,
        queue: Queue,
        *,
        priority: int,
        joined_at: datetime,
        skills: tuple[str, ...],
        absent_seconds: float = 0.0,
    ) -> Iterator[Place]:
        """Stand in the line of a queue while the block lasts; see `Place` for who is absent."""
        self._order += 1
        place = Place(call, queue.id, joined_at, skills, self._dispatch.position)
        place.absent_seconds = absent_seconds
        self._absent[queue.id] += absent_seconds > 0
        self._know_queue(queue)
        self.places[call] = place
        self._lines.setdefault(queue.id, set()).add(place)
        self._dispatch.join(Waiting(call, queue.id, priority, joined_at, self._order, skills))
        self._gather(call)
        self.free_left_behind(call)
        self._decide_soon()
        try:
            yield place
        finally:
            self._leave_line(place)
            if place.offered.done() and not place.offered.cancelled():
                self._give_back(call, place.offered.result())

    def free_left_behind(self, call: UUID) -> None:
        """Free the agents whom a process that is gone has reserved, but who are not taken over."""
        for agent in self._left_behind.pop(call, ()):
            if not self.slots.serves(agent, call):
                self.slots.adopt(agent, call)
                self.released(agent, call)

    def _leave_line(self, place: Place) -> None:
        queue = place.queue
        del self.places[place.call]
        self._dispatch.leave(place.call)
        self._lines[queue].discard(place)
        self._sparing.discard(place)
        self._absent[queue] -= place.absent_seconds > 0
        if not self._lines[queue]:
            del self._lines[queue], self._absent[queue]
            self._know_queues([queue])

    def arrived(self, place: Place) -> None:
        """Take note that somebody is there who was absent."""
        self._absent[place.queue] -= place.absent_seconds > 0
        place.absent_seconds = 0.0

    def waiting(self, queue: UUID) -> int:
        """Return how many stand in line, without those who are absent."""
        return self._dispatch.waiting(queue) - self._absent[queue]

    def serves(self, queue: UUID) -> bool:
        """Return whether those who wait in a queue may go on hoping."""
        found = self._book.queues.get(queue)
        if found is None or not found.active:
            return False
        return found.when_empty is WhenEmpty.JOIN or self.staffed(queue)

    def ask_again(self, call: UUID) -> None:
        """Let a call whose offer came to nothing be offered again, at its place."""
        self._dispatch.resume(call)
        self._decide_soon()

    def hold(self, call: UUID) -> None:
        """Offer a call to nobody for now: it is offered already."""
        self._dispatch.hold(call)

    def ask_less(self, call: UUID, skills: tuple[str, ...]) -> None:
        place = self.places.get(call)
        if place and place.skills != skills:
            place.skills = skills
            self._dispatch.ask_less(call, skills)
            self._begin_anew(place)
            self._decide_soon()

    def spare(self, call: UUID, agents: Collection[UUID]) -> None:
        """Offer this call to others for a while; when all have let it down, begin anew."""
        place, loop = self.places[call], asyncio.get_running_loop()
        self._sparing.add(place)
        seconds = self._book.number("queues.reject_memory_seconds", MEMORY_SECONDS)
        for agent in agents:
            place.spared[agent] = until = loop.time() + seconds
            self._dispatch.refuse(call, agent)
            loop.call_at(until, self._forgive, place, agent, until)
        self._begin_anew(place)

    def _forgive(self, place: Place, agent: UUID, until: float) -> None:
        if self.places.get(place.call) is place and place.spared.get(agent) == until:
            del place.spared[agent]
            self._dispatch.forgive(place.call, agent)
            self._decide_soon()

    def _begin_anew(self, place: Place) -> None:
        if place.spared and not self.anybody_but(place.spared, place.queue, place.skills):
            for agent in place.spared:
                self._dispatch.forgive(place.call, agent)
            place.spared.clear()
            self._sparing.discard(place)
            self._decide_soon()

    def _look_at_lines(self, changed: Collection[UUID] | None) -> None:
        for queue, places in self._lines.items():
            if changed is None or queue in changed or not self.serves(queue):
                for place in places:
                    place.changed.set()
        for place in tuple(self._sparing):
            self._begin_anew(place)

    def _seat(self, agent: UUID, seats: Sequence[Seat]) -> None:
        if not seats:
            self._dispatch.occupy(agent)
            return
        for seat in seats:
            self._know_queue(self._book.queues.get(seat.queue))
        self._dispatch.free(agent, seats)
        self._decide_soon()

    def _give_back(self, call: UUID, agents: Iterable[UUID]) -> None:
        for agent in agents:
            self.released(agent, call)

    def _know_queues(self, ids: Collection[UUID] | None) -> None:
        for identity in self._book.queues.items if ids is None else ids:
            found = self._book.queues.get(identity)
            self._know_queue(found)
            if found is None and identity not in self._lines:
                self._dispatch.drop(identity)

    def _know_queue(self, queue: Queue | None) -> None:
        if queue:
            ring_all = queue.strategy is QueueStrategy.RING_ALL
            self._dispatch.queue(queue.id, weight=queue.weight, ring_all=ring_all)
