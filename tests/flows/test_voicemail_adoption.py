"""A process is killed while a message is left: where the next one enters, and what it says."""

from collections.abc import Callable
from typing import Any

import pytest

from stasis_app.rules.sentences import Sentence, review
from stasis_app.words import HangupCause
from tests.support.virtual_time import run

from .invariants import check
from .mailbox_stage import delivered, deliveries, speaks, with_box
from .stage import world_of
from .voicemail_stage import (
    BOX,
    DE,
    DIRECTLY,
    EN,
    THANKS,
    UNAVAILABLE,
    Prepare,
    Talker,
    arriving,
    as_it_is,
    nothing_is_lost,
)
from .world import World


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
        await talker.hears(UNAVAILABLE)
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
        await talker.hears(*THANKS)

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
        await talker.hears(*THANKS)

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
