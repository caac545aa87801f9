"""Which waiting call is offered to which free agent.

The best call is served first: the highest priority, then the greatest weight of its queue times the
time waited, then who joined first. It gets the best free agent of its queue who has the skills that
it asks for and that it is not kept from. So a call that nobody may serve holds up none behind it.
Weights decide only between calls that one agent may serve; waiting outgrows every weight.

Once everything is matched, nothing more is until something changes. So only what has changed is
looked at: the line of a call, the lines that an agent can serve.
"""

import heapq
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from .ranked import (
    Chair,
    Line,
    Place,
    Pool,
    Room,
    Seat,
    Skills,
    Waiting,
    microseconds,
)

__all__ = ["Dispatch", "Match", "Seat", "Waiting"]

Score = tuple[int, float, int, int, UUID]


@dataclass(frozen=True, slots=True)
class Match:
    """Several agents where all ring; the best is first."""

    call: UUID
    queue: UUID
    agents: tuple[UUID, ...]


@dataclass(slots=True)
class _Call:
    """`asked` are the skills that it asks for now. `line` None: it is held."""

    waiting: Waiting
    room: Room
    place: Place
    asked: Skills
    line: Line | None = None
    refused: set[UUID] = field(default_factory=set)


@dataclass(order=True, slots=True)
class _Proposal:
    """The best call of a queue, as it was after `made` matches."""

    score: Score
    made: int = field(compare=False)
    room: Room = field(compare=False)
    call: _Call = field(compare=False)


