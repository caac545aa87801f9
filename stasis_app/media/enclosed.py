"""Audio as it is enclosed in a mail: what every mail program plays, and not too large."""

from dataclasses import dataclass
from pathlib import Path

from .audio import blocks, write
from .speech import MP3_BYTES, to_mp3
from .wav import HEADER_BYTES, played_as

WAV = "wav"
MP3 = "mp3"


@dataclass(frozen=True)
class Enclosed:
    """A file for a mail: `suffix` is WAV or MP3, `size` in bytes."""

    path: Path
    suffix: str
    size: int


def enclose(
    source: Path, folder: Path, *, suffix: str, seconds: float, most: int
) -> Enclosed | None:
    """Return a message in the format that is wanted, as MP3 if that is too large, else None.

    WAV is sent as it was stored. Takes CPU: call it in a thread. Raises AudioError, OSError.
    """
    if suffix == WAV:
        wav = _as_wav(source, folder)
        if wav.size <= most:
            return wav
    if seconds * MP3_BYTES > most:
        return None
    target = folder / "message.mp3"
    mp3 = Enclosed(target, MP3, to_mp3(source, target))
    return mp3 if mp3.size <= most else None


def _as_wav(source: Path, folder: Path) -> Enclosed:
    """Whatever somebody else has put into the store becomes WAV."""
    with source.open("rb") as file:
        plain = played_as(file.read(HEADER_BYTES)) is not None
    if plain:
        return Enclosed(source, WAV, source.stat().st_size)
    target = folder / "message.wav"
    return Enclosed(target, WAV, write(target, blocks(source, source.name)).size)
