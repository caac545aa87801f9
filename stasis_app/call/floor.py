"""The floor of the queues: who waits, and which free agent he gets.

One place decides, over all queues at once (rules.dispatch). What it decides becomes true by a
reservation in Postgres; all that follows is written behind the calls.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from stasis_app.rules.book import Book
from stasis_app.rules.dispatch import Dispatch, Match, Seat, Waiting
from stasis_app.rules.queues import Queue
from stasis_app.words import QueueStrategy, WhenEmpty

from .journal import Write
from .occupancy import Occupancy
from .place import Place
from .staff import Staff
from .stock import Agents, Reservation

log = structlog.get_logger()

GRACE_SECONDS = 15.0
"""So long a reservation outlives its ringing: who made it must have died then."""
GATHER_SECONDS = 2.0
AGAIN_SECONDS = 1.0
READ_AGAIN_SECONDS = 0.2
MEMORY_SECONDS = 60.0

BY_EXTENSION = ("extensions", "extension_registrations", "agent_slots")
BY_ROW = ("queue_members", "agent_states")

Touched = Mapping[str, Collection[UUID] | None]
Decided = Sequence[tuple[Match, Place | None]]


class Floor(Staff):
    """The agents, and the waiting calls of this process.

    It decides nothing before it is `opened`: callers who are taken over stand in line first.
    """

    def __init__(self, book: Book, agents: Agents, write: Write, engaged: Occupancy) -> None:
        super().__init__(book, write, engaged)
        self._agents = agents
        self._dispatch = Dispatch()
        self.places: dict[UUID, Place] = {}
        self._lines: dict[UUID, set[Place]] = {}
        self._sparing: set[Place] = set()
        self._absent: Counter[UUID] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._order = 0
        self._opened = False
        self._closed = False
        self._due = False
        self._away = False
        self._edited: set[UUID] = set()
        self._stale = False
        self._awaited: set[UUID] = set()
        self._gathered: set[UUID] = set()
        self._left_behind: dict[UUID, list[UUID]] = {}

    # what the process tells it

    async def load(self) -> None:
        """Read the slots. Raises ConnectionError."""
        slots = await self._agents.slots()
        self._known = True
        self.slots.know(slots)
        for slot in slots:
            if slot.call:
                self._left_behind.setdefault(slot.call, []).append(slot.extension)

    def open(self, awaited: Collection[UUID] = ()) -> None:
        """Begin to decide when these calls stand in line, or when they have had time to."""
        self._awaited = set(awaited) - self._gathered
        if self._awaited:
            asyncio.get_running_loop().call_later(GATHER_SECONDS, self._begin_deciding)
        else:
            self._begin_deciding()

    def _gather(self, call: UUID) -> None:
        """Take note of one who stands in line; some do before `open` says who is awaited."""
        if not self._opened:
            self._gathered.add(call)
        if self._awaited == {call}:
            self._begin_deciding()
        self._awaited.discard(call)

    def _begin_deciding(self) -> None:
        self._awaited.clear()
        self._gathered.clear()
        if not self._opened and not self._closed:
            self._known = self._opened = True
            self.changed({"queues": None})

    def close(self) -> None:
        """Decide nothing any more: the process leaves."""
        self._opened = self._known = False
        self._closed = True
        for task in self._tasks:
            task.cancel()
        for timer in self._timers.values():
            timer.cancel()

    def changed(self, touched: Touched) -> None:
        """Take note of rows that are other than before; None stands for a whole table."""
        if "queues" in touched:
            self._know_queues(touched["queues"])
        if "queue_members" in touched or None in touched.values():
            self._there.clear()
        agents = self._touched_agents(touched)
        for agent in self._everybody() if agents is None else agents:
            self.look(agent)
        self._look_at_lines(touched.get("queues", ()))
        if "agent_slots" in touched:
            self._edited |= set(touched["agent_slots"] or ())
            self._read_soon()

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

    # what the stories ask of it

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
        self._free_left_behind(call)
        self._decide_soon()
        try:
            yield place
        finally:
            self._leave_line(place)
            if place.offered.done() and not place.offered.cancelled():
                self._give_back(call, place.offered.result())

    def _free_left_behind(self, call: UUID) -> None:
        """Free the agents whom a process that is gone has reserved, and has not come to call."""
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

    # deciding

    def _decide_soon(self) -> None:
        """Decide once over all that happens in this moment."""
        if self._opened and not self._due and not self._away:
            self._due = True
            asyncio.get_running_loop().call_soon(self._decide)

    def _decide(self) -> None:
        self._due = False
        if not self._opened:
            return
        matches = self._dispatch.matches(datetime.now(UTC))
        if not matches:
            return
        wishes = [self._wish(match, agent) for match in matches for agent in match.agents]
        for wish in wishes:
            self.slots.take(wish.extension, wish.call)
            self._lots.drawn(wish.extension, wish.queue)
        decided = [(match, self.places.get(match.call)) for match in matches]
        self._begin(self._reserve(decided, wishes))

    def _wish(self, match: Match, agent: UUID) -> Reservation:
        queue = self._book.queues.get(match.queue)
        place = self.places.get(match.call)
        seconds = (queue.ring_seconds if queue else 0.0) + GRACE_SECONDS
        seconds += place.absent_seconds if place else 0.0
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        return Reservation(agent, match.queue, match.call, self.slots.expected(agent), until)

    async def _reserve(self, decided: Decided, wishes: Sequence[Reservation]) -> None:
        """Who could not be reserved is looked at again when his slot has been read."""
        made: Collection[Reservation] = ()
        away = False
        try:
            made = await self._agents.reserve(wishes)
        except ConnectionError as error:
            log.warning("agents can't be reserved", action="reserve_failed", error=str(error))
            away = True
            self._try_later()
        now = datetime.now(UTC)
        given = {(one.call, one.extension) for one in made}
        for wish in wishes:
            if (wish.call, wish.extension) in given:
                self.slots.reserved(wish.extension, wish.queue, wish.call, now)
            else:
                self._unsure.add(wish.extension)
                self.slots.untake(wish.extension, wish.call, unsure=away)
        for match, place in decided:
            self._offer(match, place, [one for one in match.agents if (match.call, one) in given])
        if self._unsure:
            self._read_soon()

    def _offer(self, match: Match, place: Place | None, agents: Sequence[UUID]) -> None:
        """Who has left the line meanwhile, or taken a call of his own, has nothing of it."""
        able = [agent for agent in agents if not self._engaged[agent]]
        there = place is not None and self.places.get(match.call) is place
        self._give_back(match.call, [one for one in agents if not there or one not in able])
        if place and there:
            if able:
                place.offered.set_result(tuple(able))
            else:
                self._dispatch.resume(match.call)
                self._decide_soon()

    def _give_back(self, call: UUID, agents: Iterable[UUID]) -> None:
        for agent in agents:
            self.released(agent, call)

    def _try_later(self) -> None:
        """Postgres is away: callers wait, and nobody is asked before a moment has passed."""
        if not self._away:
            self._away = True
            asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._try_again)

    def _try_again(self) -> None:
        self._away = False
        self._decide_soon()

    async def read(self) -> None:
        """Find out what other processes and people have done. Raises ConnectionError."""
        unsure = set(self._unsure)
        slots = await self._agents.slots()
        self._unsure -= unsure
        self._edited &= self.slots.know(slots)
        for agent in unsure:
            self.look(agent)
        if self._edited:
            asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._read_soon)

    def _read_soon(self) -> None:
        if not self._stale:
            self._stale = True
            self._begin(self._read_slots())

    async def _read_slots(self) -> None:
        while self._stale:
            await asyncio.sleep(READ_AGAIN_SECONDS)
            self._stale = False
            try:
                await self.read()
            except ConnectionError:
                self._stale = True
                await asyncio.sleep(AGAIN_SECONDS)

    # rows

    def _touched_agents(self, touched: Touched) -> set[UUID] | None:
        """Return the agents whom changed rows concern; None: any of them."""
        agents: set[UUID] = set()
        for table, ids in touched.items():
            if ids is None and table in (*BY_EXTENSION, *BY_ROW, "queues"):
                return None
            if table in BY_EXTENSION:
                agents |= set(ids or ())
            elif table in BY_ROW:
                rows = [self._book.shelf(table).get(one) for one in ids or ()]
                if None in rows:
                    return None
                agents |= {row.extension for row in rows if row}
            elif table == "queues":
                members = (self._book.queue_members.of(one) for one in ids or ())
                agents |= {member.extension for some in members for member in some}
        return agents

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

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        if self._closed:
            work.close()
            return
        task = asyncio.create_task(work, name="floor")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
