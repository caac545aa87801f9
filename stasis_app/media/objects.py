"""The object store: streamed in and out, with deadlines. The only importer of minio.

minio is synchronous, so it works in threads of its own: those of asyncio also look up names.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar
from uuid import uuid4

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

CHUNK_BYTES = 1 << 18
PART_BYTES = 5 << 20  # the least that S3 takes; a thread holds one at a time
THREADS = 8
CONNECT_SECONDS = 2.0
SILENT_SECONDS = 5.0
ANSWER_SECONDS = 3.0  # to stat, to open, to remove
PUT_SECONDS = 30.0
SLOWEST_BYTES = 100_000  # a second
ENDLESS_SECONDS = 3600.0  # for what tells no length
PULL_SECONDS = 30.0

T = TypeVar("T")


class ObjectError(Exception):
    """Something is wrong with an object or with the store."""


class Missing(ObjectError):
    """There is no such object."""


class StoreAway(ObjectError):
    """The store cannot be reached, does not answer in time, fails, or refuses us."""


class Corrupt(ObjectError):
    """The store gives back something else than it was given."""


@dataclass(frozen=True)
class Stat:
    """What the store says of an object. `etag` changes with the content; it has no quotes."""

    key: str
    size: int
    etag: str
    content_type: str


@dataclass(frozen=True)
class Stored:
    """What was written and read back: bytes, and their SHA-256 in hex."""

    key: str
    size: int
    sha256: str


class Source(Protocol):
    """A file, opened for reading bytes."""

    def read(self, amount: int, /) -> bytes: ...


class OpenObject:
    """An object that is being read."""

    def __init__(self, stat: Stat, read: Callable[[], "asyncio.Future[bytes]"]) -> None:
        self.stat = stat
        self._read = read

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield its bytes. Raises StoreAway when they do not come, or not all of them."""
        while True:
            with _told(self.stat.key):
                async with _within(SILENT_SECONDS):
                    chunk = await self._read()
            if not chunk:
                return
            yield chunk


class Objects:
    """One bucket of an S3 store."""

    def __init__(
        self, endpoint: str, access_key: str, secret_key: str, bucket: str, *, secure: bool = False
    ) -> None:
        self._bucket = bucket
        self._bucket_is_there = False
        self._threads = ThreadPoolExecutor(THREADS, "objects")
        self._http = urllib3.PoolManager(
            maxsize=THREADS,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=SILENT_SECONDS),
            retries=urllib3.Retry(total=1, redirect=0, status=0),  # a connection that was idle
        )
        self._client = Minio(
            endpoint=endpoint,
            access_key=access_key,
            secret_key=secret_key,
            secure=secure,
            http_client=self._http,
        )

    def close(self) -> None:
        """What is under way is left to its own deadlines."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._http.clear()

    async def put(
        self,
        key: str,
        source: Source | AsyncIterable[bytes],
        length: int | None = None,
        content_type: str = "application/octet-stream",
    ) -> Stored:
        """Write an object, read it back, and say what it is. `length` in bytes, None: not known.

        A source that fails ends this with its own error, and nothing is kept. Raises StoreAway,
        Corrupt.
        """
        await self._ensure_bucket()
        counted = _Counted(_pulled(source))
        seconds = ENDLESS_SECONDS if length is None else PUT_SECONDS + length / SLOWEST_BYTES
        try:
            await self._run(key, seconds, lambda: self._put(key, counted, length, content_type))
        except ObjectError:
            if counted.error is not None:
                raise counted.error from None
            raise
        finally:
            counted.stop()
        stored = Stored(key, counted.size, counted.digest.hexdigest())
        if await self._read_back(key) != stored:
            await self.remove(key)
            raise Corrupt(f"{key}: the store gives back something else than it was given")
        return stored

    @asynccontextmanager
    async def open(self, key: str) -> AsyncIterator[OpenObject]:
        """Open an object for reading. Raises Missing, StoreAway."""
        asked = self._threads.submit(
            self._client.get_object, bucket_name=self._bucket, object_name=key
        )
        with _told(key):
            try:
                async with _within(ANSWER_SECONDS):
                    response = await asyncio.wrap_future(asked)
            except BaseException:
                asked.add_done_callback(_close_late)
                raise
        loop = asyncio.get_running_loop()
        try:
            yield OpenObject(
                _stat(key, response.headers),
                lambda: loop.run_in_executor(self._threads, response.read, CHUNK_BYTES),
            )
        finally:
            response.close()

    async def fetch(self, key: str, target: Path) -> None:
        """Write an object into a file. Raises Missing, StoreAway, OSError."""
        async with self.open(key) as found:
            with target.open("wb") as file:
                async for chunk in found.chunks():
                    await asyncio.to_thread(file.write, chunk)

    async def stat(self, key: str) -> Stat:
        """Ask what the object is. Raises Missing, StoreAway."""
        told = await self._run(
            key,
            ANSWER_SECONDS,
            lambda: self._client.stat_object(bucket_name=self._bucket, object_name=key),
        )
        return Stat(key, told.size or 0, told.etag or "", told.content_type or "")

    async def remove(self, key: str) -> None:
        """Delete an object; one that is not there is no error. Raises StoreAway."""
        await self._run(
            key,
            ANSWER_SECONDS,
            lambda: self._client.remove_object(bucket_name=self._bucket, object_name=key),
        )

    async def _ensure_bucket(self) -> None:
        if not self._bucket_is_there:
            await self._run(self._bucket, ANSWER_SECONDS, self._make_bucket)
            self._bucket_is_there = True

    def _make_bucket(self) -> None:
        if not self._client.bucket_exists(bucket_name=self._bucket):
            self._client.make_bucket(bucket_name=self._bucket)

    def _put(self, key: str, source: Any, length: int | None, content_type: str) -> None:
        self._client.put_object(
            bucket_name=self._bucket,
            object_name=key,
            data=source,
            length=-1 if length is None else length,
            part_size=PART_BYTES if length is None else 0,
            num_parallel_uploads=1,
            content_type=content_type,
        )

    async def _read_back(self, key: str) -> Stored:
        digest, size = hashlib.sha256(), 0
        async with self.open(key) as found:
            async for chunk in found.chunks():
                digest.update(chunk)
                size += len(chunk)
        return Stored(key, size, digest.hexdigest())

    async def _run(self, key: str, seconds: float, work: Callable[[], T]) -> T:
        with _told(key):
            async with _within(seconds):
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def new_key(kind: str) -> str:
    """Return a key that nothing has, e.g. prompt/2026/11/<uuid>.wav. `kind` is a word of ours."""
    return f"{kind}/{datetime.now(UTC):%Y/%m}/{uuid4()}.wav"


class _Counted:
    """What minio reads from: counts, hashes, and keeps the error of the source."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._stopped = False
        self.digest = hashlib.sha256()
        self.size = 0
        self.error: Exception | None = None

    def read(self, amount: int) -> bytes:
        if self._stopped:
            raise OSError("given up")
        try:
            data = self._source.read(amount)
        except Exception as error:
            self.error = error
            raise
        self.digest.update(data)
        self.size += len(data)
        return data

    def stop(self) -> None:
        """Let a thread that still reads end."""
        self._stopped = True
        if isinstance(self._source, _Pulled):
            self._source.stop()


