"""Feature codes: anonymous calls, opening hours by hand, trunks in test."""

import asyncio
from functools import partial
from typing import Any

import pytest

from stasis_app.call import causes
from stasis_app.rules.times import Override
from stasis_app.words import HangupCause, Role, TrunkStatus
from tests.support.fake_phones import Phone
from tests.support.virtual_time import run

from .invariants import check
from .rows import identity, profile, trunk, user
from .stage import ANSWERS, NUMBER, OVERLOADED, Act, carriers, dials, story, with_trunks, world_of
from .world import World, endpoint, over

PRIVATE = "CONNECTEDLINE(pres,i)"
NIGHT = "7"


def is_refused(world: World, cause: HangupCause, reason: str | None) -> None:
    assert not world.legs()
    assert world.cause() == cause
    assert world.details("refused")[0].get("reason") == reason
    assert world.asterisk.callers[0].hung_up_with == causes.ANSWER_TO_CALLER[cause]


def sounds(world: World) -> list[str]:
    return [what for _, _, what in world.asterisk.played]


# *31


async def anonymously(world: World, code: str, number: str = NUMBER, **columns: Any) -> None:
    with_trunks(world)
    world.extension("1001", **columns)
    await dials(world, 10.0, code + number)


@pytest.mark.parametrize("code", ["*31", "*31*", "*31#"])
def test_anonymous_call(code: str) -> None:
    world = story(partial(anonymously, code=code), phones=carriers(ANSWERS))
    assert world.dialled() == [over("A", NUMBER)]
    assert world.legs()[0].variables[PRIVATE] == "prohib"
    assert world.row()["callee_number"] == code + NUMBER
    assert world.cause() == HangupCause.NORMAL_CLEARING


def test_anonymous_call_stays_anonymous_over_the_next_trunk() -> None:
    world = story(partial(anonymously, code="*31"), phones=carriers(OVERLOADED))
    assert [leg.variables[PRIVATE] for leg in world.legs()] == ["prohib"] * 2


def test_call_without_the_code_is_not_anonymous() -> None:
    world = story(partial(anonymously, code=""), phones=carriers(ANSWERS))
    assert PRIVATE not in world.legs()[0].variables


def test_anonymous_call_to_an_extension() -> None:
    act = partial(anonymously, code="*31", number="1002")
    assert story(act, phones={endpoint("1002"): ANSWERS}).dialled() == [endpoint("1002")]


def test_anonymous_emergency_call_passes_the_caps() -> None:
    act = partial(anonymously, code="*31", number="112", outbound_calls_per_minute=0)
    world = story(act, phones=carriers(ANSWERS, number="112"))
    assert world.dialled() == [over("A", "112")]


def test_code_is_no_forward() -> None:
    async def act(world: World) -> None:
        world.set(calls__max_hops=0)
        await anonymously(world, "*31")

    assert story(act, phones=carriers(ANSWERS)).dialled() == [over("A", NUMBER)]


def test_code_of_the_code() -> None:
    """It leads nowhere, and not round in a circle."""
    world = story(partial(anonymously, code="*31*31", number=NUMBER))
    assert not world.legs()


def test_code_in_a_forward_is_none() -> None:
    async def act(world: World) -> None:
        with_trunks(world)
        world.extension("1002", forward_unconditional="*31" + NUMBER)
        await dials(world)

    is_refused(story(act), HangupCause.UNALLOCATED_NUMBER, "no_outbound_rule")


# *28


def turns(code: str, before: Override, role: Role | None = Role.SUPERVISOR, **world: Any) -> Act:
    """What lets 1001, whose user has that role, dial a code for the profile `night`."""

    async def act(scene: World) -> None:
        scene.keep(time_profiles=profile("night", NIGHT, before))
        if role:
            scene.keep(users=user("anna", role, **world))
        scene.extension("1001", user=identity("anna"))
        await dials(scene, None, code)

    return act


def override(world: World) -> Override:
    return world.book.time_profiles.items[identity("night")].override


