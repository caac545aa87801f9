"""Prompts that are tones, for PBX-X (an object and its row) and for the dialplan (a file)."""

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import numpy as np
import soundfile

from stasis_app.media.objects import Objects
from tests.support.tones import tone

from .stack import Stack

RATE = 16000
MEDIA = """
INSERT INTO media_files (name, file_type, storage_path) VALUES ($1, $2, $3) RETURNING id
"""


def wav(hz: float, seconds: float) -> bytes:
    """Return a tone as PBX-X stores audio, and as Asterisk's format wav16."""
    file = io.BytesIO()
    soundfile.write(file, tone(hz, seconds, RATE), RATE, "PCM_16", format="WAV")
    return file.getvalue()


async def add_prompt(stack: Stack, kind: str, audio: bytes) -> UUID:
    """Put a prompt into the object store and `media_files`."""
    name = f"bench {uuid4()}"
    path = f"{kind}/{name}.wav"
    with objects(stack) as store:
        await store.put(path, io.BytesIO(audio), len(audio), "audio/wav")
    async with stack.sql() as connection:
        identity: UUID = await connection.fetchval(MEDIA, name, kind, path)
    return identity


def add_native_prompt(stack: Stack, name: str, audio: bytes) -> str:
    """Put a prompt where the dialplan finds it; return what Playback() and Background() call it."""
    folder = stack.asterisk / "bench"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.wav16").write_bytes(audio)
    return f"{stack.inside}/bench/{name}"


@contextmanager
def objects(stack: Stack) -> Iterator[Objects]:
    """Open the stack's object store."""
    s3 = stack.description["s3"]
    store = Objects(s3["endpoint"], s3["access_key"], s3["secret_key"], s3["bucket"])
    try:
        yield store
    finally:
        store.close()


async def content(store: Objects, path: str) -> bytes:
    """Return an object."""
    async with store.open(path) as found:
        return b"".join([chunk async for chunk in found.chunks()])


async def digest(store: Objects, path: str) -> str:
    """Return the SHA-256 of an object, which may be large."""
    sha256 = hashlib.sha256()
    async with store.open(path) as found:
        async for chunk in found.chunks():
            sha256.update(chunk)
    return sha256.hexdigest()


def loudest_hz(audio: bytes) -> tuple[float, float]:
    """Return the loudest frequency in the middle half of a sound file, and the file's seconds."""
    pcm, rate = soundfile.read(io.BytesIO(audio), dtype="float32")
    middle = pcm[len(pcm) // 4 : len(pcm) * 3 // 4]
    power = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    return float(power[1:].argmax() + 1) * rate / len(middle), len(pcm) / rate
