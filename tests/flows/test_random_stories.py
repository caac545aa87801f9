"""Whatever people, phones and the network do: every story ends, and its books are right."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.fake_asterisk import FakeAsterisk
from tests.support.fake_phones import DEAD, Fault, Phone
from tests.support.virtual_time import run

from .invariants import check
from .rows import endpoint_of, inbound_rule, outbound_rule, to_extension, to_outside
from .stage import NUMBER, OVERLOADED, carriers, with_trunks
from .world import World, endpoint

NUMBERS = ("1001", "1002", "1003", "1004")
UNKNOWN = "1999"
TRUNKS = ("A", "B")
# what carriers ask for: 1002, and somebody outside
DID, HAIRPIN = "+493012345", "+493012346"


@dataclass(frozen=True)
class Caller:
    """Dials `number` at second `dials`; hangs up at a second, a request or not at all.

    The endpoint may be a trunk, behind which a carrier calls.
    """

    endpoint: str
    number: str
    dials: float
    hangs_up: float | None
    at_request: int | None


@dataclass(frozen=True)
class Scenario:
    """`rows` and `phones` by number, `trunks` and `carriers` by name, `faults` by request.

    Calls out end after `max_seconds`.
    """

    rows: Mapping[str, Mapping[str, Any]]
    phones: Mapping[str, tuple[Phone, ...]]
    callers: tuple[Caller, ...]
    delays: tuple[float, ...]
    faults: Mapping[int, Fault] = field(default_factory=dict)
    trunks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    carriers: tuple[Phone, Phone] = (OVERLOADED, OVERLOADED)
    max_seconds: float | None = None


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

carrying = st.one_of(
    st.just(DEAD),
    st.builds(
        Phone,
        trying=st.none() | st.just(0.0),
        progresses=st.none() | moments,
        rings=st.none() | moments,
        answers=st.none() | moments,
        hangs_up=st.none() | moments,
    ),
    st.builds(
        Phone,
        progresses=st.none() | st.none() | moments,
        rings=st.none() | st.none() | moments,
        rejects=st.tuples(moments, st.just(34), st.sampled_from([0, 401, 404, 480, 486, 503, 603])),
    ),
)

forwards = st.none() | st.sampled_from([*NUMBERS, UNKNOWN, NUMBER])

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

trunk_rows = st.fixed_dictionaries(
    {},
    optional={
        "max_concurrent_calls": st.none() | st.integers(0, 2),
        "outbound_calls_per_minute": st.none() | st.integers(0, 2),
    },
)


def calling(endpoints: tuple[str, ...], numbers: tuple[str, ...]) -> st.SearchStrategy[Caller]:
    return st.builds(
        Caller,
        endpoint=st.sampled_from(endpoints),
        number=st.sampled_from(numbers),
        dials=moments,
        hangs_up=st.none() | moments,
        at_request=st.none() | st.integers(0, 12),
    )


callers = calling(NUMBERS, (*NUMBERS, UNKNOWN, NUMBER)) | calling(TRUNKS, (DID, HAIRPIN))

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
        trunks=st.fixed_dictionaries(dict.fromkeys(TRUNKS, trunk_rows)),
        carriers=st.tuples(carrying, carrying),
        max_seconds=st.sampled_from([None, 2.0, 40.0]),
    )


def world_in(scenario: Scenario) -> World:
    dialled = {
        endpoint(number, place, len(phones)): phone
        for number, phones in scenario.phones.items()
        for place, phone in enumerate(phones)
    }
    dialled.update(carriers(*scenario.carriers))
    asterisk = FakeAsterisk(phones=dialled, faults=scenario.faults, delays=scenario.delays)
    world = World(asterisk)
    for number in NUMBERS:
        world.extension(number, contacts=len(scenario.phones[number]), **scenario.rows[number])
    with_trunks(world, scenario.trunks.get("A"), **scenario.trunks.get("B", {}))
    world.keep(outbound_rules=outbound_rule("all", "^0", "A", max_seconds=scenario.max_seconds))
    world.keep(inbound_rules=inbound_rule("in", DID, to_extension("1002")))
    world.keep(inbound_rules=inbound_rule("hairpin", HAIRPIN, to_outside(NUMBER)))
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
    if caller.endpoint in TRUNKS:
        channel = asterisk.deliver(endpoint_of(caller.endpoint), caller.number, "+4940111")
    else:
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
