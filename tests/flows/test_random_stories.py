"""Whatever people, phones and the network do: every story ends, and its books are right."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.fake_asterisk import FakeAsterisk
from tests.support.fake_network import DEAD, Fault, Phone
from tests.support.virtual_time import run

from .invariants import check
from .world import World, endpoint

NUMBERS = ("1001", "1002", "1003", "1004")
UNKNOWN = "1999"


@dataclass(frozen=True)
class Caller:
    """Dials `number` at second `dials`; hangs up at a second, a request or not at all."""

    endpoint: str
    number: str
    dials: float
    hangs_up: float | None
    at_request: int | None


@dataclass(frozen=True)
class Scenario:
    """`rows` and `phones` by number, `faults` by request."""

    rows: Mapping[str, Mapping[str, Any]]
    phones: Mapping[str, tuple[Phone, ...]]
    callers: tuple[Caller, ...]
    delays: tuple[float, ...]
    faults: Mapping[int, Fault] = field(default_factory=dict)


moments = st.sampled_from([0.0, 0.001, 0.01, 0.05, 0.1, 0.3, 1.0, 4.0, 5.0, 5.05])

phones = st.one_of(
    st.just(DEAD),
    st.builds(
        Phone,
        rings=st.none() | moments,
        answers=moments,
        hangs_up=st.none() | moments,
        holds=st.none() | st.tuples(moments, moments),
    ),
    st.builds(
        Phone,
        rings=st.none() | moments,
        rejects=st.tuples(moments, st.just(0), st.just(0))
        | st.tuples(
            moments, st.sampled_from([16, 17, 19, 20, 21, 38]), st.sampled_from([0, 480, 486, 603])
        ),
    ),
)

forwards = st.none() | st.sampled_from([*NUMBERS, UNKNOWN])

rows = st.fixed_dictionaries(
    {},
    optional={
        "dnd": st.booleans(),
        "max_concurrent_calls": st.none() | st.integers(0, 2),
        "forward_unconditional": st.none() | st.none() | forwards,
        "forward_on_busy": forwards,
        "forward_on_no_answer": forwards,
        "ring_seconds": st.sampled_from([1.0, 5.0]),
    },
)

callers = st.builds(
    Caller,
    endpoint=st.sampled_from(NUMBERS),
    number=st.sampled_from([*NUMBERS, UNKNOWN]),
    dials=moments,
    hangs_up=st.none() | moments,
    at_request=st.none() | st.integers(0, 12),
)

delays = st.lists(st.sampled_from([0.0, 0.0, 0.001, 0.002, 0.05, 0.2]), min_size=1, max_size=5).map(
    tuple
)


def scenarios(faults: st.SearchStrategy[Mapping[int, Fault]]) -> st.SearchStrategy[Scenario]:
    return st.builds(
        Scenario,
        rows=st.fixed_dictionaries(dict.fromkeys(NUMBERS, rows)),
        phones=st.fixed_dictionaries(
            {number: st.lists(phones, max_size=3).map(tuple) for number in NUMBERS}
        ),
        callers=st.lists(callers, min_size=1, max_size=2).map(tuple),
        delays=delays,
        faults=faults,
    )


def world_in(scenario: Scenario) -> World:
    dialled = {
        endpoint(number, place, len(phones)): phone
        for number, phones in scenario.phones.items()
        for place, phone in enumerate(phones)
    }
    asterisk = FakeAsterisk(phones=dialled, faults=scenario.faults, delays=scenario.delays)
    world = World(asterisk)
    for number in NUMBERS:
        world.extension(number, contacts=len(scenario.phones[number]), **scenario.rows[number])
    return world


def dial_all(asterisk: FakeAsterisk, scenario: Scenario) -> None:
    for caller in scenario.callers:
        asterisk.at(caller.dials, partial(_dial, asterisk, caller))


async def tell(scenario: Scenario) -> World:
    world = world_in(scenario)
    asterisk = world.asterisk
    dial_all(asterisk, scenario)
    await world.until(lambda: len(asterisk.callers) == len(scenario.callers))
    # a caller who hears no end hangs up after a while
    for channel in asterisk.callers:
        asterisk.at(300.0, partial(asterisk.end, channel))
    await world.over()
    return world


def _dial(asterisk: FakeAsterisk, caller: Caller) -> None:
    channel = asterisk.call(caller.endpoint, caller.number, f"{len(asterisk.callers)}@phone")
    bye = partial(asterisk.end, channel)
    if caller.hangs_up is not None:
        asterisk.at(caller.hangs_up, bye)
    if caller.at_request is not None:
        asterisk.before[caller.at_request] = bye


patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(scenarios(st.just({})))
@settings(patient, max_examples=150)
def test_every_story_ends(scenario: Scenario) -> None:
    check(run(tell(scenario)))


@given(scenarios(st.dictionaries(st.integers(0, 12), st.sampled_from(Fault), max_size=2)))
@settings(patient, max_examples=150)
def test_every_story_ends_when_requests_fail(scenario: Scenario) -> None:
    check(run(tell(scenario)))
