"""The options of a mailbox: its greetings and its PIN."""

import pytest

from stasis_app.rules.mailbox import Greeting
from stasis_app.rules.sentences import (
    RECORD_GREETING,
    Sentence,
    messages_waiting,
    review,
)
from stasis_app.words import HangupCause

from .mailbox_stage import (
    BOX,
    EN,
    PIN,
    Owner,
    delivered,
    particulars,
    speaks_for,
    visit,
    with_temporary_greeting,
)
from .world import World

REVIEW = review(EN)
RECORDED = [(Greeting.UNAVAILABLE, "1"), (Greeting.BUSY, "2"), (Greeting.NAME, "3")]


def nothing(_: World) -> None:
    """Prepare nothing."""


async def opens_options(owner: Owner) -> None:
    await owner.hears(messages_waiting(0, 0, EN))
    await owner.presses("0")
    await owner.hears(Sentence.MAILBOX_OPTIONS)


@pytest.mark.parametrize(("which", "key"), RECORDED)
def test_a_greeting_is_recorded(which: Greeting, key: str) -> None:
    async def scene(owner: Owner) -> None:
        await opens_options(owner)
        await owner.presses(key)
        await owner.hears(RECORD_GREETING[which])
        await speaks_for(owner, 4.0)
        await owner.hears(REVIEW)
        await owner.presses("1")
        await owner.hears(Sentence.RECORDING_SAVED, Sentence.MAILBOX_OPTIONS)
        await owner.presses("#")
        await owner.hears(Sentence.GOODBYE)

    world = visit(nothing, scene)
    [greeting] = delivered(world)
    assert greeting["kind"] == "greeting"
    assert greeting["box_id"] == str(BOX)
    assert particulars(greeting) == {"which": which}
    assert greeting["recording"] in world.asterisk.recordings


def test_a_greeting_that_is_not_accepted_takes_no_others_place() -> None:
    async def scene(owner: Owner) -> None:
        await opens_options(owner)
        await owner.presses("1")
        await owner.hears(RECORD_GREETING[Greeting.UNAVAILABLE])
        await speaks_for(owner, 4.0)
        await owner.hears(REVIEW[:1])
        await owner.hangs_up()

    assert not delivered(visit(nothing, scene))


def test_the_first_temporary_greeting_is_recorded_at_once() -> None:
    async def scene(owner: Owner) -> None:
        await opens_options(owner)
        await owner.presses("4")
        await owner.hears(RECORD_GREETING[Greeting.TEMPORARY])
        await speaks_for(owner, 4.0)
        await owner.hears(REVIEW)
        await owner.presses("1")
        await owner.hears(Sentence.RECORDING_SAVED, Sentence.MAILBOX_OPTIONS)
        await owner.presses("*")
        await owner.hears(Sentence.MAILBOX_MENU)
        await owner.presses("#")

    [greeting] = delivered(visit(nothing, scene))
    assert particulars(greeting) == {"which": Greeting.TEMPORARY}


def test_the_temporary_greeting_is_erased() -> None:
    async def scene(owner: Owner) -> None:
        await opens_options(owner)
        await owner.presses("4")
        await owner.hears(Sentence.TEMPORARY_GREETING)
        await owner.presses("2")
        await owner.hears(Sentence.TEMPORARY_GREETING_REMOVED, Sentence.MAILBOX_OPTIONS)
        await owner.presses("#")

    world = visit(with_temporary_greeting, scene)
    assert world.mailboxes.boxes[BOX].greetings == {Greeting.TEMPORARY: None}


@pytest.mark.parametrize("away", [True, False])
def test_the_temporary_greeting_is_recorded_anew_or_left(away: bool) -> None:
    async def scene(owner: Owner) -> None:
        await opens_options(owner)
        owner.world.postgres_away = away
        await owner.presses("4")
        await owner.hears(Sentence.TEMPORARY_GREETING)
        await owner.presses("*")
        await owner.hears(Sentence.MAILBOX_OPTIONS)
        await owner.presses("41")
        await owner.hears(RECORD_GREETING[Greeting.TEMPORARY])
        await speaks_for(owner, 4.0)
        await owner.hears(REVIEW)
        await owner.presses("1")
        await owner.hears(Sentence.RECORDING_SAVED)
        await owner.presses("42")
        await owner.hears(
            Sentence.TRY_LATER if away else Sentence.TEMPORARY_GREETING_REMOVED,
            Sentence.MAILBOX_OPTIONS,
        )
        await owner.presses("#")

    assert len(delivered(visit(with_temporary_greeting, scene))) == 1


@pytest.mark.parametrize(
    ("first", "second", "sentence", "pin"),
    [
        ("24680", "24680", Sentence.PIN_CHANGED, "24680"),
        ("24680", "13579", Sentence.PIN_MISMATCH, PIN),
        ("24680", "", Sentence.PIN_MISMATCH, PIN),
        ("1001", "", Sentence.PIN_UNUSABLE, PIN),
        ("222222", "", Sentence.PIN_UNUSABLE, PIN),
        ("12", "", Sentence.PIN_UNUSABLE, PIN),
        ("", "", Sentence.MAILBOX_OPTIONS, PIN),
    ],
)
def test_the_pin_is_changed(first: str, second: str, sentence: Sentence, pin: str) -> None:
    async def scene(owner: Owner) -> None:
        await opens_options(owner)
        await owner.presses("5")
        await owner.hears(Sentence.NEW_PIN)
        await owner.presses(f"{first}#")
        if sentence in (Sentence.PIN_CHANGED, Sentence.PIN_MISMATCH):
            await owner.hears(Sentence.NEW_PIN_AGAIN)
            await owner.presses(f"{second}#")
        await owner.hears(sentence)
        await owner.presses("#")
        await owner.hears(Sentence.GOODBYE)

    world = visit(nothing, scene)
    assert world.mailboxes.boxes[BOX].pin == pin
    assert not any(typed in str(world.records) for typed in ("24680", "13579", "222222"))


def test_postgres_is_away_when_the_pin_is_changed() -> None:
    async def scene(owner: Owner) -> None:
        await opens_options(owner)
        owner.world.postgres_away = True
        await owner.presses("5")
        await owner.hears(Sentence.NEW_PIN)
        await owner.presses("24680#24680#")
        await owner.hears(Sentence.TRY_LATER, Sentence.MAILBOX_OPTIONS)
        await owner.presses("#")

    assert visit(nothing, scene).mailboxes.boxes[BOX].pin == PIN


def test_asterisk_cannot_record() -> None:
    """The call is refused in words; nothing is delivered."""

    async def scene(owner: Owner) -> None:
        await opens_options(owner)
        asterisk = owner.world.asterisk
        asterisk.bridges_made["another"] = {owner.phone.id}
        await owner.presses("1")
        await owner.hears(Sentence.CANNOT_COMPLETE)
        asterisk.destroyed["another"] += 1

    world = visit(nothing, scene)
    assert world.cause() == HangupCause.FAILURE
    assert not delivered(world)
