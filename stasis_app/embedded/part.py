"""What the supervisor must know of a server it runs."""

import asyncio
import signal
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

import aiohttp

from stasis_app.embedded.ports import LOOPBACK, Listener
from stasis_app.embedded.process import Command


class PartFailedError(Exception):
    """A part did not start; `log` is where it says why."""

    def __init__(self, part: str, reason: str, log: Path) -> None:
        super().__init__(f"{part} failed: {reason}")
        self.part = part
        self.reason = reason
        self.log = log


class Part(ABC):
    """A server that is one child process."""

    name: str
    stop_signal = signal.SIGTERM
    stop_deadline = 10.0
    start_deadline = 30.0
    final_codes: frozenset[int] = frozenset()  # exit codes after which it is not started again

    def listeners(self) -> Sequence[Listener]:
        """The ports it opens."""
        return ()

    async def prepare(self) -> None:
        """Make what must exist before the first start. Raises PartFailedError."""
        return

    @abstractmethod
    def command(self) -> Command:
        """How to start it."""

    def chore(self, pid: int) -> Command | None:
        """What is run each hour beside the process that it is."""
        return None

    @abstractmethod
    async def is_ready(self) -> bool:
        """Whether it serves now."""

    async def provision(self) -> None:
        """Make what only the running server can make. Raises PartFailedError."""
        return


async def http_ok(url: str, headers: Mapping[str, str] | None = None) -> bool:
    """Whether GET `url` answers 200."""
    timeout = aiohttp.ClientTimeout(total=2)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
            session.get(url) as answer,
        ):
            return answer.status == 200  # noqa: PLR2004
    except (aiohttp.ClientError, TimeoutError, ConnectionError):
        return False


async def greets(port: int, greeting: bytes) -> bool:
    """Whether a server on loopback begins with `greeting`."""
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            try:
                return (await reader.readline()).startswith(greeting)
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
