"""Whatever a caller does at the greeting, after the tone and in the review: it ends well."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.fake_phones import Fault
from tests.support.virtual_time import run

from .invariants import check
from .mailbox_stage import with_box
from .restarts import Machine
from .rows import identity
from .stage import ANSWERS, world_of
from .test_random_stories import patient
from .voicemail_stage import DIRECTLY, nothing_is_lost
from .world import World, endpoint

RECONCILING = 4  # requests of a comparison


@dataclass(frozen=True)
class Whim:
    """What somebody does next, and after how long: keys, or words for so many seconds."""

    after: float
    keys: str = ""
    speaks: float = 0.0


whims = st.lists(
    st.builds(
        Whim,
        after=st.sampled_from([0.0, 0.1, 0.35, 1.0, 2.0, 5.0, 9.0]),
        keys=st.sampled_from(["", *"0123456789*#", "##", "#3", "43", "#*", "#0"]),
        speaks=st.sampled_from([0.0, 0.0, 0.5, 3.0, 12.0]),
    ),
    max_size=14,
)

interruptions = st.lists(
    st.tuples(
        st.integers(RECONCILING, 40),
        st.sampled_from([0.05, 0.5, 3.0, 20.0]),
        st.sampled_from(["killed", "killed before it is sent", "disconnected"]),
    ),
    max_size=3,
)


@dataclass(frozen=True)
class Scenario:
    """`hangs_up` counts from the last whim; `columns` are those of the box."""

    whims: list[Whim]
    hangs_up: float
    columns: Mapping[str, Any]
    number: str
    settings: Mapping[str, Any]


scenarios = st.builds(
    Scenario,
    whims=whims,
    hangs_up=st.sampled_from([0.0, 0.1, 2.0, 8.0, 15.0, 100.0]),
    columns=st.fixed_dictionaries(
        {},
        optional={
            "operator": st.sampled_from(["1003", "0301234567", "1999"]),
            "greeting": st.just(identity("own")),
            "name_prompt": st.just(identity("name")),
            "max_messages": st.sampled_from([0, 5]),
        },
    ),
    number=st.sampled_from([DIRECTLY, "1002"]),
    settings=st.fixed_dictionaries(
        {},
        optional={
            "voicemail__max_seconds": st.sampled_from([0, 4, 30]),
            "voicemail__min_seconds": st.sampled_from([0, 2, 4]),
            "voicemail__silence_seconds": st.sampled_from([0, 3]),
        },
    ),
)


async def tell(
    scenario: Scenario,
    plan: list[tuple[int, float, str]],
    faults: Mapping[int, Fault],
    delays: tuple[float, ...],
) -> World:
    world = world_of(delays=delays, faults=faults, phones={endpoint("1003"): ANSWERS})
    with_box(world, "1002", **scenario.columns)
    world.extension("1002", voicemail=True, dnd=True)
    world.set(**scenario.settings)
    machine = Machine(world)
    await world.switchboard.reconcile()
    for request, away, how in plan:
        if how == "disconnected":
            machine.disconnect_at(request, away)
        else:
            machine.kill_at(request, away, sent=how == "killed")
    asterisk = world.asterisk
    caller, second = asterisk.call("1001", scenario.number), 0.0
    for whim in scenario.whims:
        second += whim.after
        asterisk.at(second, partial(asterisk.press, caller, whim.keys))
        asterisk.at(second, partial(asterisk.talk, caller, whim.speaks))
    asterisk.at(second + scenario.hangs_up, partial(asterisk.end, caller))
    await machine.over(second + 600)
    return machine.world


delays = st.lists(st.sampled_from([0.0, 0.001, 0.05, 0.2]), min_size=1, max_size=4).map(tuple)


@given(scenarios, delays)
@settings(patient, max_examples=200)
def test_whatever_the_caller_does(scenario: Scenario, delays: tuple[float, ...]) -> None:
    world = run(tell(scenario, [], {}, delays))
    check(world)
    nothing_is_lost(world)


@given(scenarios, interruptions, delays)
@settings(patient, max_examples=200)
def test_whatever_restarts(
    scenario: Scenario, plan: list[tuple[int, float, str]], delays: tuple[float, ...]
) -> None:
    world = run(tell(scenario, plan, {}, delays))
    check(world)
    nothing_is_lost(world)


@given(
    scenarios,
    st.dictionaries(st.integers(RECONCILING, 30), st.sampled_from(Fault), max_size=2),
    delays,
)
@settings(patient, max_examples=200)
def test_whatever_fails(
    scenario: Scenario, faults: Mapping[int, Fault], delays: tuple[float, ...]
) -> None:
    world = run(tell(scenario, [], faults, delays))
    check(world)
    nothing_is_lost(world)
