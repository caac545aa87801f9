"""The object store, the real one: what goes in comes out, and what happens when it is away."""

import asyncio
import hashlib
import io
import re
import time
from collections.abc import AsyncIterator

import pytest

from stasis_app.media.objects import (
    ANSWER_SECONDS,
    CHUNK_BYTES,
    PART_BYTES,
    Corrupt,
    Missing,
    Objects,
    StoreAway,
    Stored,
    new_key,
)

from .conftest import Store

SIZES = [1, 1000, CHUNK_BYTES, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES + 12345]


def content(size: int) -> bytes:
    return bytes(range(251)) * (size // 251) + bytes(range(size % 251))


async def read(objects: Objects, key: str) -> bytes:
    async with objects.open(key) as found:
        chunks = [chunk async for chunk in found.chunks()]
    assert found.stat.size == sum(map(len, chunks))
    return b"".join(chunks)


async def in_pieces(data: bytes, size: int = 70_000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]
        await asyncio.sleep(0)
    yield b""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("way", ["file", "chunks", "chunks of known length"])
async def test_what_goes_in_comes_out(objects: Objects, size: int, way: str) -> None:
    data, key = content(size), new_key("other")
    source = io.BytesIO(data) if way == "file" else in_pieces(data)
    stored = await objects.put(key, source, None if way == "chunks" else size, "audio/wav")
    assert stored == Stored(key, size, hashlib.sha256(data).hexdigest())
    assert await read(objects, key) == data
    stat = await objects.stat(key)
    assert (stat.key, stat.size, stat.content_type) == (key, size, "audio/wav")
    await objects.remove(key)


async def test_another_content_has_another_etag(objects: Objects) -> None:
    key = new_key("other")
    await objects.put(key, io.BytesIO(b"one"), 3)
    first = await objects.stat(key)
    await objects.put(key, io.BytesIO(b"two"), 3)
    async with objects.open(key) as found:
        assert found.stat.etag != first.etag
        assert found.stat == await objects.stat(key)
    await objects.remove(key)


async def test_what_is_removed_is_missing(objects: Objects) -> None:
    key = new_key("other")
    await objects.put(key, io.BytesIO(b"x"), 1)
    await objects.remove(key)
    await objects.remove(key)
    with pytest.raises(Missing, match=re.escape(key)):
        await objects.stat(key)
    with pytest.raises(Missing, match=re.escape(key)):
        async with objects.open(key):
            pass


@pytest.mark.parametrize("error", [ValueError("no"), OSError("gone"), TimeoutError("late")])
@pytest.mark.parametrize("after", [0, PART_BYTES + 5])
async def test_a_source_that_fails_leaves_nothing(
    objects: Objects, error: Exception, after: int
) -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield content(after)
        raise error

    key = new_key("other")
    with pytest.raises(type(error), match=str(error)):
        await objects.put(key, failing())
    with pytest.raises(Missing):
        await objects.stat(key)


async def test_a_put_that_is_given_up_leaves_no_task_and_no_object(objects: Objects) -> None:
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield b"beginning"
        begun.set()
        await asyncio.Event().wait()

    key = new_key("other")
    task = asyncio.create_task(objects.put(key, endless()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(Missing):
        await objects.stat(key)


async def test_what_comes_back_differently_is_not_kept(
    objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = objects._client.put_object

    def spoiling(**arguments: object) -> object:
        data = arguments["data"]
        assert hasattr(data, "read")
        data.read(3)
        return put(**{**arguments, "data": io.BytesIO(b"x0z")})  # type: ignore[arg-type]

    monkeypatch.setattr(objects._client, "put_object", spoiling)
    key = new_key("other")
    with pytest.raises(Corrupt, match=re.escape(key)):
        await objects.put(key, io.BytesIO(b"xyz"), 3)
    with pytest.raises(Missing):
        await objects.stat(key)


@pytest.mark.parametrize("key", ["", "x" * 2000])
async def test_what_can_be_no_key(objects: Objects, key: str) -> None:
    with pytest.raises(Missing):
        await objects.stat(key)
    with pytest.raises(Missing):
        async with objects.open(key):
            pass


async def test_a_store_that_refuses(store: Store) -> None:
    objects = store.objects(secret_key="wrong")
    with pytest.raises(StoreAway, match="refuses"):
        await objects.put(new_key("other"), io.BytesIO(b"x"), 1)
    objects.close()


async def test_a_store_that_is_not_there() -> None:
    objects = Objects("127.0.0.1:1", "x", "y", "pbx")
    for work in (objects.stat("x"), objects.remove("x"), objects.put("x", io.BytesIO(b"x"), 1)):
        with pytest.raises(StoreAway, match="cannot be used"):
            await work
    objects.close()


async def test_a_store_that_does_not_answer(store: Store, objects: Objects) -> None:
    key = new_key("other")
    await objects.put(key, io.BytesIO(content(4 * PART_BYTES)), 4 * PART_BYTES)
    async with store.frozen():
        begun = time.monotonic()
        with pytest.raises(StoreAway, match="has not answered"):
            await objects.stat(key)
        assert time.monotonic() - begun < ANSWER_SECONDS + 1
    async with objects.open(key) as found, store.frozen():
        with pytest.raises(StoreAway):
            async for _ in found.chunks():
                pass
    assert len(await read(objects, key)) == 4 * PART_BYTES
    await objects.remove(key)


def test_keys_are_of_our_words_and_never_the_same() -> None:
    keys = {new_key("prompt") for _ in range(100)}
    assert len(keys) == 100
    assert all(re.fullmatch(r"prompt/\d{4}/\d{2}/[0-9a-f-]{36}\.wav", key) for key in keys)
