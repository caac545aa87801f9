"""Small parts for the supervisor; run as a module, this file is a supervisor of two of them."""

import asyncio
import signal
import sys
from pathlib import Path

from stasis_app.embedded.part import Part
from stasis_app.embedded.process import Command
from stasis_app.embedded.progress import Progress
from stasis_app.embedded.state import StateDir
from stasis_app.embedded.supervisor import Supervisor

SERVER = """
import os, signal, sys
name, journal, ready = sys.argv[1:]
def note(what):
    with open(journal, "a") as file:
        print(what, name, file=file)
def stop(*_):
    note("stop")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
note("start")
open(ready, "w").close()
while True:
    signal.pause()
"""


class FakePart(Part):
    """A process that notes its start and its stop in ROOT/journal."""

    start_deadline = 5.0

    def __init__(self, name: str, root: Path, script: str = SERVER) -> None:
        self.name = name
        self.journal = root / "journal"
        self._ready = root / f"{name}.ready"
        self._script = script

    def command(self) -> Command:
        self._ready.unlink(missing_ok=True)
        arguments = [self.name, str(self.journal), str(self._ready)]
        return Command([sys.executable, "-I", "-S", "-c", self._script, *arguments])

    async def is_ready(self) -> bool:
        return self._ready.exists()


class Recorder(Progress):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, part: str, message: str) -> None:
        self.lines.append(f"{part}: {message}")


async def main(root: Path) -> None:
    """Supervise two parts until SIGTERM, noting everything as `pbx up` does."""
    state = StateDir(root)
    state.create()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)

    def record() -> None:
        state.record({n: c.identity for n, c in supervisor.children.items()})

    supervisor = Supervisor(state.logs, Progress(), record)
    await supervisor.start(FakePart("first", root), FakePart("second", root))
    (root / "up").touch()
    await stop.wait()
    await supervisor.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