class _Pulled:
    """Chunks of the event loop, as a file for a thread."""

    def __init__(self, chunks: AsyncIterable[bytes], loop: asyncio.AbstractEventLoop) -> None:
        self._chunks = aiter(chunks)
        self._loop = loop
        self._rest = b""
        self._waited: Future[bytes] | None = None
        self._stopped = False

    def read(self, amount: int) -> bytes:
        if not self._rest:
            self._waited = asyncio.run_coroutine_threadsafe(self._next(), self._loop)
            if self._stopped:  # while the thread was on its way here
                self._waited.cancel()
            self._rest = self._waited.result()
        data, self._rest = self._rest[:amount], self._rest[amount:]
        return data

    def stop(self) -> None:
        self._stopped = True
        if self._waited is not None:
            self._waited.cancel()

    async def _next(self) -> bytes:
        async with asyncio.timeout(PULL_SECONDS):
            while (chunk := await anext(self._chunks, None)) is not None:
                if chunk:
                    return chunk
        return b""


def _pulled(source: Source | AsyncIterable[bytes]) -> Source:
    if isinstance(source, AsyncIterable):
        return _Pulled(source, asyncio.get_running_loop())
    return source


def _stat(key: str, headers: Any) -> Stat:
    etag = headers.get("ETag", "").strip('"')
    return Stat(key, int(headers.get("Content-Length", 0)), etag, headers.get("Content-Type", ""))


def _close_late(asked: "Future[BaseHTTPResponse]") -> None:
    """An answer that comes when nobody waits any more."""
    if not asked.cancelled() and asked.exception() is None:
        asked.result().close()


@asynccontextmanager
async def _within(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise StoreAway(f"the object store has not answered within {seconds:g} s") from None


@contextmanager
def _told(key: str) -> Iterator[None]:
    try:
        yield
    except S3Error as error:
        if error.code == "NoSuchKey":
            raise Missing(f"the object store has no {key}") from None
        raise StoreAway(f"the object store refuses: {error.code}") from error
    except ValueError as error:
        raise Missing(f"the object store can have no '{key}': {error}") from error
    except (MinioException, HTTPError, OSError) as error:
        raise StoreAway(f"the object store cannot be used: {type(error).__name__}") from error
