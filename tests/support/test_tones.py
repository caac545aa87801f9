"""The tone checks on audio whose content is known."""

import numpy as np
import pytest

from . import g711
from .tones import contains_tone, is_silent, level, level_at, loudest, tone

NOISE = np.random.default_rng(1).normal(0, 0.05, 4000).astype(np.float32)


@pytest.mark.parametrize("hz", [350.0, 440.0, 1004.5, 3100.0])
@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
def test_a_tone_survives_g711(hz: float, codec: str) -> None:
    pcm = g711.decode(codec, g711.encode(codec, tone(hz, 0.3)))
    assert contains_tone(pcm, 8000, hz)
    assert loudest(pcm, 8000).hz == pytest.approx(hz, abs=4)
    assert level(pcm) == pytest.approx(-10, abs=0.3)
    assert level_at(pcm, 8000, hz) == pytest.approx(-10, abs=0.5)


@pytest.mark.parametrize("other", [380.0, 500.0, 880.0])
def test_another_tone_is_not_taken_for_it(other: float) -> None:
    assert not contains_tone(tone(other, 0.3), 8000, 440)


def test_two_tones_are_both_found() -> None:
    pcm = tone(440, 0.5) + tone(1000, 0.5, level=-25) + NOISE[:4000] * 0.1
    assert contains_tone(pcm, 8000, 440)
    assert contains_tone(pcm, 8000, 1000)
    assert loudest(pcm, 8000).hz == pytest.approx(440, abs=4)


def test_a_tone_is_found_in_noise_and_across_a_lost_packet() -> None:
    pcm = tone(440, 0.5) + NOISE
    pcm[1600:1760] = 0
    assert contains_tone(pcm, 8000, 440)


def test_noise_is_neither_tone_nor_silence() -> None:
    assert not any(contains_tone(NOISE, 8000, hz) for hz in range(200, 3400, 100))
    assert not is_silent(NOISE)


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
def test_silence_is_silence(codec: str) -> None:
    nothing = np.zeros(800, np.float32)
    assert is_silent(g711.decode(codec, g711.encode(codec, nothing)))
    assert is_silent(nothing[:0])
    assert not contains_tone(nothing, 8000, 440)
    assert not contains_tone(nothing[:0], 8000, 440)


def test_known_codes_of_g711() -> None:
    assert g711.encode("PCMU", np.zeros(1, np.float32)) == b"\xff"
    assert g711.encode("PCMA", np.zeros(1, np.float32)) == b"\xd5"
    loud = np.array([1.0, -1.0], np.float32)
    assert g711.encode("PCMU", loud) == b"\x80\x00"
    assert g711.encode("PCMA", loud) == b"\xaa\x2a"


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
def test_every_code_is_kept(codec: str) -> None:
    codes = bytes(code for code in range(256) if code != 0x7F or codec == "PCMA")
    assert g711.encode(codec, g711.decode(codec, codes)) == codes
