"""What callers press in a menu, and where it leads."""

from typing import Any

import pytest

from stasis_app.call.keys import EVERY_KEY
from stasis_app.words import ExtensionStatus, HangupCause
from tests.support.fake_phones import Phone

from .menus import (
    BEGINS,
    BETWEEN,
    BYE,
    SECONDS,
    SILENCE,
    SUB,
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
    times_heard,
    with_menus,
)
from .rows import identity, to_extension
from .stage import ANSWERS, NUMBER, RINGS, story
from .world import World, endpoint, over

PROMPT_ENDS = BEGINS + SECONDS[WELCOME]


@pytest.mark.parametrize(
    ("keys", "sounds", "reached"),
    [
        # while the prompt is heard
        ({1.0: "1"}, [WELCOME], endpoint("1002")),
        ({1.0: "3"}, [WELCOME], over("A", NUMBER)),
        ({1.0: "0"}, [WELCOME, BYE], None),
        ({1.0: "2", 3.0: "1"}, [WELCOME, SUB], endpoint("1001")),
        ({1.0: "*", 3.0: "1"}, [WELCOME, WELCOME], endpoint("1002")),
        # after it
        ({PROMPT_ENDS + 0.1: "1"}, [WELCOME], endpoint("1002")),
        ({PROMPT_ENDS + 4.9: "1"}, [WELCOME], endpoint("1002")),
        # before it: the caller knows the menu
        ({0.1: "1"}, [], endpoint("1002")),
        ({0.1: "0"}, [BYE], None),
        ({0.1: "21"}, [], endpoint("1001")),
        ({0.1: "2*1"}, [], endpoint("1002")),
        # before the answer they mean nothing
        ({0.0: "0", 1.0: "1"}, [WELCOME], endpoint("1002")),
        # type-ahead
        ({1.0: "21"}, [WELCOME, SUB], endpoint("1001")),
        ({1.0: "2*1"}, [WELCOME, SUB, WELCOME], endpoint("1002")),
        # two keys, and what could be two
        ({1.0: "71"}, [WELCOME], endpoint("1002")),
        ({1.0: "7", 2.9: "1"}, [WELCOME], endpoint("1002")),
        ({PROMPT_ENDS + 4.9: "7", PROMPT_ENDS + 6.8: "1"}, [WELCOME], endpoint("1002")),
        # # is a key like any other where an option has it
        ({1.0: "2", 3.0: "#"}, [WELCOME, SUB], endpoint("1002")),
        ({0.1: "2#"}, [], endpoint("1002")),
        # and else ends an entry that was complete without it
        ({1.0: "1#"}, [WELCOME], endpoint("1002")),
        ({1.0: "*#", 3.0: "1"}, [WELCOME, WELCOME], endpoint("1002")),
        ({1.0: "#", 2.0: "1"}, [WELCOME], endpoint("1002")),
        # what is on no phone means nothing
        ({1.0: "A", 2.0: "1"}, [WELCOME], endpoint("1002")),
    ],
)
def test_where_keys_lead(keys: Keys, sounds: list[str], reached: str | None) -> None:
    world = menu_story(keys)
    assert heard(world)[: len(sounds)] == sounds
    assert world.dialled() == ([reached] if reached else [])
    assert world.cause() == HangupCause.NORMAL_CLEARING


def test_box_of_an_extension() -> None:
    world = menu_story({1.0: "4"})
    assert [one["number"] for one in world.details("message_begun")] == ["1003"]


def test_keys_pressed_ahead_count_for_menus_only() -> None:
    """Who ends the entry for a mailbox with # hears its greeting."""
    assert len(heard(menu_story({0.05: "4#"}))) > len(heard(menu_story({0.05: "4", 1.0: "#"})))


def test_a_queue_that_takes_nobody() -> None:
    world = menu_story({1.0: "5"})
    assert world.cause() == HangupCause.UNAVAILABLE
    assert heard(world) == [WELCOME, "en/vm-nobodyavail", "en/vm-goodbye"]


def test_timeline_tells_the_menus_and_what_was_chosen() -> None:
    world = menu_story({1.0: "2", 3.0: "*", 5.0: "0"})
    assert world.events() == [
        "arrived",
        "routed",
        "answered",
        *["menu_entered", "key_pressed"] * 3,
        "announced",
        "ended",
    ]
    assert world.details("menu_entered") == [{"menu": name} for name in ("main", "sub", "main")]
    assert world.details("key_pressed") == [
        {"menu": "main", "choice": "2"},
        {"menu": "sub", "choice": "*"},
        {"menu": "main", "choice": "0"},
    ]
    assert world.details("announced") == [{"sentence": "goodbye"}]


def test_who_is_answered_hears_the_first_syllable() -> None:
    world = menu_story({})
    assert world.answered_at() < 0.01
    assert heard_at(world, WELCOME)[0] == pytest.approx(BEGINS, abs=0.01)


def test_key_ends_the_prompt_at_once() -> None:
    world = menu_story({1.0: "2"})
    assert heard_at(world, SUB)[0] == pytest.approx(1.0, abs=0.02)


