"""What a waiting caller hears, and that it never delays an answer."""

import asyncio
from functools import partial
from typing import Any

import pytest

from stasis_app.rules.sentences import Sentence, position, say
from stasis_app.rules.spoken import Language
from tests.support.fake_phones import Channel, Fault, Phone

from .queue_stage import Scene, prompt, told
from .rows import identity, inbound_rule, menu, to_menu, to_queue
from .stage import RINGS, delivers

EN = Language.EN
TALKS = Phone(rings=0.1, answers=1.0, hangs_up=5.0)


def heard(scene: Scene, caller: Channel) -> list[str]:
    return [media for _, channel, media in scene.asterisk.played if channel == caller.id]


def told_at(scene: Scene) -> list[float]:
    return [
        round(at)
        for at, record in zip(scene.world.written_at, scene.world.records, strict=True)
        if record.get("event", ("", "", ""))[2] == "position_told"
    ]


def places(scene: Scene) -> list[Any]:
    return [one["position"] for one in scene.world.details("position_told")]


def test_welcome_then_music() -> None:
    callers: list[Channel] = []

    async def act(scene: Scene) -> None:
        scene.queue(welcome=identity("hello"), music="jazz")
        callers.append(scene.calls(hangs_up=20))
        await asyncio.sleep(1)
        assert not scene.asterisk.music
        await asyncio.sleep(3)
        assert scene.asterisk.music == {callers[0].id: "jazz"}

    scene = told(act)
    assert heard(scene, callers[0]) == [prompt("hello")]


@pytest.mark.parametrize("answers", [0.02 * n for n in range(150)])
def test_an_answer_at_any_moment_of_the_announcements(answers: float) -> None:
    """Welcome, position and music: nothing of it delays the answer, or is heard behind it."""
    callers: list[Channel] = []

    async def act(scene: Scene) -> None:
        scene.queue(welcome=identity("hello"), announces_position=True)
        scene.asterisk.media_seconds = dict.fromkeys(position(1, EN), 0.5)
        scene.asterisk.media_seconds[prompt("hello")] = 1.0
        scene.agent("1001", Phone(rings=0.01, answers=answers, hangs_up=8.0))
        callers.append(scene.calls())
        await asyncio.sleep(answers + 0.05)
        assert scene.talk(callers[0])

    told(act)


STEP = 0.001
LONG, SHORT = 0.01, 0.0005


@pytest.mark.parametrize("slow", range(5))
@pytest.mark.parametrize("first", ["the welcome", "the music", "the position"])
def test_an_answer_crosses_what_begins(first: str, slow: int) -> None:
    """What has just been asked for is stopped all the same; one in five requests is slow."""
    delays = tuple(LONG if n == slow else SHORT for n in range(5))
    at = {"the welcome": 0.3, "the music": 1.3, "the position": 30.0}[first]
    for n in range(-24, 12):

        async def act(scene: Scene, n: int = n) -> None:
            announces = first == "the position"
            scene.queue(
                welcome=identity("hello"),
                announces_position=announces,
                announce_seconds=28.0,
                ring_seconds=60,
            )
            scene.asterisk.media_seconds[prompt("hello")] = 1.0
            scene.agent("1001", Phone(rings=0.01, answers=at + n * STEP))
            scene.calls(hangs_up=at + 3)

        told(act, delays=delays)


def test_a_better_position_is_told_soon() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(announces_position=True, announce_seconds=60.0)
        scene.calls("8000", hangs_up=20)
        scene.calls("8000", hangs_up=28)
        await asyncio.sleep(0.5)
        scene.calls("8000", hangs_up=59)

    scene = told(act)
    third = list(dict.fromkeys(one["call"] for one in scene.world.records if "begin" in one))[2]
    by_third = [
        (round(at), record["event"][3]["position"])
        for at, record in zip(scene.world.written_at, scene.world.records, strict=True)
        if "event" in record and record["event"][2] == "position_told" and record["call"] == third
    ]
    assert [place for _, place in by_third] == [3, 2, 1]
    assert all(
        first <= at <= first + 5 for (at, _), first in zip(by_third, (1, 20, 35), strict=True)
    )


def test_the_same_position_is_told_after_the_interval() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(announces_position=True, announce_seconds=30.0)
        scene.calls(hangs_up=80)

    scene = told(act)
    assert places(scene) == [1, 1, 1]
    assert told_at(scene) == [0, 30, 60]


