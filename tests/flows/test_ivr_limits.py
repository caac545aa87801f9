"""Menus that lead round in circles, that change while they are heard, and that speak a language."""

import asyncio
from functools import partial

import pytest

from stasis_app.words import HangupCause, IvrAction
from tests.support.fake_phones import Fault, Phone

from .menus import (
    BEFORE,
    BEGINS,
    BYE,
    PHONES,
    WELCOME,
    WRONG_KEY,
    calls,
    change,
    heard,
    menu_story,
    option,
    with_menus,
)
from .rows import identity, inbound_rule, menu, to_extension, to_menu
from .stage import DID, story
from .world import World, endpoint

MANY = 400  # seconds of pressing a key

# round in circles


@pytest.mark.parametrize("key", ["*", "2*"])
def test_keys_lead_round_so_often_and_no_more(key: str) -> None:
    """To repeat a menu is to enter it, whether another lies between or not."""

    def prepare(world: World) -> None:
        world.set(ivr__max_menus=7)

    world = menu_story({second / 2: key for second in range(1, 60)}, prepare)
    assert len(world.details("menu_entered")) == 7
    assert heard(world)[-1] == BYE
    assert world.details("limit_reached") == [{"menus": 7.0}]
    assert world.cause() == HangupCause.NORMAL_CLEARING


def test_keys_are_no_hops() -> None:
    def prepare(world: World) -> None:
        world.set(calls__max_hops=1)

    world = menu_story({0.1: "2*2*2*1"}, prepare)
    assert world.dialled() == [endpoint("1002")]


def test_menus_that_lead_to_each_other_by_themselves_are_a_loop() -> None:
    def prepare(world: World) -> None:
        world.set(calls__max_hops=3)
        change(world, max_retries=0, on_timeout=to_menu("sub"))
        change(world, "sub", max_retries=0, on_timeout=to_menu("main"))

    world = menu_story({}, prepare)
    assert world.cause() == HangupCause.LOOP_DETECTED
    assert len(world.details("menu_entered")) == 4
    assert heard(world)[-1] == "en/cannot-complete-as-dialed"


def test_menu_that_leads_to_itself_by_itself() -> None:
    world = menu_story({}, partial(change, max_retries=0, on_timeout=to_menu("main")), 200.0)
    assert world.cause() == HangupCause.LOOP_DETECTED


@pytest.mark.parametrize("keys", ["9", "*", "2*", "#", "7", "0123456789*#"])
def test_who_never_stops_pressing_is_led_out(keys: str) -> None:
    """Whatever it is, ten times a second: the call ends after a number of requests."""

    def prepare(world: World) -> None:
        for key in "0134":
            option(world, key, None, action=IvrAction.REPEAT)

    ten_a_second = dict.fromkeys(map(float, range(MANY)), (keys * 10)[:10])
    world = menu_story(ten_a_second, prepare, hangs_up=MANY)
    assert world.second_of("ended") < MANY - 1
    assert len(world.asterisk.requests) < 100


# changes


@pytest.mark.parametrize("second", [1.0, BEGINS + 6.0])
def test_menu_that_is_deleted_while_it_is_heard(second: float) -> None:
    def prepare(world: World) -> None:
        forget = partial(world.book.ivr_menus.forget, [identity("main")])
        world.asterisk.at(second, forget)

    world = menu_story({}, prepare)
    assert heard(world) == [WELCOME, BYE]
    assert world.details("config_ignored") == [{"problem": "the menu is gone"}]
    assert world.cause() == HangupCause.NORMAL_CLEARING


def test_menu_that_is_gone_when_it_is_chosen() -> None:
    """Before a prompt it was there."""

    def prepare(world: World) -> None:
        option(world, "6", to_menu("sub"), pre_transfer_prompt=identity(BEFORE))
        world.asterisk.at(2.0, partial(world.book.ivr_menus.forget, [identity("sub")]))

    assert heard(menu_story({1.0: "6"}, prepare)) == [WELCOME, BEFORE, BYE]


def test_option_that_is_made_while_the_menu_is_heard() -> None:
    def prepare(world: World) -> None:
        world.asterisk.at(1.0, lambda: option(world, "6", to_extension("1001")))

    assert menu_story({2.0: "6"}, prepare).dialled() == [endpoint("1001")]


def test_option_that_is_deleted_while_the_menu_is_heard() -> None:
    def prepare(world: World) -> None:
        forget = partial(world.book.ivr_menu_options.forget, [identity("main 1")])
        world.asterisk.at(1.0, forget)

    assert heard(menu_story({2.0: "1"}, prepare))[:2] == [WELCOME, WRONG_KEY]


