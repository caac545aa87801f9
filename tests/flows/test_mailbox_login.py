"""The way into a mailbox."""

import json
from collections.abc import Callable
from uuid import uuid4

import pytest

from stasis_app.call.arrival import Origin
from stasis_app.flows.mailbox_login import guesser
from stasis_app.rules.caller_id import CallerId
from stasis_app.rules.sentences import Sentence, messages_waiting
from stasis_app.words import Direction, HangupCause
from tests.support.virtual_time import run

from .invariants import check
from .mailbox_stage import BOX, DE, EN, PIN, Owner, Scene, left, speaks, told, visit, with_box
from .rows import inbound_rule, to_box
from .stage import CALLER, DID, delivers, with_trunks, world_of
from .world import World

OPENED = messages_waiting(0, 0, EN)
WRONG = "0815"


def refusals(world: World) -> list[object]:
    return [refusal["answer"] for refusal in world.details("pin_refused")]


def visit_of_1002(
    scene: Scene, number: str, prepare: Callable[[World], object] = lambda _: None
) -> World:
    """Let 1002, which is not the owner, dial `number`."""
    return visit(prepare, scene, number=number, phone="1002")


async def ends(owner: Owner) -> None:
    await owner.hears(OPENED, Sentence.MAILBOX_MENU)
    await owner.presses("#")
    await owner.hears(Sentence.GOODBYE)


def test_the_own_phone_needs_no_pin() -> None:
    world = visit(lambda _: None, ends)
    assert "pin_refused" not in world.events()


def test_the_own_number_opens_the_own_box() -> None:
    visit(lambda _: None, ends, number="1001")


def test_another_phone_needs_the_pin() -> None:
    async def scene(owner: Owner) -> None:
        await owner.hears(Sentence.LOGIN)
        await owner.presses("1001#")
        await owner.hears(Sentence.PIN)
        await owner.presses(f"{PIN}#")
        await ends(owner)

    world = visit_of_1002(scene, "*98")
    assert world.details("mailbox_opened") == [{"number": "1001"}]


def test_a_pause_ends_a_number_and_a_pin() -> None:
    async def scene(owner: Owner) -> None:
        await owner.presses("1001", wait=4.0)
        await owner.hears(Sentence.PIN)
        await owner.presses(PIN, wait=4.0)
        await ends(owner)

    visit_of_1002(scene, "*98")


def test_what_is_typed_ahead_counts() -> None:
    async def scene(owner: Owner) -> None:
        await owner.hears(Sentence.LOGIN)
        await owner.presses(f"1001#{PIN}#")
        await ends(owner)

    visit_of_1002(scene, "*98")


def test_the_number_may_be_dialled_with_it() -> None:
    async def scene(owner: Owner) -> None:
        await owner.hears(Sentence.PIN)
        await owner.presses(f"{PIN}#")
        await ends(owner)

    visit_of_1002(scene, "*981001")


def test_the_owner_needs_the_pin_for_98_too() -> None:
    async def scene(owner: Owner) -> None:
        await owner.hears(Sentence.PIN)
        await owner.presses(f"{PIN}#")
        await ends(owner)

    visit(lambda _: None, scene, number="*981001")


def test_a_pin_of_twenty_digits() -> None:
    async def scene(owner: Owner) -> None:
        owner.world.mailboxes.box(BOX, "1001", "01234567890123456789")
        await owner.hears(Sentence.PIN)
        await owner.presses("01234567890123456789#")
        await ends(owner)

    visit_of_1002(scene, "*981001")


def test_three_tries_and_goodbye() -> None:
    async def scene(owner: Owner) -> None:
        await owner.hears(Sentence.LOGIN)
        for _ in range(2):
            await owner.presses(f"1001#{WRONG}#")
            await owner.hears(Sentence.WRONG_LOGIN)
        await owner.presses(f"1001#{WRONG}#")
        await owner.hears(Sentence.WRONG_PIN, Sentence.GOODBYE)

    world = visit_of_1002(scene, "*98")
    assert refusals(world) == ["wrong"] * 3
    assert world.cause() == HangupCause.NORMAL_CLEARING
    assert "mailbox_opened" not in world.events()


