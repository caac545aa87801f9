"""Child processes that end with their supervisor, and processes known by pid and start time."""

import asyncio
import ctypes
import os
import select
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from stasis_app.settings import child_environment

PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Command:
    """What to execute; `environment` is added to this process's own."""

    argv: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    death_signal: signal.Signals = signal.SIGKILL  # sent by the kernel when the supervisor dies


class Child:
    """A running command, leader of its own session so that Ctrl-C reaches the supervisor alone."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.identity = ProcessId.of(process.pid)

    @classmethod
    async def spawn(cls, command: Command, log: Path) -> "Child":
        """Start `command`; stdout and stderr are appended to `log`."""
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *command.argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=child_environment(**command.environment),
                start_new_session=True,
                preexec_fn=_dies_with_parent(command.death_signal),
            )
        return cls(process)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the number of the signal that ended it."""
        return self._process.returncode

    async def wait(self) -> int:
        return await self._process.wait()

    async def stop(self, how: signal.Signals, deadline: float) -> None:
        """Send `how`; after `deadline` seconds SIGKILL to the child's whole session."""
        if self.exit_code is None:
            self._process.send_signal(how)
        try:
            await asyncio.wait_for(self.wait(), deadline)
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            await self.wait()


async def run(command: Command, log: Path) -> int:
    """Run `command` to its end; gives its exit code. Cancelled, it ends the command first."""
    child = await Child.spawn(command, log)
    try:
        return await child.wait()
    finally:
        await child.stop(signal.SIGTERM, deadline=10)


def _dies_with_parent(death_signal: signal.Signals) -> Callable[[], None]:
    supervisor = os.getpid()

    def before_exec() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != supervisor:  # it died before the line above
            os._exit(1)

    return before_exec


@dataclass(frozen=True)
class ProcessId:
    """A pid with the start time (clock ticks since boot) that tells it from a later reuse."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> "ProcessId":
        return cls(pid, _start_time(pid) or 0)

    def is_alive(self) -> bool:
        return _start_time(self.pid) == self.started

    def end(self, how: signal.Signals | None, deadline: float) -> bool:
        """Send `how` (None: nothing) and wait; whether it was gone within `deadline` seconds."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        try:
            if not self.is_alive():
                return True
            if how is not None:
                signal.pidfd_send_signal(descriptor, how)
            return bool(select.select([descriptor], [], [], deadline)[0])
        finally:
            os.close(descriptor)


def _start_time(pid: int) -> int | None:
    """Field 22 of /proc/PID/stat (proc_pid_stat(5)); None if the process is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *rest = stat.rpartition(")")[2].split()  # the name before it may hold anything
    return None if state == "Z" else int(rest[18])
