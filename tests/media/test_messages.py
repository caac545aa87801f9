"""The audio of a message in a mailbox, as Asterisk fetches it."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from stasis_app.media import library as library_module
from stasis_app.media.audio import RATE, convert
from stasis_app.media.library import Library
from stasis_app.media.objects import Missing, Objects, new_key
from stasis_app.media.server import MESSAGE_SECONDS, MediaServer
from stasis_app.store.media_files import NewFile, add

from .conftest import MakeFile, Store

BASE = "http://pbx.example"
MESSAGE = """
WITH extension AS (
    INSERT INTO extensions (number, sip_password, voicemail_enabled)
    VALUES ('1001', 'x', FALSE) RETURNING id),
box AS (
    INSERT INTO voicemail_boxes (extension_id) SELECT id FROM extension RETURNING id)
INSERT INTO voicemail_messages (voicemail_box_id, caller_number, storage_path, duration_seconds)
SELECT id, '1002', $1, 2 FROM box RETURNING id
"""

Client = TestClient[web.Request, web.Application]


class World:
    """An app that serves messages, with a row and an object."""

    def __init__(self, http: Client, library: Library, message: UUID, content: bytes) -> None:
        self.http, self.library = http, library
        self.message, self.content = message, content

    async def path(self) -> str:
        url = await self.library.message_url(self.message)
        assert url.startswith(f"{BASE}/messages/{self.message}/")
        return url.removeprefix(BASE)

    async def status(self, path: str) -> int:
        async with self.http.get(path) as answer:
            return answer.status


@pytest.fixture
async def world(
    dsn: str, db: asyncpg.Connection, store: Store, make_file: MakeFile, tmp_path: Path
) -> AsyncIterator[World]:
    target, key, objects = tmp_path / "out.wav", new_key("voicemail"), store.objects()
    size = convert(make_file(), target).size
    with target.open("rb") as file:
        await objects.put(key, file, size)
    library = Library(dsn, objects, BASE)
    application = web.Application()
    application.add_routes(MediaServer(library).routes())
    async with TestClient(TestServer(application)) as http:
        message = await db.fetchval(MESSAGE, key)
        yield World(http, library, message, target.read_bytes())
        await objects.remove(key)
    library.close()


async def test_a_message_is_fetched_as_media_are(world: World) -> None:
    path = await world.path()
    async with world.http.get(path) as answer:
        assert (answer.status, await answer.read()) == (200, world.content)
        assert answer.headers["Cache-Control"] == f"private, max-age={MESSAGE_SECONDS}"
        etag = answer.headers["ETag"]
    async with world.http.head(path, headers={"If-None-Match": etag}) as answer:
        assert answer.status == 304
    assert (await world.library.message(world.message) or "").startswith(BASE)


async def test_deleted_by_phone_it_can_still_be_heard(world: World, db: asyncpg.Connection) -> None:
    path = await world.path()
    await db.execute("UPDATE voicemail_messages SET deleted_at = now()")
    assert await world.status(path) == 200
    assert await world.status(await world.path()) == 200


async def test_each_playback_has_an_address_of_its_own(world: World) -> None:
    first, second = await world.path(), await world.path()
    assert first != second
    assert first.rpartition("/")[2] == second.rpartition("/")[2]
    assert [await world.status(path) for path in (first, second)] == [200, 200]


async def test_an_address_is_soon_forgotten(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asterisk writes addresses into its log, where they may be read long after."""
    monkeypatch.setattr(library_module, "TOKEN_SECONDS", 0.0)
    old = await world.path()
    monkeypatch.undo()
    assert await world.status(old) == 404
    assert await world.status(await world.path()) == 200
    assert len(world.library._tokens) == 1


async def test_no_more_addresses_than_so_many_are_good(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library_module, "MOST_TOKENS", 2)
    paths = [await world.path() for _ in range(3)]
    assert [await world.status(path) for path in paths] == [404, 200, 200]


async def test_another_app_knows_no_address_of_before(world: World, dsn: str) -> None:
    _, _, _, token, _ = (await world.path()).split("/")
    assert world.library.is_current(world.message, token)
    after = Library(dsn, Objects("127.0.0.1:1", "x", "y", "pbx"), BASE)
    assert not after.is_current(world.message, token)
    after.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE voicemail_messages SET storage_path = 'voicemail/none.wav'",
        "DELETE FROM voicemail_messages",
    ],
)
async def test_a_changed_row_ends_the_old_address(
    world: World, db: asyncpg.Connection, change: str
) -> None:
    path = await world.path()
    await db.execute(change)
    assert await world.status(path) == 404


async def test_nobody_guesses_an_address(world: World, dsn: str, db: asyncpg.Connection) -> None:
    _, messages, identity, token, mark = (await world.path()).split("/")
    row = NewFile("Welcome", "prompt", new_key("prompt"), 2, 1, "wav", RATE)
    media = await add(dsn, row)
    for wrong in (
        f"/{messages}/{uuid4()}/{token}/{mark}",
        f"/{messages}/{identity}/{'0' * 32}/{mark}",
        f"/{messages}/{identity}/{token}/{mark[:-1]}",
        f"/media/{identity}/{token}/{mark}",
        f"/{messages}/{media}/{token}/{mark}",
    ):
        assert await world.status(wrong) == 404, wrong


async def test_a_call_gets_an_address_or_none(world: World, dsn: str) -> None:
    with pytest.raises(Missing):
        await world.library.message_url(uuid4())
    away = Library(dsn, Objects("127.0.0.1:1", "x", "y", "pbx"), BASE)
    nowhere = Library(
        "postgresql://pbx@127.0.0.1:1/pbx", Objects("127.0.0.1:1", "x", "y", "pbx"), BASE
    )
    with capture_logs() as logged:
        assert await world.library.message(uuid4()) is None
        assert await world.library.media(uuid4()) is None
        assert await away.message(world.message) is None
        assert await nowhere.message(world.message) is None
        assert await nowhere.media(world.message) is None
    assert [one["action"] for one in logged].count("media_skipped") == 5
    away.close()
    nowhere.close()
