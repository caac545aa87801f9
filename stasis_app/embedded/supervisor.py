"""Starts parts, restarts those that die, stops them in reverse order."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from stasis_app.embedded.part import Part, PartFailedError
from stasis_app.embedded.process import Child, Command, run
from stasis_app.embedded.progress import SLOW, Progress

POLL = 0.05  # seconds between two looks at whether a part is ready
BACK_OFF = (0.0, 0.5, 1.0, 2.0, 5.0)  # seconds before a restart, by the deaths in a row
CHORE_SECONDS = 3600.0
STEADY = 30.0  # a part that ran so many seconds begins at BACK_OFF[0] again


class Supervisor:
    """Owns the children. `on_spawn` follows every start, `on_restart` every restart made good."""

    def __init__(
        self,
        logs: Path,
        progress: Progress,
        on_spawn: Callable[[], None] = lambda: None,
        on_restart: Callable[[], None] = lambda: None,
    ) -> None:
        self._logs = logs
        self._progress = progress
        self._on_spawn = on_spawn
        self._on_restart = on_restart
        self._children: dict[Part, Child] = {}  # in the order of their first start
        self._keepers: list[asyncio.Task[None]] = []

    @property
    def children(self) -> dict[str, Child]:
        """The newest child of each part, by the part's name."""
        return {part.name: child for part, child in self._children.items()}

    def log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    async def start(self, *parts: Part) -> None:
        """Start `parts` side by side, watch them from then on. Raises the first PartFailedError."""
        results = await asyncio.gather(*map(self._start, parts), return_exceptions=True)
        for failure in results:
            if failure is not None:
                raise failure
        self._keepers += [asyncio.create_task(self._keep(part)) for part in parts]
        self._keepers += [asyncio.create_task(self._do_chores(part)) for part in parts]

    async def run_step(self, name: str, command: Command) -> None:
        """Run a command to its end. Raises PartFailedError unless it exits with 0."""
        since = time.monotonic()
        if code := await run(command, self.log(name)):
            failure = PartFailedError(name, f"it ended with code {code}", self.log(name))
            self._progress.failed(name, failure.reason, failure.log)
            raise failure
        self._progress.ready(name, since)

    async def stop(self) -> None:
        """End every child, the last started first. Nothing is left running."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        for part, child in reversed(self._children.items()):
            await child.stop(part.stop_signal, part.stop_deadline)

    async def _start(self, part: Part) -> None:
        since = time.monotonic()
        slow = asyncio.get_running_loop().call_later(
            SLOW, self._progress.say, part.name, "starting …"
        )
        try:
            await part.prepare()
            await self._spawn(part)
            await self._until_ready(part)
            await part.provision()
        except PartFailedError as failure:
            self._progress.failed(failure.part, failure.reason, failure.log)
            raise
        finally:
            slow.cancel()
        self._progress.ready(part.name, since)

    async def _spawn(self, part: Part) -> None:
        try:
            child = await Child.spawn(part.command(), self.log(part.name))
        except OSError as error:
            raise self._failed(part, str(error)) from None
        self._children[part] = child
        self._on_spawn()

    async def _until_ready(self, part: Part) -> None:
        child = self._children[part]
        deadline = time.monotonic() + part.start_deadline
        while not await part.is_ready():
            if child.exit_code is not None:
                raise self._failed(part, f"it ended with code {child.exit_code}")
            if time.monotonic() > deadline:
                raise self._failed(part, f"it was not ready after {part.start_deadline:.0f} s")
            await asyncio.sleep(POLL)

    def _failed(self, part: Part, reason: str) -> PartFailedError:
        return PartFailedError(part.name, reason, self.log(part.name))

    async def _keep(self, part: Part) -> None:
        deaths = 0
        while True:
            since = time.monotonic()
            code = await self._children[part].wait()
            if code in part.final_codes:
                self._progress.say(part.name, f"ended with code {code}, and stays so")
                return
            deaths = 0 if time.monotonic() - since > STEADY else deaths
            self._progress.say(part.name, f"ended with code {code}, starting it again")
            await asyncio.sleep(BACK_OFF[min(deaths, len(BACK_OFF) - 1)])
            deaths += 1
            await self._restart(part)

    async def _do_chores(self, part: Part) -> None:
        while True:
            await asyncio.sleep(CHORE_SECONDS)
            child = self._children[part]
            chore = part.chore(child.pid)
            if chore is None:
                return
            if child.exit_code is None and (code := await run(chore, self.log(part.name))):
                self._progress.say(part.name, f"its hourly chore ended with code {code}")

    async def _restart(self, part: Part) -> None:
        since = time.monotonic()
        try:
            await self._spawn(part)
            await self._until_ready(part)
        except PartFailedError as failure:
            self._progress.failed(failure.part, failure.reason, failure.log)
        else:
            self._progress.ready(part.name, since)
        self._on_restart()
