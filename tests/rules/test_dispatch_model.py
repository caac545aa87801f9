"""The dispatcher beside one who goes over all calls and agents; and whether anybody starves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from stasis_app.rules import ranked
from stasis_app.rules.dispatch import Dispatch, Match, Seat, Waiting
from stasis_app.rules.ranked import Rank

from .build import NOW
from .floor import ANNA, SALES, SUPPORT, call, caller, floor, free, seat

MICROSECOND = timedelta(microseconds=1)


@dataclass
class Simple:
    """A call as the model sees it."""

    waiting: Waiting
    held: bool
    refused: set[UUID]

    @property
    def place(self) -> tuple[int, datetime, int]:
        return (-self.waiting.priority, self.waiting.joined_at, self.waiting.order)


class Model:
    """The rules as they are written: all calls, in order, and for each all agents."""

    def __init__(self) -> None:
        self.queues: dict[UUID, tuple[float, bool]] = {}
        self.calls: dict[UUID, Simple] = {}
        self.agents: dict[UUID, Sequence[Seat]] = {}

    def line(self, queue: UUID) -> list[UUID]:
        there = [one for one in self.calls.values() if one.waiting.queue == queue]
        return [one.waiting.call for one in sorted(there, key=lambda one: one.place)]

    def matches(self, now: datetime) -> list[Match]:
        made = []
        for one in sorted(self.calls.values(), key=lambda one: self._score(one, now)):
            agents = () if one.held else self._agents(one)
            if agents:
                one.held = True
                for agent in agents:
                    del self.agents[agent]
                made.append(Match(one.waiting.call, one.waiting.queue, agents))
        return made

    def _score(self, one: Simple, now: datetime) -> tuple[int, float, datetime, int]:
        urgency, joined_at, order = one.place
        weight, _ = self.queues[one.waiting.queue]
        return urgency, -weight * ((now - joined_at) / MICROSECOND), joined_at, order

    def _agents(self, one: Simple) -> tuple[UUID, ...]:
        asked = set(one.waiting.skills)
        fit = sorted(
            (seat.rank, agent)
            for agent, seats in self.agents.items()
            for seat in seats
            if seat.queue == one.waiting.queue and asked <= seat.skills and agent not in one.refused
        )
        if not self.queues[one.waiting.queue][1]:
            return tuple(agent for _, agent in fit[:1])
        return tuple(agent for rank, agent in fit if rank[:2] == fit[0][0][:2])


QUEUES = [UUID(int=n) for n in range(1, 4)]
CALLS = st.integers(0, 7).map(call)
AGENTS = st.integers(0, 3).map(lambda n: UUID(int=100 + n))
SKILLS = st.frozensets(st.sampled_from("abc"), max_size=3)
RANKS: st.SearchStrategy[Rank] = st.tuples(
    st.integers(0, 1), st.integers(0, 1), st.sampled_from([0.0, 1.5, 9.0]), st.just("10")
)
WEIGHTS = st.sampled_from([0.3, 1.0, 2.0, 7.0])


class BothDecide(RuleBasedStateMachine):
    """Whatever happens, in whatever order, the dispatcher decides as the model does."""

    def __init__(self) -> None:
        super().__init__()
        self.dispatch, self.model = Dispatch(), Model()
        self.now = NOW
        self.orders = count()
        self.last: list[Match] = []
        for queue, weight in zip(QUEUES, (1.0, 3.0, 0.4), strict=True):
            self.queue(queue, weight, False)

    @rule(queue=st.sampled_from(QUEUES), weight=WEIGHTS, ring_all=st.booleans())
    def queue(self, queue: UUID, weight: float, ring_all: bool) -> None:
        self.dispatch.queue(queue, weight=weight, ring_all=ring_all)
        self.model.queues[queue] = (weight, ring_all)

    @rule(queue=st.sampled_from(QUEUES))
    def drop(self, queue: UUID) -> None:
        self.dispatch.drop(queue)
        for one in self.model.line(queue):
            del self.model.calls[one]
        for agent, seats in self.model.agents.items():
            self.model.agents[agent] = [seat for seat in seats if seat.queue != queue]
        self.queue(queue, 1.0, False)

    @rule(
        call=CALLS,
        queue=st.sampled_from(QUEUES),
        priority=st.integers(-1, 1),
        waited=st.integers(-2, 20),
        skills=SKILLS,
    )
    def join(
        self, call: UUID, queue: UUID, priority: int, waited: int, skills: frozenset[str]
    ) -> None:
        joined_at = self.now - timedelta(seconds=waited)
        waiting = Waiting(call, queue, priority, joined_at, next(self.orders), tuple(skills))
        self.dispatch.join(waiting)
        self.model.calls[call] = Simple(waiting, False, set())

    @rule(call=CALLS)
    def leave(self, call: UUID) -> None:
        self.dispatch.leave(call)
        self.model.calls.pop(call, None)

    @rule(call=CALLS, held=st.booleans())
    def hold(self, call: UUID, held: bool) -> None:
        (self.dispatch.hold if held else self.dispatch.resume)(call)
        if one := self.model.calls.get(call):
            one.held = held

    @rule(call=CALLS, skills=SKILLS)
    def ask_less(self, call: UUID, skills: frozenset[str]) -> None:
        self.dispatch.ask_less(call, tuple(skills))
        if one := self.model.calls.get(call):
            one.waiting = replace(one.waiting, skills=tuple(skills))

    @rule(call=CALLS, agent=AGENTS)
    def refuse(self, call: UUID, agent: UUID) -> None:
        self.dispatch.refuse(call, agent)
        if one := self.model.calls.get(call):
            one.refused.add(agent)

    @rule(call=CALLS, agent=AGENTS)
    def forgive(self, call: UUID, agent: UUID) -> None:
        self.dispatch.forgive(call, agent)
        if one := self.model.calls.get(call):
            one.refused.discard(agent)

    @rule(agent=AGENTS, seats=st.dictionaries(st.sampled_from(QUEUES), st.tuples(SKILLS, RANKS)))
    def free(self, agent: UUID, seats: Mapping[UUID, tuple[frozenset[str], Rank]]) -> None:
        taken = [Seat(agent, queue, skills, rank) for queue, (skills, rank) in seats.items()]
        self.dispatch.free(agent, taken)
        self.model.agents[agent] = taken

    @rule(agent=AGENTS, queues=st.lists(st.sampled_from(QUEUES), min_size=2, unique=True))
    def free_alone(self, agent: UUID, queues: list[UUID]) -> None:
        """One who knows everything chooses among all, as nobody could serve them before."""
        for other in list(self.model.agents):
            self.occupy(other)
        for one in self.model.calls:
            self.hold(one, False)
        self.decide(1.0)
        self.free(agent, {queue: (frozenset("abc"), (0, 0, 0.0, "")) for queue in queues})
        self.decide(1.0)

    @rule(agent=AGENTS)
    def occupy(self, agent: UUID) -> None:
        self.dispatch.occupy(agent)
        self.model.agents.pop(agent, None)

    @rule(seconds=st.floats(0, 30))
    def decide(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        made = self.dispatch.matches(self.now)
        assert made == self.model.matches(self.now)
        self.last = made or self.last

    @rule()
    def reject(self) -> None:
        """Those who were offered calls last do not take them, and are free again."""
        for match in self.last:
            for agent in match.agents:
                self.refuse(match.call, agent)
                self.free(agent, {queue: (frozenset("ab"), (0, 0, 0.0, "")) for queue in QUEUES})
            self.hold(match.call, False)
            self.decide(1.0)
            self.forgive(match.call, match.agents[0])
            self.decide(1.0)

    @invariant()
    def all_know_their_place(self) -> None:
        for queue in QUEUES:
            line = self.model.line(queue)
            assert self.dispatch.waiting(queue) == len(line)
            assert [self.dispatch.position(one) for one in line] == [*range(1, len(line) + 1)]


@pytest.mark.parametrize("most_groups", [3, ranked.MOST_GROUPS])
def test_the_same_matches_as_by_going_over_everything(
    most_groups: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranked, "MOST_GROUPS", most_groups)
    run_state_machine_as_test(
        BothDecide, settings=settings(max_examples=100, stateful_step_count=60, deadline=None)
    )


# nobody starves

BACKLOG, TICKS = 20, 600


@settings(max_examples=100, deadline=None)
@given(
    weights=st.tuples(st.floats(0.5, 5), st.floats(0.5, 5)),
    backlog=st.lists(st.booleans(), max_size=BACKLOG),
    arrivals=st.lists(st.booleans(), min_size=1, max_size=30),
)
def test_no_weight_starves_a_queue(
    weights: tuple[float, float], backlog: list[bool], arrivals: list[bool]
) -> None:
    """Each second one call comes and one agent becomes free, so the backlog never ends.

    A call is passed only by those that came less than its own wait times the ratio of the weights
    before: they are no more than the backlog when it has waited that ratio times the backlog.
    """
    dispatch = floor(weights=weights)
    joined: dict[UUID, int] = {}
    numbers = count()

    def join(support: bool, second: int) -> None:
        one = caller(next(numbers), queue=SUPPORT if support else SALES)
        dispatch.join(replace(one, joined_at=NOW + timedelta(seconds=second)))
        joined[one.call] = second

    for support in backlog:
        join(support, 0)
    waits = []
    for second in range(TICKS):
        join(arrivals[second % len(arrivals)], second)
        free(dispatch, seat(ANNA), seat(ANNA, queue=SUPPORT))
        (served,) = dispatch.matches(NOW + timedelta(seconds=second))
        dispatch.leave(served.call)
        waits.append(second - joined.pop(served.call))
    waits += [TICKS - second for second in joined.values()]
    ratio = max(weights) / min(weights)
    assert max(waits) <= (len(backlog) + 2) * (ratio + 1)
