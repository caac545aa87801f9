"""Rows of type moh as Asterisk reads them: with its own role, by name."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from stasis_app.store.media_files import publish
from stasis_app.store.migrate import migrate, rollback

Connection = asyncpg.Connection
Entries = Callable[[str], Awaitable[list[str]]]

INSERT = """
INSERT INTO media_files (name, file_type, storage_path) VALUES ($1, $2, $3) RETURNING id::text"""
BEFORE, MADE = "20261125106000", "20261125110000"


@pytest.fixture
async def asterisk(db: Connection, dsn: str) -> AsyncIterator[Connection]:
    await db.execute("ALTER ROLE asterisk LOGIN")
    connection = await asyncpg.connect(dsn, user="asterisk")
    yield connection
    await connection.close()


@pytest.fixture
async def entries(asterisk: Connection) -> Entries:
    """What res_musiconhold finds: names of objects in order, [] where it finds no class."""

    async def of(name: str) -> list[str]:
        mode = await asterisk.fetchval("SELECT mode FROM musiconhold WHERE name = $1", name)
        rows = await asterisk.fetch(
            "SELECT * FROM musiconhold_entry WHERE position >= '0' AND name = $1", name
        )
        assert bool(rows) == (mode == "playlist")
        assert [row["position"] for row in rows] == list(range(len(rows)))
        return [row["entry"] for row in rows]

    return of


async def set_default(db: Connection, value: Any) -> None:
    query = "UPDATE system_settings SET value = $1::text::jsonb WHERE key = 'media.default_moh'"
    assert await db.execute(query, json.dumps(value)) == "UPDATE 1"


async def suggested(asterisk: Connection) -> set[str]:
    return {row[0] for row in await asterisk.fetch("SELECT moh_suggest FROM ps_endpoints")}


@pytest.fixture
async def rows(db: Connection, dsn: str) -> dict[str, str]:
    """The path in the address of each file, by object; an endpoint of each kind."""
    await publish(dsn, "http://pbx.example:8080")
    await db.execute("INSERT INTO extensions (number, sip_password) VALUES ('1001', 'x')")
    await db.execute(
        "INSERT INTO trunks (name, trunk_type, host) VALUES ('c', 'static', '192.0.2.1')"
    )
    for name, kind, path in (
        ("Violins", "moh", "moh/2"),
        ("Piano", "moh", "moh/1"),
        ("violins ", "moh", "moh/3"),
        ("Violins", "prompt", "prompt/4"),
    ):
        await db.fetchval(INSERT, name, kind, path)
    found = await db.fetch("""
        SELECT storage_path, 'http://pbx.example:8080'
            || media_path(id, url_token, storage_path) AS url FROM media_files""")
    return {row["storage_path"]: row["url"] for row in found}


async def test_each_file_is_a_class(db: Connection, rows: dict[str, str], entries: Entries) -> None:
    for row in await db.fetch("SELECT id::text, file_type, storage_path FROM media_files"):
        is_music = row["file_type"] == "moh"
        assert await entries(row["id"]) == ([rows[row["storage_path"]]] if is_music else [])
    assert await entries("none") == []
    assert all(60 < len(url) < 200 for url in rows.values())  # see media/server.py


@pytest.mark.parametrize(
    ("setting", "held"),
    [
        (None, ["moh/1", "moh/2", "moh/3"]),
        ("Violins", ["moh/2", "moh/3"]),
        (" piano", ["moh/1"]),
        ("Trumpets", []),
        (False, []),
        (["Piano"], []),
        (7, []),
    ],
)
async def test_what_is_heard_on_hold(  # noqa: PLR0917  fixtures
    db: Connection,
    asterisk: Connection,
    rows: dict[str, str],
    entries: Entries,
    setting: Any,
    held: list[str],
) -> None:
    await set_default(db, setting)
    assert await entries("held") == [rows[path] for path in held]
    assert await suggested(asterisk) == {"held" if held else "default"}


@pytest.mark.usefixtures("rows")
async def test_without_the_setting_all_count(
    db: Connection, asterisk: Connection, entries: Entries
) -> None:
    await db.execute("DELETE FROM system_settings WHERE key = 'media.default_moh'")
    assert len(await entries("held")) == 3
    await db.execute("DELETE FROM media_files WHERE file_type = 'moh'")
    assert await entries("held") == []
    assert await suggested(asterisk) == {"default"}


@pytest.mark.usefixtures("rows")
async def test_nothing_is_played_while_nobody_knows_the_address(
    db: Connection, asterisk: Connection, entries: Entries
) -> None:
    await db.execute("DELETE FROM media_server")
    assert await entries("held") == []
    assert await suggested(asterisk) == {"default"}


async def test_another_object_is_another_address(db: Connection, rows: dict[str, str]) -> None:
    await db.execute("UPDATE media_files SET storage_path = 'moh/9' WHERE storage_path = 'moh/1'")
    path = "SELECT media_path(id, url_token, storage_path) FROM media_files WHERE name = 'Piano'"
    assert not rows["moh/1"].endswith(await db.fetchval(path))


@pytest.mark.usefixtures("rows")
async def test_the_address_follows_the_app(db: Connection, dsn: str, entries: Entries) -> None:
    await publish(dsn, "http://elsewhere.example")
    assert {url.split("/media/")[0] for url in await entries("held")} == {
        "http://elsewhere.example"
    }
    assert await db.fetchval("SELECT count(*) FROM media_server") == 1


@pytest.mark.parametrize(
    "statement",
    ["SELECT * FROM media_files", "SELECT * FROM media_server", "SELECT * FROM held_music"],
)
async def test_asterisk_sees_no_more(asterisk: Connection, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asterisk.execute(statement)


async def test_a_rollback_leaves_the_view_as_it_was(db: Connection, dsn: str) -> None:
    definition = "SELECT pg_get_viewdef('ps_endpoints'::regclass)"
    newest = await db.fetchval(definition)
    await rollback(dsn, MADE)
    with_music = await db.fetchval(definition)
    await rollback(dsn, BEFORE)
    before = await db.fetchval(definition)
    assert "held_class()" in with_music
    assert "held_class()" not in before
    assert with_music.replace("held_class()", "'default'::text") == before
    await migrate(dsn)
    assert await db.fetchval(definition) == newest
