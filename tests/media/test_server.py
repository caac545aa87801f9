"""What Asterisk gets when it fetches audio from the app."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from stasis_app.media import library as library_module
from stasis_app.media.audio import RATE, convert
from stasis_app.media.library import Library
from stasis_app.media.objects import Missing, Objects, StoreAway, new_key
from stasis_app.media.server import CONTENT_SECONDS, PATH_SECONDS, MediaServer
from stasis_app.media.wav import played_as
from stasis_app.store.media_files import NewFile, add
from tests.migrations.conftest import Server
from tests.support.until import until

from .conftest import MakeFile, Store

BASE = "http://pbx.example"
WIDE = "audio/x-wav;codec=pcm;bit=16;rate=16000"
PATH = "SELECT media_path(id, url_token, storage_path) FROM media_files WHERE id = $1"


class World:
    """An app that serves media files, with a row and an object."""

    def __init__(
        self, http: "TestClient[web.Request, web.Application]", library: Library, objects: Objects
    ) -> None:
        self.http, self.library, self.objects = http, library, objects
        self.key = new_key("prompt")
        self.identity = UUID(int=0)

    async def put(self, content: bytes) -> None:
        async def once() -> AsyncIterator[bytes]:
            yield content

        await self.objects.put(self.key, once(), len(content))

    async def url(self) -> str:
        """The path of the address that holds a mark of the content."""
        return (await self.library.url(self.identity)).removeprefix(BASE)

    async def get(self, path: str, etag: str = "", method: str = "GET") -> ClientResponse:
        headers = {"If-None-Match": etag} if etag else {}
        answer = await self.http.request(method, path, headers=headers)
        await answer.read()
        return answer


@pytest.fixture
async def world(dsn: str, store: Store, wav: bytes) -> AsyncIterator[World]:
    objects = store.objects()
    library = Library(dsn, objects, BASE)
    application = web.Application()
    application.add_routes(MediaServer(library).routes())
    async with TestClient(TestServer(application)) as http:
        world = World(http, library, objects)
        row = NewFile("Welcome", "prompt", world.key, 2, len(wav), "wav", RATE)
        world.identity = await add(dsn, row)
        await world.put(wav)
        yield world
        await objects.remove(world.key)
    library.close()


@pytest.fixture
def wav(make_file: MakeFile, tmp_path: Path) -> bytes:
    convert(make_file(), tmp_path / "out.wav")
    return (tmp_path / "out.wav").read_bytes()


@pytest.mark.parametrize("of", ["content", "path"])
async def test_it_is_fetched_once_and_then_asked_about(
    world: World, db: asyncpg.Connection, wav: bytes, of: str
) -> None:
    url = await world.url() if of == "content" else await db.fetchval(PATH, world.identity)
    lasting = f"private, max-age={CONTENT_SECONDS if of == 'content' else PATH_SECONDS}"
    answer = await world.get(url)
    assert (answer.status, await answer.read()) == (200, wav)
    assert answer.headers["Content-Type"] == WIDE
    assert answer.headers["Content-Length"] == str(len(wav))
    assert answer.headers["Cache-Control"] == lasting

    etag = answer.headers["ETag"]
    for method in ("GET", "HEAD"):  # res_http_media_cache asks with HEAD
        answer = await world.get(url, etag, method)
        assert (answer.status, answer.headers["Cache-Control"]) == (304, lasting)
    answer = await world.get(url, '"another"', "HEAD")
    assert (answer.status, answer.headers["ETag"]) == (200, etag)
    assert answer.headers["Content-Length"] == str(len(wav))


async def test_another_content_is_another_address(
    world: World, db: asyncpg.Connection, wav: bytes
) -> None:
    old, by_path = await world.url(), await db.fetchval(PATH, world.identity)
    etag = (await world.get(by_path)).headers["ETag"]
    await world.put(wav + b"\0\0")
    assert (await world.get(old)).status == 404
    assert (await world.get(old, etag, "HEAD")).status == 404
    assert await world.url() != old
    assert await (await world.get(await world.url())).read() == wav + b"\0\0"
    assert (await world.get(by_path, etag, "HEAD")).status == 200


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE media_files SET storage_path = 'prompt/none.wav'",
        "UPDATE media_files SET url_token = gen_random_uuid()",
        "DELETE FROM media_files",
    ],
)
async def test_a_changed_row_ends_the_old_addresses(
    world: World, db: asyncpg.Connection, change: str
) -> None:
    urls = [await world.url(), await db.fetchval(PATH, world.identity)]
    assert [(await world.get(url)).status for url in urls] == [200, 200]
    await db.execute(change)
    assert [(await world.get(url)).status for url in urls] == [404, 404]


async def test_a_missing_object_is_told_before_it_is_played(world: World) -> None:
    url = await world.url()
    await world.objects.remove(world.key)
    with pytest.raises(Missing):
        await world.url()
    with pytest.raises(Missing):
        await world.library.url(uuid4())
    assert (await world.get(url)).status == 404


async def test_nobody_guesses_an_address(world: World) -> None:
    _, media, identity, token, mark = (await world.url()).split("/")
    for wrong in (
        f"/{media}/{uuid4()}/{token}/{mark}",
        f"/{media}/{identity}/{'0' * 32}/{mark}",
        f"/{media}/{identity}/{token[:-1]}/{mark}",
        f"/{media}/{identity}/{token}/{mark[:-1]}",
        f"/{media}/{identity}/%C3%A4/{mark}",
        f"/{media}/none/{token}/{mark}",
    ):
        assert (await world.get(wrong)).status == 404, wrong


@pytest.mark.parametrize(
    ("kind", "rate", "content_type"),
    [("WAV", 8000, "audio/x-wav"), ("WAV", 48000, WIDE), ("MP3", 44100, WIDE), ("OGG", 8000, WIDE)],
)
async def test_an_object_that_somebody_else_has_put_there(
    world: World, make_file: MakeFile, kind: str, rate: int, content_type: str
) -> None:
    content = make_file(kind, None, rate).read_bytes()
    await world.put(content)
    answer = await world.get(await world.url())
    body = await answer.read()
    assert (answer.status, answer.headers["Content-Type"]) == (200, content_type)
    assert played_as(body) == content_type
    assert (body == content) == (content_type == "audio/x-wav")
    assert answer.headers["Content-Length"] == str(len(body))


@pytest.mark.parametrize("content", [b"hello" * 2000, b"x"])
async def test_an_object_that_is_no_audio(world: World, content: bytes) -> None:
    await world.put(content)
    assert (await world.get(await world.url())).status == 415


async def test_the_store_is_away(
    world: World, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library_module, "AWAY_SECONDS", 0.5)
    url = await world.url()
    etag = (await world.get(url)).headers["ETag"]
    async with store.frozen():
        assert (await world.get(url)).status == 503
        answers = await asyncio.gather(*(world.get(url) for _ in range(20)))  # none waits again
        assert {answer.status for answer in answers} == {503}
        assert (await world.get(url, etag, "HEAD")).status == 304  # a copy is better than silence
        assert await world.url() == url

    async def served() -> bool:
        return (await world.get(url)).status == 200

    await until(served, 5, "the store to be asked again")


async def test_the_store_is_away_and_nothing_is_known(dsn: str) -> None:
    library = Library(dsn, Objects("127.0.0.1:1", "x", "y", "pbx"), BASE)
    row = NewFile("Welcome", "prompt", new_key("prompt"), 2, 1, "wav", RATE)
    with pytest.raises(StoreAway):
        await library.url(await add(dsn, row))
    library.close()


async def test_a_store_that_fails_in_the_middle_breaks_the_connection(
    world: World, store: Store, wav: bytes
) -> None:
    content = wav + b"\0" * (40 << 20)
    await world.put(content)
    answer = await world.http.get(await world.url())
    assert answer.status == 200
    await answer.content.readexactly(100_000)
    async with store.frozen():
        with pytest.raises(Exception, match=r"payload|closed|reset"):
            await asyncio.wait_for(answer.read(), 15)


async def test_postgres_is_away(world: World, dsn: str, server: Server) -> None:
    url, unknown = await world.url(), f"/media/{uuid4()}/{'0' * 32}/x"
    elsewhere = await asyncpg.connect(server.dsn("postgres"))
    name = dsn.partition("?")[0].rpartition("/")[2]
    await elsewhere.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    await elsewhere.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
    )
    assert (await world.get(url)).status == 200
    assert (await world.get(unknown)).status == 503
    assert await world.url() == url
    await elsewhere.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    await elsewhere.close()
    assert (await world.get(unknown)).status == 404


async def test_asterisk_is_told_where_the_app_is(world: World, db: asyncpg.Connection) -> None:
    for _ in range(2):
        await world.library.keep_published()
    rows = await db.fetch("SELECT base_url FROM media_server")
    assert [row["base_url"] for row in rows] == [BASE]
