"""An owner goes through the messages of a mailbox."""

from datetime import timedelta

import pytest

from stasis_app.rules.sentences import (
    Sentence,
    envelope,
    message_number,
    message_saved,
    messages_waiting,
)
from stasis_app.words import HangupCause
from tests.support.fake_phones import EPOCH, Fault

from .mailbox_stage import (
    BOX,
    DE,
    EN,
    Owner,
    audio,
    held,
    left,
    menu_of,
    speaks,
    visit,
    with_temporary_greeting,
)
from .world import World

FIRST, LAST = message_number(1, 2, EN), message_number(2, 2, EN)


def ids(world: World) -> list[str]:
    """Messages that were played, as the timeline tells."""
    return [str(one["message"]) for one in world.details("message_played")]


def test_new_messages_are_heard_before_old_ones() -> None:
    async def scene(owner: Owner) -> None:
        new, newer, old = held(owner.world)
        await owner.hears(messages_waiting(2, 1, EN))
        for place, message in enumerate((new, newer, old), start=1):
            await owner.hears(message_number(place, 3, EN), audio(message), menu_of(place, 3))
            await owner.presses("6")
        await owner.hears(Sentence.NO_MORE_MESSAGES, menu_of(3, 3))
        await owner.presses("#")
        await owner.hears(Sentence.GOODBYE)

    world = visit(lambda world: left(world, False, True, False), scene)
    assert world.cause() == HangupCause.NORMAL_CLEARING
    assert [one.read for one in world.mailboxes.boxes[BOX].messages] == [True] * 3
    assert world.events() == [
        "arrived",
        "answered",
        "mailbox_opened",
        *["message_played"] * 3,
        "announced",
        "ended",
    ]
    assert world.details("mailbox_opened") == [{"number": "1001"}]


def test_the_envelope_is_told_in_the_language_and_zone_of_the_owner() -> None:
    at = EPOCH - timedelta(minutes=30)  # half past midnight in Berlin, on the same day as now

    def prepare(world: World) -> None:
        speaks(world, "1001", language="de", timezone="Europe/Berlin")
        world.mailboxes.leave(BOX, "+4940111222", received_at=at, urgent=True)

    async def scene(owner: Owner) -> None:
        await owner.hears(messages_waiting(1, 0, DE, urgent=1))
        await owner.hears(message_number(1, 1, DE, urgent=True))
        berlin = at + timedelta(hours=1)
        now = EPOCH + timedelta(hours=1)
        await owner.hears(envelope("+4940111222", berlin, now, DE))
        await owner.presses("#")
        await owner.hears(Sentence.GOODBYE, tongue=DE)

    visit(prepare, scene)


def test_a_caller_from_inside_is_told_as_an_extension() -> None:
    async def scene(owner: Owner) -> None:
        [message] = held(owner.world)
        at = message.received_at
        await owner.hears(envelope("1002", at, EPOCH, EN, internal=True), audio(message))
        await owner.hangs_up()

    visit(lambda world: left(world, False), scene)


def test_an_empty_box() -> None:
    async def scene(owner: Owner) -> None:
        await owner.hears(messages_waiting(0, 0, EN), Sentence.MAILBOX_MENU)
        for key in "1456":
            await owner.presses(key)
            await owner.hears(Sentence.NO_MORE_MESSAGES)
        for key in "23789":
            await owner.presses(key)
            await owner.hears(Sentence.INVALID_KEY, Sentence.MAILBOX_MENU)
        await owner.presses("*")
        await owner.hears(Sentence.MAILBOX_MENU)
        await owner.presses("#")

    visit(lambda world: None, scene)


def test_old_messages_are_not_played_unasked() -> None:
    async def scene(owner: Owner) -> None:
        [message] = held(owner.world)
        await owner.hears(messages_waiting(0, 1, EN), Sentence.MAILBOX_MENU)
        await owner.hears_no(audio(message))
        await owner.presses("1")
        await owner.hears(audio(message))
        await owner.hangs_up()

    visit(lambda world: left(world, True), scene)


def test_back_again_and_forth() -> None:
    async def scene(owner: Owner) -> None:
        first, last = held(owner.world)
        await owner.hears(audio(first))
        await owner.presses("6")
        await owner.hears(LAST, audio(last))
        await owner.presses("5")
        await owner.hears(LAST, audio(last))
        await owner.presses("4")
        await owner.hears(FIRST, audio(first))
        await owner.presses("4")
        await owner.hears(Sentence.NO_MORE_MESSAGES, menu_of(1, 2))
        await owner.presses("1")
        await owner.hears(FIRST, audio(first))
        await owner.hangs_up()

    visit(lambda world: left(world, False, False), scene)


@pytest.mark.parametrize(("key", "operation"), [("*", -3.0), ("#", 3.0)])
def test_a_message_is_wound(key: str, operation: float) -> None:
    async def scene(owner: Owner) -> None:
        [message] = held(owner.world)
        await owner.hears(audio(message))
        began = owner.world.asterisk.now()
        await owner.waits(4.0)
        await owner.presses(key, wait=4.0)
        await owner.presses(key)
        await owner.hears(menu_of(1, 1)[:1])
        spent = (owner.world.asterisk.now() - began).total_seconds()
        assert spent == pytest.approx(20.0 - 2 * operation, abs=0.2)
        await owner.presses("#")
        await owner.hears(Sentence.GOODBYE)

    def prepare(world: World) -> None:
        left(world, False, seconds=20.0)

    visit(prepare, scene)


