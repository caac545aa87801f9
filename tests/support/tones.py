"""Tones: making them, and telling which one is in a piece of audio.

Audio is a one-dimensional float32 array in -1..1. Levels are in dB relative to a full-scale sine,
so a tone of amplitude 1.0 has 0 dB. Thresholds leave room for G.711, Opus and lost packets.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Pcm = npt.NDArray[np.float32]

FLOOR = -120.0
SILENCE = -45.0
SIDEBAND = 30.0


class Tone(NamedTuple):
    """A frequency in Hz and its level in dB."""

    hz: float
    level: float


def tone(hz: float, seconds: float, rate: int = 8000, level: float = -10.0) -> Pcm:
    """Make a sine of `hz` with `level` dB at `rate` samples a second."""
    time = np.arange(round(seconds * rate)) / rate
    amplitude = float(10 ** (level / 20))
    return np.asarray(amplitude * np.sin(2 * np.pi * hz * time), dtype=np.float32)


def from_int16(samples: bytes) -> Pcm:
    """Turn 16-bit little-endian samples into floats in -1..1."""
    return np.frombuffer(samples, "<i2").astype(np.float32) / np.float32(32768)


def to_int16(pcm: Pcm) -> bytes:
    """Turn floats in -1..1 into 16-bit little-endian samples."""
    return (np.clip(pcm, -1, 1) * 32767).astype("<i2").tobytes()


def level(pcm: Pcm) -> float:
    """Measure the level of `pcm` in dB, whatever is in it."""
    if not len(pcm):
        return FLOOR
    power = float(np.mean(np.square(pcm, dtype=np.float64))) * 2
    return 10 * np.log10(power) if power > 10 ** (FLOOR / 10) else FLOOR


def level_at(pcm: Pcm, rate: int, hz: float) -> float:
    """Measure the level in dB of what lies within 30 Hz of `hz`."""
    frequencies, power = _spectrum(pcm, rate)
    near = float(power[np.abs(frequencies - hz) <= SIDEBAND].sum())
    return 10 * np.log10(near) if near > 10 ** (FLOOR / 10) else FLOOR


def loudest(pcm: Pcm, rate: int) -> Tone:
    """Find the strongest frequency of `pcm`, direct current aside."""
    frequencies, power = _spectrum(pcm, rate)
    if not len(power):
        return Tone(0.0, FLOOR)
    hz = float(frequencies[np.where(frequencies > SIDEBAND, power, 0).argmax()])
    return Tone(hz, level_at(pcm, rate, hz))


def contains_tone(pcm: Pcm, rate: int, hz: float, least: float = -40.0) -> bool:
    """Whether `hz` is in `pcm` with at least `least` dB and stands out from its surroundings.

    Another tone may be there too, also a louder one; noise or speech of the same level is no tone.
    """
    frequencies, power = _spectrum(pcm, rate)
    distance = np.abs(frequencies - hz)
    near = float(power[distance <= SIDEBAND].sum())
    around = float(power[(distance > 2 * SIDEBAND) & (distance <= 6 * SIDEBAND)].sum())
    return near > 10 ** (least / 10) and near > 10 * around


def is_silent(pcm: Pcm, most: float = SILENCE) -> bool:
    """Whether nothing in `pcm` is louder than `most` dB; no audio at all is silence."""
    return level(pcm) <= most


def _spectrum(pcm: Pcm, rate: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Frequencies in Hz and the power at each, scaled so that a full-scale sine sums up to 1."""
    if not len(pcm):
        return np.zeros(0), np.zeros(0)
    window = np.hanning(len(pcm))
    bins = np.abs(np.fft.rfft(pcm * window)) ** 2
    scale = 4 / (len(pcm) * max(float(np.square(window).sum()), 1e-9))
    return np.fft.rfftfreq(len(pcm), 1 / rate).astype(np.float64), bins * scale
