"""What can be said to a caller, and how Asterisk finds it."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from .stock import Audio


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A row of `media_files`; `instead` are the URIs that are played if it can't be."""

    id: UUID
    instead: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Voicemail:
    """The audio of a row of `voicemail_messages`."""

    id: UUID


Said = str | MediaFile | Voicemail
"""An ARI media URI of a sound in Asterisk, or what Asterisk fetches by URL."""


@dataclass(frozen=True, slots=True)
class Passage:
    """What is played in one go. `uris` is empty when it can't be played; `name` is for people."""

    name: str
    uris: tuple[str, ...]
    instead: tuple[str, ...] = ()


async def passages(audio: Audio, said: Iterable[Said]) -> list[Passage]:
    """Find out what to play. What is fetched stands alone: if it fails, it spoils nothing else."""
    found: list[Passage] = []
    joins = False
    for one in said:
        if isinstance(one, str) and joins:
            found[-1] = Passage(found[-1].name, (*found[-1].uris, one))
        elif isinstance(one, str):
            found.append(Passage(one, (one,)))
        else:
            found.append(await _fetched(audio, one))
        joins = isinstance(one, str)
    return found


async def _fetched(audio: Audio, one: MediaFile | Voicemail) -> Passage:
    if isinstance(one, MediaFile):
        address, instead = await audio.media(one.id), one.instead
    else:
        address, instead = await audio.message(one.id), ()
    return Passage(str(one.id), (f"sound:{address}",) if address else (), instead)
