"""A bucket in the embedded object store, a migrated database, and audio files to try."""

import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import numpy as np
import pytest
import soundfile

from stasis_app.embedded.object_store import ACCESS_KEY, BUCKET, ObjectStore
from stasis_app.embedded.state import StateDir
from stasis_app.embedded.supervisor import Supervisor
from stasis_app.media.objects import Objects
from stasis_app.store.migrate import migrate
from tests.embedded.conftest import free_port_base
from tests.embedded.fakes import Recorder
from tests.migrations.conftest import Server, started
from tests.store.postgres import embedded_binaries
from tests.support.tones import tone
from tests.support.until import until

MakeFile = Callable[..., Path]


@dataclass(frozen=True)
class Store:
    """A running S3 server."""

    part: ObjectStore
    supervisor: Supervisor
    secret_key: str

    def objects(self, secret_key: str = "") -> Objects:
        return Objects(self.part.endpoint, ACCESS_KEY, secret_key or self.secret_key, BUCKET)

    @asynccontextmanager
    async def frozen(self) -> AsyncIterator[None]:
        """Let the server not answer for as long as the block lasts."""
        pid = self.supervisor.children["objects"].pid
        os.kill(pid, signal.SIGSTOP)
        try:
            threads = Path(f"/proc/{pid}/task")
            await until(
                lambda: all(
                    (thread / "stat").read_text().rpartition(")")[2].split()[0] == "T"
                    for thread in threads.iterdir()
                ),
                what="all threads to stop",
            )
            yield
        finally:
            os.kill(pid, signal.SIGCONT)


@pytest.fixture(scope="session")
async def store(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Store]:
    state = StateDir(tmp_path_factory.mktemp("objects"))
    state.create()
    secrets = state.secrets()
    part = ObjectStore(state, free_port_base() + 900, secrets)
    supervisor = Supervisor(state.logs, Recorder())
    try:
        await supervisor.start(part)
        yield Store(part, supervisor, secrets.s3_secret_key)
    finally:
        await supervisor.stop()


@pytest.fixture
async def objects(store: Store) -> AsyncIterator[Objects]:
    objects = store.objects()
    yield objects
    objects.close()


@pytest.fixture(scope="session")
async def server() -> AsyncIterator[Server]:
    async with started(Server, embedded_binaries()) as server:
        yield server


@pytest.fixture(scope="session")
async def migrated(server: Server) -> AsyncIterator[str]:
    async with server.database() as name:
        await migrate(server.dsn(name))
        yield name


@pytest.fixture
async def dsn(server: Server, migrated: str) -> AsyncIterator[str]:
    async with server.database(template=migrated) as name:
        yield server.dsn(name)


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


@pytest.fixture
def make_file(tmp_path: Path) -> MakeFile:
    """Writes a tone of 700 Hz: container, encoding, rate, channels, seconds, level in dB."""

    def make(
        kind: str = "WAV",
        encoding: str | None = None,
        rate: int = 44100,
        channels: int = 1,
        *,
        seconds: float = 2.0,
        level: float = -20.0,
    ) -> Path:
        path = tmp_path / f"source.{kind.lower()}"
        pcm = np.repeat(tone(700, seconds, rate, level)[:, None], channels, axis=1)
        soundfile.write(path, pcm, rate, format=kind, subtype=encoding)
        return path

    return make
