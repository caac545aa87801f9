"""Wrong keys, no keys, and what else can be wrong with a menu: nobody is left in silence."""

from collections.abc import Sequence
from functools import partial
from itertools import permutations
from typing import Any

import pytest

from stasis_app.rules.models import Target
from stasis_app.words import HangupCause, IvrAction, TargetType

from .menus import (
    BEEP,
    BEFORE,
    BEGINS,
    BYE,
    INVALID,
    SILENCE,
    SUB,
    TIMEOUT,
    TRY_AGAIN,
    WELCOME,
    WRONG_KEY,
    Keys,
    calls,
    change,
    heard,
    heard_at,
    menu_story,
    option,
    prompt,
)
from .rows import identity, to_box, to_extension, to_menu, to_outside
from .stage import NUMBER, story
from .world import World, endpoint, over

OWN: dict[str, Any] = {"invalid_prompt": identity(INVALID), "timeout_prompt": identity(TIMEOUT)}
TO_1001 = {"on_timeout": to_extension("1001"), "on_invalid": to_extension("1001")}


# tries


@pytest.mark.parametrize(
    ("keys", "columns", "sounds"),
    [
        # nothing pressed
        ({}, {"max_retries": 0}, [WELCOME, BYE]),
        ({}, {"max_retries": 1}, [WELCOME, TRY_AGAIN, WELCOME, BYE]),
        ({}, {"max_retries": 1, **OWN}, [WELCOME, TIMEOUT, WELCOME, BYE]),
        # wrong keys, one while each prompt is heard
        ({1.0: "9"}, {"max_retries": 0}, [WELCOME, BYE]),
        ({1.0: "9", 4.0: "9"}, {"max_retries": 1}, [WELCOME, WRONG_KEY, WELCOME, BYE]),
        ({1.0: "9", 4.0: "9"}, {"max_retries": 1, **OWN}, [WELCOME, INVALID, WELCOME, BYE]),
        # each kind is counted apart: a wrong key, silence, a wrong key
        (
            {1.0: "9", 16.0: "9"},
            {"max_retries": 1, **OWN},
            [WELCOME, INVALID, WELCOME, TIMEOUT, WELCOME, BYE],
        ),
        # and silence, a wrong key, silence
        (
            {13.0: "9"},
            {"max_retries": 1, **OWN},
            [WELCOME, TIMEOUT, WELCOME, INVALID, WELCOME, BYE],
        ),
        # a key during the sentence counts for the menu behind it
        ({1.0: "9", 2.0: "0"}, {}, [WELCOME, WRONG_KEY, BYE]),
        ({0.1: "9000"}, {"max_retries": 0}, [BYE]),
    ],
)
def test_tries(keys: Keys, columns: dict[str, Any], sounds: list[str]) -> None:
    world = menu_story(keys, partial(change, **columns))
    assert heard(world) == sounds
    assert world.cause() == HangupCause.NORMAL_CLEARING


def test_patience_begins_at_the_end_of_the_prompt() -> None:
    world = menu_story({})
    assert heard_at(world, TRY_AGAIN)[0] == pytest.approx(BEGINS + 4 + SILENCE, abs=0.01)


def test_what_was_pressed_ahead_of_a_wrong_key_is_forgotten() -> None:
    world = menu_story({0.05: "91"})
    assert heard(world)[:2] == [WRONG_KEY, WELCOME]
    assert world.dialled() == []