def test_the_wait_is_told_when_enough_is_known() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(announces_wait=True, announce_seconds=30.0)

        for _ in range(5):
            scene.world.exchange.waits.learn(identity("sales"), 1, 150.0)
        scene.calls(hangs_up=20)

    assert [one["minutes"] for one in told(act).world.details("position_told")] == [3]


def test_nothing_is_told_of_a_wait_that_is_not_known() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(announces_wait=True)
        scene.calls(hangs_up=20)

    assert not told(act).world.details("position_told")


def test_who_has_no_music_waits_all_the_same() -> None:
    callers: list[Channel] = []

    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0)
        number = len(scene.asterisk.requests) + 1
        scene.asterisk.faults = {number: Fault.REFUSED}
        callers.append(scene.calls(hangs_up=30))
        await asyncio.sleep(2)
        assert scene.asterisk.failed == {("start_music", callers[0].id)}
        scene.agent("1001", TALKS)
        await asyncio.sleep(5)
        assert scene.partner(callers[0]) == ["1001"]

    told(act)


def test_a_welcome_that_asterisk_refuses() -> None:
    callers: list[Channel] = []

    async def act(scene: Scene) -> None:
        scene.queue(welcome=identity("hello"), wrap_up_seconds=0)
        number = len(scene.asterisk.requests) + 1
        scene.asterisk.faults = {number: Fault.REFUSED}
        callers.append(scene.calls(hangs_up=30))
        await asyncio.sleep(2)
        assert scene.asterisk.failed == {("play", next(iter(scene.asterisk.failed))[1])}
        scene.agent("1001", TALKS)
        await asyncio.sleep(5)
        assert scene.partner(callers[0]) == ["1001"]

    told(act)


def test_who_is_turned_away_hears_a_word() -> None:
    callers: list[Channel] = []

    async def act(scene: Scene) -> None:
        scene.queue(max_wait_seconds=5)
        callers.append(scene.calls(hangs_up=30))

    scene = told(act)
    assert heard(scene, callers[0]) == list(say(Sentence.AGENTS_BUSY, EN))


# the place of who calls again


async def comes(scene: Scene, caller: str, hangs_up: float = 100.0) -> Channel:
    scene.world.keep(inbound_rules=inbound_rule("in", "+49309", to_queue("sales")))
    return await delivers(scene.world, "+49309", caller, hangs_up=hangs_up)


@pytest.mark.parametrize(("again", "place"), [(10, 1), (80, 2)])
def test_who_hung_up_gets_the_place_back_within_the_window(again: float, place: int) -> None:
    async def act(scene: Scene) -> None:
        scene.queue(redial_seconds=60)
        await comes(scene, "+4940111", hangs_up=5)
        await asyncio.sleep(1)
        await comes(scene, "+4940222")
        await asyncio.sleep(4 + again)
        await comes(scene, "+4940111")

    scene = told(act)
    assert scene.visits()[2]["position"] == place
    if place == 1:
        assert scene.visits()[2]["joined_at"] == scene.visits()[0]["joined_at"]


def test_postgres_does_not_answer_who_calls_again() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(redial_seconds=60)
        scene.agent("1001", TALKS)
        scene.world.agents.seconds = 10
        scene.asterisk.at(0.5, partial(setattr, scene.world.agents, "seconds", 0.001))
        caller = await comes(scene, "+4940111")
        await asyncio.sleep(5)
        assert scene.partner(caller) == ["1001"]

    assert told(act).rings() == [(1.0, "1001")]


def test_the_caller_presses_keys_that_mean_nothing() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(welcome=identity("hello"))
        scene.agent("1001", RINGS)
        caller = scene.calls(hangs_up=20)
        await asyncio.sleep(0.5)
        scene.asterisk.press(caller, "123*#")
        await asyncio.sleep(5)
        assert scene.asterisk.music

    assert told(act).ways_out() == ["abandoned"]


def test_a_row_that_is_edited_counts_for_who_is_waiting() -> None:
    async def act(scene: Scene) -> None:
        scene.queue()
        scene.world.keep(ivr_menus=menu("main"))
        caller = scene.calls(hangs_up=40)
        await asyncio.sleep(5)
        scene.queue(exit_key="0", exit_target=to_menu("main"), music="other")
        await asyncio.sleep(1)
        assert scene.asterisk.music[caller.id] == "other"
        scene.asterisk.press(caller, "0")

    assert told(act).ways_out() == ["key"]
