"""WAV files as Asterisk records and plays them: PCM, mono, 16 bit."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from .audio import RATE, AudioError

PLAYED: dict[int, str] = {
    8000: "audio/x-wav",
    16000: "audio/x-wav;codec=pcm;bit=16;rate=16000",
}
"""What Asterisk plays as it is: its rate, and the Content-Type by which its media cache knows it
(formats/format_wav.c, Asterisk 22; compared to the letter, so without blanks)."""

HEADER_BYTES = 4096
LEAST_BYTES = 44
FRAME_BYTES = 2
LONGEST_DATA = 0xFFFF_FFFF - HEADER_BYTES  # sizes have 32 bits


class Chunk(NamedTuple):
    """A part of a WAV file: its name, where its content begins, how long that claims to be."""

    name: bytes
    begins: int
    size: int


@dataclass(frozen=True)
class Recorded:
    """A recording whose header is true."""

    rate: int
    frames: int

    @property
    def seconds(self) -> float:
        return self.frames / self.rate


def played_as(header: bytes) -> str | None:
    """Return the Content-Type of a WAV file that Asterisk plays as it is, from its beginning.

    None: it must be converted. format_wav takes PCM, mono, 16 bit.
    """
    return PLAYED.get(_rate(header) or 0)


def mend(path: Path) -> Recorded:
    """Make the header of a recording say what the file holds; return what that is.

    Asterisk writes the sizes when it closes the file; until then, or if it has died, they are 0.
    Raises AudioError for what is no such recording, OSError.
    """
    with path.open("r+b") as file:
        header = file.read(HEADER_BYTES)
        if len(header) < LEAST_BYTES:  # it died before it wrote the first buffer
            return Recorded(RATE, 0)
        rate = _rate(header)
        data = next((chunk for chunk in _chunks(header) if chunk.name == b"data"), None)
        if rate is None or data is None:
            raise AudioError("the recording is not in PCM, mono, 16 bit")
        held = min(file.seek(0, 2) - data.begins, LONGEST_DATA)
        if not 0 < data.size <= held:
            data = data._replace(size=max(held, 0) // FRAME_BYTES * FRAME_BYTES)
            _write_sizes(file, data)
        return Recorded(rate, data.size // FRAME_BYTES)


def _write_sizes(file: BinaryIO, data: Chunk) -> None:
    end = data.begins + data.size
    file.truncate(end)
    file.seek(4)
    file.write(struct.pack("<I", end - 8))
    file.seek(data.begins - 4)
    file.write(struct.pack("<I", data.size))


def _rate(header: bytes) -> int | None:
    """Return the samples a second of PCM, mono, 16 bit; None for all else."""
    for chunk in _chunks(header):
        if chunk.name == b"fmt " and chunk.begins + 16 <= len(header):
            kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", header, chunk.begins)
            return int(rate) if (kind, channels, bits) == (1, 1, 16) and rate else None
    return None


def _chunks(header: bytes) -> Iterator[Chunk]:
    """Yield the chunks that begin in the first bytes of a file; none if it is no WAV file."""
    if header[:4] != b"RIFF" or header[8:12] != b"WAVE":
        return
    place = 12
    while place + 8 <= len(header):
        name, size = struct.unpack_from("<4sI", header, place)
        yield Chunk(name, place + 8, size)
        place += 8 + size + size % 2
