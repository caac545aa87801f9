"""Who waits and who is free in one queue, each in its order, beside others that are like it.

Calls that ask for the same skills are a line, free agents with the same skills a pool. Which pools
a line fits is known, so nobody goes over agents or calls that do not fit.
"""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, takewhile
from typing import Generic, TypeVar
from uuid import UUID

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MOST_TOGETHER = 1000
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

    `skills` are those that it asks for when it joins.
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
    """Items in their order, each once; `head` is the first.

    They are kept in chunks of up to MOST_TOGETHER, so that a change moves no more than that.
    """

    __slots__ = ("_chunks", "_lasts", "head")

    def __init__(self) -> None:
        self.head: T | None = None
        self._chunks: list[list[T]] = []
        self._lasts: list[T] = []  # of each chunk

    def __len__(self) -> int:
        return sum(map(len, self._chunks))

    def __bool__(self) -> bool:
        return self.head is not None

    def __iter__(self) -> Iterator[T]:
        return chain.from_iterable(self._chunks)

    def put(self, item: T) -> None:
        if not self._chunks:
            self._chunks, self._lasts, self.head = [[item]], [item], item
            return
        nth = min(bisect_left(self._lasts, item), len(self._lasts) - 1)
        chunk = self._chunks[nth]
        insort(chunk, item)
        if len(chunk) > MOST_TOGETHER:
            half = len(chunk) // 2
            self._chunks[nth : nth + 1] = [chunk[:half], chunk[half:]]
            self._lasts[nth : nth + 1] = [chunk[half - 1], chunk[-1]]
        else:
            self._lasts[nth] = chunk[-1]
        self.head = self._chunks[0][0]

    def take(self, item: T) -> None:
        """Take away what is there. LookupError: it is not."""
        nth, at = self._find(item)
        chunk = self._chunks[nth]
        del chunk[at]
        if chunk:
            self._lasts[nth] = chunk[-1]
        else:
            del self._chunks[nth], self._lasts[nth]
        self.head = self._chunks[0][0] if self._chunks else None

    def number(self, item: T) -> int:
        """Return its place; 1 is the head. LookupError: it is not there."""
        nth, at = self._find(item)
        return sum(map(len, self._chunks[:nth])) + at + 1

    def _find(self, item: T) -> tuple[int, int]:
        """Return which chunk it is in, and where there."""
        nth = bisect_left(self._lasts, item)
        if nth < len(self._lasts):
            at = bisect_left(self._chunks[nth], item)
            if self._chunks[nth][at] == item:
                return nth, at
        raise LookupError(item)


class Line:
    """The calls that may be offered and ask for the same skills.

    `staffed` has the pools that can serve them, each with the best who is free there.
    """

    __slots__ = ("asked", "places", "staffed")

    def __init__(self, asked: Skills) -> None:
        self.asked = asked
        self.places: Ranked[Place] = Ranked()
        self.staffed: dict[Pool, Chair] = {}


class Pool:
    """The free agents with the same skills, and the `lines` that they can serve."""

    __slots__ = ("chairs", "lines", "skills")

    def __init__(self, skills: Skills) -> None:
        self.skills = skills
        self.chairs: Ranked[Chair] = Ranked()
        self.lines: list[Line] = []

    def fit(self, line: Line) -> None:
        """Serve a line if it asks for no more than is there."""
        if line.asked <= self.skills:
            self.lines.append(line)
            if self.chairs.head:
                line.staffed[self] = self.chairs.head

    def put(self, chair: Chair) -> None:
        self.chairs.put(chair)
        if self.chairs.head is chair:
            for line in self.lines:
                line.staffed[self] = chair

    def take(self, chair: Chair) -> None:
        before = self.chairs.head
        self.chairs.take(chair)
        head = self.chairs.head
        if head is None:
            for line in self.lines:
                del line.staffed[self]
        elif head is not before:
            for line in self.lines:
                line.staffed[self] = head

    def first(self, without: Collection[UUID]) -> Chair | None:
        """Return the best; None: there is none but those `without` whom it must be."""
        return next((chair for chair in self.chairs if chair[-1] not in without), None)

    def equals(self, best: Chair, without: Collection[UUID]) -> list[Chair]:
        """Return all with the priority and penalty of the best."""
        group = best[:2]
        to_them = takewhile(lambda chair: chair[:2] <= group, self.chairs)
        return [chair for chair in to_them if chair[:2] == group and chair[-1] not in without]


class Room:
    """One queue. `places` are those of all its calls, also while they are offered.

    In the lines that have `changed` there may be somebody to match, in the others there is not.
    """

    def __init__(self) -> None:
        self.weight = 1.0
        self.ring_all = False
        self.places: Ranked[Place] = Ranked()
        self.lines: dict[Skills, Line] = {}
        self.pools: dict[Skills, Pool] = {}
        self.changed: dict[Line, None] = {}
        self._most = MOST_GROUPS

    def line(self, asked: Skills) -> Line:
        found = self.lines.get(asked)
        if found is None:
            self._forget_empty()
            found = self.lines[asked] = Line(asked)
            for pool in self.pools.values():
                pool.fit(found)
        return found

    def pool(self, skills: Skills) -> Pool:
        found = self.pools.get(skills)
        if found is None:
            self._forget_empty()
            found = self.pools[skills] = Pool(skills)
            for line in self.lines.values():
                found.fit(line)
        return found

    def seat(self, skills: Skills, chair: Chair) -> Pool:
        """Let an agent be free; return where."""
        pool = self.pool(skills)
        pool.put(chair)
        self.changed.update([(line, None) for line in pool.lines if line.places.head])
        return pool

    def _forget_empty(self) -> None:
        """Forget what is empty, once it may be half of all: skills come and go for years."""
        if len(self.lines) + len(self.pools) < self._most:
            return
        self.lines = {asked: line for asked, line in self.lines.items() if line.places}
        self.pools = {skills: pool for skills, pool in self.pools.items() if pool.chairs}
        for pool in self.pools.values():
            pool.lines = [line for line in pool.lines if line.places]
        self._most = max(MOST_GROUPS, 2 * (len(self.lines) + len(self.pools)))


def microseconds(at: datetime) -> int:
    """Return an instant as a number that is compared fast and exactly."""
    return (at - EPOCH) // MICROSECOND