def test_a_message_longer_than_other_media_is_played_to_its_end() -> None:
    async def scene(owner: Owner) -> None:
        [message] = held(owner.world)
        await owner.hears(audio(message))
        await owner.world.until(lambda: owner.find(menu_of(1, 1)), within=4000, every=1.0)
        await owner.hangs_up()

    world = visit(lambda world: left(world, False, seconds=3600.0), scene)
    assert world.details("message_played")[0]["seconds"] == pytest.approx(3600, abs=1)


def test_delete_goes_on_to_the_next() -> None:
    async def scene(owner: Owner) -> None:
        first, last = held(owner.world)
        await owner.hears(audio(first))
        await owner.presses("7")
        await owner.hears(Sentence.DELETED, LAST, audio(last))
        await owner.presses("7")
        await owner.hears(Sentence.DELETED, Sentence.NO_MORE_MESSAGES, menu_of(2, 2, deleted=True))
        await owner.presses("4")
        await owner.hears(FIRST, audio(first), menu_of(1, 2, deleted=True))
        await owner.presses("7")
        await owner.hears(Sentence.UNDELETED, menu_of(1, 2))
        await owner.presses("#")

    world = visit(lambda world: left(world, False, False), scene)
    box = world.mailboxes.boxes[BOX]
    assert box.deleted == {box.messages[1].id}


def test_delete_and_undelete_at_once() -> None:
    """A key that comes while it is said that the message is deleted is for that message."""

    async def scene(owner: Owner) -> None:
        await owner.hears(audio(held(owner.world)[0]))
        await owner.presses("77")
        await owner.hears(Sentence.UNDELETED, menu_of(1, 2))
        await owner.presses("#")

    world = visit(lambda world: left(world, False, False), scene)
    assert not world.mailboxes.boxes[BOX].deleted


def test_what_is_kept_for_ever_is_not_deleted() -> None:
    async def scene(owner: Owner) -> None:
        first, last = held(owner.world)
        await owner.hears(audio(first))
        await owner.presses("9")
        await owner.hears(message_saved(1, EN), menu_of(1, 2))
        await owner.presses("6")
        await owner.hears(audio(last))
        await owner.presses("7")
        await owner.hears(Sentence.NO_MORE_MESSAGES)
        await owner.presses("9")
        await owner.hears(message_saved(2, EN), menu_of(2, 2))
        await owner.presses("#")

    world = visit(lambda world: left(world, False, False), scene)
    box = world.mailboxes.boxes[BOX]
    assert not box.deleted
    assert [(one.saved, one.read) for one in box.messages] == [(True, True)] * 2


@pytest.mark.parametrize(
    ("seconds", "listened", "read"),
    [(8.0, 4.0, False), (8.0, 5.1, True), (3.0, 2.0, False), (3.0, 3.2, True)],
)
@pytest.mark.parametrize("hangs_up", [True, False])
def test_a_message_is_read_after_five_seconds_or_to_its_end(
    seconds: float, listened: float, read: bool, hangs_up: bool
) -> None:
    async def scene(owner: Owner) -> None:
        await owner.hears(audio(held(owner.world)[0]))
        await owner.waits(listened)
        if hangs_up:
            await owner.hangs_up()
            return
        await owner.presses("6")
        await owner.hears(Sentence.NO_MORE_MESSAGES)
        await owner.presses("#")

    world = visit(lambda world: left(world, False, seconds=seconds), scene)
    assert [one.read for one in world.mailboxes.boxes[BOX].messages] == [read]


@pytest.mark.parametrize("known", [True, False])
def test_a_message_that_cannot_be_played_is_said_to_and_stays_new(known: bool) -> None:
    """The media know no address of it, or Asterisk can't fetch what is there."""

    def prepare(world: World) -> None:
        [message] = left(world, False)
        if known:
            world.asterisk.unplayable.update(audio(message))
        else:
            world.audio.missing.add(message.id)

    async def scene(owner: Owner) -> None:
        await owner.hears(message_number(1, 1, EN), Sentence.TRY_LATER, menu_of(1, 1))
        await owner.presses("#")

    world = visit(prepare, scene)
    assert [one.read for one in world.mailboxes.boxes[BOX].messages] == [False]
    assert world.events().count("media_skipped") == 1
    assert "message_played" not in world.events()


def test_a_message_stays_new_when_asterisk_does_not_answer() -> None:
    faults: dict[int, Fault] = {}

    async def scene(owner: Owner) -> None:
        await owner.hears(message_number(1, 1, EN))
        faults[len(owner.world.asterisk.requests)] = Fault.UNREACHABLE

    def prepare(world: World) -> None:
        left(world, False)
        world.asterisk.faults = faults

    world = visit(prepare, scene)
    assert world.cause() == HangupCause.FAILURE
    assert [one.read for one in world.mailboxes.boxes[BOX].messages] == [False]


def test_nobody_presses_a_key() -> None:
    async def scene(owner: Owner) -> None:
        await owner.hears(*[menu_of(1, 1)] * 3, Sentence.GOODBYE)

    world = visit(lambda world: left(world, False), scene)
    assert world.asterisk.played[-1][2] == "sound:en/vm-goodbye"


def test_who_presses_keys_for_ever_is_led_out() -> None:
    async def scene(owner: Owner) -> None:
        while owner.phone.alive:
            await owner.presses("9*", wait=0.0)

    world = visit(lambda world: left(world, False), scene)
    assert world.details("announced")[-1] == {"sentence": "goodbye"}


def test_a_temporary_greeting_that_is_on_is_said() -> None:
    async def scene(owner: Owner) -> None:
        await owner.hears(Sentence.TEMPORARY_GREETING_ACTIVE, messages_waiting(0, 0, EN))
        await owner.hangs_up()

    visit(with_temporary_greeting, scene)
