"""What processes cost, from /proc: CPU seconds and resident memory, ours and everybody else's."""

import os
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Process:
    """`cpu` is in seconds, with that of its dead children in `reaped`; `resident` in bytes."""

    pid: int
    parent: int
    name: str
    cpu: float
    reaped: float
    resident: int


@dataclass(frozen=True, slots=True)
class Moment:
    """All processes of the machine, and the CPU seconds it was busy since its start."""

    processes: Mapping[int, Process]
    busy: float

    def tree(self, root: int) -> set[int]:
        """Return the pids of a process and of all its descendants."""
        found: set[int] = set()
        fresh = {root}
        while fresh:
            found |= fresh
            fresh = {p.pid for p in self.processes.values() if p.parent in fresh} - found
        return found

    def cpu(self, pids: Iterable[int]) -> float:
        known = [self.processes[pid] for pid in pids if pid in self.processes]
        return sum(process.cpu + process.reaped for process in known)

    def named(self, name: str, root: int) -> float:
        """Return the CPU seconds of the living descendants of `root` with this name."""
        tree = self.tree(root)
        return sum(p.cpu for p in self.processes.values() if p.pid in tree and p.name == name)

    def resident(self, pid: int) -> int:
        return self.processes[pid].resident


def now() -> Moment:
    processes = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (process := _process(folder)):
            processes[process.pid] = process
    return Moment(processes, _busy())


def forget_peak(pid: int) -> int:
    """Begin anew to look for the most memory; return the resident memory of now, in kB."""
    (Path("/proc") / str(pid) / "clear_refs").write_text("5")
    return peak(pid)


def peak(pid: int) -> int:
    """Return the most memory that was resident since then, in kB."""
    lines = (Path("/proc") / str(pid) / "status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def _process(folder: Path) -> Process | None:
    try:
        before, _, rest = (folder / "stat").read_text().rpartition(")")
    except (FileNotFoundError, ProcessLookupError):
        return None
    field = rest.split()  # from the state, field 3 of proc_pid_stat(5)
    own, reaped = int(field[11]) + int(field[12]), int(field[13]) + int(field[14])
    return Process(
        pid=int(folder.name),
        parent=int(field[1]),
        name=before.partition("(")[2],
        cpu=own / TICKS,
        reaped=reaped / TICKS,
        resident=int(field[21]) * PAGE,
    )


def _busy() -> float:
    """User, nice and system time of all processors; interrupts belong to nobody."""
    user, nice, system = Path("/proc/stat").read_text().splitlines()[0].split()[1:4]
    return (int(user) + int(nice) + int(system)) / TICKS


@asynccontextmanager
async def foreign_share(supervisor: int) -> AsyncIterator[list[float]]:
    """After the block, the list holds the share of the machine that others took meanwhile."""
    share: list[float] = []
    before, started = now(), time.monotonic()
    yield share
    after, wall = now(), time.monotonic() - started
    share.append(foreign(before, after, [os.getpid(), supervisor], wall))


def foreign(before: Moment, after: Moment, ours: Iterable[int], wall: float) -> float:
    """Return the share of the machine taken by processes outside of these trees."""
    spent = sum(after.cpu(after.tree(root)) - before.cpu(before.tree(root)) for root in ours)
    return round(max(after.busy - before.busy - spent, 0.0) / wall / (os.cpu_count() or 1), 3)
