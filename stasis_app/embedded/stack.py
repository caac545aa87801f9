"""One stack: its parts, in which order they start, and the file that describes it."""

import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from stasis_app.embedded import asterisk_root, resources
from stasis_app.embedded.application import Application
from stasis_app.embedded.asterisk import AMI_USERNAME, ARI_USERNAME, Asterisk
from stasis_app.embedded.mail import MailSink
from stasis_app.embedded.object_store import ACCESS_KEY, BUCKET, ObjectStore
from stasis_app.embedded.part import PartFailedError
from stasis_app.embedded.ports import LOOPBACK, Listener, PortPlan, taken
from stasis_app.embedded.postgres import Postgres
from stasis_app.embedded.process import Command
from stasis_app.embedded.progress import Progress, Silent
from stasis_app.embedded.state import StateDir, write_json
from stasis_app.embedded.supervisor import Supervisor
from stasis_app.settings import EmbeddedSettings, load


class PortTakenError(Exception):
    """Another process listens where a part of the stack should."""

    def __init__(self, listeners: list[Listener]) -> None:
        kinds = ", ".join(f"{one.port} ({one.part})" for one in listeners)
        super().__init__(f"Already taken by another process: port {kinds}")


class Stack:
    """A whole exchange below `root`, its ports from `port_base` on.

    `async with Stack(root, 17000).running() as stack: stack.description["sip"]`
    """

    def __init__(
        self,
        root: Path,
        port_base: int = 15000,
        *,
        demo: bool = True,
        progress: Progress | None = None,
    ) -> None:
        environment = load(EmbeddedSettings)
        self.state = StateDir(root)
        self.state.create()
        self.ports = PortPlan.above(port_base, environment.rtp_start, environment.rtp_end)
        self._demo = demo
        self._progress = progress or Silent()
        self._root = asterisk_root.root_below(environment.cache_home.expanduser())
        self._supervisor = Supervisor(self.state.logs, self._progress, self._record, self._describe)
        self._make_parts()

    def _make_parts(self) -> None:
        state, ports, secrets = self.state, self.ports, self.state.secrets()
        self.secrets = secrets
        self.postgres = Postgres(state, ports.postgres, secrets)
        self.objects = ObjectStore(state, ports.s3, secrets)
        self.mail = MailSink(state, ports.smtp)
        self.asterisk = Asterisk(state, ports, secrets, self._root)
        self.app = Application(ports.app, self.app_variables())

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Stack"]:
        """Start everything, stop it at the end.

        Raises AlreadyRunningError, PortTakenError or PartFailedError; then nothing is left running.
        """
        with self.state.locked():
            self.state.clear()
            self._check_ports()
            try:
                await self._start()
                yield self
            finally:
                self.state.stack_file.unlink(missing_ok=True)
                await self._supervisor.stop()
                self.state.clear()

    def _check_ports(self) -> None:
        parts = (self.postgres, self.objects, self.mail, self.asterisk, self.app)
        if listeners := taken(one for part in parts for one in part.listeners()):
            raise PortTakenError(listeners)

    async def _start(self) -> None:
        self._record()
        await self._ensure_asterisk_root()
        await self._supervisor.start(self.postgres, self.objects, self.mail)
        await self._supervisor.run_step("migrate", self._migrate())
        await self._load_demo()
        await self._supervisor.start(self.asterisk)
        await self._supervisor.start(self.app)
        self._describe()

    async def _ensure_asterisk_root(self) -> None:
        name = asterisk_root.NAME
        since = time.monotonic()
        try:
            await self.asterisk.check_privileges()
            if self._root.exists():
                return
            self._progress.say(name, "fetching Asterisk, once on this machine: half a minute or so")
            await asterisk_root.build(self._root, self.state.log(name))
        except PartFailedError as failure:
            self._progress.failed(failure.part, failure.reason, failure.log)
            raise
        self._progress.ready(name, since)

    def _migrate(self) -> Command:
        variables = {
            "PBX_DATABASE_URL": self.postgres.dsn,
            "PBX_ASTERISK_DB_PASSWORD": self.secrets.asterisk_db_password,
        }
        return Command([sys.executable, "-m", "stasis_app", "migrate"], variables)

    async def _load_demo(self) -> None:
        if self._demo and self.postgres.demo_pending.exists():
            client = self.postgres.client()
            script = ["--single-transaction", "--file", str(resources.demo_company())]
            await self._supervisor.run_step(
                "demo", Command([*client.argv, *script], client.environment)
            )
        self.postgres.demo_pending.unlink(missing_ok=True)

    def app_variables(self) -> dict[str, str]:
        """The environment of the app."""
        secrets, ports = self.secrets, self.ports
        return {
            "PBX_DATABASE_URL": self.postgres.dsn,
            "PBX_ARI_URL": self.asterisk.ari_url,
            "PBX_ARI_USERNAME": ARI_USERNAME,
            "PBX_ARI_PASSWORD": secrets.ari_password,
            "PBX_AMI_HOST": LOOPBACK,
            "PBX_AMI_PORT": str(ports.ami),
            "PBX_AMI_USERNAME": AMI_USERNAME,
            "PBX_AMI_PASSWORD": secrets.ami_password,
            "PBX_HTTP_HOST": LOOPBACK,
            "PBX_HTTP_PORT": str(ports.app),
            "PBX_SPOOL_DIR": str(self.state.root / "spool"),
            "PBX_S3_ENDPOINT": self.objects.endpoint,
            "PBX_S3_ACCESS_KEY": ACCESS_KEY,
            "PBX_S3_SECRET_KEY": secrets.s3_secret_key,
            "PBX_S3_BUCKET": BUCKET,
            "PBX_SMTP_HOST": LOOPBACK,
            "PBX_SMTP_PORT": str(ports.smtp),
        }

    @property
    def description(self) -> dict[str, Any]:
        """stack.json: how to reach every part."""
        pid = {name: child.pid for name, child in self._supervisor.children.items()}
        return {
            "sip": f"{LOOPBACK}:{self.ports.sip}",
            "ari": {
                "url": self.asterisk.ari_url,
                "username": ARI_USERNAME,
                "password": self.secrets.ari_password,
            },
            "database_url": self.postgres.dsn,
            "s3": {
                "endpoint": self.objects.endpoint,
                "access_key": ACCESS_KEY,
                "secret_key": self.secrets.s3_secret_key,
                "bucket": BUCKET,
            },
            "smtp": {
                "host": LOOPBACK,
                "port": self.ports.smtp,
                "maildir": str(self.mail.maildir),
            },
            "http": self.app.url,
            "asterisk": {"pid": pid["asterisk"], "cli": self.asterisk.cli(pid["asterisk"])},
            "app": {"pid": pid["app"]},
        }

    def _record(self) -> None:
        children = self._supervisor.children
        self.state.record({name: child.identity for name, child in children.items()})

    def _describe(self) -> None:
        write_json(self.state.stack_file, self.description)
