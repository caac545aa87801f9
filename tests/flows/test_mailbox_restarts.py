"""The process is killed while somebody is in a mailbox: the next goes on, and nothing is lost."""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import pytest

from stasis_app.rules.mailbox import Greeting
from stasis_app.rules.sentences import RECORD_GREETING, Sentence, message_number, review
from stasis_app.words import HangupCause
from tests.support.virtual_time import run

from .invariants import check
from .mailbox_stage import (
    BOX,
    DE,
    EN,
    PIN,
    Owner,
    Scene,
    audio,
    delivered,
    deliveries,
    held,
    left,
    menu_of,
    particulars,
    speaks,
    with_box,
)
from .restarts import Machine
from .stage import ANSWERS, world_of
from .world import World, endpoint


class Story(NamedTuple):
    """Keys by the second in which they are pressed, and the seconds in which somebody speaks."""

    keys: Mapping[float, str]
    talks: tuple[tuple[float, float], ...] = ()
    number: str = "*97"


# the first message plays from second 34 to 42
STORIES = {
    "listens": Story({60: "6", 100: "6", 120: "#"}),
    "deletes": Story({36: "7", 70: "9", 90: "4", 118: "7", 122: "7", 170: "#"}),
    "logs_in": Story({2: f"1001#{PIN}#", 60: "#"}, number="*98"),
    "is_wrong": Story({2: "1234#", 10: "1234#", 20: "1234#"}, number="*981001"),
    "changes_pin": Story({20: "05", 25: "24680#", 30: "24680#", 60: "#"}),
    "greets": Story({20: "01", 30: "#", 33: "1", 70: "#"}, ((24, 30),)),
    "forwards": Story({36: "81003#2", 60: "#"}),
    "comments": Story({36: "81003#1", 49: "#", 55: "1", 80: "#"}, ((42, 48),)),
    "calls_back": Story({36: "32", 50: "1"}),
}
RECONCILING = 4  # requests of a comparison


async def enact(story: Story, prepare: Callable[[Machine, int], None]) -> World:
    world = world_of(phones={endpoint("1002"): ANSWERS}, delays=(0.005,))
    with_box(world)
    with_box(world, "1003")
    left(world, False, False)
    machine = Machine(world)
    await world.switchboard.reconcile()
    prepare(machine, len(world.asterisk.requests))
    caller = world.asterisk.call("1001" if story.number == "*97" else "1002", story.number)
    for second, keys in story.keys.items():
        world.asterisk.at(second, partial(world.asterisk.press, caller, keys))
    for since, until in story.talks:
        world.asterisk.at(since, partial(world.asterisk.talk, caller, until - since))
    world.asterisk.at(300, partial(world.asterisk.end, caller))
    await machine.over(330)
    nothing_is_lost(machine.world)
    return machine.world


def nothing_is_lost(world: World) -> None:
    check(world)
    opened = world.events().count("mailbox_opened")
    assert opened <= 1, "somebody who was in has been asked for the PIN again"
    ended = Counter(
        "discarded" in one or "finished_at" in one for one in deliveries(world).values()
    )
    assert not ended[False] or "adopted" in world.events(), (
        "a delivery was neither kept nor dropped"
    )
    copies = [one for one in delivered(world) if one["kind"] == "message"]
    assert len(copies) <= 1, "a message was forwarded twice"


def requests_of(story: Story) -> range:
    world = run(enact(story, lambda machine, first: None))
    return range(len(world.asterisk.requests) - RECONCILING)


@pytest.mark.parametrize("name", STORIES)
def test_undisturbed(name: str) -> None:
    world = run(enact(STORIES[name], lambda machine, first: None))
    deleted = world.mailboxes.boxes[BOX].deleted
    pin = world.mailboxes.boxes[BOX].pin
    assert bool(deleted) == (name == "deletes")
    assert (pin != PIN) == (name == "changes_pin")
    assert len(delivered(world)) == (name in ("greets", "forwards", "comments"))
    assert ("mailbox_opened" in world.events()) == (name != "is_wrong")
    assert bool(world.dialled()) == (name == "calls_back")


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("away", [0.05, 3.0])
@pytest.mark.parametrize("name", STORIES)
def test_killed_at_any_request(name: str, away: float, sent: bool) -> None:
    story = STORIES[name]
    for request in requests_of(story):

        def kill(machine: Machine, first: int, request: int = request) -> None:
            machine.kill_at(first + request, away, sent=sent)

        run(enact(story, kill))


@pytest.mark.parametrize("again", [1, 5])
@pytest.mark.parametrize("name", STORIES)
def test_killed_twice(name: str, again: int) -> None:
    story = STORIES[name]
    for request in requests_of(story):

        def kill(machine: Machine, first: int, request: int = request) -> None:
            machine.kill_at(first + request, 0.1, sent=True)
            machine.kill_at(first + request + again, 0.1, sent=True)

        run(enact(story, kill))


@pytest.mark.parametrize("name", STORIES)
def test_connection_breaks_at_any_request(name: str) -> None:
    story = STORIES[name]
    for request in requests_of(story):

        def cut(machine: Machine, first: int, request: int = request) -> None:
            machine.disconnect_at(first + request, 3.0)

        run(enact(story, cut))


# where the next process goes on


def taken_over(before: Scene, after: Scene, number: str = "*97") -> World:
    """Kill the process behind what comes `before`; the call is told to its end by the next."""

    async def tell() -> World:
        world = world_of()
        with_box(world)
        with_box(world, "1003")
        left(world, False, False)
        speaks(world, "1001", language="en")
        owner = Owner(world, world.asterisk.call("1001" if number == "*97" else "1002", number))
        await owner.waits(0.5)
        await before(owner)
        world = owner.world = world.next_process()
        owner.at = len(owner.played)
        await world.switchboard.reconcile()
        await after(owner)
        await world.over()
        check(world)
        return world

    return run(tell())


