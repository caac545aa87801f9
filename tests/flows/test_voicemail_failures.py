"""Asterisk can not record, or does not tell of it: what the caller hears, what is kept."""

import logging
from functools import partial

import pytest
import structlog
from structlog.testing import capture_logs

from stasis_app.rules.sentences import Sentence, review
from stasis_app.words import HangupCause
from tests.support.fake_phones import Fault

from .mailbox_stage import delivered
from .voicemail_stage import EN, Talker, accepts, arriving, as_it_is, leaves, why_discarded
from .world import World

MENU = review(EN, urgent=False)


def record_request(world: World) -> int:
    return next(
        place for place, (verb, _) in enumerate(world.asterisk.requests) if verb == "record"
    )


async def speaks_on(talker: Talker) -> None:
    await talker.presses("#")
    await talker.waits(1)
    await talker.speaks(8)
    await talker.presses("#")
    await talker.waits(30)
    await talker.hangs_up()


def failing(fault: Fault) -> World:
    number = record_request(leaves(as_it_is, speaks_on))
    return leaves(as_it_is, speaks_on, faults={number: fault})


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.UNREACHABLE])
def test_recording_is_refused(fault: Fault) -> None:
    world = failing(fault)
    assert world.events()[-5:] == [
        "message_begun",
        "message_discarded",
        "refused",
        "announced",
        "ended",
    ]
    assert world.cause() == HangupCause.FAILURE
    assert why_discarded(world) == ["failed"]
    assert not delivered(world)


def test_recording_whose_request_had_no_answer_is_kept() -> None:
    world = failing(Fault.LOST)
    assert len(arriving(world)) == len(delivered(world)) == 1
    assert world.cause() == HangupCause.NORMAL_CLEARING


def test_recording_fails_although_it_was_taken() -> None:
    """A channel that is in a bridge can't be recorded: Asterisk says so later."""

    async def scene(talker: Talker) -> None:
        talker.world.asterisk.bridges_made["other"] = {talker.phone.id}
        talker.world.asterisk.destroyed["other"] = 1
        await talker.presses("#")
        await talker.hears(Sentence.CANNOT_COMPLETE)

    world = leaves(as_it_is, scene)
    assert world.cause() == HangupCause.FAILURE
    assert not delivered(world)


def test_the_journal_is_full() -> None:
    """Nobody would learn of the message: the caller is not told that it was saved."""

    async def scene(talker: Talker) -> None:
        talker.world.loses = lambda record: "delivery" in record
        await talker.presses("#")
        await talker.hears(Sentence.TRY_LATER, Sentence.GOODBYE)
        await talker.hears_no(Sentence.MESSAGE_LEFT)

    with capture_logs() as logs:
        world = leaves(as_it_is, scene)
    assert not world.asterisk.recordings
    assert "message_left" not in world.events()
    assert "recording_refused" in [line["action"] for line in logs]


@pytest.mark.parametrize("after", [0.0, 0.1])
def test_who_hangs_up_during_the_tone_leaves_nothing(after: float) -> None:
    async def scene(talker: Talker) -> None:
        await talker.presses("#", 0.05)
        await talker.waits(after)
        await talker.hangs_up()

    world = leaves(as_it_is, scene)
    assert not delivered(world)
    assert "message_left" not in world.events()
    assert why_discarded(world) == ["nothing_recorded"]


@pytest.mark.parametrize("room", [0.0, 1.5])
def test_disk_is_full(room: float) -> None:
    """Asterisk says that all is well; the caller is not told three times to speak longer."""

    async def scene(talker: Talker) -> None:
        await talker.skips_to_the_tone()
        talker.world.asterisk.talk(talker.phone, 20)
        await talker.hears(Sentence.CANNOT_COMPLETE)

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with capture_logs() as logs:
        world = leaves(as_it_is, scene, disk_seconds=room)
    assert why_discarded(world) == ["failed"]
    assert world.cause() == HangupCause.FAILURE
    assert not delivered(world)
    assert [line["seconds"] for line in logs if line["action"] == "recording_failed"] == [room]


def test_disk_gets_full_in_a_message_that_is_long_enough() -> None:
    async def scene(talker: Talker) -> None:
        await talker.skips_to_the_tone()
        talker.world.asterisk.talk(talker.phone, 20)
        await talker.hears(MENU)
        await accepts(talker)

    [(message, recorded)] = arriving(leaves(as_it_is, scene, disk_seconds=4.2))
    assert recorded.seconds == pytest.approx(4.2)
    assert message["details"]["seconds"] == 4.0


@pytest.mark.parametrize("after", [0.0, 0.2, 0.9])
def test_caller_hangs_up_soon_although_the_disk_is_full(after: float) -> None:
    async def scene(talker: Talker) -> None:
        await talker.skips_to_the_tone()
        await talker.waits(after)
        await talker.hangs_up()

    world = leaves(as_it_is, scene, disk_seconds=0.0)
    assert world.cause() == HangupCause.NORMAL_CLEARING


@pytest.mark.parametrize("away", [0.5, 3.0, 8.0, 30.0])
@pytest.mark.parametrize("after", [0.1, 2.0, 4.9])
def test_end_of_the_recording_is_not_told(after: float, away: float) -> None:
    """The connection breaks while it is recorded. The caller does not wait for the limit."""

    async def scene(talker: Talker) -> None:
        asterisk = talker.world.asterisk
        await talker.skips_to_the_tone()
        asterisk.talk(talker.phone, 5)
        asterisk.at(5, partial(asterisk.press, talker.phone, "#"))
        await talker.waits(after)
        asterisk.disconnect()
        await talker.waits(away)
        asterisk.connect(asterisk.inboxes)
        await talker.world.switchboard.reconcile()
        await talker.hears(MENU)
        assert talker.world.second_of("message_begun") + 5 + away + 15 > now(talker)
        await accepts(talker)

    assert len(arriving(leaves(as_it_is, scene))) == 1


def now(talker: Talker) -> float:
    return talker.world.asterisk.played[-1][0]
