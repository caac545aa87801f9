"""Whatever menus there are and whatever is pressed when: the call ends, and never in silence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from stasis_app.rules.models import Target
from stasis_app.words import IvrAction, TargetType
from tests.support.fake_asterisk import FakeAsterisk
from tests.support.fake_phones import Fault, Phone
from tests.support.virtual_time import run

from .invariants import check
from .menus import Keys, presses, prompt
from .restarts import Machine
from .rows import (
    box,
    box_identity,
    identity,
    inbound_rule,
    menu,
    menu_option,
    to_box,
    to_extension,
    to_menu,
    to_outside,
)
from .stage import DID, NUMBER, OVERLOADED, carriers, delivers, with_trunks
from .test_random_stories import delays, patient
from .world import World, endpoint

NAMES = ("a", "b", "c")
MOST_MENUS = 4
MOST_REQUESTS = 250
# of a prompt, of the time for a key, and of that for the next one
SOUND, SILENCE, BETWEEN = 2.0, 3.0, 1.0
LONGEST_SECONDS = 1000.0


@dataclass(frozen=True)
class Option:
    """What keys do: lead to a target, or an action without one."""

    target: Target | None
    action: IvrAction
    spoken: bool


@dataclass(frozen=True)
class Scenario:
    """`menus` are rows by name, `options` by the name of their menu; `broken` can't be played.

    The caller presses `keys` and hangs up at a second, or not at all.
    """

    menus: Mapping[str, Mapping[str, Any]]
    options: Mapping[str, Mapping[str, Option]]
    keys: Keys
    hangs_up: float | None
    broken: frozenset[str]
    phone: Phone
    delays: tuple[float, ...]
    faults: Mapping[int, Fault] = field(default_factory=dict)


targets = st.sampled_from(
    [
        *map(to_menu, NAMES),
        to_menu("none"),
        to_extension("1001"),
        to_extension("1002"),
        to_extension("1999"),
        to_outside(NUMBER),
        to_box("1002"),
        Target(TargetType.QUEUE, identity("none")),
    ]
)

options = st.builds(
    Option,
    target=st.none() | targets,
    action=st.sampled_from([IvrAction.HANGUP, IvrAction.REPEAT]),
    spoken=st.booleans(),
)

rows = st.fixed_dictionaries(
    {
        "welcome": st.sampled_from([None, identity("welcome"), identity("other")]),
        "digit_seconds": st.sampled_from([1.0, SILENCE]),
        "inter_digit_seconds": st.sampled_from([0.2, BETWEEN]),
        "max_retries": st.integers(0, 2),
        "invalid_prompt": st.sampled_from([None, identity("other")]),
        "on_timeout": st.none() | targets,
        "on_invalid": st.none() | targets,
        "direct_dial": st.booleans(),
        "language": st.sampled_from([None, "de"]),
    }
)

moments = st.one_of(
    st.floats(0.0, 20.0).map(lambda second: round(second, 3)),
    st.sampled_from([0.0, 0.001, 0.3, 0.302, 0.304, 2.304, 3.304, 5.304]),
)
entries = st.text("0123*#", min_size=1, max_size=4) | st.sampled_from(["1001", "112", "A1"])

phones = st.sampled_from(
    [
        Phone(rings=0.1, answers=2.0, hangs_up=5.0),
        Phone(rings=0.1),
        Phone(rings=None, rejects=(0.1, 17, 486)),
    ]
)


def scenarios(
    faults: st.SearchStrategy[Mapping[int, Fault]] = st.just({}),  # noqa: B008
) -> st.SearchStrategy[Scenario]:
    keys_of_options = st.text("012*#", min_size=1, max_size=2)
    return st.builds(
        Scenario,
        menus=st.fixed_dictionaries(dict.fromkeys(NAMES, rows)),
        options=st.fixed_dictionaries(
            dict.fromkeys(NAMES, st.dictionaries(keys_of_options, options, max_size=4))
        ),
        keys=st.dictionaries(moments, entries, max_size=8),
        hangs_up=st.none() | moments,
        broken=st.frozensets(st.sampled_from(["welcome", "other", "before"])),
        phone=phones,
        delays=delays,
        faults=faults,
    )


def world_in(scenario: Scenario) -> World:
    dialled = {endpoint(number): scenario.phone for number in ("1001", "1002")}
    dialled |= carriers(OVERLOADED, scenario.phone)
    asterisk = FakeAsterisk(phones=dialled, delays=scenario.delays, faults=scenario.faults)
    world = with_trunks(World(asterisk))
    world.set(ivr__max_menus=MOST_MENUS, calls__max_hops=3, calls__default_ring_seconds=5)
    world.extension("1001")
    world.extension("1002", voicemail=True)
    world.keep(voicemail_boxes=box("1002"))
    world.mailboxes.box(box_identity("1002"), "1002")
    for name in scenario.broken:
        world.audio.missing |= {identity(name)} if name == "other" else set()
        asterisk.unplayable.add(prompt(name))
    for name, columns in scenario.menus.items():
        world.keep(ivr_menus=menu(name, **columns))
        for keys, option in scenario.options[name].items():
            keep_option(world, name, keys, option)
    world.keep(inbound_rules=inbound_rule("in", DID, to_menu("a")))
    return world


def keep_option(world: World, of: str, keys: str, option: Option) -> None:
    columns: dict[str, Any] = {} if option.target else {"action": option.action}
    if option.spoken:
        columns["pre_transfer_prompt"] = identity("before")
    world.keep(ivr_menu_options=menu_option(of, keys, option.target, **columns))


async def call_in(world: World, scenario: Scenario) -> None:
    caller = await delivers(world, hangs_up=LONGEST_SECONDS)
    presses(world, caller, scenario.keys)
    if scenario.hangs_up is not None:
        world.asterisk.at(scenario.hangs_up, partial(world.asterisk.end, caller))


async def tell(scenario: Scenario) -> World:
    world = world_in(scenario)
    await call_in(world, scenario)
    await world.over()
    return world


def is_bounded(world: World) -> None:
    """The call ends by itself, after some menus and requests."""
    assert world.second_of("ended") < LONGEST_SECONDS - 1
    entered = [one for one in world.details("menu_entered") if "again" not in one]
    assert len(entered) <= MOST_MENUS
    assert len(world.asterisk.requests) < MOST_REQUESTS


def nobody_waits_in_silence(world: World, slack: float) -> None:
    """Whoever is in menus only, and in no mailbox, hears something after the time for the keys.

    What can't be found or played is no sound. `slack` is for requests under way.
    """
    logs_in = any("vm-password" in what for _, _, what in world.asterisk.played)
    if world.legs() or world.details("message_begun") or logs_in:
        return
    heard = [at for at, _, _ in world.asterisk.played]
    begun = [world.answered_at(), *heard] if "answered" in world.events() else heard
    longest = SOUND + SILENCE + 3 * BETWEEN + slack
    for earlier, later in pairwise([*begun, world.second_of("ended")]):
        assert later - earlier < longest, begun


@given(scenarios())
@settings(patient, max_examples=120)
def test_every_call_ends_and_is_never_silent(scenario: Scenario) -> None:
    world = run(tell(scenario))
    check(world)
    is_bounded(world)
    nobody_waits_in_silence(world, slack=20 * max(scenario.delays))


@given(scenarios(st.dictionaries(st.integers(0, 12), st.sampled_from(Fault), max_size=2)))
@settings(patient, max_examples=60)
def test_every_call_ends_when_requests_fail(scenario: Scenario) -> None:
    world = run(tell(scenario))
    check(world)
    is_bounded(world)


interruptions = st.lists(
    st.tuples(
        st.integers(4, 25),
        st.sampled_from([0.05, 0.5, 3.0]),
        st.sampled_from(["killed", "killed before it is sent", "disconnected"]),
    ),
    min_size=1,
    max_size=3,
)


async def interrupted(scenario: Scenario, plan: Sequence[tuple[int, float, str]]) -> World:
    world = world_in(scenario)
    machine = Machine(world)
    await world.switchboard.reconcile()
    for request, away, how in plan:
        if how == "disconnected":
            machine.disconnect_at(request, away)
        else:
            machine.kill_at(request, away, sent=how == "killed")
    await call_in(world, scenario)
    await machine.over(LONGEST_SECONDS + 100)
    return machine.world


@given(scenarios(), interruptions)
@settings(patient, max_examples=100)
def test_every_call_ends_whatever_restarts(
    scenario: Scenario, plan: Sequence[tuple[int, float, str]]
) -> None:
    world = run(interrupted(scenario, plan))
    check(world)
    is_bounded(world)
