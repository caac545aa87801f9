"""Up, down, up again; two at once; files that are wrong."""

import asyncio
import shutil
from pathlib import Path

import asyncpg
import pytest

from stasis_app.store.migrate import MigrationError, find_migrations, migrate, rollback

from . import catalogue
from .catalogue import Catalogue
from .conftest import UTC

BEFORE_PARTITIONS = "20261122100000"


async def snapshot(dsn: str) -> Catalogue:
    db = await asyncpg.connect(dsn, server_settings=UTC)
    try:
        return await catalogue.read_all(db)
    finally:
        await db.close()


def write(folder: Path, name: str, sql: str) -> Path:
    path = folder / name
    path.write_text(sql)
    return path


async def test_each_rollback_restores_what_was_before(empty_dsn: str, tmp_path: Path) -> None:
    migrations = find_migrations()
    await migrate(empty_dsn, tmp_path)
    states = {"0": await snapshot(empty_dsn)}
    for migration in migrations:
        shutil.copy(migration.path, tmp_path)
        shutil.copy(migration.rollback_path, tmp_path)
        assert await migrate(empty_dsn, tmp_path) == [migration.version]
        states[migration.version] = await snapshot(empty_dsn)

    latest, *earlier = reversed(states)
    for version in earlier:
        await rollback(empty_dsn, version)
        assert await snapshot(empty_dsn) == states[version]

    assert await migrate(empty_dsn) == [m.version for m in migrations]
    assert await snapshot(empty_dsn) == states[latest]


async def test_two_at_once(empty_dsn: str) -> None:
    results = await asyncio.gather(migrate(empty_dsn), migrate(empty_dsn))
    assert sorted(results) == [[], [m.version for m in find_migrations()]]


async def test_nothing_to_do(dsn: str) -> None:
    assert await migrate(dsn) == []


async def test_start_makes_partitions(dsn: str, db: asyncpg.Connection) -> None:
    before = await catalogue.read(db)
    newest = max(key.split()[1] for key in before if key.startswith("table cdr_2"))
    await db.execute(f"DROP TABLE {newest}")
    await migrate(dsn)
    assert await catalogue.read(db) == before


async def test_rollback_keeps_call_detail_records(dsn: str, db: asyncpg.Connection) -> None:
    insert = """
        INSERT INTO cdr (call_id, direction, caller_number, callee_number, initiated_at, ended_at)
        SELECT gen_random_uuid(), 'internal', '1001', '1002', at, at
        FROM unnest(ARRAY[now(), '2001-01-01', '2025-11-15']::timestamptz[]) AS at"""
    await db.execute(insert)
    before = await catalogue.read(db)
    await rollback(dsn, BEFORE_PARTITIONS)
    assert await db.fetchval("SELECT count(*) FROM cdr") == 3
    await migrate(dsn)
    assert await db.fetchval("SELECT count(*) FROM cdr") == 3
    assert await catalogue.read(db) == before


async def test_error_names_file_and_line(empty_dsn: str, tmp_path: Path) -> None:
    write(tmp_path, "1_good.sql", "CREATE TABLE good ();")
    broken = write(tmp_path, "2_broken.sql", "CREATE TABLE half ();\n\nCREATE TABEL other ();")
    with pytest.raises(MigrationError, match=f"{broken}:3: syntax error"):
        await migrate(empty_dsn, tmp_path)
    tables = {key for key in await snapshot(empty_dsn) if key.startswith("table ")}
    assert tables == {"table good"}


async def test_error_without_position_names_file(empty_dsn: str, tmp_path: Path) -> None:
    broken = write(tmp_path, "1_broken.sql", "DO $$ BEGIN RAISE 'no such luck'; END $$")
    with pytest.raises(MigrationError, match=f"{broken}: no such luck"):
        await migrate(empty_dsn, tmp_path)


async def test_changed_file_is_refused(empty_dsn: str, tmp_path: Path) -> None:
    path = write(tmp_path, "1_first.sql", "CREATE TABLE first ();")
    await migrate(empty_dsn, tmp_path)
    path.write_text("CREATE TABLE first (id INT);")
    with pytest.raises(MigrationError, match=f"{path} was changed"):
        await migrate(empty_dsn, tmp_path)


async def test_missing_rollback_is_refused(empty_dsn: str, tmp_path: Path) -> None:
    write(tmp_path, "1_first.sql", "CREATE TABLE first ();")
    await migrate(empty_dsn, tmp_path)
    with pytest.raises(MigrationError, match=r"1_first\.rollback\.sql is missing"):
        await rollback(empty_dsn, "0", tmp_path)


@pytest.mark.parametrize(("down_to", "message"), [("2", "not a version"), ("0", "no file")])
async def test_unknown_versions(empty_dsn: str, tmp_path: Path, down_to: str, message: str) -> None:
    path = write(tmp_path, "1_first.sql", "CREATE TABLE first ();")
    await migrate(empty_dsn, tmp_path)
    path.unlink()
    with pytest.raises(MigrationError, match=message):
        await rollback(empty_dsn, down_to, tmp_path)


def test_every_migration_has_a_rollback() -> None:
    assert [m.path for m in find_migrations() if not m.rollback_path.is_file()] == []