@pytest.mark.parametrize("keys", [{}, {1.0: "9"}])
@pytest.mark.parametrize(
    ("target", "reached", "sounds"),
    [
        (to_extension("1001"), endpoint("1001"), [WELCOME]),
        (to_outside(NUMBER), over("A", NUMBER), [WELCOME]),
        (to_menu("sub"), None, [WELCOME, SUB]),
        (to_box("1003"), None, [WELCOME, "en/vm-theperson"]),
        (
            Target(TargetType.QUEUE, identity("sales")),
            None,
            [WELCOME, "en/vm-nobodyavail", "en/vm-goodbye"],
        ),
        (None, None, [WELCOME, BYE]),
    ],
)
def test_where_it_goes_when_no_try_is_left(
    keys: Keys, target: Target | None, reached: str | None, sounds: list[str]
) -> None:
    ways_out: dict[str, Any] = {"on_timeout": target, "on_invalid": target}
    world = menu_story(keys, partial(change, max_retries=0, **ways_out))
    assert heard(world)[: len(sounds)] == sounds
    assert world.dialled() == ([reached] if reached else [])
    if target:
        [forwarded] = world.details("forwarded")
        assert forwarded["number"] == "ivr main"
        assert forwarded["reason"] == ("invalid" if keys else "timeout")


def test_ways_out_are_two() -> None:
    def prepare(world: World) -> None:
        one, two = to_extension("1001"), to_extension("1002")
        change(world, max_retries=0, on_timeout=one, on_invalid=two)

    assert menu_story({}, prepare).dialled() == [endpoint("1001")]
    assert menu_story({1.0: "9"}, prepare).dialled() == [endpoint("1002")]


def test_menu_pays_for_the_way_out() -> None:
    """Its number outside is dialled for whoever called us, and so the carrier is told."""
    world = menu_story({}, partial(change, max_retries=0, on_timeout=to_outside(NUMBER)))
    [leg] = world.legs()
    assert leg.variables["REDIRECTING(from-num,i)"] == "+49301234500"


# targets that are gone

GONE = [
    to_extension("1999"),
    to_menu("none"),
    to_box("1002"),
    Target(TargetType.QUEUE, identity("none")),
]


@pytest.mark.parametrize("target", GONE)
def test_key_whose_target_is_gone_is_a_wrong_key(target: Target) -> None:
    world = menu_story({1.0: "6"}, lambda world: option(world, "6", target))
    assert heard(world)[:3] == [WELCOME, WRONG_KEY, WELCOME]
    problem = f"key 6: the {target.type} it leads to is missing"
    assert world.details("config_ignored") == [{"menu": "main", "problem": problem}]


@pytest.mark.parametrize("target", GONE)
def test_way_out_that_is_gone(target: Target) -> None:
    world = menu_story({}, partial(change, max_retries=0, on_timeout=target))
    assert heard(world) == [WELCOME, BYE]
    problem = f"the {target.type} that timeout leads to is missing"
    assert world.details("config_ignored") == [{"menu": "main", "problem": problem}]


# prompts that are missing


def test_menu_without_a_prompt_says_a_sentence() -> None:
    world = menu_story({3.0: "1"}, partial(change, welcome=None))
    assert heard(world) == [BEEP]
    assert world.dialled() == [endpoint("1002")]
    assert not world.details("media_skipped")


def test_menu_without_a_prompt_asks_for_a_number() -> None:
    world = menu_story({3.0: "1001#"}, partial(change, welcome=None, direct_dial=True))
    assert heard(world) == ["en/vm-enter-num-to-call"]
    assert world.dialled() == [endpoint("1001")]


@pytest.mark.parametrize("how", ["missing", "unplayable"])
def test_prompt_that_can_not_be_played_is_skipped_and_something_is_heard(how: str) -> None:
    def prepare(world: World) -> None:
        change(world, **OWN)
        for name in (WELCOME, INVALID):
            if how == "missing":
                world.audio.missing.add(identity(name))
            else:
                world.asterisk.unplayable.add(prompt(name))

    world = menu_story({1.0: "9", 9.0: "1"}, prepare)
    assert heard(world) == [BEEP, WRONG_KEY, BEEP]
    skipped = [{"media": str(identity(name))} for name in (WELCOME, INVALID, WELCOME)]
    assert world.details("media_skipped") == skipped
    assert world.dialled() == [endpoint("1002")]


