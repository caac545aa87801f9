"""Objects go with their rows, and messages when their time is over."""

from collections.abc import Coroutine
from typing import Any

import asyncpg
import pytest

from stasis_app.clocks import retention as clock
from stasis_app.clocks.removals import TABLE, remove_objects
from stasis_app.clocks.retention import keep_retention
from stasis_app.media.objects import Missing, Objects
from stasis_app.store import removals as store_module
from stasis_app.store.directory import Directory
from tests.rules.build import book
from tests.support.until import until

from .fakes import FakeDirectory, running
from .mailboxes import FakeObjects, make_box, make_message, postgres_away

LEFT = "SELECT NOT EXISTS (SELECT FROM object_removals)"


@pytest.fixture(autouse=True)
def _tries_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "BACK_OFF_SECONDS", (0.02, 0.05))
    monkeypatch.setattr(clock, "EVERY_SECONDS", 0.05)


def removing(dsn: str, objects: Objects) -> Coroutine[Any, Any, None]:
    return remove_objects(dsn, objects, FakeDirectory(book()).watch(TABLE))


async def test_a_delete_in_sql_removes_the_object(dsn: str, db: asyncpg.Connection) -> None:
    objects, box = FakeObjects(), await make_box(db)
    for key in ("a", "b", "c"):
        objects.held[key] = b"x"
        await make_message(db, box, key)
    await make_message(db, box, "a")
    async with running(removing(dsn, objects)):
        await db.execute("DELETE FROM voicemail_messages WHERE storage_path = 'b'")
        await until(lambda: db.fetchval(LEFT), 5, "the removal")
        assert sorted(objects.held) == ["a", "c"]
        await db.execute(
            "DELETE FROM voicemail_messages WHERE id IN (SELECT id FROM voicemail_messages"
            " WHERE storage_path = 'a' LIMIT 1)"
        )
        await until(lambda: db.fetchval(LEFT), 5, "the removal")
        assert sorted(objects.held) == ["a", "c"]  # another row has it still
        await db.execute("DELETE FROM voicemail_boxes")
        await until(lambda: not objects.held, 5, "the removal")


async def test_the_real_store(
    dsn: str, db: asyncpg.Connection, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stasis_app.clocks.removals.LOOK_AGAIN_SECONDS", 60)
    directory = Directory(dsn)
    box, key = await make_box(db), "voicemail/2026/11/x.wav"
    await objects.put(key, (await _file(b"content")), 7)
    await make_message(db, box, key)
    async with running(directory.follow()):
        await directory.ready.wait()
        async with running(remove_objects(dsn, objects, directory.watch(TABLE))):
            await db.execute("DELETE FROM voicemail_messages")
            await until(lambda: db.fetchval(LEFT), 5, "the removal")
    with pytest.raises(Missing):
        await objects.stat(key)


async def _file(content: bytes) -> Any:
    async def once() -> Any:
        yield content

    return once()


async def test_the_store_is_away(dsn: str, db: asyncpg.Connection) -> None:
    objects, box = FakeObjects(), await make_box(db)
    objects.away = True
    for place in range(5):
        objects.held[str(place)] = b"x"
        await make_message(db, box, str(place))
    await db.execute("DELETE FROM voicemail_messages")
    tried = "SELECT max(attempts) > 1 AND max(problem) = 'away' FROM object_removals"
    async with running(removing(dsn, objects)):
        await until(lambda: db.fetchval(tried), 5, "some attempts")
        objects.away = False
        await until(lambda: db.fetchval(LEFT), 5, "the removals")
    assert objects.held == {}


async def test_a_path_that_no_store_can_have(
    dsn: str, db: asyncpg.Connection, objects: Objects
) -> None:
    await make_message(db, await make_box(db), "../../etc/passwd")
    await make_message(db, await make_box(db, "1002"), "")
    await db.execute("DELETE FROM voicemail_messages")
    async with running(removing(dsn, objects)):
        await until(lambda: db.fetchval(LEFT), 5, "the removals")


async def test_postgres_is_away(dsn: str, db: asyncpg.Connection) -> None:
    objects, box = FakeObjects(), await make_box(db)
    objects.held["a"] = b"x"
    await make_message(db, box, "a")
    async with running(removing(dsn, objects)):
        async with postgres_away(dsn):
            pass
        admin = await asyncpg.connect(dsn)
        await admin.execute("DELETE FROM voicemail_messages")
        await until(lambda: not objects.held, 5, "the removal")
        await admin.close()


def paths(rows: list[asyncpg.Record]) -> list[str]:
    return [row["storage_path"] for row in rows]


@pytest.mark.parametrize(
    ("settings", "left"),
    [
        ({}, ["new", "saved", "unread"]),
        ({"voicemail.delete_unread": True}, ["new", "saved"]),
        ({"voicemail.trash_days": 3}, ["new", "saved", "trash", "unread"]),
        ({"voicemail.trash_days": 1e9}, ["new", "saved", "trash", "unread"]),
    ],
)
async def test_what_retention_deletes(
    dsn: str, db: asyncpg.Connection, settings: dict[str, Any], left: list[str]
) -> None:
    directory, box = FakeDirectory(book()), await make_box(db)
    directory.book.change_settings(settings)
    for key in ("new", "read", "saved", "trash", "unread"):
        await make_message(db, box, key)
    for key, change in (
        ("read", "delete_at = now(), is_read = TRUE"),
        ("saved", "delete_at = 'infinity', is_read = TRUE"),
        ("trash", "deleted_at = now() - INTERVAL '2 days'"),
        ("unread", "delete_at = now() - INTERVAL '1 day'"),
    ):
        await db.execute(f"UPDATE voicemail_messages SET {change} WHERE storage_path = $1", key)
    messages = "SELECT storage_path FROM voicemail_messages ORDER BY storage_path"
    removals = "SELECT storage_path FROM object_removals ORDER BY storage_path"
    async with running(keep_retention(dsn, directory)):
        await until(lambda: db.fetchval(f"SELECT NOT EXISTS ({messages} OFFSET {len(left)})"))
    assert paths(await db.fetch(messages)) == left
    assert sorted(paths(await db.fetch(removals)) + left) == [
        "new",
        "read",
        "saved",
        "trash",
        "unread",
    ]


async def test_nothing_goes_before_the_settings_are_known(dsn: str, db: asyncpg.Connection) -> None:
    directory = FakeDirectory(book())
    directory.ready.clear()
    await make_message(db, await make_box(db), "a")
    await db.execute("UPDATE voicemail_messages SET deleted_at = now() - INTERVAL '2 days'")
    async with running(keep_retention(dsn, directory)):
        assert await db.fetchval("SELECT count(*) FROM voicemail_messages") == 1
        async with postgres_away(dsn):
            directory.ready.set()
        admin = await asyncpg.connect(dsn)
        gone = "SELECT NOT EXISTS (SELECT FROM voicemail_messages)"
        await until(lambda: admin.fetchval(gone), 5, "the message to go")
        await admin.close()