@pytest.mark.parametrize(
    ("code", "before", "after"),
    [
        # the plan of the profile is never open
        ("*287", Override.AUTOMATIC, Override.OPEN),
        ("*287", Override.OPEN, Override.AUTOMATIC),
        ("*287", Override.CLOSED, Override.AUTOMATIC),
        *[("*287*0", before, Override.AUTOMATIC) for before in Override],
        *[("*287*1", before, Override.OPEN) for before in Override],
        *[("*287*2", before, Override.CLOSED) for before in Override],
    ],
)
def test_profile_is_overridden(code: str, before: Override, after: Override) -> None:
    world = story(turns(code, before))
    assert override(world) is after
    assert world.events() == ["arrived", "answered", "code_used", "announced", "ended"]
    assert world.details("code_used") == [{"profile": "night", "override": after}]
    assert world.cause() == HangupCause.NORMAL_CLEARING
    said = "de-activated" if after is Override.AUTOMATIC else "activated"
    assert sounds(world) == [f"sound:en/{said}"]


@pytest.mark.parametrize(
    ("role", "columns"),
    [(Role.USER, {}), (Role.AGENT, {}), (Role.ADMIN, {"active": False}), (None, {})],
)
def test_profile_is_not_for_everybody(role: Role | None, columns: dict[str, Any]) -> None:
    world = story(turns("*287*2", Override.AUTOMATIC, role, **columns))
    is_refused(world, HangupCause.FORBIDDEN, "role")
    assert override(world) is Override.AUTOMATIC


def test_roles_that_may_override_are_a_setting() -> None:
    async def act(world: World) -> None:
        world.set(time_profiles__override_roles=["user"])
        await turns("*287*2", Override.AUTOMATIC, Role.USER)(world)

    assert override(story(act)) is Override.CLOSED


@pytest.mark.parametrize("code", ["*288", "*2877", "*288*1"])
def test_code_that_no_profile_has(code: str) -> None:
    is_refused(story(turns(code, Override.OPEN)), HangupCause.UNALLOCATED_NUMBER, "no_such_code")


@pytest.mark.parametrize("code", ["*287*3", "*287*", "*287#", "*28"])
def test_code_that_means_nothing(code: str) -> None:
    world = story(turns(code, Override.OPEN))
    assert world.cause() == HangupCause.UNALLOCATED_NUMBER
    assert override(world) is Override.OPEN


def test_postgres_is_away() -> None:
    """The caller is answered, and hears that it did not work."""

    async def act(world: World) -> None:
        world.postgres_away = True
        await turns("*287*2", Override.AUTOMATIC)(world)

    world = story(act)
    assert override(world) is Override.AUTOMATIC
    assert world.events() == ["arrived", "answered", "refused", "announced", "ended"]
    assert world.cause() == HangupCause.FAILURE
    assert sounds(world) == ["sound:en/cannot-complete-as-dialed"]


def test_profile_is_gone_before_it_can_be_written() -> None:
    """Nothing was written, so nobody is told that it worked."""

    async def act(world: World) -> None:
        world.profile_gone = True
        await turns("*287*2", Override.AUTOMATIC)(world)

    world = story(act)
    assert world.events() == ["arrived", "answered", "refused", "announced", "ended"]
    assert world.reasons() == ["no_such_code"]
    assert world.cause() == HangupCause.UNALLOCATED_NUMBER
    assert sounds(world) == ["sound:en/ss-noservice"]


def test_callers_who_use_a_code_are_no_overload() -> None:
    """Each is answered, and hears for two seconds what was done."""

    async def act(world: World) -> None:
        world.set(calls__max_setting_up=1)
        for _ in range(3):
            await turns("*287*2", Override.AUTOMATIC)(world)
            await asyncio.sleep(0.1)

    assert story(act).ends() == ["normal_clearing"] * 3


def test_answered_caller_who_was_never_bridged_ends_at_once() -> None:
    """Asterisk tells of such a channel only that it has left the application."""

    async def act(world: World) -> None:
        await turns("*287*2", Override.AUTOMATIC)(world)
        [caller] = world.asterisk.callers
        world.asterisk.at(1.0, partial(world.asterisk.end_untold, caller, 0.0))

    assert story(act).second_of("ended") == pytest.approx(1.0, abs=0.1)


