"""The fake Asterisk records as the real one was measured to do."""

import asyncio
import io
import wave
from functools import partial

import pytest

from stasis_app.ari import events
from stasis_app.ari.errors import Gone

from .fake_asterisk import FakeAsterisk
from .fake_phones import EPOCH, Channel
from .test_fake_media import Told, told


async def record(
    asterisk: FakeAsterisk,
    caller: Channel,
    name: str = "r",
    max_seconds: float = 30.0,
    silence_seconds: float = 5.0,
) -> None:
    await asterisk.record(
        caller.id, name, max_seconds=max_seconds, silence_seconds=silence_seconds, beep=True
    )


def times_of(heard: Told, kind: type[events.Event]) -> list[tuple[float, str]]:
    return [(at, event.subject) for at, event in heard if isinstance(event, kind)]


def test_a_recording_ends_by_its_key_but_not_during_the_beep() -> None:
    async def scene(asterisk: FakeAsterisk, caller: Channel) -> None:
        await record(asterisk, caller)
        asterisk.talk(caller, 60)
        for second in (0.1, 3.0, 4.25):
            asterisk.at(second, partial(asterisk.press, caller, "1" if second == 3.0 else "#"))

    asterisk, heard = told(scene)
    assert times_of(heard, events.RecordingFinished) == [(4.25, "r")]
    stored = asterisk.recordings["r"]
    assert (stored.seconds, stored.talking_seconds) == (4.0, 4.0)
    assert isinstance(heard[-2][1], events.KeyPressed)


@pytest.mark.parametrize(
    ("talks", "limit", "silence", "over", "talking"),
    [
        (0.0, 30.0, 5.0, 5.25, 0.0),
        (3.25, 30.0, 5.0, 8.25, 3.0),
        (60.0, 30.0, 5.0, 30.25, 30.0),
        (60.0, 1.5, 5.0, 2.25, 2.0),
        (0.0, 30.0, 0.5, 1.25, 0.0),
    ],
)
def test_a_recording_ends_by_silence_or_at_its_limit(
    talks: float, limit: float, silence: float, over: float, talking: float
) -> None:
    async def scene(asterisk: FakeAsterisk, caller: Channel) -> None:
        asterisk.talk(caller, talks)
        await record(asterisk, caller, max_seconds=limit, silence_seconds=silence)

    asterisk, heard = told(scene)
    assert times_of(heard, events.RecordingFinished) == [(over, "r")]
    stored = asterisk.recordings["r"]
    assert (stored.seconds, stored.talking_seconds) == (over - 0.25, talking)


def test_who_speaks_again_is_not_silent() -> None:
    async def scene(asterisk: FakeAsterisk, caller: Channel) -> None:
        await record(asterisk, caller)
        asterisk.at(4, partial(asterisk.talk, caller, 2.0))

    assert times_of(told(scene)[1], events.RecordingFinished) == [(11.0, "r")]


@pytest.mark.parametrize(("room", "over"), [(0.0, 1.25), (1.5, 2.25)])
def test_a_recording_ends_when_the_disk_is_full(room: float, over: float) -> None:
    async def scene(asterisk: FakeAsterisk, caller: Channel) -> None:
        asterisk.disk_seconds = room
        asterisk.talk(caller, 60)
        await record(asterisk, caller)

    asterisk, heard = told(scene)
    [(at, _)] = times_of(heard, events.RecordingFinished)
    assert at == pytest.approx(over, abs=0.1)
    [finished] = [event for _, event in heard if isinstance(event, events.RecordingFinished)]
    assert finished.seconds == asterisk.recordings["r"].seconds == room


@pytest.mark.parametrize(("hangs_up", "seconds", "stored"), [(0.1, 0.0, []), (3.0, 2.5, ["r"])])
def test_a_caller_hangs_up_while_it_is_recorded(
    hangs_up: float, seconds: float, stored: list[str]
) -> None:
    async def scene(asterisk: FakeAsterisk, caller: Channel) -> None:
        await record(asterisk, caller)
        await asyncio.sleep(hangs_up)
        asterisk.end(caller)

    asterisk, heard = told(scene)
    finished = heard[1][1]
    assert isinstance(finished, events.RecordingFinished)
    assert (finished.seconds, finished.talking_seconds) == (seconds, None)
    assert list(asterisk.recordings) == stored


def test_a_recording_waits_lives_and_is_over() -> None:
    async def scene(asterisk: FakeAsterisk, caller: Channel) -> None:
        await asterisk.play(caller.id, "a", ["sound:two"])
        await record(asterisk, caller)
        assert (await asterisk.recording_lives("r"), await asterisk.stored_recordings()) == (
            True,
            [],
        )
        with pytest.raises(Gone):
            await record(asterisk, caller)
        await asyncio.sleep(3)
        assert await asterisk.stored_recordings() == ["r"]
        asterisk.press(caller, "#")
        assert not await asterisk.recording_lives("r")
        with pytest.raises(Gone):
            await record(asterisk, caller)

    assert times_of(told(scene)[1], events.RecordingFinished) == [(3.0, "r")]


def test_a_recording_is_fetched_and_deleted() -> None:
    async def scene(asterisk: FakeAsterisk, caller: Channel) -> None:
        asterisk.talk(caller, 2.25)
        await record(asterisk, caller)
        await asyncio.sleep(10)
        file = io.BytesIO()
        assert await asterisk.fetch_recording("r", file) == len(file.getvalue())
        file.seek(0)
        with wave.open(file) as audio:
            assert (audio.getframerate(), audio.getnframes()) == (16000, 7 * 16000)
            assert any(audio.readframes(2 * 16000))
            assert not any(audio.readframes(5 * 16000))
        await asterisk.delete_recording("r")
        for gone in (asterisk.delete_recording("r"), asterisk.fetch_recording("r", file)):
            with pytest.raises(Gone):
                await gone

    told(scene)


def test_what_is_recorded_is_in_no_bridge() -> None:
    async def scene(asterisk: FakeAsterisk, caller: Channel) -> None:
        await asterisk.create_bridge("b")
        await record(asterisk, caller)
        with pytest.raises(Gone):
            await asterisk.add_to_bridge("b", [caller.id], update_displays=False)
        await asyncio.sleep(1)
        asterisk.press(caller, "#")
        await asterisk.add_to_bridge("b", [caller.id], update_displays=False)
        await record(asterisk, caller, "s")

    assert [name for _, name in times_of(told(scene)[1], events.RecordingFailed)] == ["s"]


def test_a_recording_goes_on_without_us() -> None:
    async def scene(asterisk: FakeAsterisk, caller: Channel) -> None:
        await record(asterisk, caller)
        asterisk.disconnect()
        await asyncio.sleep(30)
        asterisk.connect(asterisk.inboxes)
        assert await asterisk.stored_recordings() == ["r"]

    assert told(scene)[1] == []


def test_asterisk_restarts_while_it_records() -> None:
    async def scene(asterisk: FakeAsterisk, caller: Channel) -> None:
        await asterisk.put_mailboxes({"1001": (1, 2)})
        assert asterisk.mailboxes == {"1001": (1, 2)}
        await record(asterisk, caller)
        await asyncio.sleep(3)
        asterisk.restart(EPOCH)
        asterisk.connect(asterisk.inboxes)
        assert await asterisk.stored_recordings() == ["r"]
        assert not await asterisk.recording_lives("r")
        assert not asterisk.mailboxes
        await asterisk.remind_phones("1001^3B@1f")

    assert told(scene)[0].reminded == ["1001^3B@1f"]
