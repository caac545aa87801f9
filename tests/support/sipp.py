"""SIPp as a child process: many calls at once, on loopback, bounded in number, rate and time.

async with Sipp("uas_answer", calls=20, local_port=17500) as phones:
    caller = Sipp("uac_call", "127.0.0.1:15060", calls=20, rows=[("1001", "secret", "1002")])
    assert (await caller.run()).failed == 0
"""

import asyncio
import csv
import errno
import signal
import socket
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from .until import TimedOutError, until

SCENARIOS = Path(__file__).parent / "scenarios"
MOST_CALLS = 100_000
MOST_PER_SECOND = 1_000


class Totals(NamedTuple):
    """What SIPp counted over its whole run; `row` holds every column of its statistics."""

    successful: int
    failed: int
    retransmissions: int
    row: dict[str, str]
    errors: str


class Sipp:
    """One SIPp, running one scenario of `scenarios/` or a file given by path.

    With a `server` ("host:port") it makes `calls` at `rate` a second, each held for `hold` seconds,
    and ends; without, it answers until it is asked for its totals or left. `rows` are (number,
    password, more…), taken in turn. It runs for `within` seconds at most.
    """

    def __init__(
        self,
        scenario: str | Path,
        server: str = "",
        *,
        calls: int = 1,
        rate: float = 10,
        hold: float = 0.2,
        rows: Sequence[Sequence[str]] = (),
        transport: str = "udp",
        local_port: int = 0,
        within: float = 60.0,
    ) -> None:
        assert calls <= MOST_CALLS
        assert rate <= MOST_PER_SECOND
        self.scenario = SCENARIOS / f"{scenario}.xml" if isinstance(scenario, str) else scenario
        self.server, self.calls, self.rate, self.hold = server, calls, rate, hold
        self.rows, self.transport, self.within = rows, transport, within
        self.local_port = local_port or free_port()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._child: asyncio.subprocess.Process | None = None

    @property
    def child(self) -> asyncio.subprocess.Process:
        """The running process."""
        assert self._child is not None
        return self._child

    @property
    def folder(self) -> Path:
        """Where it writes."""
        assert self._folder is not None
        return Path(self._folder.name)

    async def run(self) -> Totals:
        """Run to the end and return what was counted."""
        async with self:
            return await self.totals()

    async def __aenter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="sipp-")
        self._child = await asyncio.create_subprocess_exec(
            *self._command(),
            cwd=self._folder.name,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await until(self._is_up, what="SIPp to open its port")
        except BaseException:
            await self.kill()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.kill()

    async def kill(self) -> None:
        """End it at once, and remove what it wrote."""
        assert self._folder is not None
        with suppress(ProcessLookupError):
            self.child.kill()
        await self.child.wait()
        self._folder.cleanup()

    async def totals(self) -> Totals:
        """Wait for the end of the run and read what was counted.

        One that answers takes no new calls then and ends with the last one it has.
        """
        if not self.server:
            self.child.send_signal(signal.SIGUSR1)
        try:
            await asyncio.wait_for(self.child.wait(), self.within)
        except TimeoutError:
            raise TimedOutError(
                f"SIPp ran longer than {self.within:g} s: {self._errors()}"
            ) from None
        return self._read()

    def _command(self) -> list[str]:
        options: dict[str, object] = {
            "-sf": self.scenario,
            "-d": round(self.hold * 1000),
            "-i": "127.0.0.1",
            "-mi": "127.0.0.1",
            "-p": self.local_port,
            "-t": {"udp": "u1", "tcp": "t1"}[self.transport],
            "-stf": "totals.csv",
            "-error_file": "errors.log",
            "-deadcall_wait": 0,
            "-timeout": f"{self.within:g}s",
        }
        if self.rows:
            options["-inf"] = self._write_rows()
        if self.server:
            options |= {"-m": self.calls, "-l": self.calls, "-r": self.rate}
        pairs = [str(part) for pair in options.items() for part in pair]
        target = [self.server] if self.server else []
        return ["sipp", *pairs, "-trace_stat", "-trace_err", "-nostdin", "-aa", *target]

    def _write_rows(self) -> Path:
        path = self.folder / "rows.csv"
        path.write_text("\n".join(["SEQUENTIAL", *(_line(row) for row in self.rows), ""]))
        return path

    def _is_up(self) -> bool:
        ended = self.child.returncode is not None
        assert self.server or not ended, f"SIPp ended with {self.child.returncode}"
        return ended or _is_taken(self.local_port, self.transport)

    def _read(self) -> Totals:
        path = self.folder / "totals.csv"
        assert path.exists(), f"SIPp ended with {self.child.returncode}: {self._errors()}"
        with path.open(newline="") as file:
            row = list(csv.DictReader(file, delimiter=";"))[-1]
        return Totals(
            successful=int(row["SuccessfulCall(C)"]),
            failed=int(row["FailedCall(C)"]),
            retransmissions=int(row["Retransmissions(C)"]),
            row=row,
            errors=self._errors(),
        )

    def _errors(self) -> str:
        path = self.folder / "errors.log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""


def free_port() -> int:
    """A port that is free on loopback now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_taken(port: int, transport: str) -> bool:
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def _line(row: Sequence[str]) -> str:
    number, password, *more = row
    return ";".join([number, f"[authentication username={number} password={password}]", *more])
