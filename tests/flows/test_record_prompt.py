"""A prompt is recorded by phone: who may, which, and when it takes the place of the old one."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from stasis_app.rules.sentences import Sentence, review
from stasis_app.rules.spoken import Language
from stasis_app.words import HangupCause, Role
from tests.support.fake_phones import Fault
from tests.support.virtual_time import run

from .invariants import check
from .mailbox_stage import delivered, deliveries, particulars
from .restarts import Machine
from .rows import identity, media, user
from .stage import world_of
from .voicemail_stage import Talker, why_discarded
from .world import World

EN, DE = Language.EN, Language.DE
MENU = review(EN)
THANKS = (Sentence.RECORDING_SAVED, Sentence.GOODBYE)

Scene = Callable[[Talker], Awaitable[None]]


def set_up(role: Role | None = Role.SUPERVISOR, **columns: Any) -> World:
    """A world in which 1001, whose user has that role, may record the prompt with code 7 anew."""
    world = world_of(**columns)
    world.keep(media_files=media("welcome", "7"))
    if role:
        world.keep(users=user("anna", role))
    world.extension("1001", user=identity("anna"))
    return world


def records(scene: Scene, number: str = "*77", **world: Any) -> World:
    async def tell() -> World:
        scene_of = set_up(**world)
        talker = Talker(scene_of, scene_of.asterisk.call("1001", number))
        await talker.waits(0.5)
        await scene(talker)
        await talker.world.over()
        check(talker.world)
        one_at_the_most(talker.world)
        return talker.world

    return run(tell())


def one_at_the_most(world: World) -> None:
    assert len(delivered(world)) <= 1
    known = {one["recording"] for one in deliveries(world).values()}
    assert world.asterisk.recordings.keys() <= known, "nobody knows of a recording"


async def speaks(talker: Talker) -> None:
    """Wait for the tone, say something short, and press #."""
    await talker.hears_the_tone()
    await talker.speaks(1)
    await talker.presses("#")


async def accepts(talker: Talker) -> None:
    await talker.hears(Sentence.RECORD_PROMPT)
    await speaks(talker)
    await talker.hears(MENU)
    await talker.presses("1")
    await talker.hears(*THANKS)


def test_new_prompt() -> None:
    """It may be as short as one likes."""
    world = records(accepts)
    [prompt] = delivered(world)
    assert (prompt["kind"], prompt["box_id"]) == ("prompt", None)
    assert particulars(prompt) == {"name": "Recorded by 1001 2026-01-01 00:00:00 UTC"}
    assert world.events() == [
        "arrived",
        "answered",
        "message_begun",
        "prompt_recorded",
        "announced",
        "announced",
        "ended",
    ]
    assert world.details("prompt_recorded") == [{"number": "*77", "seconds": 1.0}]
    assert world.cause() == HangupCause.NORMAL_CLEARING


def test_prompt_with_a_code_keeps_its_name() -> None:
    world = records(accepts, "*777")
    [prompt] = delivered(world)
    assert particulars(prompt) == {"media": str(identity("welcome"))}
    assert world.details("prompt_recorded")[0]["number"] == "*777"


@pytest.mark.parametrize("keys", ["", "2", "22"])
def test_who_presses_no_key_at_the_end_has_accepted(keys: str) -> None:
    async def scene(talker: Talker) -> None:
        await speaks(talker)
        await talker.presses(keys)
        await talker.hears(*THANKS)

    assert len(delivered(records(scene))) == 1


def test_recorded_again() -> None:
    async def scene(talker: Talker) -> None:
        await speaks(talker)
        await talker.presses("3", 0.0)
        await speaks(talker)
        await talker.presses("1")
        await talker.hears(*THANKS)

    world = records(scene)
    assert why_discarded(world) == ["recorded_again"]
    assert len(deliveries(world)) == 2


@pytest.mark.parametrize("key", "4560789*#")
def test_keys_of_a_message_mean_nothing(key: str) -> None:
    async def scene(talker: Talker) -> None:
        await speaks(talker)
        await talker.presses(key)
        await talker.hears(*THANKS)

    world = records(scene)
    assert "urgent" not in delivered(world)[0]["details"]


@pytest.mark.parametrize("seconds", [0.5, 3.0, 6.0, 6.6, 8.0, 12.0])
def test_half_a_sentence_takes_no_place(seconds: float) -> None:
    """Whoever hangs up before the end of the review has recorded nothing."""

    async def scene(talker: Talker) -> None:
        talker.world.asterisk.at(6, partial(talker.world.asterisk.talk, talker.phone, 2))
        talker.world.asterisk.at(8, partial(talker.world.asterisk.press, talker.phone, "#"))
        await talker.waits(seconds)
        await talker.hangs_up()

    world = records(scene)
    assert not delivered(world)
    assert why_discarded(world) in ([], ["not_accepted"])
    assert bool(why_discarded(world)) == bool(deliveries(world))