def test_the_third_try_is_right() -> None:
    async def scene(owner: Owner) -> None:
        await owner.hears(Sentence.PIN)
        for _ in range(2):
            await owner.presses(f"{WRONG}#")
            await owner.hears(Sentence.WRONG_PIN, Sentence.PIN)
        await owner.presses(f"{PIN}#")
        await ends(owner)

    visit_of_1002(scene, "*981001")


@pytest.mark.parametrize("number", ["*98", "*981001"])
def test_nobody_types_anything(number: str) -> None:
    async def scene(owner: Owner) -> None:
        await owner.hears(Sentence.WRONG_PIN, Sentence.GOODBYE)

    world = visit_of_1002(scene, number)
    assert world.mailboxes.boxes[BOX].failures == 0


def no_box(world: World) -> None:
    world.mailboxes.boxes.clear()
    world.book.voicemail_boxes.items.clear()
    world.extension("1001", voicemail=False)


def no_extension(world: World) -> None:
    world.mailboxes.boxes.clear()
    world.book.extensions.forget([world.book.extensions.at("1001").id])  # type: ignore[union-attr]


def no_pin(world: World) -> None:
    with_box(world, pin=None)


def locked(world: World) -> None:
    box = with_box(world)
    box.locked_until = 1e6


def spoken_to_another(world: World) -> None:
    speaks(world, "1001", language="de")


@pytest.mark.parametrize("dialled", ["*98", "*981001"])
@pytest.mark.parametrize("prepare", [no_box, no_extension, no_pin, locked, spoken_to_another])
def test_what_is_wrong_cannot_be_told_apart(prepare: Callable[[World], None], dialled: str) -> None:
    """The words, and the moment of each of them, are those of a wrong PIN."""

    async def scene(owner: Owner) -> None:
        for _ in range(3):
            await owner.presses(("1001#" if dialled == "*98" else "") + f"{WRONG}#", wait=10.0)

    wrong = visit_of_1002(scene, dialled)
    other = visit_of_1002(scene, dialled, prepare)
    assert other.asterisk.played == wrong.asterisk.played
    assert [verb for verb, _ in other.asterisk.requests] == [
        verb for verb, _ in wrong.asterisk.requests
    ]


def test_a_locked_box_refuses_the_right_pin() -> None:
    async def scene(owner: Owner) -> None:
        for _ in range(3):
            await owner.presses(f"{PIN}#", wait=10.0)

    world = visit_of_1002(scene, "*981001", locked)
    assert refusals(world) == ["locked"] * 3


def test_a_box_is_locked_over_several_calls_and_opens_again() -> None:
    async def wrong(owner: Owner) -> None:
        for _ in range(3):
            await owner.presses(f"{WRONG}#", wait=10.0)

    async def right(owner: Owner) -> None:
        await owner.presses(f"{PIN}#")
        await ends(owner)

    async def still_locked(owner: Owner) -> None:
        await owner.presses(f"{PIN}#")
        await owner.hears(Sentence.WRONG_PIN)
        await owner.hangs_up()

    async def tell() -> World:
        world = world_of()
        world.set(voicemail__pin_attempts=4, voicemail__lockout_seconds=600)
        with_box(world)
        for scene in (wrong, wrong, still_locked):
            await told(scene, world, "*981001", "1002")
        await told(ends, world, "*97", "1001")  # the owner's phone is let in all the same
        await Owner.waits(600)
        return await told(right, world, "*981001", "1002")

    assert refusals(run(tell()))[-1] == "locked"


def test_no_digit_of_a_pin_is_written_anywhere() -> None:
    async def scene(owner: Owner) -> None:
        await owner.presses("1001#77777777#", wait=10.0)
        await owner.presses("88888888#", wait=10.0)  # by mistake where the number is asked for
        await owner.presses("#", wait=10.0)
        await owner.presses(f"1001#{PIN}#")
        await ends(owner)

    world = visit_of_1002(scene, "*98")
    written = json.dumps(world.records)
    assert not any(secret in written for secret in ("7777", "8888", PIN))
    assert world.details("pin_refused")[0] == {"number": "1001", "answer": "wrong"}


@pytest.mark.parametrize("pin", ["1001", "0000", "12"])
def test_a_pin_that_everybody_would_try_opens_nothing(pin: str) -> None:
    """It stands in a row that somebody wrote by hand."""

    async def scene(owner: Owner) -> None:
        for _ in range(3):
            await owner.presses(f"{pin}#", wait=10.0)

    world = visit_of_1002(scene, "*981001", lambda world: with_box(world, pin=pin))
    assert refusals(world) == ["wrong"] * 3


