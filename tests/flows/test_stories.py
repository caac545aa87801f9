"""Calls between extensions as people live through them, in virtual time."""

from functools import partial

import pytest

from stasis_app.call import causes
from stasis_app.words import HangupCause
from tests.support.fake_phones import DEAD, Phone

from .stage import ANSWERS, BUSY, DECLINES, dials, story
from .world import endpoint


def test_two_people_talk_and_the_caller_hangs_up() -> None:
    world = story(partial(dials, hangs_up=10), phones={endpoint("1002"): ANSWERS})
    assert world.events() == ["arrived", "offered", "rang", "answered", "ended"]
    assert world.cause() == HangupCause.NORMAL_CLEARING
    [leg] = world.legs()
    assert leg.hung_up_with == causes.NORMAL_CLEARING


def test_two_people_talk_and_the_callee_hangs_up() -> None:
    phone = Phone(rings=0.1, answers=2.0, hangs_up=5.0)
    world = story(dials, phones={endpoint("1002"): phone})
    assert world.events() == ["arrived", "offered", "rang", "answered", "hung_up", "ended"]
    assert world.cause() == HangupCause.NORMAL_CLEARING


def test_caller_gives_up_while_it_rings() -> None:
    world = story(partial(dials, hangs_up=3), phones={endpoint("1002"): Phone()})
    assert world.cause() == HangupCause.CANCEL
    assert world.row()["state"] == "ringing"


def test_nobody_answers() -> None:
    world = story(dials, phones={endpoint("1002"): Phone()})
    assert world.cause() == HangupCause.NO_ANSWER
    assert 30 < world.second_of("refused") < 31


@pytest.mark.parametrize(
    ("phone", "cause"),
    [(BUSY, HangupCause.BUSY), (DECLINES, HangupCause.REJECTED), (DEAD, HangupCause.NO_ANSWER)],
)
def test_a_phone_that_does_not_answer_decides_the_sip_answer(
    phone: Phone, cause: HangupCause
) -> None:
    world = story(dials, phones={endpoint("1002"): phone})
    assert world.cause() == cause
    caller = world.asterisk.channels_made["caller-0"]
    assert caller.hung_up_with == causes.ANSWER_TO_CALLER[cause]
