"""Audio by the id of its row: its object, and the address that Asterisk plays."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from uuid import UUID

import structlog

from stasis_app.store.media_files import REMEMBERED, MediaFile, MediaFiles, publish

from .objects import Missing, ObjectError, Objects, OpenObject, Stat, StoreAway

log = structlog.get_logger()

AWAY_SECONDS = 3.0
BACK_OFF_SECONDS = 2.0
TOKEN_SECONDS = 1800.0
MOST_TOKENS = 10_000


class Library:
    """What can be played. For a moment after the store was away nobody waits for it again."""

    def __init__(self, dsn: str, objects: Objects, base_url: str) -> None:
        self._dsn = dsn
        self._objects = objects
        self._base_url = base_url
        self._rows = MediaFiles(dsn)
        self._marks: dict[str, str] = {}
        self._away_until = 0.0
        self._tokens: dict[str, tuple[UUID, float]] = {}  # and until when

    async def url(self, identity: UUID) -> str:
        """Return the address of a media file as it is now: another content, another address.

        So Asterisk, which keeps what it has fetched, plays what the store has. While the store is
        away that is what it had. Raises Missing (no row or no object), StoreAway, ConnectionError.
        """
        file = _found(await self.file(identity), f"media file {identity}")
        mark = await self._mark(file)
        return f"{self._base_url}{file.url_path.rpartition('/')[0]}/{mark}"

    async def message_url(self, identity: UUID) -> str:
        """Return an address of a message in a mailbox, for this playback: Asterisk may log it.

        It is good for TOKEN_SECONDS. Raises as `url` does.
        """
        mark = await self._mark(_found(await self.message_file(identity), f"message {identity}"))
        return f"{self._base_url}/messages/{identity}/{self._new_token(identity)}/{mark}"

    async def media(self, identity: UUID) -> str | None:
        """Return the address of a media file for a call; None if it can't be played now."""
        return await self._for_call(self.url(identity))

    async def message(self, identity: UUID) -> str | None:
        """Return the address of a message for a call; None if it can't be played now."""
        return await self._for_call(self.message_url(identity))

    async def file(self, identity: UUID) -> MediaFile | None:
        """Return the row of a media file. Raises ConnectionError."""
        return await self._rows.get(identity)

    async def message_file(self, identity: UUID) -> MediaFile | None:
        """Return the row of a message as that of a media file. Raises ConnectionError."""
        return await self._rows.message(identity)

    def is_current(self, identity: UUID, token: str) -> bool:
        """Return whether a playback of this message has got the token, and not long ago."""
        message, until = self._tokens.get(token, (None, 0.0))
        return message == identity and asyncio.get_running_loop().time() < until

    async def stat(self, file: MediaFile) -> Stat:
        """Ask what its object is. Raises Missing, StoreAway."""
        with self._noticing():
            stat = await self._objects.stat(file.storage_path)
        self._marks.pop(file.storage_path, None)
        self._marks[file.storage_path] = content_mark(stat)
        if len(self._marks) > REMEMBERED:
            del self._marks[next(iter(self._marks))]
        return stat

    @asynccontextmanager
    async def open(self, file: MediaFile) -> AsyncIterator[OpenObject]:
        """Open its object. Raises Missing, StoreAway."""
        with self._noticing():
            async with self._objects.open(file.storage_path) as found:
                yield found

    async def keep_published(self) -> None:
        """Write into Postgres where Asterisk finds us, as soon as it can be written."""
        while True:
            try:
                await publish(self._dsn, self._base_url)
            except ConnectionError as error:
                log.warning("address not written", action="media_unpublished", error=str(error))
                await asyncio.sleep(BACK_OFF_SECONDS)
            else:
                return

    async def _mark(self, file: MediaFile) -> str:
        try:
            return content_mark(await self.stat(file))
        except StoreAway:
            if file.storage_path not in self._marks:
                raise
            return self._marks[file.storage_path]

    def _new_token(self, identity: UUID) -> str:
        now = asyncio.get_running_loop().time()
        while self._tokens:
            oldest = next(iter(self._tokens))
            if len(self._tokens) < MOST_TOKENS and now < self._tokens[oldest][1]:
                break
            del self._tokens[oldest]
        token = secrets.token_hex(16)
        self._tokens[token] = (identity, now + TOKEN_SECONDS)
        return token

    async def _for_call(self, asked: Awaitable[str]) -> str | None:
        try:
            return await asked
        except (ObjectError, ConnectionError) as error:
            log.warning("audio can't be played", action="media_skipped", error=str(error))
            return None

    def close(self) -> None:
        self._rows.close()
        self._objects.close()

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        now = asyncio.get_running_loop().time
        if now() < self._away_until:
            raise StoreAway("the object store was away a moment ago")
        try:
            yield
        except StoreAway as error:
            self._away_until = now() + AWAY_SECONDS
            log.warning("object store is away", action="objects_away", error=str(error))
            raise


def _found(file: MediaFile | None, what: str) -> MediaFile:
    if file is None:
        raise Missing(f"there is no {what}")
    return file


def content_mark(stat: Stat) -> str:
    """Return what in an address stands for the content of an object."""
    return hashlib.sha256(f"{stat.key} {stat.etag} {stat.size}".encode()).hexdigest()[:16]