def test_wrong_pins_are_counted_for_the_phone() -> None:
    async def scene(owner: Owner) -> None:
        for _ in range(3):
            await owner.presses(f"{WRONG}#", wait=10.0)

    world = visit_of_1002(scene, "*981001")
    phone = world.book.extensions.at("1002")
    assert phone
    assert world.mailboxes.callers == [f"extension:{phone.id}"] * 3


@pytest.mark.parametrize(("shown", "counted"), [(CALLER, CALLER), ("0" * 99, "0" * 64), ("", "")])
def test_wrong_pins_from_outside_are_counted_for_the_number(shown: str, counted: str) -> None:
    trunk = uuid4()
    origin = Origin(Direction.INBOUND, CallerId(shown), trunk=trunk)
    assert guesser(origin) == f"trunk:{trunk}:{counted}"


@pytest.mark.parametrize("pin", [PIN, None])
def test_the_own_phone_is_asked_if_it_is_to_be_and_there_is_a_pin(pin: str | None) -> None:
    def prepare(world: World) -> None:
        with_box(world, pin=pin)
        world.set(voicemail__pin_at_own_phone=True)

    async def scene(owner: Owner) -> None:
        if pin:
            await owner.hears(Sentence.PIN)
            await owner.presses(f"{pin}#")
        await ends(owner)

    visit(prepare, scene)


def test_a_phone_without_a_box() -> None:
    async def scene(_: Owner) -> None: ...

    world = visit_of_1002(scene, "*97")
    assert world.cause() == HangupCause.UNALLOCATED_NUMBER
    assert world.reasons() == ["no_mailbox"]
    assert not world.asterisk.played


def test_postgres_is_away_at_the_pin() -> None:
    async def scene(owner: Owner) -> None:
        await owner.hears(Sentence.PIN)
        owner.world.postgres_away = True
        await owner.presses(f"{PIN}#")
        await owner.hears(Sentence.TRY_LATER, Sentence.GOODBYE)

    visit_of_1002(scene, "*981001")


def test_the_language_of_the_phone_and_then_of_the_owner() -> None:
    def prepare(world: World) -> None:
        speaks(world, "1001", language="de")

    async def scene(owner: Owner) -> None:
        await owner.hears(Sentence.PIN)
        await owner.presses(f"{PIN}#")
        await owner.hears(messages_waiting(0, 0, DE))
        await owner.hears(Sentence.MAILBOX_MENU, tongue=DE)
        await owner.presses("#")
        await owner.hears(Sentence.GOODBYE, tongue=DE)

    visit_of_1002(scene, "*981001", prepare)


def test_from_outside_by_the_greeting() -> None:
    async def tell() -> World:
        world = with_trunks(world_of())
        with_box(world)
        left(world, True)
        world.keep(inbound_rules=inbound_rule("in", DID, to_box("1001")))
        caller = await delivers(world, DID, CALLER, hangs_up=300.0)
        owner = Owner(world, caller)
        await owner.waits(2.0)
        await owner.presses(f"*{PIN}#")
        await owner.hears(messages_waiting(0, 1, EN))
        await owner.presses("#")
        await owner.hears(Sentence.GOODBYE)
        await world.over()
        check(world)
        return world

    world = run(tell())
    assert world.details("mailbox_opened") == [{"number": "1001"}]
    assert [caller.rpartition(":")[2] for caller in world.mailboxes.callers] == [CALLER]


def test_from_outside_without_a_pin_nobody_comes_in() -> None:
    async def tell() -> World:
        world = with_trunks(world_of())
        with_box(world, pin=None)
        world.keep(inbound_rules=inbound_rule("in", DID, to_box("1001")))
        caller = await delivers(world, DID, CALLER, hangs_up=300.0)
        owner = Owner(world, caller)
        await owner.waits(2.0)
        await owner.presses("*#", wait=5.0)
        await owner.presses("1234#", wait=5.0)
        await owner.presses("#")
        await owner.hears(Sentence.WRONG_PIN, Sentence.GOODBYE)
        await world.over()
        check(world)
        return world

    assert "mailbox_opened" not in run(tell()).events()