def test_instruction_can_be_skipped() -> None:
    async def scene(talker: Talker) -> None:
        await talker.presses("#", 0.0)
        await talker.hears_the_tone()
        assert len(talker.played) == 1
        await talker.hangs_up()

    records(scene)


def test_instruction_is_in_the_language_of_who_records() -> None:
    async def scene(talker: Talker) -> None:
        await talker.hears(Sentence.RECORD_PROMPT, tongue=DE)
        await talker.hangs_up()

    async def tell() -> None:
        world = set_up()
        world.keep(users=user("anna", Role.ADMIN, language="de"))
        await scene(Talker(world, world.asterisk.call("1001", "*77")))
        await world.over()

    run(tell())


async def nothing(talker: Talker) -> None:
    await talker.waits(1)


@pytest.mark.parametrize("number", ["*77", "*777", "*778"])
@pytest.mark.parametrize("role", [Role.USER, Role.AGENT, None])
def test_not_for_everybody(role: Role | None, number: str) -> None:
    world = records(nothing, number, role=role)
    assert world.cause() == HangupCause.FORBIDDEN
    assert world.reasons() == ["role"]
    assert not deliveries(world)


def test_roles_are_a_setting() -> None:
    async def tell() -> World:
        world = set_up(Role.USER)
        world.set(media__record_roles=["user"])
        await accepts(Talker(world, world.asterisk.call("1001", "*77")))
        await world.over()
        return world

    assert len(delivered(run(tell()))) == 1


@pytest.mark.parametrize("number", ["*778", "*7777"])
def test_code_that_no_prompt_has(number: str) -> None:
    world = records(nothing, number)
    assert world.cause() == HangupCause.UNALLOCATED_NUMBER
    assert world.reasons() == ["no_such_code"]


def test_recording_fails() -> None:
    [request] = [
        place
        for place, (verb, _) in enumerate(records(accepts).asterisk.requests)
        if verb == "record"
    ]

    async def scene(talker: Talker) -> None:
        await talker.hears(Sentence.CANNOT_COMPLETE)

    world = records(scene, faults={request: Fault.REFUSED})
    assert world.cause() == HangupCause.FAILURE
    assert not delivered(world)


RECONCILING = 4  # requests of a comparison


async def enact(prepare: Callable[[Machine, int], None], hangs_up: float) -> World:
    """Let 1001 record a prompt, listen to it, and accept it."""
    world = set_up(delays=(0.005,))
    machine = Machine(world)
    await world.switchboard.reconcile()
    prepare(machine, len(world.asterisk.requests))
    caller = world.asterisk.call("1001", "*777")
    caller.talks.append((9.0, 14.0))
    for second, key in {15: "#", 17: "2", 20: "1"}.items():
        world.asterisk.at(second, partial(world.asterisk.press, caller, key))
    world.asterisk.at(hangs_up, partial(world.asterisk.end, caller))
    await machine.over(200)
    check(machine.world)
    one_at_the_most(machine.world)
    return machine.world


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("away", [0.05, 3.0])
@pytest.mark.parametrize("hangs_up", [100.0, 12.0, 18.0])
def test_killed_at_any_request(hangs_up: float, away: float, sent: bool) -> None:
    undisturbed = run(enact(lambda machine, first: None, hangs_up))
    assert len(delivered(undisturbed)) == (hangs_up == 100.0)
    for request in range(len(undisturbed.asterisk.requests) - RECONCILING):

        def kill(machine: Machine, first: int, request: int = request) -> None:
            machine.kill_at(first + request, away, sent=sent)

        world = run(enact(kill, hangs_up))
        assert len(delivered(world)) == (hangs_up == 100.0), f"wrong at request {request}"
        if delivered(world):
            assert particulars(delivered(world)[0]) == {"media": str(identity("welcome"))}


def test_it_is_not_saved_if_nobody_can_write_that_it_was_accepted() -> None:
    """Who delivers would find that nobody has accepted it."""

    async def scene(talker: Talker) -> None:
        await talker.skips_to_the_tone()
        await talker.speaks(3)
        await talker.presses("#")
        await talker.hears(MENU)
        talker.world.loses = lambda record: "finished_at" in record.get("delivery", {})
        await talker.presses("1")
        await talker.hears(Sentence.TRY_LATER, Sentence.GOODBYE)
        await talker.hears_no(Sentence.RECORDING_SAVED)

    assert not delivered(records(scene))
