"""Who waits and who is free in one queue, each in its order, beside others that are like it.

Calls that ask for the same skills are a line, free agents with the same skills a pool. Which pools
a line fits is known, so nobody goes over agents or calls that do not fit.
"""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Generic, TypeVar
from uuid import UUID

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MOST_GROUPS = 256  # lines and pools that are kept although they may be empty

Skills = frozenset[str]
Rank = tuple[int, int, float, str]
"""Of an agent in a queue: priority, penalty, the strategy's key, number. The lowest is first.

The key is a number whatever the strategy: after a change of strategy both kinds meet for a while.
"""
Place = tuple[int, int, int, UUID]
"""Of a call in a queue: -priority, microseconds when it joined, order, call."""
Chair = tuple[int, int, float, str, UUID]
"""A rank and whose it is."""


T = TypeVar("T", Place, Chair)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call in a queue. A higher `priority` is first, then who `joined_at`, then the `order`.

    `skills` are those that it asks for now.
    """

    call: UUID
    queue: UUID
    priority: int
    joined_at: datetime
    order: int
    skills: tuple[str, ...] = ()

    @property
    def place(self) -> Place:
        return (-self.priority, microseconds(self.joined_at), self.order, self.call)


@dataclass(frozen=True, slots=True)
class Seat:
    """What an agent is in one of his queues."""

    extension: UUID
    queue: UUID
    skills: Skills
    rank: Rank


class Ranked(Generic[T]):
    """Items in their order, each once.

    Most are added at the end and taken at the head: the gap that they leave there is closed when it
    is half of all, so that 10,000 others are seldom moved.
    """

    __slots__ = ("_gap", "_items")

    def __init__(self) -> None:
        self._items: list[T] = []
        self._gap = 0

    def __len__(self) -> int:
        return len(self._items) - self._gap

    def __iter__(self) -> Iterator[T]:
        return (self._items[at] for at in range(self._gap, len(self._items)))

    @property
    def head(self) -> T | None:
        return self._items[self._gap] if self._items else None

    def put(self, item: T) -> None:
        insort(self._items, item, self._gap)

    def take(self, item: T) -> None:
        """Take away what is there. LookupError: it is not."""
        at = self._find(item)
        if at > self._gap:
            del self._items[at]
            return
        self._gap += 1
        if 2 * self._gap > len(self._items):
            del self._items[: self._gap]
            self._gap = 0

    def number(self, item: T) -> int:
        """Return its place; 1 is the head. LookupError: it is not there."""
        return self._find(item) - self._gap + 1

    def _find(self, item: T) -> int:
        at = bisect_left(self._items, item, self._gap)
        if self._items[at : at + 1] != [item]:
            raise LookupError(item)
        return at


class Line:
    """The calls that may be offered and ask for the same skills."""

    __slots__ = ("asked", "places", "pools", "room")

    def __init__(self, room: "Room", asked: Skills) -> None:
        self.room = room
        self.asked = asked
        self.places: Ranked[Place] = Ranked()
        self.pools: list[Pool] = []


class Pool:
    """The free agents with the same skills."""

    __slots__ = ("chairs", "lines", "room", "skills")

    def __init__(self, room: "Room", skills: Skills) -> None:
        self.room = room
        self.skills = skills
        self.chairs: Ranked[Chair] = Ranked()
        self.lines: list[Line] = []

    def first(self, without: Collection[UUID]) -> Chair | None:
        """Return the best; None: there is none but those `without` whom it must be."""
        if not without:
            return self.chairs.head
        for chair in self.chairs:
            if chair[-1] not in without:
                return chair
        return None

    def equals(self, chair: Chair) -> Iterable[Chair]:
        """Return all with that priority and penalty."""
        group = chair[:2]
        to_them = takewhile(lambda other: other[:2] <= group, self.chairs)
        return (other for other in to_them if other[:2] == group)


class Room:
    """One queue. `places` are those of all its calls, also while they are offered."""

    def __init__(self) -> None:
        self.weight = 1.0
        self.ring_all = False
        self.places: Ranked[Place] = Ranked()
        self.lines: dict[Skills, Line] = {}
        self.pools: dict[Skills, Pool] = {}
        self._most = MOST_GROUPS

    def line(self, asked: Skills) -> Line:
        found = self.lines.get(asked)
        if found is None:
            self._make_room()
            found = self.lines[asked] = Line(self, asked)
            for pool in self.pools.values():
                _join(found, pool)
        return found

    def pool(self, skills: Skills) -> Pool:
        found = self.pools.get(skills)
        if found is None:
            self._make_room()
            found = self.pools[skills] = Pool(self, skills)
            for line in self.lines.values():
                _join(line, found)
        return found

    def _make_room(self) -> None:
        """Forget what is empty, once it may be half of all: skills come and go for years."""
        if len(self.lines) + len(self.pools) < self._most:
            return
        self.lines = {asked: line for asked, line in self.lines.items() if line.places}
        self.pools = {skills: pool for skills, pool in self.pools.items() if pool.chairs}
        for line in self.lines.values():
            line.pools = [pool for pool in line.pools if pool.chairs]
        for pool in self.pools.values():
            pool.lines = [line for line in pool.lines if line.places]
        self._most = max(MOST_GROUPS, 2 * (len(self.lines) + len(self.pools)))


def _join(line: Line, pool: Pool) -> None:
    if line.asked <= pool.skills:
        line.pools.append(pool)
        pool.lines.append(line)


def microseconds(at: datetime) -> int:
    """Return an instant as a number that is compared fast and exactly."""
    return (at - EPOCH) // MICROSECOND
