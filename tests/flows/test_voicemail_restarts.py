"""The process is killed, or its connection breaks, while a message is left: it arrives once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stasis_app.rules.sentences import Sentence, review, unavailable
from stasis_app.rules.spoken import Language
from stasis_app.words import HangupCause
from tests.support.fake_phones import Fault, Phone
from tests.support.virtual_time import run

from .invariants import check
from .mailbox_stage import delivered, deliveries, speaks, with_box
from .restarts import Machine
from .rows import identity
from .stage import ANSWERS, world_of
from .test_random_stories import patient
from .voicemail_stage import (
    BOX,
    DIRECTLY,
    Prepare,
    Talker,
    arriving,
    as_it_is,
    nothing_is_lost,
    why_discarded,
)
from .world import World, endpoint

EN, DE = Language.EN, Language.DE
RECONCILING = 4  # requests of a comparison


class Story(NamedTuple):
    """Keys by the second in which they are pressed, from and to when somebody speaks, and goes."""

    keys: Mapping[float, str]
    talks: tuple[tuple[float, float], ...]
    hangs_up: float = 100.0
    number: str = DIRECTLY
    phones: Mapping[str, Phone] = {}


STORIES = {
    "accepts": Story({1: "#", 8: "#", 10: "1"}, ((2, 7),)),
    "says_nothing": Story({1: "#"}, ((2, 7),)),
    "hangs_up": Story({1: "#"}, ((2, 7),), hangs_up=7),
    "hangs_up_in_the_review": Story({1: "#", 8: "#", 10: "2"}, ((2, 7),), hangs_up=13),
    "records_again": Story({1: "#", 8: "#", 9: "43", 20: "#", 22: "1"}, ((2, 7), (10, 19))),
    "is_too_short": Story({1: "#", 3: "#", 14: "#", 16: "1"}, ((2, 3), (8, 13))),
    "asks_for_the_operator": Story(
        {1: "#", 8: "#", 10: "0"}, ((2, 7),), phones={endpoint("1003"): ANSWERS}
    ),
    "nobody_answers": Story({27: "#", 38: "#", 40: "1"}, ((28, 36),), number="1002"),
}


def set_up(story: Story) -> World:
    world = world_of(phones=dict(story.phones), delays=(0.005,))
    with_box(world, "1002", operator="1003")
    return world


def begin(world: World, story: Story) -> None:
    caller = world.asterisk.call("1001", story.number)
    for second, keys in story.keys.items():
        world.asterisk.at(second, partial(world.asterisk.press, caller, keys))
    caller.talks += story.talks
    world.asterisk.at(story.hangs_up, partial(world.asterisk.end, caller))


async def enact(story: Story, prepare: Callable[[Machine, int], None]) -> World:
    """Tell a story of two minutes whose interruptions `prepare` has planned."""
    world = set_up(story)
    machine = Machine(world)
    await world.switchboard.reconcile()
    prepare(machine, len(world.asterisk.requests))
    begin(world, story)
    await machine.over(200)
    check(machine.world)
    nothing_is_lost(machine.world)
    return machine.world


def undisturbed(story: Story) -> World:
    return run(enact(story, lambda machine, first: None))


def requests_of(story: Story) -> range:
    return range(len(undisturbed(story).asterisk.requests) - RECONCILING)


@pytest.mark.parametrize("name", STORIES)
def test_undisturbed(name: str) -> None:
    """The stories are what they say they are."""
    world = undisturbed(STORIES[name])
    assert len(arriving(world)) == len(delivered(world)) == 1
    given_up = {"records_again": ["recorded_again"], "is_too_short": ["too_short"]}
    assert why_discarded(world) == given_up.get(name, [])
    assert len(world.legs()) == (name in ("asks_for_the_operator", "nobody_answers"))


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("away", [0.05, 3.0])
@pytest.mark.parametrize("name", STORIES)
def test_killed_at_any_request(name: str, away: float, sent: bool) -> None:
    story = STORIES[name]
    for request in requests_of(story):

        def kill(machine: Machine, first: int, request: int = request) -> None:
            machine.kill_at(first + request, away, sent=sent)

        world = run(enact(story, kill))
        if name in ("accepts", "says_nothing", "hangs_up_in_the_review"):
            assert len(arriving(world)) == 1, f"lost at request {request}"


class Dying(list[Mapping[str, Any]]):
    """A journal after whose so-manieth record the process is killed, before it writes the next."""

    def __init__(self, last: int, kill: Callable[[], None]) -> None:
        super().__init__()
        self._last, self._kill = last, kill

    def append(self, record: Mapping[str, Any]) -> None:
        super().append(record)
        if len(self) == self._last:
            self._kill()


async def killed_after(record: int, story: Story) -> World:
    world = set_up(story)
    world.records = Dying(record, world.kill)
    begin(world, story)
    await world.until(lambda: world.exchange.leaving or "ended" in world.events(), within=150)
    world = world.next_process()
    await world.switchboard.reconcile()
    await world.over()
    check(world)
    nothing_is_lost(world)
    return world


@pytest.mark.parametrize("name", STORIES)
def test_killed_after_any_record(name: str) -> None:
    """Two records that belong together are not written at once."""
    story = STORIES[name]
    for record in range(1, len(undisturbed(story).records)):
        world = run(killed_after(record, story))
        if name in ("accepts", "records_again"):
            assert len(arriving(world)) == 1, f"lost after record {record}"


@pytest.mark.parametrize("again", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("name", ["accepts", "records_again"])
def test_killed_twice(name: str, again: int) -> None:
    story = STORIES[name]
    for request in requests_of(story):

        def kill(machine: Machine, first: int, request: int = request) -> None:
            machine.kill_at(first + request, 0.1, sent=True)
            machine.kill_at(first + request + again, 0.1, sent=True)

        assert len(arriving(run(enact(story, kill)))) == 1, f"lost at request {request}"


@pytest.mark.parametrize("away", [0.05, 3.0])
@pytest.mark.parametrize("name", STORIES)
def test_connection_breaks_at_any_request(name: str, away: float) -> None:
    story = STORIES[name]
    for request in requests_of(story):

        def cut(machine: Machine, first: int, request: int = request) -> None:
            machine.disconnect_at(first + request, away)

        run(enact(story, cut))


# where the next process enters


async def next_process(talker: Talker, away: float = 0.1) -> None:
    """Let the process be killed, and another one begin after a while."""
    talker.world.kill()
    await talker.waits(away)
    successor = talker.world.next_process()
    await successor.switchboard.reconcile()
    talker.world = successor


def taken_over(scene: Callable[[Talker], Any], prepare: Prepare = as_it_is) -> World:
    """Tell a story in which one process follows another, to the end of the call."""

    async def tell() -> World:
        world = world_of()
        with_box(world, "1002")
        prepare(world)
        talker = Talker(world, world.asterisk.call("1001", DIRECTLY))
        await talker.waits(0.5)
        await scene(talker)
        await talker.world.over()
        check(talker.world)
        nothing_is_lost(talker.world)
        return talker.world

    return run(tell())


def has_adopted(world: World, step: str = "voicemail") -> bool:
    return world.details("adopted") == [{"step": step}]


def test_greeting_is_said_again() -> None:
    async def scene(talker: Talker) -> None:
        await talker.waits(3)
        await next_process(talker)
        talker.at = len(talker.played)
        await talker.hears(unavailable("1002", EN))
        await talker.leaves()
        await talker.hangs_up()

    world = taken_over(scene)
    assert has_adopted(world)
    assert len(arriving(world)) == 1
    assert world.events().count("answered") == 1


@pytest.mark.parametrize("away", [0.1, 2.0, 60.0])
def test_message_goes_on(away: float) -> None:
    """Who speaks hears nothing of it, not even a second tone."""

    async def scene(talker: Talker) -> None:
        await talker.skips_to_the_tone()
        talker.world.asterisk.talk(talker.phone, away + 4)
        await talker.waits(2)
        await next_process(talker, away)
        await talker.waits(2)
        await talker.presses("#")
        await talker.hears(review(EN, urgent=False))
        await talker.presses("1")
        await talker.hears(Sentence.MESSAGE_LEFT, Sentence.GOODBYE)

    world = taken_over(scene)
    [(_, recorded)] = arriving(world)
    assert recorded.talking_seconds == pytest.approx(away + 4, abs=0.1)
    assert len(deliveries(world)) == 1
    assert len(delivered(world)) == 1


@pytest.mark.parametrize("end", ["#", ""])
def test_message_ends_while_nobody_watches(end: str) -> None:
    async def scene(talker: Talker) -> None:
        await talker.skips_to_the_tone()
        await talker.speaks(3)
        talker.world.kill()
        talker.world.asterisk.press(talker.phone, end)
        await next_process(talker, 20)
        await talker.hears(review(EN, urgent=False), Sentence.MESSAGE_LEFT)

    world = taken_over(scene)
    assert len(arriving(world)) == len(delivered(world)) == 1
    assert world.details("message_left")[0]["seconds"] is None


def test_caller_hangs_up_while_nobody_watches() -> None:
    """The delivery stays open: whoever delivers finds that its call is over."""

    async def scene(talker: Talker) -> None:
        await talker.skips_to_the_tone()
        await talker.speaks(3)
        talker.world.kill()
        await talker.hangs_up()
        await next_process(talker)

    world = taken_over(scene)
    assert len(arriving(world)) == 1
    assert not delivered(world)
    assert world.cause() == HangupCause.NORMAL_CLEARING


def test_review_goes_on() -> None:
    async def scene(talker: Talker) -> None:
        await talker.leaves()
        await talker.presses("4")
        await talker.waits(1)
        await next_process(talker)
        await talker.hears(review(EN, urgent=True))
        await talker.presses("2")
        await talker.hears([f"recording:{one['recording']}" for one in delivery(talker)])
        await talker.presses("1")
        await talker.hears(Sentence.MESSAGE_LEFT)

    def delivery(talker: Talker) -> list[dict[str, Any]]:
        return list(deliveries(talker.world).values())

    world = taken_over(scene)
    assert arriving(world)[0][0]["details"]["urgent"] is True
    assert world.details("message_left") == [{"number": "1002", "seconds": 5.0, "urgent": True}]


def test_thanks_are_said_again_and_nothing_is_recorded() -> None:
    async def scene(talker: Talker) -> None:
        await talker.leaves()
        await talker.presses("1", 1.0)
        await next_process(talker)
        talker.at = len(talker.played)
        await talker.hears(Sentence.MESSAGE_LEFT, Sentence.GOODBYE)

    world = taken_over(scene)
    assert len(deliveries(world)) == 1
    assert len(world.details("message_left")) == 1


def test_message_is_kept_although_its_box_is_gone() -> None:
    """It is for the deliverer to say that it came too late."""

    async def scene(talker: Talker) -> None:
        await talker.skips_to_the_tone()
        await talker.speaks(3)
        await next_process(talker)
        talker.world.book.voicemail_boxes.forget([BOX])
        await talker.presses("#")
        await talker.hears(Sentence.MESSAGE_LEFT)

    assert len(arriving(taken_over(scene))) == 1


def test_box_is_gone_at_the_greeting() -> None:
    async def scene(talker: Talker) -> None:
        await talker.waits(3)
        talker.world.book.voicemail_boxes.forget([BOX])
        await next_process(talker)
        await talker.hears(Sentence.CANNOT_COMPLETE)

    world = taken_over(scene)
    assert world.cause() == HangupCause.UNAVAILABLE
    assert world.reasons() == ["no_box"]


def test_language_stays() -> None:
    async def scene(talker: Talker) -> None:
        await talker.leaves()
        speaks(talker.world, "1002", language="en")
        await next_process(talker)
        talker.at = len(talker.played)
        await talker.hears(review(DE, urgent=False), Sentence.MESSAGE_LEFT, tongue=DE)

    taken_over(scene, lambda world: speaks(world, "1002", language="de"))


# whatever the caller does


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
