"""Where a message leads: to another mailbox, or back to its caller."""

from typing import Any

import pytest

from stasis_app.rules.sentences import (
    Sentence,
    callback,
    envelope,
    review,
)
from tests.support.fake_phones import EPOCH
from tests.support.virtual_time import run

from .invariants import check
from .mailbox_stage import (
    BOX,
    EN,
    PIN,
    Owner,
    audio,
    delivered,
    deliveries,
    held,
    left,
    menu_of,
    speaks_for,
    visit,
    with_box,
)
from .rows import box_identity, inbound_rule, to_box
from .stage import ANSWERS, CALLER, DID, NUMBER, carriers, delivers, with_trunks, world_of
from .world import World, endpoint, over


async def hears_the_message(owner: Owner) -> None:
    await owner.hears(audio(held(owner.world)[0]))


def with_target(world: World) -> None:
    left(world, False)
    with_box(world, "1003")


async def asks_to_forward(owner: Owner, number: str = "1003") -> None:
    await hears_the_message(owner)
    await owner.presses("8")
    await owner.hears(Sentence.ENTER_EXTENSION)
    await owner.presses(f"{number}#")


def test_a_message_is_forwarded_without_a_comment() -> None:
    async def scene(owner: Owner) -> None:
        await asks_to_forward(owner)
        await owner.hears(Sentence.PREPEND)
        await owner.presses("2")
        await owner.hears(Sentence.FORWARDED, menu_of(1, 1))
        await owner.presses("#")

    world = visit(with_target, scene)
    [message] = held(world)
    [copy] = delivered(world)
    assert (copy["kind"], copy["recording"]) == ("message", None)
    assert copy["box_id"] == str(box_identity("1003"))
    assert copy["details"] == {
        "forwarded_from": str(message.id),
        "forwarded_by": "1001",
        "caller_number": "1002",
        "caller_name": "",
        "urgent": False,
        "from_inside": None,
    }


@pytest.mark.parametrize("hangs_up", [True, False])
def test_a_message_is_forwarded_with_a_comment(hangs_up: bool) -> None:
    async def scene(owner: Owner) -> None:
        await asks_to_forward(owner)
        await owner.hears(Sentence.PREPEND)
        await owner.presses("1")
        await owner.hears(Sentence.RECORD_COMMENT)
        if hangs_up:
            await owner.waits(3.0)
            owner.world.asterisk.talk(owner.phone, 3.0)
            await owner.waits(3.0)
            await owner.hangs_up()
            return
        await speaks_for(owner, 4.0)
        await owner.hears(review(EN, urgent=False))
        await owner.presses("1")
        await owner.hears(Sentence.FORWARDED, menu_of(1, 1))
        await owner.presses("#")

    world = visit(with_target, scene)
    [copy] = delivered(world)
    assert copy["recording"] in world.asterisk.recordings
    assert copy["details"]["forwarded_from"] == str(held(world)[0].id)


def test_a_message_is_not_forwarded_to_nobody() -> None:
    async def scene(owner: Owner) -> None:
        await asks_to_forward(owner, "1002")
        await owner.hears(Sentence.INVALID_EXTENSION, Sentence.ENTER_EXTENSION)
        await owner.presses("1999#")
        await owner.hears(Sentence.INVALID_EXTENSION, Sentence.ENTER_EXTENSION)
        await owner.presses("1003#")
        await owner.hears(Sentence.PREPEND)
        await owner.presses("*")
        await owner.hears(menu_of(1, 1))
        await owner.presses("8#")
        await owner.hears(menu_of(1, 1))
        await owner.presses("81#1#1#", wait=5.0)
        await owner.hears(Sentence.INVALID_EXTENSION, menu_of(1, 1))
        await owner.presses("#")

    assert not deliveries(visit(with_target, scene))


def test_a_full_box_takes_no_forwarded_message() -> None:
    def prepare(world: World) -> None:
        with_target(world)
        with_box(world, "1003", max_messages=2)
        left(world, True, True, number="1003")

    async def scene(owner: Owner) -> None:
        await asks_to_forward(owner)
        await owner.hears(Sentence.MAILBOX_FULL, menu_of(1, 1))
        await owner.presses("#")

    assert not deliveries(visit(prepare, scene))


def test_postgres_is_away_when_a_message_is_forwarded() -> None:
    async def scene(owner: Owner) -> None:
        await hears_the_message(owner)
        owner.world.postgres_away = True
        await owner.presses("81003#")
        await owner.hears(Sentence.TRY_LATER, menu_of(1, 1))
        await owner.presses("#")

    assert not deliveries(visit(with_target, scene))


def test_the_envelope_is_told_again() -> None:
    async def scene(owner: Owner) -> None:
        await hears_the_message(owner)
        await owner.presses("3")
        await owner.hears(Sentence.ADVANCED_OPTIONS)
        await owner.presses("3")
        at = held(owner.world)[0].received_at
        await owner.hears(envelope("1002", at, EPOCH, EN, internal=True), menu_of(1, 1))
        await owner.presses("3*")
        await owner.hears(menu_of(1, 1))
        await owner.presses("33#")
        await owner.hears(Sentence.GOODBYE)

    visit(lambda world: left(world, False), scene)


async def calls_back(owner: Owner, number: str) -> None:
    await hears_the_message(owner)
    await owner.presses("32")
    await owner.hears(callback(number, EN))
    await owner.presses("1")


