"""`pbx media`: audio files as a person adds and lists them."""

import asyncio
import sys
import tempfile
from pathlib import Path

from stasis_app.store.media_files import NewFile, add, everything

from .audio import RATE, Audio, AudioError, convert
from .objects import ObjectError, Objects, new_key
from .server import level_of

CONTENT_TYPE = "audio/wav"
LONGEST_NAME = 100


class Refused(Exception):
    """What the person asked for makes no sense."""


async def add_file(
    dsn: str,
    objects: Objects,
    source: Path,
    *,
    name: str,
    kind: str,
    description: str | None = None,
) -> int:
    """Convert a file, store it and its row, print them; return the exit code.

    The object comes first: a row always means audio that is there. Without its row it goes again.
    """
    try:
        name = _checked(name)
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "audio.wav"
            audio = await asyncio.to_thread(convert, source, target, level_of(kind), str(source))
            identity = await _store(dsn, objects, target, audio, (name, kind, description))
    except (Refused, AudioError, ObjectError, ConnectionError) as error:
        print(f"pbx: {error}", file=sys.stderr)
        return 1
    print(f"{identity}  {name}  {audio.seconds:.1f} s")
    return 0


async def list_files(dsn: str) -> int:
    """Print every media file; return the exit code."""
    try:
        files = await everything(dsn)
    except ConnectionError as error:
        print(f"pbx: {error}", file=sys.stderr)
        return 1
    for file in files:
        seconds = "?" if file.seconds is None else file.seconds
        print(f"{file.id}  {file.kind:8}  {seconds:>5} s  {file.name}")
    if not files:
        print("no media files")
    return 0


async def _store(
    dsn: str, objects: Objects, target: Path, audio: Audio, row: tuple[str, str, str | None]
) -> object:
    name, kind, description = row
    key = new_key(kind)
    seconds = max(1, round(audio.seconds))
    file = NewFile(name, kind, key, seconds, audio.size, "wav", RATE, description)
    with target.open("rb") as opened:
        await objects.put(key, opened, audio.size, CONTENT_TYPE)
    try:
        return await add(dsn, file)
    except ConnectionError as error:
        try:
            await objects.remove(key)
        except ObjectError as failure:
            text = f"{error}; and the object {key} is left over: {failure}"
            raise ConnectionError(text) from error
        raise


def _checked(name: str) -> str:
    name = name.strip()
    if not name:
        raise Refused("the name is empty")
    if len(name) > LONGEST_NAME:
        raise Refused(f"the name is longer than {LONGEST_NAME} characters")
    return name