def test_option_of_one_key_waits_where_a_second_may_come() -> None:
    def prepare(world: World) -> None:
        option(world, "7", to_extension("1001"))

    world = menu_story({1.0: "7"}, prepare)
    assert world.dialled() == [endpoint("1001")]
    assert world.second_of("offered") == pytest.approx(1.0 + BETWEEN, abs=0.05)
    assert menu_story({1.0: "71"}, prepare).dialled() == [endpoint("1002")]


def test_option_of_one_key_is_committed() -> None:
    def prepare(world: World) -> None:
        option(world, "7", to_extension("1001"))

    world = menu_story({1.0: "7#"}, prepare)
    assert world.dialled() == [endpoint("1001")]
    assert world.second_of("offered") == pytest.approx(1.1, abs=0.05)


@pytest.mark.parametrize(
    ("seconds", "sounds"),
    [(BETWEEN - 0.05, [WELCOME]), (BETWEEN + 0.05, [WELCOME, WRONG_KEY])],
)
def test_second_key_comes_in_time_or_too_late(seconds: float, sounds: list[str]) -> None:
    """One that comes too late counts for the menu that is said again."""
    world = menu_story({1.0: "7", 1.0 + seconds: "1"})
    assert heard(world) == sounds
    assert world.dialled() == [endpoint("1002")]


MOMENTS = (
    *(0.1, 0.3, BEGINS - 0.001, BEGINS, BEGINS + 0.001, 1.0, 2.0, 3.0),
    *(PROMPT_ENDS + thousandths / 1000 for thousandths in range(-3, 4)),
    *(PROMPT_ENDS + seconds for seconds in (1.0, 2.0, 3.0, 4.0, SILENCE - 0.01)),
)


def once(world: World) -> None:
    """Have the first failure end the call."""
    change(world, max_retries=0)


def outcome(key: str, moment: float) -> tuple[list[str], list[Any], list[str]]:
    """What comes of a key within 2.5 seconds: who is reached, what was chosen, what is heard.

    A prompt that is requested in that moment does not count.
    """
    world = menu_story({moment: key}, once, hangs_up=moment + 2.5)
    told = zip(times_heard(world), heard(world), strict=True)
    then = [what for at, what in told if at > moment + 0.0015]
    return world.dialled(), world.details("key_pressed"), then


@pytest.mark.parametrize("key", EVERY_KEY.replace("#", ""))
def test_key_means_the_same_at_every_moment(key: str) -> None:
    """Before the prompt, in it, at its end and in the silence behind it."""
    told = {moment: outcome(key, moment) for moment in MOMENTS}
    assert told == dict.fromkeys(MOMENTS, told[1.0])
    assert any(told[1.0])


@pytest.mark.parametrize("moment", [moment for moment in MOMENTS if moment < PROMPT_ENDS + 2])
def test_key_that_ends_nothing_changes_nothing(moment: float) -> None:
    world = menu_story({moment: "#"})
    assert heard(world) == heard(menu_story({}))
    assert heard_at(world, TRY_AGAIN)[0] == pytest.approx(PROMPT_ENDS + SILENCE, abs=0.01)


# direct dial


@pytest.mark.parametrize(
    ("keys", "reached"),
    [
        ("1001", endpoint("1001")),
        ("1001#", endpoint("1001")),
        ("1", endpoint("1002")),  # the option
        ("1#", endpoint("1002")),
        ("1004", None),  # nobody
        ("1005", None),  # inactive
        ("10", None),
        (NUMBER, None),
        ("112", None),
        ("*28712", None),
        ("*97", None),
    ],
)
def test_extensions_are_dialled_directly(keys: str, reached: str | None) -> None:
    """Neither feature codes nor numbers outside, nor who is inactive."""

    def prepare(world: World) -> None:
        once(world)
        change(world, direct_dial=True, max_retries=0)
        world.extension("1005", status=ExtensionStatus.INACTIVE)
        world.book.ivr_menu_options.forget([identity("main *"), identity("main 0")])

    world = menu_story({1.0: keys}, prepare)
    assert world.dialled() == ([reached] if reached else [])
    if reached is None:
        assert heard(world) == [WELCOME, BYE]
        assert not world.details("key_pressed")


@pytest.mark.parametrize("number", ["9", "9001", "701"])
def test_number_is_not_dialled_where_it_is_not_allowed(number: str) -> None:
    def prepare(world: World) -> None:
        once(world)
        world.extension(number)

    assert menu_story({1.0: number}, prepare).dialled() == []


def test_direct_dial_is_told() -> None:
    world = menu_story({1.0: "1003"}, lambda world: change(world, direct_dial=True))
    assert world.details("key_pressed") == [{"menu": "main", "number": "1003"}]


@pytest.mark.parametrize("contacts", [1, 2])
@pytest.mark.parametrize("phone", [ANSWERS, RINGS])
def test_a_caller_who_is_answered_already_hears_that_it_rings(contacts: int, phone: Phone) -> None:
    """Of several phones the exchange tells him; the tone ends before he talks."""

    async def act(world: World) -> None:
        with_menus(world)
        world.extension("1002", contacts=contacts)
        await calls(world, {1.0: "1"})

    phones = {endpoint("1002", place, contacts): phone for place in range(contacts)}
    world = story(act, phones=phones)
    rung = [subject for verb, subject in world.asterisk.requests if verb == "ring"]
    assert len(rung) == (contacts > 1)
    assert not world.asterisk.tones
    assert bool(world.asterisk.together) is (phone is ANSWERS)
