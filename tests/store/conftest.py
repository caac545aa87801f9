"""One Postgres for the store's tests, with a migrated database for each."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from stasis_app.store.migrate import migrate
from stasis_app.store.spool import Spool
from tests.migrations.conftest import Server, started
from tests.store.postgres import embedded_binaries


@dataclass(frozen=True)
class StoppableServer(Server):
    async def resume(self) -> None:
        """Start again after `stop`."""
        data = str(self.folder / "data")
        await self.run("pg_ctl", "restart", "-w", "-D", data, "-l", str(self.folder / "log"))


@pytest.fixture(scope="session")
async def server() -> AsyncIterator[StoppableServer]:
    async with started(StoppableServer, embedded_binaries()) as server:
        yield server


@pytest.fixture(scope="session")
async def migrated(server: Server) -> AsyncIterator[str]:
    """Name of a database with every migration: a template, so nobody connects to it."""
    async with server.database() as name:
        await migrate(server.dsn(name))
        yield name


@pytest.fixture
async def dsn(server: Server, migrated: str) -> AsyncIterator[str]:
    """A migrated database of the test's own."""
    async with server.database(template=migrated) as name:
        yield server.dsn(name)


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn, server_settings={"timezone": "UTC"})
    yield connection
    await connection.close()


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[Spool]:
    spool = Spool(tmp_path / "spool")
    yield spool
    spool.close()
