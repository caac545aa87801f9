"""Brings a database to the schema of sql/migrations, or back.

A migration is `{version}_{description}.sql` with its `.rollback.sql` beside it. Each runs in a
transaction of its own; an advisory lock lets several apps start at once.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

LOCK_KEY = 0x7062782D78  # "pbx-x"

CREATE_LEDGER = """
    CREATE TABLE IF NOT EXISTS schema_migrations (
        version TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        applied_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW(),
        checksum TEXT NOT NULL
    );
    COMMENT ON TABLE schema_migrations IS 'Migrations that this database has; kept by pbx migrate.';
    COMMENT ON COLUMN schema_migrations.version IS 'Leading time stamp of the file name.';
    COMMENT ON COLUMN schema_migrations.name IS 'The rest of the file name.';
    COMMENT ON COLUMN schema_migrations.applied_at IS 'When the migration was applied.';
    COMMENT ON COLUMN schema_migrations.checksum IS 'SHA-256 of the file as it was applied.';
"""


class MigrationError(Exception):
    """A migration failed, is missing, or is no longer the file that was applied."""


@dataclass(frozen=True)
class Migration:
    version: str
    name: str
    path: Path

    @classmethod
    def of(cls, path: Path) -> "Migration":
        version, _, name = path.stem.partition("_")
        return cls(version, name, path)

    @property
    def rollback_path(self) -> Path:
        return self.path.with_suffix(".rollback.sql")

    def checksum(self) -> str:
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def sql_folder() -> Path:
    """The folder sql/ : inside an installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "sql", package.parent / "sql"):
        if (folder / "migrations").is_dir():
            return folder
    raise MigrationError(f"no sql/migrations inside or beside {package}")


def find_migrations(folder: Path | None = None) -> list[Migration]:
    """Every migration of `folder` (default: sql/migrations), oldest first."""
    folder = folder or sql_folder() / "migrations"
    paths = sorted(p for p in folder.glob("*.sql") if not p.name.endswith(".rollback.sql"))
    return [Migration.of(path) for path in paths]


async def migrate(dsn: str, folder: Path | None = None) -> list[str]:
    """Apply what is missing and make the coming CDR partitions; returns the versions applied.

    Raises `MigrationError`, which names the file; what came before it stays applied.
    """
    async with _locked_ledger(dsn) as connection:
        done = await _applied(connection)
        migrations = find_migrations(folder)
        for migration in migrations:
            _check_unchanged(migration, done)
        missing = [m for m in migrations if m.version not in done]
        for migration in missing:
            await _apply(connection, migration)
        await _ensure_partitions(connection)
        return [m.version for m in missing]


async def admit_asterisk(dsn: str, password: str) -> None:
    """Let Asterisk's role log in, with this password and none before it.

    Postgres gets a SCRAM verifier, so that no log of statements can hold the password.
    """
    async with _locked_ledger(dsn) as connection:
        quoted = "SELECT format('ALTER ROLE asterisk LOGIN PASSWORD %L', $1::text)"
        verifier = scram_verifier(password, os.urandom(16))
        await connection.execute(await connection.fetchval(quoted, verifier))


def scram_verifier(password: str, salt: bytes, rounds: int = 4096) -> str:
    """Return what Postgres stores of a password (SCRAM-SHA-256, RFC 5802 and 7677)."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    client = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(part).decode() for part in (salt, client, server)]
    return f"SCRAM-SHA-256${rounds}:{encoded[0]}${encoded[1]}:{encoded[2]}"


async def rollback(dsn: str, down_to: str, folder: Path | None = None) -> list[str]:
    """Undo every migration newer than version `down_to` ("0": all); returns them, newest first.

    Raises `MigrationError`, which names the file; what was undone before it stays undone.
    """
    async with _locked_ledger(dsn) as connection:
        done = await _applied(connection)
        if down_to != "0" and down_to not in done:
            raise MigrationError(f"{down_to} is not a version this database has")
        known = {m.version: m for m in find_migrations(folder)}
        undone = sorted((v for v in done if v > down_to), reverse=True)
        for version in undone:
            if version not in known:
                raise MigrationError(f"no file for version {version}, so it cannot be undone")
            await _undo(connection, known[version])
        return undone


@asynccontextmanager
async def _locked_ledger(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    settings = {"application_name": "pbx migrate", "timezone": "UTC"}
    connection: asyncpg.Connection = await asyncpg.connect(dsn, server_settings=settings)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
        await connection.execute(CREATE_LEDGER)
        yield connection
    finally:
        await connection.close()


async def _applied(connection: asyncpg.Connection) -> dict[str, str]:
    rows = await connection.fetch("SELECT version, checksum FROM schema_migrations")
    return {row["version"]: row["checksum"] for row in rows}


def _check_unchanged(migration: Migration, done: dict[str, str]) -> None:
    if done.get(migration.version, migration.checksum()) != migration.checksum():
        raise MigrationError(f"{migration.path} was changed after it had been applied")


async def _apply(connection: asyncpg.Connection, migration: Migration) -> None:
    async with connection.transaction():
        await _run_file(connection, migration.path)
        await connection.execute(
            "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)",
            migration.version,
            migration.name,
            migration.checksum(),
        )


async def _undo(connection: asyncpg.Connection, migration: Migration) -> None:
    async with connection.transaction():
        await _run_file(connection, migration.rollback_path)
        await connection.execute(
            "DELETE FROM schema_migrations WHERE version = $1", migration.version
        )


async def _run_file(connection: asyncpg.Connection, path: Path) -> None:
    sql = _read(path)
    try:
        await connection.execute(sql)
    except asyncpg.PostgresError as error:
        raise MigrationError(f"{_place(path, sql, error)}: {error}") from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise MigrationError(f"{path} is missing") from error


def _place(path: Path, sql: str, error: asyncpg.PostgresError) -> str:
    """`path`, with the line where Postgres says which character of `sql` it stumbled over."""
    position: str | None = error.position
    return f"{path}:{sql.count(chr(10), 0, int(position) - 1) + 1}" if position else str(path)


async def _ensure_partitions(connection: asyncpg.Connection) -> None:
    if await connection.fetchval("SELECT to_regprocedure('cdr_ensure_partitions(integer)')"):
        await connection.execute("SELECT cdr_ensure_partitions()")
