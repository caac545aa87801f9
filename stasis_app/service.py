"""The process: Asterisk's events, a task per call, the journal's writer, the clocks."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import Awaitable, Callable
from functools import partial

import structlog
from phonenumbers import PhoneMetadata

from . import health, logs
from .ari.door import Door
from .ari.errors import Replaced
from .ari.inboxes import Inboxes
from .ari.manager import Manager
from .call.exchange import Exchange
from .callbacks import Callbacks
from .carriers import Carriers, objects_of
from .clocks.findings import Findings
from .clocks.hosts import Hosts
from .clocks.housekeeping import keep_house
from .clocks.keeping import keep_going
from .clocks.mirror import Mirror
from .clocks.proof import Proof
from .clocks.queue_figures import keep_queue_figures
from .clocks.registrations import Registrations
from .media.library import Library
from .media.server import MediaServer
from .settings import Settings
from .store import callbacks
from .store.agents import Agents
from .store.directory import Directory
from .store.live_calls import live_calls
from .store.mailboxes import Mailboxes
from .store.profiles import set_override
from .store.shipper import Shipper
from .store.spool import Spool
from .switchboard import Switchboard

log = structlog.get_logger()

FLUSH_SECONDS = 2.0
REPLACED_EXIT = 3


async def main(settings: Settings) -> int:
    """Serve calls until SIGTERM or SIGINT; return the exit code (3: another process took our name).

    Leaving ends no call: the next process adopts them.
    """
    logs.configure(settings.log_level, settings.log_format)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    code = 0
    try:
        await Service(settings).run(stopping)
    except* Replaced:
        log.error("another process serves this application", action="replaced")
        code = REPLACED_EXIT
    return code


class Service:
    """The parts of one process, wired together."""

    def __init__(self, settings: Settings) -> None:
        dsn = settings.database_url.get_secret_value()
        self._settings = settings
        self._dsn = dsn
        self._spool = Spool(settings.spool_dir)
        self._directory = Directory(dsn)
        inboxes = Inboxes()
        self._door = Door(
            settings.ari_url,
            settings.ari_username,
            settings.ari_password.get_secret_value(),
            settings.ari_app,
            inboxes,
        )
        self._shipper = Shipper(self._spool, dsn, self._door.connected.is_set)
        self._library = Library(dsn, objects_of(settings), settings.reached_at)
        self._mailboxes = Mailboxes(dsn)
        self._agents = Agents(dsn)
        self._callback_rows = callbacks.Callbacks(dsn)
        exchange = Exchange(
            self._door,
            inboxes,
            self._directory.book,
            self._spool.write,
            partial(set_override, dsn),
            audio=self._library,
            mailboxes=self._mailboxes,
            agents=self._agents,
        )
        self._directory.tell(exchange.floor.changed)
        self._switchboard = Switchboard(exchange, lambda: live_calls(dsn))
        manager = Manager(
            settings.ami_host,
            settings.ami_port,
            settings.ami_username,
            settings.ami_password.get_secret_value(),
        )
        book = self._directory.book
        self._hosts = Hosts(book, self._directory.watch("trunks"))
        self._mirror = Mirror(self._directory, self._door, dsn, self._hosts)
        self._registrations = Registrations(book, manager, dsn, self._mirror.registers_since)
        self._findings = Findings(book, dsn, self._directory.watch(), self._hosts)
        self._callbacks = Callbacks(
            exchange,
            self._callback_rows,
            self._switchboard.start,
            self._directory.watch("queue_callbacks"),
            self._door.connected,
        )
        self._carriers = Carriers(settings, self._directory, self._door)
        self._clocks: dict[str, Callable[[], Awaitable[None]]] = {
            "housekeeping": partial(keep_house, dsn),
            "hosts": self._hosts.follow,
            "mirror": self._mirror.follow,
            "registrations": self._registrations.follow,
            "findings": self._findings.follow,
            "media": self._library.keep_published,
            "callbacks": self._callbacks.follow,
            "proof": Proof(exchange, self._switchboard.calls.keys(), self._agents).follow,
            "queue figures": partial(keep_queue_figures, dsn, self._shipper.drained),
            **self._carriers.clocks,
        }

    async def run(self, stopping: asyncio.Event) -> None:
        settings = self._settings
        routes = MediaServer(self._library).routes()
        runner = await health.serve(settings.http_host, settings.http_port, self._health, routes)
        try:
            async with asyncio.TaskGroup() as group:
                serving = [
                    group.create_task(self._shipper.run(), name="shipper"),
                    group.create_task(self._directory.follow(), name="directory"),
                    group.create_task(self._serve(), name="calls"),
                ]
                clocks = [
                    group.create_task(keep_going(name, clock), name=name)
                    for name, clock in self._clocks.items()
                ]
                await stopping.wait()
                for clock in clocks:
                    clock.cancel()  # before the door is closed, which they would take for a fault
                await self._leave()
                for task in serving:
                    task.cancel()
        finally:
            self._switchboard.stop()
            await runner.cleanup()
            self._hosts.close()
            self._library.close()
            self._mailboxes.close()
            self._agents.close()
            self._callback_rows.close()
            self._carriers.close()
            await self._door.close()
            self._spool.close()

    async def _serve(self) -> None:
        """Take calls once the configuration and the open calls can be known."""
        await self._directory.ready.wait()
        await self._shipper.drained()
        PhoneMetadata.load_all()  # else the first call to each country stalls all others
        gc.freeze()
        await self._door.keep_open(self._connected)

    async def _connected(self) -> None:
        await self._switchboard.reconcile()
        self._mirror.connected()
        self._carriers.lamps.connected()

    async def _leave(self) -> None:
        log.info("leaving", action="leaving", calls=len(self._switchboard.calls))
        self._switchboard.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._shipper.drained()

    def _health(self) -> health.Health:
        parts = {
            "asterisk": self._door.connected.is_set(),
            "postgres": self._directory.connected,
            "journal": not (self._spool.failing or self._shipper.failing),
        }
        configuration = {"read_at": self._directory.read_at, "told_at": self._mirror.told_at}
        return health.Health(parts, configuration, self._carriers.backlog.waiting)
