"""Looks up the hosts of trunks, beside everything else: a name server may take its time."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import structlog

from stasis_app.rules import mirrored
from stasis_app.rules.book import Book

from .keeping import woken

log = structlog.get_logger()

LOOK_AGAIN_SECONDS = 60.0
PATIENCE_SECONDS = 5.0
AT_ONCE = 16

Resolve = Callable[[str], Awaitable[Iterable[str]]]


class Hosts:
    """The addresses of hosts, as they were last found; one that is `lost` keeps those it had.

    `tell` gets an event that is set whenever addresses or lost hosts are others than before.
    `trunks_changed` asks to look at once.
    """

    def __init__(
        self, book: Book, trunks_changed: asyncio.Event, resolve: Resolve | None = None
    ) -> None:
        self._book = book
        self._changed = trunks_changed
        self._told: list[asyncio.Event] = []
        self._threads = ThreadPoolExecutor(AT_ONCE, "hosts")
        self._resolve = resolve or self._ask
        self.addresses: dict[str, tuple[str, ...]] = {}
        self.lost: frozenset[str] = frozenset()

    def tell(self, event: asyncio.Event) -> None:
        self._told.append(event)

    async def follow(self) -> None:
        while True:
            self._changed.clear()
            await self.look_up()
            await woken(self._changed, LOOK_AGAIN_SECONDS)

    async def look_up(self) -> None:
        """Look all hosts up at once. What is found first is told first."""
        hosts = mirrored.host_names(self._book)
        self.addresses = {host: self.addresses[host] for host in hosts & self.addresses.keys()}
        self._lose(self.lost & hosts)
        await asyncio.gather(*(self._look_up(host) for host in hosts))

    async def _look_up(self, host: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                found = tuple(sorted(set(await self._resolve(host))))
        except (OSError, UnicodeError) as error:  # UnicodeError: sip..example.net
            reason = str(error) or "no answer in time"
            log.warning("host not found", action="host_not_found", host=host, error=reason)
            self._lose(self.lost | {host})
            return
        self._lose(self.lost - {host})
        if self.addresses.get(host) != found:
            self.addresses[host] = found
            self._tell()

    def _lose(self, lost: frozenset[str]) -> None:
        if lost != self.lost:
            self.lost = lost
            self._tell()

    def _tell(self) -> None:
        for event in self._told:
            event.set()

    async def _ask(self, host: str) -> list[str]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, _addresses_of, host)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _addresses_of(host: str) -> list[str]:
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)]
