"""Keys as sounds: making them, and telling which ones are in a piece of audio (ITU-T Q.23, Q.24).

Audio is a one-dimensional float32 array in -1..1.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .tones import Pcm, tone

LOW = (697.0, 770.0, 852.0, 941.0)
HIGH = (1209.0, 1336.0, 1477.0, 1633.0)
PAD = ("123A", "456B", "789C", "*0#D")
LEVEL = -9.0
WINDOW_SECONDS = 205 / 8000
HOP_SECONDS = 0.005
LEAST = 10 ** (-35 / 10)
TWIST = 10 ** (8 / 10)
OTHERS = 10 ** (-6 / 10)
PURITY = 0.7
PRESSED_HOPS = 3
RELEASED_HOPS = 2


class Pair(NamedTuple):
    """The two frequencies of a key in Hz."""

    low: float
    high: float


def pair(key: str) -> Pair:
    """Return what the key 0-9, *, #, A-D sounds like."""
    row = next(row for row, keys in enumerate(PAD) if key in keys)
    return Pair(LOW[row], HIGH[PAD[row].index(key)])


def sound(key: str, seconds: float, rate: int = 8000, level: float = LEVEL) -> Pcm:
    """Make the sound of a key; `level` is that of each of its two tones in dB."""
    low, high = pair(key)
    return tone(low, seconds, rate, level) + tone(high, seconds, rate, level)


class Decoder:
    """Hears keys in audio that comes in pieces: 40 ms of sound, then 40 ms without, is a key."""

    def __init__(self, rate: int = 8000) -> None:
        self.rate, self.keys = rate, ""
        self._window, self._hop = round(WINDOW_SECONDS * rate), round(HOP_SECONDS * rate)
        time = np.arange(self._window) / rate
        self._waves = np.exp(-2j * np.pi * np.outer(time, LOW + HIGH))
        self._rest: Pcm = np.zeros(0, np.float32)
        self._key = self._candidate = ""
        self._hops = 0

    def take(self, pcm: Pcm) -> None:
        """Listen on; `keys` grows."""
        heard = np.concatenate([self._rest, pcm])
        count = max(0, (len(heard) - self._window) // self._hop + 1)
        self._rest = heard[count * self._hop :]
        if not count:
            return
        windows = np.lib.stride_tricks.sliding_window_view(heard, self._window)
        for key in self._name(windows[:: self._hop][:count].astype(np.float64)):
            self._step(key)

    def _name(self, windows: npt.NDArray[np.float64]) -> list[str]:
        """Name the key in each window, "" where there is none (Goertzel's powers, all at once)."""
        power = np.square(np.abs(windows @ self._waves) * 2 / self._window)
        total = np.mean(np.square(windows), axis=1) * 2
        return [_key(one, float(whole)) for one, whole in zip(power, total, strict=True)]

    def _step(self, key: str) -> None:
        self._hops = self._hops + 1 if key == self._candidate else 1
        self._candidate = key
        if key and key != self._key and self._hops == PRESSED_HOPS:
            self.keys += key
            self._key = key
        elif not key and self._hops == RELEASED_HOPS:
            self._key = ""


def _key(power: npt.NDArray[np.float64], total: float) -> str:
    low, high = power[:4], power[4:]
    row, column = int(low.argmax()), int(high.argmax())
    strongest = (float(low[row]), float(high[column]))
    clear = (
        min(strongest) >= LEAST
        and max(strongest) <= TWIST * min(strongest)
        and sum(strongest) >= PURITY * total
        and _stands_out(low)
        and _stands_out(high)
    )
    return PAD[row][column] if clear else ""


def _stands_out(group: npt.NDArray[np.float64]) -> bool:
    return float(np.sort(group)[-2]) <= OTHERS * float(group.max())
