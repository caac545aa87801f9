"""GET /media/{id}/{token}/{mark}, and /messages/…: audio for Asterisk's media cache.

Its answers say how long a copy is good. An address with a mark of the content can only ever mean
that content; one with a mark of the path, as SQL makes it for music on hold, is looked at again.
The address of a message is that of one playback, and is soon forgotten.
"""

import asyncio
import hmac
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from uuid import UUID

import structlog
from aiohttp import web

from stasis_app.store.media_files import MediaFile

from .audio import MUSIC_DB, RATE, SPEECH_DB, AudioError, convert
from .library import Library, content_mark
from .objects import CHUNK_BYTES, Missing, OpenObject, Stat, StoreAway
from .wav import HEADER_BYTES, PLAYED, played_as

log = structlog.get_logger()

CONTENT_SECONDS = 86400
PATH_SECONDS = 60
MESSAGE_SECONDS = 60
CONVERSIONS = 2

Find = Callable[[UUID, str], Awaitable[MediaFile | None]]


class MediaServer:
    """The routes of the app's HTTP port that Asterisk fetches audio from."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._converting = asyncio.Semaphore(CONVERSIONS)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/media/{id}/{token}/{mark}", partial(self._serve, self._media)),
            web.get("/messages/{id}/{token}/{mark}", partial(self._serve, self._message)),
        ]

    async def _media(self, identity: UUID, token: str) -> MediaFile | None:
        file = await self._library.file(identity)
        if file is None or not hmac.compare_digest(file.token.encode(), token.encode()):
            return None
        return file

    async def _message(self, identity: UUID, token: str) -> MediaFile | None:
        if not self._library.is_current(identity, token):
            return None
        return await self._library.message_file(identity)

    async def _serve(self, find: Find, request: web.Request) -> web.StreamResponse:
        """Answer 200, 304, 404 (no such row, object or content), 415 (no audio) or 503."""
        try:
            return await self._answer(request, await _file(find, request))
        except Missing:
            return web.Response(status=404)
        except AudioError as error:
            log.warning("media file is no audio", action="media_broken", error=str(error))
            return web.Response(status=415)
        except (StoreAway, ConnectionError):
            return web.Response(status=503)

    async def _answer(self, request: web.Request, file: MediaFile) -> web.StreamResponse:
        known = [tag.value for tag in request.if_none_match or ()]
        if known:
            try:
                stat = await self._library.stat(file)
            except StoreAway:
                # what Asterisk has is better than silence
                return web.Response(status=304, headers=_validity(PATH_SECONDS, known[0]))
            if stat.etag in known:
                headers = _validity(_lasting(request, file, stat), stat.etag)
                return web.Response(status=304, headers=headers)
        async with self._library.open(file) as found:
            headers = _validity(_lasting(request, file, found.stat), found.stat.etag)
            return await self._send(request, file, found, headers)

    async def _send(
        self,
        request: web.Request,
        file: MediaFile,
        found: OpenObject,
        headers: dict[str, str],
    ) -> web.StreamResponse:
        async with AsyncExitStack() as closing:
            chunks, first = found.chunks(), b""
            while len(first) < HEADER_BYTES and (chunk := await anext(chunks, None)) is not None:
                first += chunk
            kind, length = played_as(first), found.stat.size
            if kind is None:
                chunks, length = await self._converted(file, first, chunks, closing)
                kind, first = PLAYED[RATE], b""
            response = web.StreamResponse(headers={**headers, "Content-Type": kind})
            response.content_length = length
            await response.prepare(request)
            if request.method != "HEAD":
                await _write(request, response, first, chunks)
        return response

    async def _converted(
        self,
        file: MediaFile,
        first: bytes,
        chunks: AsyncIterator[bytes],
        closing: AsyncExitStack,
    ) -> tuple[AsyncIterator[bytes], int]:
        """Convert an object that did not come by `pbx media add`. Raises AudioError."""
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory()))
        source, target = folder / "source", folder / "target.wav"
        with source.open("wb") as written:
            await asyncio.to_thread(written.write, first)
            async for chunk in chunks:
                await asyncio.to_thread(written.write, chunk)
        async with self._converting:
            audio = await asyncio.to_thread(
                convert, source, target, level_of(file.kind), f"{file.kind} {file.id}"
            )
        return _chunks_of(target), audio.size


def level_of(kind: str) -> float:
    """Return how loud media files of a type are made, in dB."""
    return MUSIC_DB if kind == "moh" else SPEECH_DB


async def _file(find: Find, request: web.Request) -> MediaFile:
    try:
        identity = UUID(request.match_info["id"])
    except ValueError:
        raise Missing("no id") from None
    file = await find(identity, request.match_info["token"])
    if file is None:
        raise Missing(f"no audio {identity} at this address")
    return file


async def _write(
    request: web.Request,
    response: web.StreamResponse,
    first: bytes,
    chunks: AsyncIterator[bytes],
) -> None:
    try:
        await response.write(first)
        async for chunk in chunks:
            await response.write(chunk)
        await response.write_eof()
    except StoreAway:
        # too late for a status; Asterisk misses the bytes that were promised and plays none
        if request.transport is not None:
            request.transport.abort()
        raise


async def _chunks_of(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
            yield chunk


def _lasting(request: web.Request, file: MediaFile, stat: Stat) -> int:
    """Return for how many seconds a copy is good. Raises Missing when the address is an old one."""
    mark = request.match_info["mark"]
    is_message = file.kind == "message"
    if mark == content_mark(stat):
        return MESSAGE_SECONDS if is_message else CONTENT_SECONDS
    if not is_message and mark == file.url_path.rsplit("/", 1)[1]:
        return PATH_SECONDS
    raise Missing("what this address meant is no longer there")


def _validity(seconds: int, etag: str) -> dict[str, str]:
    return {"Cache-Control": f"private, max-age={seconds}", "ETag": f'"{etag}"'}