def test_the_caller_is_called_back_inside() -> None:
    async def tell() -> World:
        world = world_of(phones={endpoint("1002"): ANSWERS})
        with_box(world)
        left(world, False)
        owner = Owner(world, world.asterisk.call("1001", "*97"))
        await calls_back(owner, "1002")
        await owner.hears(Sentence.CONNECTING)
        await world.until(lambda: world.asterisk.together)
        await owner.hangs_up()
        await world.over()
        check(world)
        return world

    world = run(tell())
    assert world.dialled() == [endpoint("1002")]


def message_from(world: World, caller: str, **columns: Any) -> None:
    message = world.mailboxes.leave(BOX, caller, seconds=8.0, **columns)
    world.asterisk.media_seconds[audio(message)[0]] = 8.0


@pytest.mark.parametrize("toll_free", [True, False])
def test_the_caller_is_called_back_outside_by_the_rights_of_the_owner(toll_free: bool) -> None:
    async def tell() -> World:
        world = with_trunks(world_of(phones=carriers(ANSWERS)))
        with_box(world)
        message_from(world, NUMBER)
        if not toll_free:
            world.book.outbound_rules.items.clear()
            world.book.outbound_rules.settle()
        owner = Owner(world, world.asterisk.call("1002", "*981001"))
        await owner.hears(Sentence.PIN)
        await owner.presses(f"{PIN}#")
        await calls_back(owner, NUMBER)
        await owner.waits(10)
        await owner.hangs_up()
        await world.over()
        check(world)
        return world

    world = run(tell())
    assert world.dialled() == ([over("A", NUMBER)] if toll_free else [])


@pytest.mark.parametrize(
    "caller", ["", "anonymous", "*28123", "*97", "*21*0900123#", "voicemail", "*951003"]
)
def test_who_shows_no_number_cannot_be_called_back(caller: str) -> None:
    async def scene(owner: Owner) -> None:
        await hears_the_message(owner)
        await owner.presses("32")
        await owner.hears(Sentence.NO_CALLBACK, menu_of(1, 1))
        await owner.presses("#")

    assert not visit(lambda world: message_from(world, caller), scene).dialled()


def test_who_shows_an_extension_from_outside_is_no_extension() -> None:
    """He is neither announced nor called as one."""

    async def scene(owner: Owner) -> None:
        at = held(owner.world)[0].received_at
        await owner.hears(envelope("1002", at, EPOCH, EN, internal=False))
        await hears_the_message(owner)
        await owner.presses("32")
        await owner.hears(Sentence.NO_CALLBACK, menu_of(1, 1))
        await owner.presses("#")

    def prepare(world: World) -> None:
        world.extension("1002")
        message_from(world, "1002", from_inside=False)

    assert not visit(prepare, scene).dialled()


def test_an_urgent_message_with_a_comment_stays_urgent() -> None:
    def prepare(world: World) -> None:
        message_from(world, "1002", urgent=True, from_inside=True)
        with_box(world, "1003")

    async def scene(owner: Owner) -> None:
        await asks_to_forward(owner)
        await owner.presses("1")
        await owner.hears(Sentence.RECORD_COMMENT)
        await speaks_for(owner, 4.0)
        await owner.hears(review(EN, urgent=True))
        await owner.presses("1")
        await owner.hears(Sentence.FORWARDED)
        await owner.hangs_up()

    [copy] = delivered(visit(prepare, scene))
    assert (copy["details"]["urgent"], copy["details"]["from_inside"]) == (True, True)


def test_the_disk_is_full_when_a_message_is_forwarded() -> None:
    async def scene(owner: Owner) -> None:
        await asks_to_forward(owner)
        owner.world.loses = lambda record: "delivery" in record
        await owner.presses("2")
        await owner.hears(Sentence.TRY_LATER, menu_of(1, 1))
        await owner.hears_no(Sentence.FORWARDED)
        await owner.presses("#")

    assert not deliveries(visit(with_target, scene))


@pytest.mark.parametrize("allowed", [True, False])
def test_from_outside_only_where_a_setting_says_so(allowed: bool) -> None:
    async def tell() -> World:
        world = with_trunks(world_of(phones=carriers(ANSWERS)))
        world.set(voicemail__callback_from_outside=allowed)
        with_box(world)
        message_from(world, NUMBER)
        world.keep(inbound_rules=inbound_rule("in", DID, to_box("1001")))
        owner = Owner(world, await delivers(world, DID, CALLER, hangs_up=300.0))
        await owner.waits(2.0)
        await owner.presses(f"*{PIN}#")
        await hears_the_message(owner)
        await owner.presses("32")
        if allowed:
            await owner.hears(callback(NUMBER, EN))
            await owner.presses("1", wait=20)
        else:
            await owner.hears(Sentence.FEATURE_NOT_AVAILABLE, menu_of(1, 1))
        await owner.hangs_up()
        await world.over()
        check(world)
        return world

    assert run(tell()).dialled() == ([over("A", NUMBER)] if allowed else [])


@pytest.mark.parametrize("key", ["*", "#", "5", None])
def test_a_call_back_that_is_not_wanted(key: str | None) -> None:
    async def scene(owner: Owner) -> None:
        await hears_the_message(owner)
        await owner.presses("32")
        await owner.hears(callback("1002", EN))
        if key:
            await owner.presses(key)
        if key == "5":
            await owner.hears(Sentence.INVALID_KEY, callback("1002", EN))
        await owner.hears(menu_of(1, 1) if key == "*" else Sentence.GOODBYE)
        await owner.hangs_up()

    assert not visit(lambda world: left(world, False), scene).dialled()
