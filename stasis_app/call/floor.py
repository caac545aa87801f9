"""The floor of the queues: which free agent a waiting caller gets.

One place decides, over all queues at once (rules.dispatch). What it decides becomes true by a
reservation in Postgres; all that follows is written behind the calls.
"""

import asyncio
from collections.abc import Collection, Coroutine, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from stasis_app.rules.book import Book
from stasis_app.rules.dispatch import Match

from .journal import Write
from .lines import Lines
from .occupancy import Occupancy
from .place import Place
from .stock import Agents, Reservation

log = structlog.get_logger()

GRACE_SECONDS = 15.0
"""So long a reservation outlives its ringing: who made it must have died then."""
GATHER_SECONDS = 2.0
AGAIN_SECONDS = 1.0
READ_AGAIN_SECONDS = 0.2
EDITED_SECONDS = 5.0
"""So long a row that somebody has edited is looked for; later it is found by `clocks.proof`."""

BY_EXTENSION = ("extensions", "extension_registrations", "agent_slots")
BY_ROW = ("queue_members", "agent_states")

Touched = Mapping[str, Collection[UUID] | None]
Decided = Sequence[tuple[Match, Place | None]]


class Floor(Lines):
    """Which agents ring for which callers, of all queues.

    It decides nothing before it is `opened`: callers who are taken over stand in line first.
    """

    def __init__(self, book: Book, agents: Agents, write: Write, engaged: Occupancy) -> None:
        super().__init__(book, write, engaged)
        self._agents = agents
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self._due = False
        self._away = False
        self._edited: dict[UUID, float] = {}
        self._stale = False
        self._reading = False
        self._again: asyncio.TimerHandle | None = None
        self._awaited: set[UUID] = set()
        self._gathered: set[UUID] = set()

    # what the process tells it

    async def load(self) -> None:
        """Read the slots. Raises ConnectionError."""
        slots = await self._agents.slots()
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
            self._opened = True
            self.changed({"queues": None})

    def close(self) -> None:
        """Decide nothing any more: the process leaves."""
        self._opened = False
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
            until = asyncio.get_running_loop().time() + EDITED_SECONDS
            self._edited |= dict.fromkeys(touched["agent_slots"] or (), until)
            self._read_soon()

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
        newer, loop = self.slots.know(slots), asyncio.get_running_loop()
        self._edited = {
            agent: until
            for agent, until in self._edited.items()
            if agent in newer and until > loop.time()
        }
        for agent in unsure:
            self.look(agent)
        if self._again:
            self._again.cancel()
        self._again = loop.call_later(AGAIN_SECONDS, self._read_soon) if self._edited else None

    def _read_soon(self) -> None:
        self._stale = True
        if not self._reading:
            self._reading = True
            self._begin(self._read_slots())

    async def _read_slots(self) -> None:
        try:
            while self._stale:
                await asyncio.sleep(READ_AGAIN_SECONDS)
                self._stale = False
                try:
                    await self.read()
                except ConnectionError:
                    self._stale = True
                    await asyncio.sleep(AGAIN_SECONDS)
        finally:
            self._reading = False

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

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        if self._closed:
            work.close()
            return
        task = asyncio.create_task(work, name="floor")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
