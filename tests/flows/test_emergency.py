"""Emergency calls go out whatever stands against other calls."""

import pytest

from stasis_app.words import BlacklistType, ExtensionStatus, TrunkStatus
from tests.support.fake_phones import Phone

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


def test_emergency_number_in_a_forward_is_a_number_like_any_other() -> None:
    async def act(world: World) -> None:
        with_trunks(world)
        world.extension("1002", forward_unconditional=EMERGENCY)
        await dials(world)

    world = story(act, phones=carriers(ANSWERS, number=EMERGENCY))
    assert not world.legs()