async def leaves(owner: Owner) -> None:
    await owner.presses("#")
    await owner.hears(Sentence.GOODBYE)


def test_it_goes_on_at_the_message_and_asks_no_pin() -> None:
    async def before(owner: Owner) -> None:
        await owner.hears(Sentence.PIN)
        await owner.presses(f"{PIN}#")
        first, second = held(owner.world)
        await owner.hears(audio(first))
        await owner.waits(6.0)
        await owner.presses("6")
        await owner.hears(audio(second))

    async def after(owner: Owner) -> None:
        second = owner.world.mailboxes.boxes[BOX].messages[1]
        await owner.hears(message_number(1, 2, EN), audio(second))
        await owner.hears_no(Sentence.PIN)
        await owner.waits(20)
        await leaves(owner)

    world = taken_over(before, after, "*981001")
    assert world.details("adopted") == [{"step": "mailbox"}]


def test_the_tries_that_were_made_count() -> None:
    async def before(owner: Owner) -> None:
        await owner.hears(Sentence.PIN)
        await owner.presses("1111#")
        await owner.hears(Sentence.WRONG_PIN, Sentence.PIN)
        await owner.presses("1111#")
        await owner.hears(Sentence.WRONG_PIN, Sentence.PIN)

    async def after(owner: Owner) -> None:
        await owner.hears(Sentence.WRONG_PIN, Sentence.PIN)
        await owner.presses("1111#")
        await owner.hears(Sentence.WRONG_PIN, Sentence.GOODBYE)

    taken_over(before, after, "*981001")


def test_a_message_that_is_gone_lets_it_begin_anew() -> None:
    async def before(owner: Owner) -> None:
        first = held(owner.world)[0]
        await owner.hears(audio(first))
        await owner.world.mailboxes.delete(first.id)

    async def after(owner: Owner) -> None:
        await owner.hears(("sound:en/vm-youhave",), audio(held(owner.world)[1]))
        await owner.hangs_up()

    taken_over(before, after)


@pytest.mark.parametrize("stage", ["instruction", "recording", "review"])
def test_a_greeting_goes_on(stage: str) -> None:
    instruction = RECORD_GREETING[Greeting.BUSY]

    async def before(owner: Owner) -> None:
        await owner.hears(audio(held(owner.world)[0]))
        await owner.presses("02")
        await owner.hears(instruction)
        if stage != "instruction":
            await owner.presses("#")
            owner.world.asterisk.talk(owner.phone, 5.0)
            await owner.waits(3.0)
        if stage == "review":
            await owner.presses("#")
            await owner.hears(review(EN)[:1])

    async def after(owner: Owner) -> None:
        if stage == "instruction":
            await owner.hears(instruction)
            await owner.presses("#")
            owner.world.asterisk.talk(owner.phone, 5.0)
            await owner.waits(5.0)
        if stage != "review":
            await owner.waits(2.0)
            await owner.presses("#")
        await owner.hears(review(EN)[:1])
        await owner.presses("1")
        await owner.hears(Sentence.RECORDING_SAVED, Sentence.MAILBOX_OPTIONS)
        await leaves(owner)

    world = taken_over(before, after)
    [greeting] = delivered(world)
    assert particulars(greeting) == {"which": "busy"}
    assert len(world.asterisk.recordings) == 1


@pytest.mark.parametrize("gone", [True, False])
def test_a_comment_goes_on(gone: bool) -> None:
    """Also when the message that it is for is deleted meanwhile: the copy is made of the object."""

    async def before(owner: Owner) -> None:
        first = held(owner.world)[0]
        await owner.hears(audio(first))
        await owner.presses("81003#1")
        await owner.hears(Sentence.RECORD_COMMENT)
        await owner.presses("#")
        owner.world.asterisk.talk(owner.phone, 5.0)
        await owner.waits(3.0)
        if gone:
            await owner.world.mailboxes.delete(first.id)

    async def after(owner: Owner) -> None:
        await owner.waits(2.0)
        await owner.presses("#")
        await owner.hears(review(EN, urgent=False)[:1])
        await owner.presses("1")
        await owner.hears(Sentence.FORWARDED, Sentence.MAILBOX_MENU if gone else menu_of(1, 2))
        await leaves(owner)

    world = taken_over(before, after)
    [copy] = delivered(world)
    assert copy["details"]["forwarded_from"] == str(world.mailboxes.boxes[BOX].messages[0].id)


def test_a_box_that_is_gone_is_told_so() -> None:
    async def before(owner: Owner) -> None:
        await owner.hears(audio(held(owner.world)[0]))
        owner.world.book.voicemail_boxes.forget([BOX])

    async def after(owner: Owner) -> None:
        await owner.hears(Sentence.NOT_IN_SERVICE)

    assert taken_over(before, after).cause() == HangupCause.UNALLOCATED_NUMBER


def test_a_goodbye_goes_on_in_the_language_it_was_begun_in() -> None:
    async def before(owner: Owner) -> None:
        speaks(owner.world, "1001", language="de")
        await owner.hears(Sentence.PIN)
        await owner.presses(f"{PIN}#")
        await owner.waits(3.0)
        await owner.presses("#")
        await owner.hears(Sentence.GOODBYE, tongue=DE)

    async def after(owner: Owner) -> None:
        await owner.hears(Sentence.GOODBYE, tongue=DE)

    taken_over(before, after, "*981001")