# language


def speak(world: World, rule: str | None, main: str | None, sub: str | None) -> None:
    world.keep(inbound_rules=inbound_rule("in", DID, to_menu("main"), language=rule))
    change(world, language=main)
    world.keep(ivr_menus=menu("sub", language=sub))
    option(world, "0", None, of="sub")


@pytest.mark.parametrize(
    ("languages", "in_main", "in_sub"),
    [
        ((None, None, None), "en", "en"),
        (("de", None, None), "de", "de"),
        (("de", "en", None), "en", "en"),
        (("en", "de-AT", None), "de", "de"),
        ((None, "de", "en"), "de", "en"),
        ((None, None, "de"), "en", "de"),
        (("fr", None, None), "en", "en"),
    ],
)
def test_language(languages: tuple[str | None, ...], in_main: str, in_sub: str) -> None:
    def prepare(world: World) -> None:
        speak(world, *languages)

    assert heard(menu_story({1.0: "0"}, prepare))[-1] == f"{in_main}/vm-goodbye"
    assert heard(menu_story({1.0: "2", 9.0: "0"}, prepare))[-1] == f"{in_sub}/vm-goodbye"


def test_language_of_the_exchange() -> None:
    world = menu_story({1.0: "0"}, lambda world: world.set(media__language="de"))
    assert heard(world)[-1] == "de/vm-goodbye"


# behind the menu


@pytest.mark.parametrize(
    ("phone", "cause", "said"),
    [
        (Phone(rings=None, rejects=(0.1, 17, 486)), HangupCause.BUSY, "cannot-complete-as-dialed"),
        (Phone(), HangupCause.NO_ANSWER, "number-not-answering"),
    ],
)
def test_who_is_chosen_does_not_answer(phone: Phone, cause: HangupCause, said: str) -> None:
    """The caller hears so: he is answered, and no SIP answer can tell."""

    async def act(world: World) -> None:
        with_menus(world)
        await calls(world, {1.0: "1"})

    world = story(act, phones={**PHONES, endpoint("1002"): phone})
    assert heard(world) == [WELCOME, f"en/{said}"]
    assert world.cause() == cause


def test_extension_behind_a_menu_forwards_to_its_box() -> None:
    """Keys that were pressed while it rang mean nothing there."""

    async def act(world: World) -> None:
        with_menus(world)
        world.extension("1003", voicemail=True)
        world.set(calls__default_ring_seconds=5)
        option(world, "1", to_extension("1003"))
        await calls(world, {1.0: "1", 3.0: "#*0"}, hangs_up=30.0)

    world = story(act, phones={endpoint("1003"): Phone()})
    assert [one["reason"] for one in world.details("forwarded")] == ["no_answer"]
    assert heard(world)[:2] == [WELCOME, "en/vm-theperson"]
    assert "en/vm-intro" in heard(world)


def test_bridge_that_ends_late_spoils_no_message() -> None:
    """Asterisk records nobody who is in a bridge."""

    async def act(world: World) -> None:
        with_menus(world)
        world.extension("1003", voicemail=True)
        world.set(calls__default_ring_seconds=5)
        option(world, "1", to_extension("1003"))
        await calls(world, {1.0: "1", 6.1: "#"}, hangs_up=30.0)

    requests = [
        verb for verb, _ in story(act, phones={endpoint("1003"): Phone()}).asterisk.requests
    ]
    late = {requests.index("destroy_bridge"): Fault.REFUSED}
    world = story(act, phones={endpoint("1003"): Phone()}, faults=late)
    assert "refused" not in world.events()
    assert len(world.details("message_left")) == 1


def test_callers_in_menus_are_no_overload() -> None:
    async def act(world: World) -> None:
        with_menus(world)
        world.set(calls__max_setting_up=1)
        for _ in range(3):
            await calls(world, {1.0: "0"})
            await asyncio.sleep(0.1)

    assert story(act).ends() == ["normal_clearing"] * 3


def test_second_caller_presses_for_himself() -> None:
    """Keys are those of one caller, and none of the phone that was reached."""

    async def act(world: World) -> None:
        with_menus(world)
        await calls(world, {1.0: "1"}, hangs_up=20.0)
        await calls(world, {2.0: "2", 4.0: "0"}, hangs_up=40.0)
        world.asterisk.at(3.0, lambda: world.asterisk.press(world.legs()[0], "0"))

    world = story(act, phones=PHONES)
    assert [one["choice"] for one in world.details("key_pressed")] == ["1", "2"]
    assert world.second_of("ended") > 20
