"""Audio files of any kind become what Asterisk plays: WAV, mono, 16 bit, 16000 samples a second.

16000, because phones with G.722 or Opus hear the difference; for G.711 Asterisk halves it. It is
read, resampled and written block by block: a long file takes no more memory than a short one.
"""

import os
import wave
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

Samples = npt.NDArray[np.float32]

RATE = 16000
BLOCK_SECONDS = 1.0
LONGEST_SECONDS = 6 * 3600.0
READABLE_RATES = range(1000, 768_001)
MOST_CHANNELS = 64

# RMS over the frames that are not pauses, in dB of full scale; as the sounds that Asterisk brings
SPEECH_DB = -18.0
MUSIC_DB = -24.0
PEAK_DB = -1.0
MOST_GAIN_DB = 30.0
FRAME = RATE // 50
PAUSE_DB = -60.0
PAUSE_BELOW_DB = -10.0  # quieter than the mean by so much


class AudioError(Exception):
    """The file cannot be used as audio; the text names it and says why."""


@dataclass(frozen=True)
class Audio:
    """A WAV file that was written; `size` in bytes."""

    seconds: float
    size: int


def convert(source: Path, target: Path, level: float = SPEECH_DB, name: str = "") -> Audio:
    """Write `source` (WAV, FLAC, OGG, MP3 …) to `target` as Asterisk plays it best.

    Channels are mixed; its loudness becomes `level` dB as far as its peak stays under PEAK_DB.
    Takes CPU: call it in a thread. Raises AudioError, which calls the source `name`.
    """
    name = name or source.name
    gain = _gain(_measure(source, name), level)
    return write(target, (block * gain for block in blocks(source, name)))


def write(target: Path, pieces: Iterable[Samples]) -> Audio:
    """Write samples of RATE as Asterisk plays them best."""
    with wave.open(str(target), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        for piece in pieces:
            out.writeframes(np.rint(np.clip(piece, -1, 1) * 32767).astype("<i2").tobytes())
        frames = out.getnframes()
    return Audio(frames / RATE, target.stat().st_size)


@dataclass
class Loudness:
    """What is known of a file after it was read once: power by frame, as a histogram of dB."""

    powers: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]
    peak: float = 0.0
    rest: Samples | None = None

    def take(self, block: Samples) -> None:
        if len(block):
            self.peak = max(self.peak, float(np.abs(block).max()))
        joined = block if self.rest is None else np.concatenate([self.rest, block])
        whole = len(joined) // FRAME * FRAME
        self._count(joined[:whole].reshape(-1, FRAME))
        self.rest = joined[whole:]

    def _count(self, frames: Samples) -> None:
        power = np.mean(np.square(frames, dtype=np.float64), axis=1)
        power = power[power > 10 ** (PAUSE_DB / 10)]
        bins = np.clip(-10 * np.log10(power), 0, len(self.powers) - 1).astype(np.int64)
        np.add.at(self.powers, bins, power)
        np.add.at(self.counts, bins, 1)

    def active(self) -> float | None:
        """Mean power of the frames that are no pauses. None: there is nothing else."""
        if not self.counts.any():
            return float(np.square(self.peak) / 2) if self.peak > 10 ** (PAUSE_DB / 20) else None
        mean = self.powers.sum() / self.counts.sum()
        loud = slice(0, int(-10 * np.log10(mean) - PAUSE_BELOW_DB) + 1)
        return float(self.powers[loud].sum() / self.counts[loud].sum())


def _measure(source: Path, name: str) -> Loudness:
    bins = int(-PAUSE_DB) + 1
    loudness = Loudness(np.zeros(bins), np.zeros(bins, np.int64))
    samples = 0
    for block in blocks(source, name):
        loudness.take(block)
        samples += len(block)
        if samples > LONGEST_SECONDS * RATE:
            raise AudioError(f"{name} is longer than {LONGEST_SECONDS / 3600:g} hours")
    if not samples:
        raise AudioError(f"{name} holds no audio")
    return loudness


def _gain(loudness: Loudness, level: float) -> float:
    """Silence stays as it is, and what is very quiet does not become all noise."""
    active = loudness.active()
    if active is None:
        return 1.0
    wanted = level - 10 * np.log10(active)
    room = PEAK_DB - 20 * np.log10(loudness.peak)
    return float(10 ** (min(wanted, room, MOST_GAIN_DB) / 20))


def blocks(source: Path, name: str) -> Iterator[Samples]:
    """Yield the file in mono at RATE."""
    with _opened(source, name) as file:
        resampling = soxr.ResampleStream(file.samplerate, RATE, 1, dtype="float32")
        amount = max(1, round(file.samplerate * BLOCK_SECONDS))
        while True:
            try:
                read = file.read(amount, dtype="float32", always_2d=True)
            except soundfile.SoundFileError as error:
                raise AudioError(f"{name} is broken: {_reason(error)}") from None
            mono = np.nan_to_num(read.mean(axis=1), posinf=1.0, neginf=-1.0)
            last = len(read) < amount
            yield np.asarray(resampling.resample_chunk(mono, last=last), np.float32)
            if last:
                return


@contextmanager
def _opened(source: Path, name: str) -> Iterator[soundfile.SoundFile]:
    if source.exists() and not source.is_file():
        raise AudioError(f"{name} is no file")
    try:
        raw = source.open("rb")
    except OSError as error:
        raise AudioError(f"{name} cannot be read: {error.strerror}") from None
    with raw:
        if not os.fstat(raw.fileno()).st_size:
            raise AudioError(f"{name} is empty")
        try:
            # by its number, else a file called .raw would count as audio without a header
            file = soundfile.SoundFile(raw.fileno(), closefd=False)
        except soundfile.SoundFileError as error:
            reason = f"{name} is no audio file that can be read: {_reason(error)}"
            raise AudioError(reason) from None
        with file:
            _check(file, name)
            yield file


def _check(file: soundfile.SoundFile, name: str) -> None:
    if file.samplerate not in READABLE_RATES:
        raise AudioError(f"{name} has {file.samplerate} samples a second")
    if not 1 <= file.channels <= MOST_CHANNELS:
        raise AudioError(f"{name} has {file.channels} channels")


def _reason(error: soundfile.SoundFileError) -> str:
    text = str(getattr(error, "error_string", error)).removeprefix("Error : ")
    return text.strip().rstrip(".")
