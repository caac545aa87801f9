"""The fake Asterisk plays as the real one was measured to do."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import pytest

from stasis_app.ari import events
from stasis_app.ari.errors import Gone

from .fake_asterisk import FakeAsterisk
from .fake_phones import Channel
from .virtual_time import run

Told = list[tuple[float, events.Event]]
Scene = Callable[[FakeAsterisk, Channel], Awaitable[object]]
FOUR = {"sound:four": 4.0, "sound:ten": 10.0}


def told(scene: Scene) -> tuple[FakeAsterisk, Told]:
    """Let a caller live through a scene; return what we are told of it, and when."""

    async def tell() -> tuple[FakeAsterisk, Told]:
        asterisk = FakeAsterisk(media_seconds=FOUR, delays=(0.0,))
        heard: Told = []
        loop = asyncio.get_running_loop()

        def note(event: events.Event) -> None:
            if not isinstance(event, events.StasisStart):
                heard.append((round(loop.time(), 3), event))

        asterisk.inboxes.unclaimed = note
        caller = asterisk.call("1001", "*97")
        await scene(asterisk, caller)
        await asyncio.sleep(60)
        return asterisk, heard

    return run(tell())


def states(heard: Told) -> list[tuple[float, str, str]]:
    return [
        (at, event.subject, event.state)
        for at, event in heard
        if isinstance(event, events.PlaybackFinished)
    ]


def test_one_is_played_after_another() -> None:
    async def scene(asterisk: FakeAsterisk, caller: Channel) -> None:
        await asterisk.play(caller.id, "a", ["sound:four", "sound:two"])
        await asterisk.play(caller.id, "b", ["sound:two"])

    asterisk, heard = told(scene)
    assert states(heard) == [(6.0, "a", "done"), (8.0, "b", "done")]
    begun = [(at, media) for at, _, media in asterisk.played]
    assert begun == [(0.0, "sound:four"), (4.0, "sound:two"), (6.0, "sound:two")]


@pytest.mark.parametrize(
    ("media", "state"),
    [
        (["sound:bad", "sound:two"], (2.0, "a", "done")),
        (["sound:two", "sound:bad"], (2.0, "a", "failed")),
        (["sound:bad"], (0.0, "a", "failed")),
    ],
)
def test_what_can_not_be_played_is_passed_over(
    media: Sequence[str], state: tuple[float, str, str]
) -> None:
    async def scene(asterisk: FakeAsterisk, caller: Channel) -> None:
        asterisk.unplayable.add("sound:bad")
        await asterisk.play(caller.id, "a", media)

    assert states(told(scene)[1]) == [state]


def test_a_playback_is_stopped() -> None:
    """One whose turn has not come is over when it would begin."""

    async def scene(asterisk: FakeAsterisk, caller: Channel) -> None:
        await asterisk.play(caller.id, "a", ["sound:four", "sound:four"])
        await asterisk.play(caller.id, "b", ["sound:two"])
        await asyncio.sleep(1)
        await asterisk.stop_playback("b")
        await asyncio.sleep(1)
        await asterisk.stop_playback("a")
        with pytest.raises(Gone):
            await asterisk.stop_playback("a")

    asterisk, heard = told(scene)
    assert states(heard) == [(2.0, "a", "done"), (2.0, "b", "done")]
    assert [media for _, _, media in asterisk.played] == ["sound:four"]


@pytest.mark.parametrize(
    ("operations", "over"),
    [
        (["forward"], 7.0),
        (["reverse"], 11.0),
        (["restart"], 11.0),
        (["forward", "forward", "forward"], 6.0),
        (["pause", "unpause"], 11.0),
    ],
)
def test_a_playback_is_wound(operations: Sequence[str], over: float) -> None:
    """Ten seconds, wound after each second. Past its end it is not wound: its last step is left."""

    async def scene(asterisk: FakeAsterisk, caller: Channel) -> None:
        await asterisk.play(caller.id, "a", ["sound:ten"])
        for operation in operations:
            await asyncio.sleep(1)
            await asterisk.control_playback("a", operation)

    assert states(told(scene)[1]) == [(over, "a", "done")]


def test_a_paused_playback_is_not_wound() -> None:
    async def scene(asterisk: FakeAsterisk, caller: Channel) -> None:
        await asterisk.play(caller.id, "a", ["sound:ten"])
        await asterisk.play(caller.id, "b", ["sound:ten"])
        await asterisk.control_playback("a", "pause")
        for name, operation in (("a", "forward"), ("b", "pause"), ("c", "pause")):
            with pytest.raises(Gone):
                await asterisk.control_playback(name, operation)

    assert states(told(scene)[1]) == []


def test_a_caller_hangs_up_while_it_plays() -> None:
    async def scene(asterisk: FakeAsterisk, caller: Channel) -> None:
        await asterisk.play(caller.id, "a", ["sound:four"])
        await asterisk.play(caller.id, "b", ["sound:four"])
        await asyncio.sleep(1)
        asterisk.end(caller)

    heard = [event for _, event in told(scene)[1]]
    at = heard[0].at
    assert heard == [
        events.HangupRequested(at, "caller-0"),
        events.PlaybackFinished(at, "a", "failed"),
        events.PlaybackFinished(at, "b", "failed"),
        events.StasisEnd(at, "caller-0"),
        events.Destroyed(at, "caller-0", 16, 0),
    ]


def test_keys_are_told() -> None:
    async def scene(asterisk: FakeAsterisk, caller: Channel) -> None:
        asterisk.press(caller, "1#", pause=0.4)
        asterisk.at(2, partial(asterisk.end, caller))
        asterisk.at(3, partial(asterisk.press, caller, "2"))

    heard = [(at, event) for at, event in told(scene)[1] if isinstance(event, events.KeyPressed)]
    assert [(at, event.key) for at, event in heard] == [(0.0, "1"), (0.5, "#")]


def test_music_is_heard_between_playbacks() -> None:
    async def scene(asterisk: FakeAsterisk, caller: Channel) -> None:
        heard = []
        await asterisk.start_music(caller.id, "held")
        heard.append(asterisk.hears_music(caller))
        await asterisk.play(caller.id, "a", ["sound:two"])
        heard.append(asterisk.hears_music(caller))
        await asyncio.sleep(3)
        heard.append(asterisk.hears_music(caller))
        await asterisk.stop_music(caller.id)
        await asterisk.stop_music(caller.id)
        assert heard == [True, False, True]
        assert asterisk.music == {}

    told(scene)


def test_the_tone_of_ringing_takes_the_place_of_the_music() -> None:
    async def scene(asterisk: FakeAsterisk, caller: Channel) -> None:
        await asterisk.answer(caller.id)
        await asterisk.start_music(caller.id, "held")
        await asterisk.ring(caller.id)
        assert not asterisk.hears_music(caller)

    told(scene)


def test_music_ends_with_its_channel() -> None:
    async def scene(asterisk: FakeAsterisk, caller: Channel) -> None:
        await asterisk.start_music(caller.id, "held")
        asterisk.end(caller)
        assert asterisk.music == {}
        for request in (asterisk.stop_music(caller.id), asterisk.start_music(caller.id, "held")):
            with pytest.raises(Gone):
                await request

    told(scene)


@pytest.mark.parametrize("stopped", [True, False])
def test_a_bridge_does_not_stop_the_music(*, stopped: bool) -> None:
    async def scene(asterisk: FakeAsterisk, caller: Channel) -> None:
        agent = asterisk.call("1002", "*97")
        await asterisk.create_bridge("b")
        for one in (caller, agent):
            await asterisk.answer(one.id)
        await asterisk.start_music(caller.id, "held")
        if stopped:
            await asterisk.stop_music(caller.id)
        await asterisk.add_to_bridge("b", [caller.id, agent.id], update_displays=False)

    assert told(scene)[0].music_too_late == (set() if stopped else {"caller-0"})


def test_music_that_begins_in_a_bridge_is_heard_too() -> None:
    async def scene(asterisk: FakeAsterisk, caller: Channel) -> None:
        agent = asterisk.call("1002", "*97")
        await asterisk.create_bridge("b")
        for one in (caller, agent):
            await asterisk.answer(one.id)
        await asterisk.add_to_bridge("b", [caller.id, agent.id], update_displays=False)
        await asterisk.start_music(agent.id, "held")

    assert told(scene)[0].music_too_late == {"caller-1"}
