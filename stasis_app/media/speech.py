"""What somebody has said into the telephone: how much of it is speech, joined, and for a mail."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from .audio import FRAME, RATE, Audio, Samples, blocks, write

SILENT_DB = -50.0
"""A frame of 20 ms whose RMS is below that holds no speech; a line's noise is around -65 dB."""

MP3_LEVEL = 0.8  # of libsndfile, from 0 to 1: at RATE that is 40 kbit/s
MP3_BYTES = 5001  # a second


@dataclass(frozen=True)
class Heard:
    """Seconds of audio, and of them those that are not silence."""

    seconds: float
    talking: float


def listen(path: Path, name: str = "") -> Heard:
    """Measure audio. Takes CPU: call it in a thread. Raises AudioError."""
    samples = loud = 0
    rest = np.zeros(0, np.float32)
    for block in blocks(path, name or path.name):
        samples += len(block)
        joined = np.concatenate([rest, block])
        whole = len(joined) // FRAME * FRAME
        loud += _loud(joined[:whole].reshape(-1, FRAME))
        rest = joined[whole:]
    return Heard(samples / RATE, loud * FRAME / RATE)


def join(sources: Iterable[Path], target: Path, pause: float) -> Audio:
    """Write several files one after another, with `pause` seconds between them.

    Takes CPU: call it in a thread. Raises AudioError.
    """
    return write(target, _with_pauses(sources, pause))


def to_mp3(source: Path, target: Path, name: str = "") -> int:
    """Write audio as MP3, mono, RATE samples a second; return the bytes.

    Takes CPU: call it in a thread. Raises AudioError.
    """
    kind = {"format": "MP3", "subtype": "MPEG_LAYER_III", "bitrate_mode": "CONSTANT"}
    with soundfile.SoundFile(
        target, "w", samplerate=RATE, channels=1, compression_level=MP3_LEVEL, **kind
    ) as out:
        for block in blocks(source, name or source.name):
            out.write(np.clip(block, -1, 1))
    return os.stat(target).st_size


def _loud(frames: Samples) -> int:
    """Count the frames that are not silence; direct current is silence."""
    power = np.var(frames, axis=1, dtype=np.float64)
    return int(np.count_nonzero(power > 10 ** (SILENT_DB / 10)))


def _with_pauses(sources: Iterable[Path], pause: float) -> Iterator[Samples]:
    for place, source in enumerate(sources):
        if place:
            yield np.zeros(round(pause * RATE), np.float32)
        yield from blocks(source, source.name)
