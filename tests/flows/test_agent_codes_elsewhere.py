"""Codes of agents at another phone: with the PIN of the mailbox."""

import json

import pytest

from stasis_app.rules.sentences import Sentence
from stasis_app.words import HangupCause, Wanted

from .agent_stage import (
    BREAK,
    LOGGED_OUT,
    OFFLINE,
    ON_BREAK,
    WRONG,
    Prepare,
    knows_the_pin,
    nothing,
    state,
    typed,
)
from .mailbox_stage import DE, PIN, Owner, with_box
from .rows import identity, member, user
from .world import World


async def guesses(owner: Owner) -> None:
    for _ in range(3):
        await owner.presses(f"{WRONG}#", wait=10.0)


@pytest.mark.parametrize(
    ("code", "queue", "after", "sentence"),
    [
        ("*45*1001", None, (OFFLINE, ""), LOGGED_OUT),
        ("*45*1001*500", "sales", (OFFLINE, ""), LOGGED_OUT),
        ("*46*1001", None, (BREAK, ""), ON_BREAK),
        ("*46*1001*1", None, (BREAK, "lunch"), ON_BREAK),
        ("*47*1001", None, None, Sentence.WRAP_UP_OVER),
    ],
)
def test_another_phone_needs_the_pin(
    code: str, queue: str | None, after: tuple[Wanted, str] | None, sentence: Sentence
) -> None:
    async def scene(owner: Owner) -> None:
        await knows_the_pin(owner)
        await owner.hears(sentence)

    world = typed(scene, code)
    assert state(world, queue) == after
    assert "pin_refused" not in world.events()
    assert world.cause() == HangupCause.NORMAL_CLEARING


def test_another_agent_needs_the_pin_too() -> None:
    world = typed(knows_the_pin, "*45*1001", phone="1003")
    assert state(world) == (OFFLINE, "")
    assert world.agents.presence(identity("1003"), None) is None


def test_the_third_try_is_right() -> None:
    async def scene(owner: Owner) -> None:
        await owner.hears(Sentence.PIN)
        for _ in range(2):
            await owner.presses(f"{WRONG}#")
            await owner.hears(Sentence.WRONG_PIN, Sentence.PIN)
        await owner.presses(f"{PIN}#")
        await owner.hears(LOGGED_OUT)

    world = typed(scene, "*45*1001")
    phone = identity("1002")
    assert world.mailboxes.callers == [f"extension:{phone}"] * 3
    assert world.details("pin_refused") == [{"number": "1001", "answer": "wrong"}] * 2


def test_three_tries_and_goodbye() -> None:
    async def scene(owner: Owner) -> None:
        await guesses(owner)
        await owner.hears(Sentence.WRONG_PIN, Sentence.GOODBYE)

    world = typed(scene, "*45*1001")
    assert state(world) is None
    assert world.cause() == HangupCause.NORMAL_CLEARING


def no_agent(world: World) -> None:
    for name in ("sales", "help", "old"):
        world.book.queue_members.forget([member(name, "1001").id])


def no_pin(world: World) -> None:
    with_box(world, pin=None)


def no_box(world: World) -> None:
    world.mailboxes.boxes.clear()
    world.book.voicemail_boxes.items.clear()
    world.extension("1001", voicemail=False)


def no_extension(world: World) -> None:
    world.mailboxes.boxes.clear()
    world.book.extensions.forget([identity("1001")])


def locked(world: World) -> None:
    with_box(world).locked_until = 1e6


@pytest.mark.parametrize("code", ["*45*1001", "*45*1001*999", "*46*1001", "*47*1001"])
@pytest.mark.parametrize("prepare", [no_agent, no_pin, no_box, no_extension, locked])
def test_without_the_pin_nothing_can_be_told_apart(prepare: Prepare, code: str) -> None:
    """The words, and the moment of each of them, are those of a wrong PIN of an agent."""
    wrong, other = typed(guesses, "*45*1001"), typed(guesses, code, prepare)
    assert other.asterisk.played == wrong.asterisk.played
    assert not other.agents.presences


@pytest.mark.parametrize("prepare", [no_pin, locked])
def test_the_right_pin_may_open_nothing(prepare: Prepare) -> None:
    async def scene(owner: Owner) -> None:
        for _ in range(3):
            await owner.presses(f"{PIN}#", wait=10.0)

    assert state(typed(scene, "*45*1001", prepare)) is None


@pytest.mark.parametrize(
    ("code", "prepare", "reason"),
    [("*45*1001", no_agent, "no_agent"), ("*45*1001*503", nothing, "no_such_queue")],
)
def test_who_knows_the_pin_is_told_the_truth(code: str, prepare: Prepare, reason: str) -> None:
    world = typed(knows_the_pin, code, prepare)
    assert not world.agents.presences
    assert world.events() == ["arrived", "answered", "refused", "announced", "ended"]
    assert world.reasons() == [reason]


def test_the_own_phone_needs_no_pin() -> None:
    """Not even where a mailbox does."""

    async def scene(owner: Owner) -> None:
        await owner.hears(LOGGED_OUT)

    def prepare(world: World) -> None:
        world.set(voicemail__pin_at_own_phone=True)

    world = typed(scene, "*45*1001", prepare, phone="1001")
    assert not world.mailboxes.callers


def test_postgres_is_away_at_the_pin() -> None:
    async def scene(owner: Owner) -> None:
        await owner.hears(Sentence.PIN)
        owner.world.postgres_away = True
        await owner.presses(f"{PIN}#")
        await owner.hears(Sentence.CANNOT_COMPLETE)

    world = typed(scene, "*45*1001")
    assert world.reasons() == ["postgres_away"]
    assert world.cause() == HangupCause.FAILURE


def test_the_language_of_the_phone_and_then_of_the_agent() -> None:
    def prepare(world: World) -> None:
        world.keep(users=user("anna", language="de"))
        world.extension("1001", user=identity("anna"), voicemail=True)

    async def scene(owner: Owner) -> None:
        await owner.hears(Sentence.PIN)
        await owner.presses(f"{PIN}#")
        await owner.hears(LOGGED_OUT, tongue=DE)

    typed(scene, "*45*1001", prepare)


def test_no_digit_of_a_pin_is_written_anywhere() -> None:
    async def scene(owner: Owner) -> None:
        await owner.presses("77777777#", wait=10.0)
        await owner.presses(f"{PIN}#")
        await owner.hears(LOGGED_OUT)

    written = json.dumps(typed(scene, "*45*1001").records)
    assert "7777" not in written
    assert PIN not in written
