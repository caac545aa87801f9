"""The process: Asterisk's events, a task per call, the journal's writer, the clocks."""

import asyncio
import contextlib
import gc
import signal

import structlog

from . import health, logs
from .ari.door import Door
from .ari.errors import Replaced
from .ari.inboxes import Inboxes
from .call.exchange import Exchange
from .clocks.housekeeping import keep_house
from .settings import Settings
from .store.directory import Directory
from .store.live_calls import live_calls
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
        exchange = Exchange(self._door, inboxes, self._directory, self._spool.write)
        self._switchboard = Switchboard(exchange, lambda: live_calls(dsn))

    async def run(self, stopping: asyncio.Event) -> None:
        settings = self._settings
        runner = await health.serve(settings.http_host, settings.http_port, self._parts)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._shipper.run(), name="shipper"),
                    group.create_task(self._directory.follow(), name="directory"),
                    group.create_task(keep_house(self._dsn), name="clocks"),
                    group.create_task(self._serve(), name="calls"),
                ]
                await stopping.wait()
                await self._leave()
                for task in tasks:
                    task.cancel()
        finally:
            self._switchboard.stop()
            await runner.cleanup()
            await self._door.close()
            self._spool.close()

    async def _serve(self) -> None:
        """Take calls once the configuration and the open calls can be known."""
        await self._directory.ready.wait()
        await self._shipper.drained()
        gc.freeze()
        await self._door.keep_open(self._switchboard.reconcile)

    async def _leave(self) -> None:
        log.info("leaving", action="leaving", calls=len(self._switchboard.calls))
        self._switchboard.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._shipper.drained()

    def _parts(self) -> dict[str, bool]:
        return {
            "asterisk": self._door.connected.is_set(),
            "postgres": self._directory.connected,
            "journal": not (self._spool.failing or self._shipper.failing),
        }