@pytest.mark.parametrize("delays", [*permutations([0.0, 0.01, 0.05, 0.3], 3)])
def test_hangup_in_the_middle_of_a_prompt_skips_nothing(delays: Sequence[float]) -> None:
    """Asterisk says first that the playback has failed, and then that the caller is gone."""
    world = story(partial(calls, keys={}, hangs_up=2.0), delays=delays)
    assert heard(world) == [WELCOME]
    assert world.events() == ["arrived", "routed", "answered", "menu_entered", "ended"]


@pytest.mark.parametrize("hangs_up", [0.31, 0.8, 1.5])
def test_hangup_while_the_prompt_is_looked_for(hangs_up: float) -> None:
    async def act(world: World) -> None:
        world.audio.seconds = 1.0
        await calls(world, {0.5: "2"}, hangs_up=hangs_up)

    assert heard(story(act)) == []


# the way to where a key leads


@pytest.mark.parametrize(
    ("keys", "target", "sounds", "reached"),
    [
        ({1.0: "6"}, to_extension("1002"), [WELCOME, BEFORE], endpoint("1002")),
        ({1.0: "6"}, to_outside(NUMBER), [WELCOME, BEFORE], over("A", NUMBER)),
        ({1.0: "6", 5.0: "1"}, to_menu("sub"), [WELCOME, BEFORE, SUB], endpoint("1001")),
        # it is heard to its end; what is pressed meanwhile counts for the menu that follows
        ({1.0: "61"}, to_menu("sub"), [WELCOME, BEFORE], endpoint("1001")),
        ({1.0: "6", 2.0: "0#*"}, to_extension("1002"), [WELCOME, BEFORE], endpoint("1002")),
    ],
)
def test_prompt_before_the_transfer(
    keys: Keys, target: Target, sounds: list[str], reached: str
) -> None:
    def prepare(world: World) -> None:
        option(world, "6", target, pre_transfer_prompt=identity(BEFORE))

    world = menu_story(keys, prepare)
    assert heard(world) == sounds
    assert world.dialled() == [reached]
    assert max(leg.made_at for leg in world.legs()) > 3.0


def test_prompt_before_the_menu_again() -> None:
    def prepare(world: World) -> None:
        before = identity(BEFORE)
        option(world, "6", None, action=IvrAction.REPEAT, pre_transfer_prompt=before)

    world = menu_story({1.0: "6", 6.0: "1"}, prepare)
    assert heard(world) == [WELCOME, BEFORE, WELCOME]
    assert world.details("menu_entered") == [{"menu": "main"}, {"menu": "main", "again": "repeat"}]


@pytest.mark.parametrize(("missing", "sounds"), [(False, [BEFORE]), (True, [BYE])])
def test_prompt_in_place_of_goodbye(missing: bool, sounds: list[str]) -> None:
    def prepare(world: World) -> None:
        option(world, "6", None, pre_transfer_prompt=identity(BEFORE))
        if missing:
            world.audio.missing.add(identity(BEFORE))

    world = menu_story({1.0: "6"}, prepare)
    assert heard(world) == [WELCOME, *sounds]
    assert world.cause() == HangupCause.NORMAL_CLEARING


def test_prompt_before_the_transfer_that_is_missing() -> None:
    def prepare(world: World) -> None:
        option(world, "6", to_extension("1002"), pre_transfer_prompt=identity("none"))
        world.audio.missing.add(identity("none"))

    world = menu_story({1.0: "6"}, prepare)
    assert world.dialled() == [endpoint("1002")]
    assert len(world.details("media_skipped")) == 1


def test_the_rest_of_a_wrong_number_is_no_option() -> None:
    """1053 is nobody's number; its 3 is not the menu's."""

    def with_numbers(world: World) -> None:
        change(world, direct_dial=True)

    world = menu_story({1.0: "1053"}, with_numbers, hangs_up=9.0)
    told = [record["event"] for record in world.records if "event" in record]
    assert [event[2] for event in told].count("menu_entered") == 2
    assert "key_pressed" not in [event[2] for event in told]