def test_caller_hangs_up_while_the_code_is_done() -> None:
    async def act(world: World) -> None:
        await turns("*287*2", Override.AUTOMATIC)(world)
        world.asterisk.at(0.1, lambda: world.asterisk.end(world.asterisk.callers[0]))

    world = story(act)
    assert override(world) is Override.AUTOMATIC
    assert world.cause() == HangupCause.NORMAL_CLEARING


def test_caller_is_gone_before_the_answer_and_we_are_not_told_yet() -> None:
    async def act(world: World) -> None:
        await turns("*287*2", Override.AUTOMATIC)(world)
        goes = partial(world.asterisk.end_untold, world.asterisk.callers[0], 0.05)
        world.asterisk.before[0] = goes

    world = story(act)
    assert world.cause() == HangupCause.CANCEL


@pytest.mark.parametrize("killed_at", [0.0005, 0.0015, 0.1, 0.3, 0.305, 1.0, 2.0, 2.31])
def test_code_is_done_once_although_another_process_goes_on(killed_at: float) -> None:
    """What turns a profile over must not turn it back."""

    async def tell() -> World:
        world = world_of()
        await turns("*287", Override.AUTOMATIC)(world)
        await asyncio.sleep(killed_at)
        world = world.next_process()
        await world.switchboard.reconcile()
        await world.over()
        check(world)
        return world

    world = run(tell())
    assert override(world) is Override.OPEN
    assert world.asterisk.callers[0].was_up
    assert world.cause() == HangupCause.NORMAL_CLEARING


# *89


def tries(code: str, role: Role = Role.ADMIN, **columns: Any) -> Act:
    async def act(world: World) -> None:
        with_trunks(world)
        tested = {"status": TrunkStatus.TESTING, "test_code": "5", **columns}
        world.keep(trunks=trunk("T", backup="A", **tested))
        world.keep(users=user("anna", role))
        world.extension("1001", user=identity("anna"))
        await dials(world, 20.0, code)

    return act


@pytest.mark.parametrize("status", [TrunkStatus.TESTING, TrunkStatus.ACTIVE])
@pytest.mark.parametrize("number", [NUMBER, "4711", "+4930123"])
def test_trunk_is_tried(number: str, status: TrunkStatus) -> None:
    """No rule is needed for it."""
    phones = {over("T", number): ANSWERS}
    world = story(tries(f"*895*{number}", status=status), phones=phones)
    assert world.dialled() == [over("T", number)]
    row = world.row()
    assert (row["direction"], row["trunk_id"]) == ("outbound", str(identity("T")))
    assert row["answered_at"]


@pytest.mark.parametrize("carrier", [OVERLOADED, Phone(trying=None, rings=None)])
def test_no_other_trunk_is_tried_in_its_place(carrier: Phone) -> None:
    phones = {over("T", NUMBER): carrier, **carriers(ANSWERS)}
    world = story(tries(f"*895*{NUMBER}"), phones=phones)
    assert world.dialled() == [over("T", NUMBER)]
    assert world.cause() == HangupCause.CONGESTION


@pytest.mark.parametrize("role", [Role.USER, Role.AGENT, Role.SUPERVISOR])
def test_trunks_are_not_for_everybody_to_try(role: Role) -> None:
    is_refused(story(tries(f"*895*{NUMBER}", role)), HangupCause.FORBIDDEN, "role")


@pytest.mark.parametrize(
    ("code", "columns"),
    [
        ("*896*0301", {}),
        ("*895*0301", {"status": TrunkStatus.INACTIVE}),
        ("*895*0301", {"deleted": True}),
    ],
)
def test_trunk_that_can_not_be_tried(code: str, columns: dict[str, Any]) -> None:
    is_refused(story(tries(code, **columns)), HangupCause.UNALLOCATED_NUMBER, "no_such_code")


def test_trunk_in_test_is_passed_over_by_the_rules() -> None:
    async def act(world: World) -> None:
        with_trunks(world, {"status": TrunkStatus.TESTING})
        await dials(world, 20.0, NUMBER)

    assert story(act, phones=carriers(ANSWERS)).dialled() == [over("B", NUMBER)]


def test_caps_count_for_a_trunk_in_test() -> None:
    world = story(tries(f"*895*{NUMBER}", max_concurrent_calls=0))
    assert not world.legs()
    assert world.cause() == HangupCause.CONGESTION