class Dispatch:
    """All queues of one process. What is said about a call that has left counts for nothing."""

    def __init__(self) -> None:
        self._rooms: dict[UUID, Room] = {}
        self._calls: dict[UUID, _Call] = {}
        self._free: dict[UUID, list[tuple[Pool, Chair]]] = {}
        self._changed: dict[Room, None] = {}

    def queue(self, queue: UUID, *, weight: float = 1.0, ring_all: bool = False) -> None:
        """Make a queue, or change it."""
        room = self._rooms.setdefault(queue, Room())
        room.weight, room.ring_all = weight, ring_all

    def drop(self, queue: UUID) -> None:
        """Forget a queue; its calls have left."""
        room = self._rooms.pop(queue, None)
        if room is None:
            return
        for place in tuple(room.places):
            self.leave(place[-1])
        self._changed.pop(room, None)
        pools = set(room.pools.values())
        for agent in {chair[-1] for pool in pools for chair in pool.chairs}:
            self._free[agent] = [kept for kept in self._free[agent] if kept[0] not in pools]

    def join(self, waiting: Waiting) -> None:
        """Put a call into a queue. KeyError: there is no such queue."""
        self.leave(waiting.call)
        room = self._rooms[waiting.queue]
        call = _Call(waiting, room, waiting.place, frozenset(waiting.skills))
        self._calls[waiting.call] = call
        room.places.put(call.place)
        self._offer(call)

    def leave(self, call: UUID) -> None:
        known = self._calls.pop(call, None)
        if known:
            self._withdraw(known)
            known.room.places.take(known.place)

    def position(self, call: UUID) -> int:
        """Return the place among all calls of its queue; 1 is the head. KeyError: it has left."""
        known = self._calls[call]
        return known.room.places.number(known.place)

    def waiting(self, queue: UUID) -> int:
        """Return how many calls are in a queue, also those being offered."""
        room = self._rooms.get(queue)
        return len(room.places) if room else 0

    def hold(self, call: UUID) -> None:
        """Match a call no more, as it is being offered; its position stays."""
        if known := self._calls.get(call):
            self._withdraw(known)

    def resume(self, call: UUID) -> None:
        if known := self._calls.get(call):
            self._offer(known)

    def ask_less(self, call: UUID, skills: Sequence[str]) -> None:
        """Change the skills that a call asks for."""
        if known := self._calls.get(call):
            held = known.line is None
            self._withdraw(known)
            known.asked = frozenset(skills)
            if not held:
                self._offer(known)

    def refuse(self, call: UUID, agent: UUID) -> None:
        """Keep a call from an agent, who has refused it."""
        if known := self._calls.get(call):
            known.refused.add(agent)

    def forgive(self, call: UUID, agent: UUID) -> None:
        """Let a call be offered to an agent again."""
        if known := self._calls.get(call):
            known.refused.discard(agent)
            self._touch(known)

    def free(self, extension: UUID, seats: Iterable[Seat]) -> None:
        """Let an agent take a call in these queues. KeyError: there is no such queue."""
        self.occupy(extension)
        taken = self._free[extension] = []
        for seat in seats:
            room, chair = self._rooms[seat.queue], (*seat.rank, extension)
            taken.append((room.seat(seat.skills, chair), chair))
            self._changed[room] = None

    def occupy(self, extension: UUID) -> None:
        """Offer no call to an agent."""
        for pool, chair in self._free.pop(extension, ()):
            pool.take(chair)

    def matches(self, now: datetime) -> list[Match]:
        """Return everything that can be decided, the best call first.

        The calls are held then, and the agents occupied.
        """
        made: list[Match] = []
        at = microseconds(now)
        proposals: list[_Proposal] = []

        def propose(room: Room) -> None:
            if call := self._best(room):
                heapq.heappush(proposals, _Proposal(_score(call, at), len(made), room, call))

        for room in self._changed:
            propose(room)
        self._changed.clear()
        while proposals:
            best = heapq.heappop(proposals)
            if best.made == len(made) and best.call.line:  # else another may have its agent
                made.append(self._match(best.call, best.call.line))
            propose(best.room)
        return made

    def _best(self, room: Room) -> _Call | None:
        """Return the first call that somebody may serve."""
        best: _Call | None = None
        for line in tuple(room.changed):
            if best and line.places.head and best.place < line.places.head:
                continue
            first = self._first(line)
            if first is None:
                del room.changed[line]
            elif best is None or first.place < best.place:
                best = first
        return best

    def _first(self, line: Line) -> _Call | None:
        if not line.staffed:
            return None
        for place in line.places:
            call = self._calls[place[-1]]
            refused = call.refused
            if not refused or any(pool.first(refused) for pool in line.staffed):
                return call
        return None

    def _match(self, call: _Call, line: Line) -> Match:
        agents = tuple(chair[-1] for chair in _chosen(call, line.staffed))
        self._withdraw(call)
        for agent in agents:
            self.occupy(agent)
        return Match(call.waiting.call, call.waiting.queue, agents)

    def _offer(self, call: _Call) -> None:
        if call.line is None:
            call.line = call.room.line(call.asked)
            call.line.places.put(call.place)
            self._touch(call)

    def _withdraw(self, call: _Call) -> None:
        if call.line is not None:
            call.line.places.take(call.place)
            call.line = None

    def _touch(self, call: _Call) -> None:
        if call.line is not None:
            call.room.changed[call.line] = None
            self._changed[call.room] = None


def _score(call: _Call, now: int) -> Score:
    """Return what sorts calls over all queues; `now` in microseconds. The lowest is first."""
    urgency, joined, order, identity = call.place
    return (urgency, -call.room.weight * (now - joined), joined, order, identity)


def _chosen(call: _Call, staffed: Mapping[Pool, Chair]) -> Sequence[Chair]:
    """Return the best agent for a call that somebody may serve, or all that equal him."""
    firsts = _firsts(staffed, call.refused)
    best = min(firsts.values())
    if not call.room.ring_all:
        return (best,)
    behind = (best[0], best[1] + 1)
    equal = [pool for pool, first in firsts.items() if first < behind]
    return sorted(chair for pool in equal for chair in pool.equals(best, call.refused))


def _firsts(staffed: Mapping[Pool, Chair], without: Collection[UUID]) -> Mapping[Pool, Chair]:
    if not without:
        return staffed
    return {pool: first for pool in staffed if (first := pool.first(without))}
