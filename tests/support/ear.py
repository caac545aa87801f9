"""What a phone hears, and waiting for it."""

import asyncio
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .dtmf import Decoder
from .tones import Pcm, contains_tone, is_silent, loudest
from .until import until


class Heard(NamedTuple):
    """A piece of audio and the loop's time when it came."""

    at: float
    pcm: Pcm


class Ear:
    """Keeps the audio that comes in, at `rate` samples a second."""

    def __init__(self, rate: int = 8000) -> None:
        self.rate = rate
        self._parts: list[Heard] = []
        self._decoder = Decoder(rate)
        self._decoded = 0

    def take(self, pcm: Pcm) -> None:
        """Add what just came in."""
        self._parts.append(Heard(asyncio.get_running_loop().time(), pcm))

    @property
    def heard(self) -> Pcm:
        """Everything so far."""
        return _joined(self._parts)

    @property
    def parts(self) -> Sequence[Heard]:
        """Everything so far in pieces. While the other side is still, there may be none."""
        return self._parts

    @property
    def keys(self) -> str:
        """The keys whose sounds came in so far."""
        if self._decoder.rate != self.rate:
            self._decoder, self._decoded = Decoder(self.rate), 0
        self._decoder.take(_joined(self._parts[self._decoded :]))
        self._decoded = len(self._parts)
        return self._decoder.keys

    def recent(self, seconds: float) -> Pcm:
        """What came in during the last `seconds`."""
        since = asyncio.get_running_loop().time() - seconds
        return _joined(self._parts[bisect_left(self._parts, since, key=lambda part: part.at) :])

    async def hears(self, hz: float, within: float = 5.0, lasting: float = 0.3) -> None:
        """Wait until `lasting` seconds of a tone of `hz` came in, from now on."""
        since, count = len(self._parts), round(lasting * self.rate)

        def tone_came() -> bool:
            pcm = _joined(self._parts[since:])[-count:]
            return len(pcm) == count and contains_tone(pcm, self.rate, hz)

        await until(tone_came, within, lambda: f"a tone of {hz:g} Hz but heard {self._now()}", 0.02)

    async def hears_nothing(self, lasting: float = 0.5, within: float = 5.0) -> None:
        """Wait until, from now on, only silence or nothing came for `lasting` seconds."""
        loop = asyncio.get_running_loop()
        start = loop.time()

        def quiet() -> bool:
            return loop.time() - start >= lasting and is_silent(self.recent(lasting))

        what = f"{lasting:g} s of silence"
        await until(quiet, within, lambda: f"{what} but heard {self._now()}", 0.02)

    def _now(self) -> str:
        pcm = self.recent(0.5)
        if is_silent(pcm):
            return f"silence ({len(pcm)} samples)"
        hz, level = loudest(pcm, self.rate)
        return f"{hz:.0f} Hz at {level:.0f} dB"


def _joined(parts: list[Heard]) -> Pcm:
    return np.concatenate([part.pcm for part in parts]) if parts else np.zeros(0, np.float32)
