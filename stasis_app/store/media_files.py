"""`media_files` and the messages in mailboxes: the rows of audio, and where Asterisk fetches it."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from .connection import connected
from .pool import Pool

REMEMBERED = 10_000
PATIENCE_SECONDS = 0.3
REST_SECONDS = 5.0

ADD = """
INSERT INTO media_files (name, description, file_type, storage_path, duration_seconds,
    file_size_bytes, format, sample_rate)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id
"""

READ = """
SELECT id, name, file_type, storage_path, replace(url_token::text, '-', '') AS token,
    media_path(id, url_token, storage_path) AS url_path, duration_seconds, record_code
FROM media_files
"""

READ_MESSAGE = """
SELECT id, caller_number AS name, 'message' AS file_type, storage_path,
    '' AS token, '' AS url_path, duration_seconds, NULL AS record_code
FROM voicemail_messages
"""

PUBLISH = """
INSERT INTO media_server (base_url) VALUES ($1)
ON CONFLICT (only_row) DO UPDATE SET base_url = EXCLUDED.base_url, changed_at = now()
WHERE media_server.base_url <> EXCLUDED.base_url
"""


@dataclass(frozen=True)
class MediaFile:
    """A row of `media_files`, or of `voicemail_messages` (kind `message`, the caller's number).

    `url_path` follows the base URL; whoever knows `token` may fetch. A message has neither: its
    address is made for each playback.
    """

    id: UUID
    name: str
    kind: str
    storage_path: str
    token: str
    url_path: str
    seconds: int | None
    record_code: str | None = None


@dataclass(frozen=True)
class NewFile:
    """A row that is yet to be written. `size` in bytes, `rate` in samples a second."""

    name: str
    kind: str
    storage_path: str
    seconds: int
    size: int
    format: str
    rate: int
    description: str | None = None


class MediaFiles:
    """Rows by id, each read when it is asked for; while Postgres is away as they were last seen.

    A row that was seen is not waited for longer than a caller bears silence, and then for a while
    not at all.
    """

    def __init__(self, dsn: str) -> None:
        self._pool = Pool(dsn, size=2)
        self._seen: dict[UUID, MediaFile] = {}
        self._resting_until = 0.0

    async def get(self, identity: UUID) -> MediaFile | None:
        """Return a media file, None if there is none. Raises ConnectionError if nobody knows."""
        return await self._find(READ, identity)

    async def message(self, identity: UUID) -> MediaFile | None:
        """Return a message, also one deleted by phone; otherwise as `get`."""
        return await self._find(READ_MESSAGE, identity)

    async def _find(self, query: str, identity: UUID) -> MediaFile | None:
        now, seen = asyncio.get_running_loop().time, self._seen.get(identity)
        if seen and now() < self._resting_until:
            return seen
        try:
            async with asyncio.timeout(PATIENCE_SECONDS if seen else None):
                row = await self._read(query, identity)
        except (ConnectionError, TimeoutError):
            self._resting_until = now() + REST_SECONDS
            if seen:
                return seen
            raise
        self._seen.pop(identity, None)
        if row is None:
            return None
        found = self._seen[identity] = _file(row)
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return found

    async def _read(self, query: str, identity: UUID) -> asyncpg.Record | None:
        async with self._pool.connection("the row of the audio can't be read") as connection:
            return await connection.fetchrow(f"{query} WHERE id = $1", identity)

    def close(self) -> None:
        self._pool.close()


async def add(dsn: str, file: NewFile) -> UUID:
    """Write a row and return its id. Raises ConnectionError, also when Postgres refuses it."""
    async with connected(dsn, "the row can't be written", 10.0) as connection:
        identity: UUID = await connection.fetchval(
            ADD,
            file.name,
            file.description,
            file.kind,
            file.storage_path,
            file.seconds,
            file.size,
            file.format,
            file.rate,
        )
    return identity


async def everything(dsn: str) -> list[MediaFile]:
    """Return all rows by type and name. Raises ConnectionError."""
    async with connected(dsn, "media_files can't be read", 10.0) as connection:
        rows = await connection.fetch(f"{READ} ORDER BY file_type, name, created_at, id")
    return [_file(row) for row in rows]


async def publish(dsn: str, base_url: str) -> None:
    """Write where Asterisk reaches the app. Raises ConnectionError."""
    async with connected(dsn, "media_server can't be written", 10.0) as connection:
        await connection.execute(PUBLISH, base_url)


def _file(row: asyncpg.Record) -> MediaFile:
    return MediaFile(
        id=row["id"],
        name=row["name"],
        kind=row["file_type"],
        storage_path=row["storage_path"],
        token=row["token"],
        url_path=row["url_path"],
        seconds=row["duration_seconds"],
        record_code=row["record_code"],
    )
