"""The floor of the queues: who waits, which agent is free, and who gets whom.

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

from stasis_app.rules import agents as rules
from stasis_app.rules.book import Book
from stasis_app.rules.dispatch import Dispatch, Match, Seat, Waiting
from stasis_app.rules.queues import Member, Queue
from stasis_app.words import HangupCause, QueueStrategy, WhenEmpty

from .journal import Write
from .lots import Lots
from .occupancy import Occupancy
from .place import Place
from .slots import Slots
from .stock import Agents, Reservation

log = structlog.get_logger()

GRACE_SECONDS = 15.0
"""So long a reservation outlives its ringing: who made it must have died then."""
GATHER_SECONDS = 2.0
AGAIN_SECONDS = 1.0
READ_AGAIN_SECONDS = 0.2
LEAST_REST_SECONDS = 1.0
MEMORY_SECONDS = 60.0

BY_EXTENSION = ("extensions", "extension_registrations", "agent_slots")
BY_ROW = ("queue_members", "agent_states")

Touched = Mapping[str, Collection[UUID] | None]


class Floor:
    """The agents, and the waiting calls of this process.

    It decides nothing before it is `opened`: callers who are taken over stand in line first.
    """

    def __init__(self, book: Book, agents: Agents, write: Write, engaged: Occupancy) -> None:
        self._book = book
        self._agents = agents
        self._engaged = engaged
        self._dispatch = Dispatch()
        self._lots = Lots()
        self.slots = Slots(write, self.look)
        self.places: dict[UUID, Place] = {}
        self._absent: Counter[UUID] = Counter()
        self._timers: dict[UUID, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._order = 0
        self._opened = False
        self._due = False
        self._away = False
        self._unsure: set[UUID] = set()
        self._edited: set[UUID] = set()
        self._awaited: set[UUID] = set()
        engaged.watchers.append(self.look)

    # what the process tells it

    async def load(self) -> None:
        """Read the slots. Raises ConnectionError."""
        self.slots.know(await self._agents.slots(), self.places.keys())

    def open(self, awaited: Collection[UUID] = ()) -> None:
        """Begin to decide when these calls stand in line, or when they have had time to."""
        self._awaited = set(awaited)
        asyncio.get_running_loop().call_later(GATHER_SECONDS, self._begin_deciding)
        if not self._awaited:
            self._begin_deciding()

    def _begin_deciding(self) -> None:
        self._awaited.clear()
        if not self._opened:
            self._opened = True
            self.changed({"queues": None})

    def close(self) -> None:
        """Decide nothing any more: the process leaves."""
        self._opened = False
        for task in self._tasks:
            task.cancel()
        for timer in self._timers.values():
            timer.cancel()

    def changed(self, touched: Touched) -> None:
        """Take note of rows that are other than before; None stands for a whole table."""
        if "queues" in touched or "system_settings" in touched:
            self._know_queues()
        agents = self._touched_agents(touched)
        for agent in self._everybody() if agents is None else agents:
            self.look(agent)
        for place in self.places.values():
            if not self.serves(place.queue):
                place.changed.set()
        if "agent_slots" in touched:
            self._edited |= set(touched["agent_slots"] or ())
            self._read_soon()

    def look(self, agent: UUID) -> None:
        """See whether an agent can take a call now, and in which queues."""
        members = self._book.queue_members.queues_of(agent)
        if not members:
            self._dispatch.occupy(agent)
            return
        slot, now = self.slots.of(agent), datetime.now(UTC)
        hindrance = rules.hindrance(self._book, agent)
        engaged = self._engaged[agent] > (slot.call is not None)
        self.slots.situation(agent, now, engaged=engaged, hindrance=hindrance)
        waits = rules.seconds_to_rest(slot, now)
        if slot.call or engaged or hindrance or waits > 0 or agent in self._unsure:
            self._dispatch.occupy(agent)
        else:
            self._dispatch.free(agent, self._seats(agent, members, now))
        self._look_again(agent, waits)
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
        self._dispatch.join(Waiting(call, queue.id, priority, joined_at, self._order, skills))
        if self._awaited == {call}:
            self._begin_deciding()
        self._awaited.discard(call)
        self._decide_soon()
        try:
            yield place
        finally:
            del self.places[call]
            self._absent[queue.id] -= place.absent_seconds > 0
            self._dispatch.leave(call)
            if place.offered.done() and not place.offered.cancelled():
                self._give_back(call, place.offered.result())

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

    def staffed(self, queue: UUID) -> bool:
        """Return whether any agent of a queue is logged in."""
        members = self._book.queue_members.of(queue)
        return any(rules.is_logged_in(self._book, one.extension, queue) for one in members)

    def reachable(self, queue: UUID) -> set[UUID]:
        """Return the agents of a queue who want calls and have phones that ring."""
        members = self._book.queue_members.of(queue)
        everybody = {member.extension for member in members}
        return {
            agent
            for agent in everybody
            if rules.wants(self._book, agent, queue) and not rules.hindrance(self._book, agent)
        }

    def ask_again(self, call: UUID) -> None:
        """Let a call whose offer came to nothing be offered again, at its place."""
        self._dispatch.resume(call)
        self._decide_soon()

    def hold(self, call: UUID) -> None:
        """Offer a call to nobody for now: it is offered already."""
        self._dispatch.hold(call)

    def ask_less(self, call: UUID, skills: tuple[str, ...]) -> None:
        self._dispatch.ask_less(call, skills)
        self._decide_soon()

    def spare(self, call: UUID, agent: UUID) -> None:
        """Do not offer this call to this agent again for a while."""
        self._dispatch.refuse(call, agent)
        seconds = self._book.number("queues.reject_memory_seconds", MEMORY_SECONDS)
        asyncio.get_running_loop().call_later(seconds, self.forgive, call, agent)

    def forgive(self, call: UUID, agent: UUID) -> None:
        if call in self.places:
            self._dispatch.forgive(call, agent)
            self._decide_soon()

    def missed(self, agent: UUID, call: UUID, queue: Queue, cause: HangupCause) -> None:
        """Let an agent rest who did not take a call; too many misses are a break."""
        now = datetime.now(UTC)
        misses = self.slots.of(agent).misses + (cause is HangupCause.NO_ANSWER)
        rest = max(rules.rest_seconds(self._book, cause), LEAST_REST_SECONDS)
        pause = rules.MISSED if 0 < queue.break_after_misses <= misses else ""
        until = now + timedelta(seconds=rest)
        self.slots.missed(agent, call, now, until=until, misses=0 if pause else misses, pause=pause)

    def released(self, agent: UUID, call: UUID) -> None:
        """Free an agent who has done nothing: the caller is gone, or somebody else was faster."""
        self.slots.release(agent, call, datetime.now(UTC))

    def ended(self, agent: UUID, call: UUID, queue: Queue, at: datetime, talked: float) -> None:
        """Let an agent whose conversation is over wrap up."""
        seconds = rules.wrap_up_seconds(self._book, queue)
        wrap_up = at + timedelta(seconds=seconds) if seconds else None
        day = rules.beginning_of_day(self._book, at)
        self.slots.ended(
            agent, call, at, queue=queue.id, talked=talked, day=day, wrap_up_until=wrap_up
        )

    def lost(self, agent: UUID, call: UUID) -> None:
        """Free an agent whose call is unknown to everybody."""
        self.slots.untake(agent, call, unsure=False)

    def rested(self, agent: UUID) -> None:
        """End an agent's wrap-up before its time."""
        self.slots.rested(agent, datetime.now(UTC))

    # deciding

    def _decide_soon(self) -> None:
        """Decide once over all that happens in this moment."""
        if self._opened and not self._due and not self._away:
            self._due = True
            asyncio.get_running_loop().call_soon(self._decide)

    def _decide(self) -> None:
        self._due = False
        matches = self._dispatch.matches(datetime.now(UTC))
        if not matches:
            return
        wishes = [self._wish(match, agent) for match in matches for agent in match.agents]
        for wish in wishes:
            self.slots.take(wish.extension, wish.call)
            self._lots.drawn(wish.extension, wish.queue)
        self._begin(self._reserve(matches, wishes))

    def _wish(self, match: Match, agent: UUID) -> Reservation:
        queue = self._book.queues.get(match.queue)
        place = self.places.get(match.call)
        seconds = (queue.ring_seconds if queue else 0.0) + GRACE_SECONDS
        seconds += place.absent_seconds if place else 0.0
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        return Reservation(agent, match.queue, match.call, self.slots.expected(agent), until)

    async def _reserve(self, matches: Sequence[Match], wishes: Sequence[Reservation]) -> None:
        """Who could not be reserved is looked at again when his slot has been read."""
        made: Collection[Reservation] = ()
        try:
            made = await self._agents.reserve(wishes)
        except ConnectionError as error:
            log.warning("agents can't be reserved", action="reserve_failed", error=str(error))
            self._try_later()
        now = datetime.now(UTC)
        given = {(one.call, one.extension) for one in made}
        for wish in wishes:
            if (wish.call, wish.extension) in given:
                self.slots.reserved(wish.extension, wish.queue, wish.call, now)
            else:
                if not self._away:
                    self._unsure.add(wish.extension)
                self.slots.untake(wish.extension, wish.call, unsure=self._away)
        for match in matches:
            self._offer(match, [one for one in match.agents if (match.call, one) in given])
        if self._unsure:
            self._read_soon()

    def _offer(self, match: Match, agents: Sequence[UUID]) -> None:
        place = self.places.get(match.call)
        if place is None:
            self._give_back(match.call, agents)
        elif agents:
            place.offered.set_result(tuple(agents))
        else:
            self._dispatch.resume(match.call)

    def _give_back(self, call: UUID, agents: Iterable[UUID]) -> None:
        for agent in agents:
            self.released(agent, call)

    def _try_later(self) -> None:
        """Postgres is away: callers wait, and nobody is asked before a moment has passed."""
        self._away = True
        asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._try_again)

    def _try_again(self) -> None:
        self._away = False
        self._decide_soon()

    async def read(self) -> None:
        """Find out what other processes and people have done. Raises ConnectionError."""
        slots = await self._agents.slots()
        unsure, self._unsure = self._unsure, set()
        self._edited &= self.slots.know(slots, self.places.keys())
        for agent in unsure:
            self.look(agent)
        if self._edited:
            asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._read_soon)

    async def _read_slots(self) -> None:
        await asyncio.sleep(READ_AGAIN_SECONDS)
        try:
            await self.read()
        except ConnectionError:
            asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._read_soon)

    def _read_soon(self) -> None:
        self._begin(self._read_slots())

    # what an agent can do

    def _seats(self, agent: UUID, members: Collection[Member], now: datetime) -> list[Seat]:
        found = []
        for member in members:
            queue = self._book.queues.get(member.queue)
            if queue and queue.active and rules.wants(self._book, agent, queue.id):
                slot, draw = self.slots.of(agent), self._lots.draw(member)
                rank = rules.strategy_key(queue, member, slot, self._book, draw, now)
                found.append(Seat(agent, queue.id, member.skills, rank))
        return found

    def _look_again(self, agent: UUID, seconds: float) -> None:
        timer = self._timers.pop(agent, None)
        if timer:
            timer.cancel()
        if seconds > 0:
            loop = asyncio.get_running_loop()
            self._timers[agent] = loop.call_later(seconds, self._has_rested, agent)

    def _has_rested(self, agent: UUID) -> None:
        if rules.seconds_to_rest(self.slots.of(agent), datetime.now(UTC)) > 0:
            self.look(agent)
        else:
            self.rested(agent)

    def _everybody(self) -> set[UUID]:
        members = {member.extension for member in self._book.queue_members.items.values()}
        return members | {slot.extension for slot in self.slots}

    def _touched_agents(self, touched: Touched) -> set[UUID] | None:
        """Return the agents whom changed rows concern; None: any of them."""
        agents: set[UUID] = set()
        for table, ids in touched.items():
            if table in BY_EXTENSION:
                agents |= set(ids) if ids is not None else self._everybody()
            elif table in BY_ROW:
                rows = [self._book.shelf(table).get(one) for one in ids or ()]
                if ids is None or None in rows:
                    return None
                agents |= {row.extension for row in rows if row}
            elif table in ("queues", "system_settings"):
                return None
        return agents

    def _know_queues(self) -> None:
        for queue in self._book.queues.items.values():
            self._know_queue(queue)

    def _know_queue(self, queue: Queue) -> None:
        ring_all = queue.strategy is QueueStrategy.RING_ALL
        self._dispatch.queue(queue.id, weight=queue.weight, ring_all=ring_all)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="floor")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
