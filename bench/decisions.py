"""What one decision of the queues costs with few agents and waiting calls, and with many.

No calls and no rows: rules/dispatch.py alone.
"""

import gc
import itertools
import os
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any
from uuid import UUID

from stasis_app.rules.dispatch import Dispatch, Seat, Waiting

from .processes import foreign_share
from .report import Figure, quantile

PART = "decisions"
SIZES = (10, 100, 1_000, 10_000)
ROUNDS, DECISIONS = 10, 100
MOST_MICROSECONDS, MOST_RATIO = 1000.0, 1.5
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
QUEUES = tuple(UUID(int=n) for n in range(3))
NOBODY_WAITS, SOMEBODY_WAITS, BOTH = QUEUES[:1], QUEUES[1:2], QUEUES[:2]
COMMON, RARE = "abcdefghijkl", "uvwxyz"

STRATEGIES = ("longest idle", "random", "round robin", "ring all")
RINGING = 5  # agents of one priority and penalty, where all ring


class Company:
    """As many free agents in one queue as calls that wait in another, or ask for what none has."""

    def __init__(self, size: int, strategy: str, skilled: bool) -> None:
        self.size, self.strategy, self.skilled = size, strategy, skilled
        self.numbers = itertools.count(1)
        self.draw = random.Random(size)  # noqa: S311
        self.now = BEGINNING
        self.skills: dict[UUID, frozenset[str]] = {}
        self.dispatch = Dispatch()
        for queue in QUEUES:
            self.dispatch.queue(queue, weight=1.0, ring_all=strategy == "ring all")
        for _ in range(size):
            self.dispatch.free(*self.agent(NOBODY_WAITS, ""))
            self.dispatch.join(self.caller(SOMEBODY_WAITS[0], RARE))
        self.known = sorted({skill for skills in self.skills.values() for skill in skills})
        self.settle()

    def caller(self, queue: UUID, skills: Sequence[str]) -> Waiting:
        number = next(self.numbers)
        self.now = BEGINNING + timedelta(seconds=number)
        asked = self.draw.sample(skills, self.draw.choice((1, 1, 2))) if self.skilled else ()
        return Waiting(UUID(int=number), queue, 0, self.now, number, tuple(asked))

    def agent(self, queues: Sequence[UUID], rare: str) -> tuple[UUID, list[Seat]]:
        """Return an agent who can serve whoever waits if he knows what is rare."""
        who = UUID(int=next(self.numbers))
        skills = frozenset((*self.draw.sample(COMMON, 3), *rare) if self.skilled else ())
        if not rare:
            self.skills[who] = skills
        return who, self.seats(who, queues, skills)

    def seats(self, who: UUID, queues: Sequence[UUID], skills: frozenset[str]) -> list[Seat]:
        rank = (1, self._penalty(who), self._turn(), str(who.int))
        return [Seat(who, queue, skills, rank) for queue in queues]

    def _penalty(self, who: UUID) -> int:
        return who.int // (2 * RINGING) if self.strategy == "ring all" else 0

    def _turn(self) -> float:
        match self.strategy:
            case "longest idle":  # who becomes free is the last
                return float(next(self.numbers))
            case "random":  # as least talk time: anywhere
                return self.draw.random()
            case "round robin":  # who becomes free was asked some time ago
                return next(self.numbers) - self.draw.random() * self.size
            case _:
                return 0.0

    def settle(self) -> None:
        for match in self.dispatch.matches(self.now):
            self.dispatch.leave(match.call)

    def freed(self) -> float:
        """Return the seconds from when an agent becomes free until he has a waiting call."""
        who, seats = self.agent(BOTH, RARE)
        started = time.perf_counter()
        self.dispatch.free(who, seats)
        made = self.dispatch.matches(self.now)
        spent = time.perf_counter() - started
        assert [match.agents for match in made] == [(who,)]
        self.dispatch.leave(made[0].call)
        self.dispatch.join(self.caller(SOMEBODY_WAITS[0], RARE))
        self.settle()
        return spent

    def served(self) -> float:
        """Return the seconds from when a call arrives until it has a free agent, or several."""
        waiting = self.caller(NOBODY_WAITS[0], self.known)
        waiting = replace(waiting, skills=waiting.skills[:1])
        started = time.perf_counter()
        self.dispatch.join(waiting)
        made = self.dispatch.matches(self.now)
        spent = time.perf_counter() - started
        self.dispatch.leave(waiting.call)
        for who in made[0].agents:
            self.dispatch.free(who, self.seats(who, NOBODY_WAITS, self.skills[who]))
        self.settle()
        return spent

    def queued(self) -> float:
        """Return the seconds from when a call arrives until its position is known."""
        waiting = self.caller(SOMEBODY_WAITS[0], RARE)
        started = time.perf_counter()
        self.dispatch.join(waiting)
        made = self.dispatch.matches(self.now)
        position = self.dispatch.position(waiting.call)
        spent = time.perf_counter() - started
        assert not made
        assert position == self.size + 1
        self.dispatch.leave(waiting.call)
        return spent


async def measure(runs: list[dict[str, Any]]) -> list[Figure]:
    figures: list[Figure] = []
    async with foreign_share(os.getpid()) as foreign:
        for strategy, skilled in itertools.product(STRATEGIES, (False, True)):
            figures += _compare(strategy, skilled)
        figures += _at_once()
    runs.append({"part": PART, "cost": {"foreign": foreign[0]}})
    print(f"  foreign {foreign[0]:.0%}", flush=True)
    return figures


def _compare(strategy: str, skilled: bool) -> Iterator[Figure]:
    """Decide in turn with few and with many."""
    companies = [Company(size, strategy, skilled) for size in SIZES]
    gc.freeze()  # as the application does
    kinds = {
        "agent freed": Company.freed,
        "call served": Company.served,
        "call queued": Company.queued,
    }
    for kind, decide in kinds.items():
        spent: list[list[float]] = [[] for _ in SIZES]
        for _ in range(ROUNDS):
            for costs, company in zip(spent, companies, strict=True):
                costs += [decide(company) * 1e6 for _ in range(DECISIONS)]
        name = f"{strategy}{', skills' if skilled else ''}, {kind}"
        for size, costs in zip(SIZES, spent, strict=True):
            yield Figure(PART, f"{name}, {size}", median(costs), "us", None, MOST_MICROSECONDS)
        yield Figure(PART, f"{name}, {SIZES[-1]}, p99", quantile(spent[-1], 0.99), "us")
        ratio = median(spent[-1]) / median(spent[0])
        yield Figure(PART, f"{name}, many to few", ratio, "x", None, MOST_RATIO)
    gc.unfreeze()


def _at_once() -> Iterator[Figure]:
    """Decide over everybody at once, as after a restart."""
    for skilled in (False, True):
        company = Company(0, "random", skilled)
        for _ in range(SIZES[-1]):
            company.dispatch.free(*company.agent(BOTH, RARE))
            company.dispatch.join(company.caller(BOTH[0], RARE))
        started = time.perf_counter()
        made = company.dispatch.matches(company.now)
        spent = (time.perf_counter() - started) * 1000
        assert len(made) == SIZES[-1]
        name = f"{SIZES[-1]} calls and agents at once{', skills' if skilled else ''}"
        yield Figure(PART, name, spent, "ms")
