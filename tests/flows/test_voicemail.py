"""Leaving a message: how it ends, what gets into the box, and when none can be left."""

from collections.abc import Callable
from typing import Any

import pytest

from stasis_app.rules.models import Target
from stasis_app.rules.sentences import Sentence, review, unavailable
from stasis_app.words import HangupCause, TargetType

from .mailbox_stage import delivered, left, particulars, speaks, with_box
from .rows import identity, inbound_rule
from .stage import CALLER, DID, story, with_trunks
from .stage import delivers as carrier_delivers
from .voicemail_stage import (
    BOX,
    DE,
    EN,
    UNAVAILABLE,
    Talker,
    arriving,
    as_it_is,
    boxed,
    goes,
    leaves,
    why_discarded,
)
from .world import World

# a message is left


def test_message_is_left() -> None:
    async def scene(talker: Talker) -> None:
        await talker.hears(UNAVAILABLE)
        await talker.hears_the_tone()
        await talker.speaks(5)
        await talker.presses("#")
        await talker.hears(review(EN, urgent=False))
        await talker.presses("1")
        await talker.hears(Sentence.MESSAGE_LEFT, Sentence.GOODBYE)

    world = leaves(as_it_is, scene)
    [(message, recorded)] = arriving(world)
    assert recorded.talking_seconds == pytest.approx(5, abs=0.1)
    assert (message["kind"], message["box_id"]) == ("message", str(BOX))
    assert particulars(message) == {
        "caller_number": "1001",
        "caller_name": "",
        "language": "en",
        "urgent": False,
        "from_inside": True,
    }
    assert world.events() == [
        "arrived",
        "answered",
        "message_begun",
        "message_left",
        "announced",
        "announced",
        "ended",
    ]
    assert world.details("message_left") == [{"number": "1002", "seconds": 5.0, "urgent": False}]
    assert world.cause() == HangupCause.NORMAL_CLEARING
    assert world.row()["callee_extension_id"] == str(identity("1002"))


@pytest.mark.parametrize(
    ("seconds", "keeps"), [(0.0, False), (0.2, False), (1.5, False), (2.5, True), (60.0, True)]
)
def test_caller_hangs_up_after_the_tone(seconds: float, keeps: bool) -> None:
    async def scene(talker: Talker) -> None:
        await talker.skips_to_the_tone()
        await talker.speaks(seconds)
        await talker.hangs_up()

    world = leaves(as_it_is, scene)
    assert len(arriving(world)) == keeps
    counted = seconds >= 0.5
    assert len(delivered(world)) == counted
    if counted:
        [noted] = world.details("message_left")
        assert noted["seconds"] == pytest.approx(seconds, abs=0.4)
    else:
        assert why_discarded(world) == ["nothing_recorded"]
    assert world.cause() == HangupCause.NORMAL_CLEARING


LENGTHS = [(1.5, 1.0), (6.0, 5.5)]


@pytest.mark.parametrize(("after", "counted"), LENGTHS)
def test_who_delivers_is_told_what_asterisk_has_counted(after: float, counted: float) -> None:
    """The caller hangs up so long after the greeting; the tone lasts 0.25 s."""

    async def scene(talker: Talker) -> None:
        await talker.presses("#", 0.0)
        talker.world.asterisk.talk(talker.phone, 60)
        await talker.waits(after)
        await talker.hangs_up()

    [message] = delivered(leaves(as_it_is, scene))
    assert message["details"]["seconds"] == counted


def test_who_delivers_is_told_nothing_that_is_not_known() -> None:
    """The end of the recording, and of the call, came while there was no connection."""

    async def scene(talker: Talker) -> None:
        asterisk = talker.world.asterisk
        await talker.skips_to_the_tone()
        await talker.speaks(3)
        asterisk.disconnect()
        await talker.hangs_up()
        asterisk.connect(asterisk.inboxes)
        await talker.world.switchboard.reconcile()

    [message] = delivered(leaves(as_it_is, scene))
    assert "seconds" not in message["details"]


@pytest.mark.parametrize("during", [0.0, 0.1, 0.31, 1.0, 5.0])
def test_caller_hangs_up_before_the_tone(during: float) -> None:
    async def scene(talker: Talker) -> None:
        await talker.waits(during)
        await talker.hangs_up()

    world = leaves(as_it_is, scene)
    assert not delivered(world)
    assert world.events()[-2:] == ["answered", "ended"]


def test_silence_ends_the_message() -> None:
    async def scene(talker: Talker) -> None:
        await talker.skips_to_the_tone()
        await talker.speaks(4)
        await talker.hears(review(EN, urgent=False), Sentence.MESSAGE_LEFT)

    world = leaves(lambda world: world.set(voicemail__silence_seconds=3), scene)
    [(_, recorded)] = arriving(world)
    assert recorded.seconds == pytest.approx(7, abs=0.1)


