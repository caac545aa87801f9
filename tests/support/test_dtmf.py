"""Keys in every way, between two phones and in audio whose content is known."""

import itertools
from collections.abc import AsyncIterator

import numpy as np
import numpy.typing as npt
import pytest

from . import g711
from .callee import IncomingCall
from .caller import OutgoingCall
from .dtmf import PAD, Decoder, pair, sound
from .keypad import DtmfMode
from .sip import RawPhone
from .tones import Pcm, tone
from .words import CallEndedError

KEYS = "".join(PAD)
MODES: list[DtmfMode] = ["rfc2833", "info", "inband"]


@pytest.fixture
async def ben() -> AsyncIterator[RawPhone]:
    async with RawPhone("1002", "", "") as phone:
        yield phone


async def talk(anna: RawPhone, ben: RawPhone) -> tuple[OutgoingCall, IncomingCall]:
    call = await anna.invite("1002")
    incoming = await ben.expect_invite()
    await incoming.answer()
    await call.answered()
    await incoming.answered()
    return call, incoming


@pytest.fixture
async def pressed(ben: RawPhone) -> AsyncIterator[tuple[OutgoingCall, IncomingCall]]:
    async with RawPhone("1001", "", ben.link.sent_by, codecs=["PCMA"]) as anna:
        yield await talk(anna, ben)


@pytest.mark.parametrize("mode", MODES)
async def test_keys_arrive_both_ways_and_only_in_their_way(
    pressed: tuple[OutgoingCall, IncomingCall], mode: DtmfMode
) -> None:
    for one, other in itertools.permutations(pressed):
        await one.press("122#D", by=mode)
        await other.receives("122#D", by=mode)
        assert [other.digits_by(way) for way in MODES if way != mode] == ["", ""]
        assert other.digits == ("" if mode == "inband" else "122#D")
        await one.press("5", by=mode, lasting=0.06)
        await other.receives("5", by=mode)


async def test_each_digit_is_received_once(pressed: tuple[OutgoingCall, IncomingCall]) -> None:
    call, incoming = pressed
    await call.press("12")
    await call.press("3", by="info")
    await incoming.receives("123")
    await call.press("4")
    with pytest.raises(AssertionError, match="9 was expected but 4 received"):
        await incoming.receives("9")


async def test_no_digit_comes_after_the_end(pressed: tuple[OutgoingCall, IncomingCall]) -> None:
    call, incoming = pressed
    await call.hangup()
    with pytest.raises(CallEndedError, match="the digits 1"):
        await incoming.receives("1")


async def test_the_tone_goes_on_after_a_key(pressed: tuple[OutgoingCall, IncomingCall]) -> None:
    call, incoming = pressed
    call.say(440)
    await call.press("1", by="inband")
    await incoming.receives("1", by="inband")
    await incoming.hears(440)


async def test_the_other_body_of_info(pressed: tuple[OutgoingCall, IncomingCall]) -> None:
    call, incoming = pressed
    await call.press("1#", by="info", content="application/dtmf")
    await incoming.receives("1#", by="info")
    assert [request.body for request in incoming.requests] == ["1", "#"]
    await call.press("*", by="info")
    assert incoming.requests[-1].body == "Signal=*\r\nDuration=160\r\n"
    await call.send("INFO", [("Content-Type", "text/plain")], "Signal=7").final()
    assert incoming.digits == "1#*"


@pytest.mark.parametrize("caller_has_it", [False, True])
async def test_without_telephone_event_no_event_is_sent(ben: RawPhone, caller_has_it: bool) -> None:
    ben.telephone_event = not caller_has_it
    async with RawPhone("1001", "", ben.link.sent_by, telephone_event=caller_has_it) as anna:
        call, incoming = await talk(anna, ben)
        assert incoming.offer is not None
        assert (incoming.offer.telephone_event == 101) is caller_has_it
        assert call.remote_media is not None
        assert call.remote_media.telephone_event is None
        with pytest.raises(AssertionError, match="no telephone-event"):
            await call.press("1")
        await call.press("1", by="inband")
        await incoming.receives("1", by="inband")


def decoded(pcm: npt.NDArray[np.floating], codec: str = "PCMU", step: int = 160) -> str:
    decoder = Decoder()
    coded = g711.decode(codec, g711.encode(codec, pcm.astype(np.float32)))
    for start in range(0, len(coded), step):
        decoder.take(coded[start : start + step])
    return decoder.keys


def dialled(keys: str, on: float, off: float, level: float = -9.0) -> Pcm:
    pause = np.zeros(round(off * 8000), np.float32)
    parts = itertools.chain.from_iterable((sound(key, on, level=level), pause) for key in keys)
    return np.concatenate([*parts, np.zeros(800, np.float32)])


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
@pytest.mark.parametrize("step", [160, 77, 100_000])
def test_every_key_is_told(codec: str, step: int) -> None:
    assert decoded(dialled(KEYS + "1122##", 0.04, 0.04), codec, step) == KEYS + "1122##"


@pytest.mark.parametrize("level", [-4.0, -20.0, -30.0])
def test_a_key_in_noise(level: float) -> None:
    audio = dialled(KEYS, 0.1, 0.1, level)
    noise = np.random.default_rng(1).normal(0, 10 ** (level / 20) / 10, len(audio))
    assert decoded(audio + noise) == KEYS


def test_a_long_press_is_one_key_and_a_click_is_none() -> None:
    assert decoded(dialled("5", 3.0, 0.1)) == "5"
    assert decoded(dialled("5", 0.02, 0.1)) == ""


def test_tones_and_noise_are_no_keys() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 40_000)
    assert decoded(noise) == ""
    assert not [hz for hz in range(200, 3400, 20) if decoded(tone(hz, 0.2))]
    assert decoded(tone(440, 0.5) + tone(480, 0.5)) == ""
    assert decoded(tone(697, 0.5, level=-6) + tone(1209, 0.5, level=-20)) == ""


def test_the_pad() -> None:
    assert [pair(key) for key in "1D0"] == [(697, 1209), (941, 1633), (941, 1336)]
