"""Rows for messages, and what Asterisk and the object store hold, in memory."""

import asyncio
import hashlib
import io
import json
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID, uuid4

import asyncpg

from stasis_app.ari.door import Door
from stasis_app.ari.errors import Gone, Unreachable
from stasis_app.media.audio import RATE
from stasis_app.media.objects import Missing, Objects, StoreAway, Stored
from tests.support.tones import to_int16, tone

EXTENSION = """
INSERT INTO extensions (number, sip_password, user_id) VALUES ($1, 'secret', $2) RETURNING id
"""
USER = """
INSERT INTO users (email, password_hash, first_name, last_name, role, language, timezone)
VALUES ($1, 'x', 'Anna', 'Meier', 'user', 'de-DE', 'Europe/Berlin') RETURNING id
"""
BOX = "SELECT id FROM voicemail_boxes WHERE extension_id = $1"
DELIVERY = """
INSERT INTO recording_deliveries (
    id, kind, call_id, recording, box_id, details, state, began_at, finished_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
MESSAGE = """
INSERT INTO voicemail_messages (
    id, voicemail_box_id, caller_number, caller_name, storage_path, duration_seconds,
    file_size_bytes)
VALUES ($1, $2, '1002', 'Jürgen Groß', $3, 3, $4)
"""

SPOKEN = tone(700, 3, RATE)


def wav(pcm: Any = SPOKEN, rate: int = RATE) -> bytes:
    """Return a recording as Asterisk makes them."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(to_int16(pcm))
    return content.getvalue()


class FakeAsterisk(Door):
    """Records nothing, but has recordings. `live` ones are not over, `away` makes it silent."""

    def __init__(self) -> None:
        self.connected = asyncio.Event()
        self.connected.set()
        self.stored: dict[str, bytes] = {}
        self.live: set[str] = set()
        self.away = False

    async def recording_lives(self, recording: str) -> bool:
        await self._answer()
        return recording in self.live

    async def stored_recordings(self) -> list[str]:
        await self._answer()
        return list(self.stored)

    async def fetch_recording(self, recording: str, to: BinaryIO) -> int:
        await self._answer()
        if recording not in self.stored:
            raise Gone(404, f"GET {recording}", "not found")
        return to.write(self.stored[recording])

    async def delete_recording(self, recording: str) -> None:
        await self._answer()
        if self.stored.pop(recording, None) is None:
            raise Gone(404, f"DELETE {recording}", "not found")

    async def _answer(self) -> None:
        await asyncio.sleep(0)
        if self.away:
            raise Unreachable("GET", "no answer")


class FakeObjects(Objects):
    """`held` is what the store has by key; `away` makes it silent.

    It answers none of the first puts until so many as `gathers` are under way at once.
    """

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.away = False
        self.gathers = 0
        self.most_at_once = 0
        self._at_once = 0
        self._gathered = asyncio.Event()

    async def put(
        self,
        key: str,
        source: Any,
        length: int | None = None,
        content_type: str = "application/octet-stream",
    ) -> Stored:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        if self.most_at_once >= self.gathers:
            self._gathered.set()
        await self._gathered.wait()
        await self._answer()
        self._at_once -= 1
        content = source.read()
        assert (len(content), content_type) == (length, "audio/wav")
        self.held[key] = content
        return Stored(key, len(content), hashlib.sha256(content).hexdigest())

    async def fetch(self, key: str, target: Path) -> None:
        await self._answer()
        if key not in self.held:
            raise Missing(f"the object store has no {key}")
        await asyncio.to_thread(target.write_bytes, self.held[key])

    async def remove(self, key: str) -> None:
        await self._answer()
        self.held.pop(key, None)

    async def _answer(self) -> None:
        await asyncio.sleep(0.01)
        if self.away:
            self._at_once = 0
            raise StoreAway("away")


async def make_box(db: asyncpg.Connection, number: str = "1001", mail: str = "") -> UUID:
    """Make an extension with a box, and with a user if there is a mail address."""
    user = await db.fetchval(USER, mail) if mail else None
    extension = await db.fetchval(EXTENSION, number, user)
    box: UUID = await db.fetchval(BOX, extension)
    return box


async def promise(
    db: asyncpg.Connection,
    box: UUID | None,
    recording: str | None,
    *,
    kind: str = "message",
    state: str = "finished",
    call: UUID | None = None,
    **details: Any,
) -> UUID:
    """Write what the journal writes when something was recorded."""
    identity, now = uuid4(), datetime.now(UTC)
    if kind == "message":
        details = {"caller_number": "1002", "caller_name": "Jürgen Groß", **details}
    finished = None if state == "recording" else now
    began = now - timedelta(seconds=5)
    row = (kind, call or uuid4(), recording, box, json.dumps(details), state, began, finished)
    await db.execute(DELIVERY, identity, *row)
    return identity


async def make_message(db: asyncpg.Connection, box: UUID, key: str, size: int = 1) -> UUID:
    """Write the row of a message whose object is `key`."""
    identity = uuid4()
    await db.execute(MESSAGE, identity, box, key, size)
    return identity


@asynccontextmanager
async def postgres_away(dsn: str) -> AsyncIterator[None]:
    """Let nobody into the database as long as the block lasts."""
    database = dsn.partition("?")[0].rpartition("/")[2]
    elsewhere = await asyncpg.connect(dsn.replace(f"/{database}?", "/postgres?"))
    try:
        await elsewhere.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
        await elsewhere.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", database
        )
        yield
    finally:
        await elsewhere.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true")
        await elsewhere.close()
