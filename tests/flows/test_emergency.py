"""Emergency calls go out whatever stands against other calls."""

import pytest

from stasis_app.words import BlacklistType, ExtensionStatus, TrunkStatus
from tests.support.fake_phones import Phone
from tests.support.virtual_time import run

from .restarts import reconnected, to_the_end
from .rows import (
    blacklisted,
    identity,
    trunk,
    user,
)
from .stage import ANSWERS, NUMBER, OVERLOADED, SILENT, carriers, dials, story, with_trunks
from .world import World, over

EMERGENCY = "112"


def everything_stands_against_it(world: World) -> None:
    nothing = {"max_concurrent_calls": 0, "outbound_calls_per_minute": 0}
    with_trunks(world, nothing, **nothing)
    world.extension(
        "1001",
        status=ExtensionStatus.INACTIVE,
        max_concurrent_calls=0,
        max_concurrent_outbound_calls=0,
        outbound_calls_per_minute=0,
        allow_international=False,
        allow_mobile=False,
        user=identity("anna"),
    )
    world.keep(users=user("anna", active=False))
    world.keep(blacklist=blacklisted(BlacklistType.USER_AGENT, "phone"))
    world.set(
        calls__max_setting_up=0,
        calls__max_hops=0,
        toll__extension_calls_at_once=0,
        toll__extension_calls_per_minute=0,
        toll__trunk_calls_per_minute=0,
    )


async def emergency(world: World) -> None:
    everything_stands_against_it(world)
    for number in (NUMBER, EMERGENCY):
        await dials(world, 30.0, number)


def test_emergency_call_passes_everything() -> None:
    world = story(emergency, phones=carriers(ANSWERS, number=EMERGENCY))
    assert [leg.endpoint for leg in world.legs()] == [over("A", EMERGENCY)]
    assert world.legs()[0].was_up
    assert sorted(world.ends()) == ["congestion", "normal_clearing"]


@pytest.mark.parametrize("carrier", [OVERLOADED, SILENT])
def test_emergency_call_is_tried_over_every_trunk(carrier: Phone) -> None:
    """Also over those in test, last of all, and without any rule."""

    async def act(world: World) -> None:
        for name, status in (("A", "testing"), ("B", "active"), ("C", "active"), ("D", "inactive")):
            world.keep(trunks=trunk(name, status=TrunkStatus(status)))
        await dials(world, 60.0, EMERGENCY)

    phones = {over("B", EMERGENCY): carrier, over("C", EMERGENCY): carrier}
    world = story(act, phones={**phones, over("A", EMERGENCY): ANSWERS})
    assert [leg.endpoint for leg in world.legs()] == [over(name, EMERGENCY) for name in "BCA"]
    assert world.row()["trunk_id"] == str(identity("A"))


def rejects(
    sip: int, q850: int, rings: float | None = None, progresses: float | None = None
) -> Phone:
    return Phone(rejects=(0.5, q850, sip), rings=rings, progresses=progresses)


@pytest.mark.parametrize(
    ("sip", "q850"), [(404, 1), (410, 22), (484, 28), (603, 21), (604, 1), (607, 127), (0, 1)]
)
def test_next_trunk_is_tried_whatever_the_first_one_says_of_the_number(sip: int, q850: int) -> None:
    world = story(emergency, phones=carriers(rejects(sip, q850), number=EMERGENCY))
    assert world.dialled() == [over(name, EMERGENCY) for name in "AB"]
    assert world.legs()[1].was_up


def test_next_trunk_is_tried_when_the_leg_was_lost() -> None:
    """The callee was not reached as far as we know, so rather twice than not at all."""

    async def act(world: World) -> None:
        with_trunks(world)
        await dials(world, 60.0, EMERGENCY)

    async def tell() -> World:
        phones = carriers(rejects(503, 34), number=EMERGENCY)
        return await to_the_end(await reconnected(phones, 0.3, 1.0, act))

    assert run(tell()).dialled() == [over(name, EMERGENCY) for name in "AB"]


@pytest.mark.parametrize(
    "carrier",
    [
        rejects(486, 17),
        rejects(600, 17),
        rejects(404, 1, rings=0.1),
        rejects(603, 21, progresses=0.1),
    ],
)
def test_no_other_trunk_once_there_is_an_answer(carrier: Phone) -> None:
    world = story(emergency, phones=carriers(carrier, number=EMERGENCY))
    assert world.dialled() == [over("A", EMERGENCY)]


def test_emergency_number_in_a_forward_is_a_number_like_any_other() -> None:
    async def act(world: World) -> None:
        with_trunks(world)
        world.extension("1002", forward_unconditional=EMERGENCY)
        await dials(world)

    world = story(act, phones=carriers(ANSWERS, number=EMERGENCY))
    assert not world.legs()