def test_limit_ends_the_message() -> None:
    async def scene(talker: Talker) -> None:
        await talker.skips_to_the_tone()
        await talker.speaks(40)
        await talker.hears(Sentence.MESSAGE_LEFT)

    world = leaves(lambda world: world.set(voicemail__max_seconds=20), scene)
    [(_, recorded)] = arriving(world)
    assert recorded.seconds == pytest.approx(20, abs=0.1)


def test_limit_of_nothing_is_no_message_without_end() -> None:
    async def scene(talker: Talker) -> None:
        await talker.skips_to_the_tone()
        await talker.speaks(40)

    world = leaves(lambda world: world.set(voicemail__max_seconds=0), scene)
    assert why_discarded(world) == ["too_short"] * 3


def test_keys_while_speaking_mean_nothing() -> None:
    async def scene(talker: Talker) -> None:
        await talker.skips_to_the_tone()
        await talker.presses("0123456789*")
        await talker.speaks(5)
        await talker.presses("#")
        await talker.hears(review(EN, urgent=False), Sentence.MESSAGE_LEFT)

    assert len(arriving(leaves(as_it_is, scene))) == 1


def test_key_during_the_tone_does_not_end_the_message() -> None:
    async def scene(talker: Talker) -> None:
        await talker.presses("###")
        await talker.speaks(5)
        await talker.hangs_up()

    assert len(arriving(leaves(as_it_is, scene))) == 1


# in which language, and who calls


def test_greeting_speaks_the_language_of_the_owner() -> None:
    async def scene(talker: Talker) -> None:
        await talker.hears(unavailable("1002", DE), tongue=DE)
        await talker.leaves()
        await talker.hears(review(DE, urgent=False), Sentence.MESSAGE_LEFT, tongue=DE)

    world = leaves(lambda world: speaks(world, "1002", language="de-DE"), scene)
    assert arriving(world)[0][0]["details"]["language"] == "de"


def from_outside(world: World, caller: str = CALLER, language: str | None = None) -> None:
    with_trunks(world)
    target = Target(TargetType.VOICEMAIL, BOX)
    world.keep(inbound_rules=inbound_rule("in", DID, target, language=language))


async def outsider(world: World, caller: str = CALLER, **columns: Any) -> None:
    with_box(world, "1002")
    from_outside(world, **columns)
    await carrier_delivers(world, caller=caller, hangs_up=30.0)


@pytest.mark.parametrize(
    ("caller", "shown"), [(CALLER, CALLER), ("anonymous", "anonymous"), ("", "anonymous")]
)
def test_message_names_the_caller_from_outside(caller: str, shown: str) -> None:
    world = story(lambda world: outsider(world, caller))
    [(message, _)] = arriving(world)
    assert message["details"]["caller_number"] == shown == world.row()["caller_number"]
    assert not message["details"]["caller_name"]


def test_who_calls_anonymously_stays_so() -> None:
    async def scene(talker: Talker) -> None:
        await talker.leaves()
        await talker.hangs_up()

    world = leaves(
        lambda world: world.extension("1002", voicemail=True, dnd=True), scene, number="*311002"
    )
    assert arriving(world)[0][0]["details"]["caller_number"] == "anonymous"


# no message can be left


@pytest.mark.parametrize("own", [True, False])
def test_full_box_says_so(own: bool) -> None:
    def prepare(world: World) -> None:
        world.set(voicemail__max_messages=2 if not own else 100)
        boxed(max_messages=2 if own else None)(world)
        left(world, True, False, number="1002")

    async def scene(talker: Talker) -> None:
        await talker.hears(Sentence.MAILBOX_FULL, Sentence.GOODBYE)

    world = leaves(prepare, scene)
    assert world.events() == ["arrived", "answered", "announced", "announced", "ended"]
    assert world.cause() == HangupCause.NORMAL_CLEARING
    assert not delivered(world)


def away(world: World) -> None:
    world.postgres_away = True


def slow(world: World) -> None:
    world.mailboxes.seconds = 60.0


@pytest.mark.parametrize("fails", [away, slow])
def test_postgres_is_away(fails: Callable[[World], None]) -> None:
    """The caller notices nothing."""

    def prepare(world: World) -> None:
        fails(world)
        boxed(max_messages=0)(world)

    async def scene(talker: Talker) -> None:
        await talker.waits(1)
        await talker.leaves()
        await talker.presses("1")
        await talker.hears(Sentence.MESSAGE_LEFT)

    assert len(arriving(leaves(prepare, scene))) == 1


def test_extension_without_a_box_is_refused() -> None:
    world = leaves(lambda world: world.extension("1002"), goes)
    assert world.cause() == HangupCause.UNALLOCATED_NUMBER
    assert not delivered(world)
