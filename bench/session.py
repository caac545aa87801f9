"""What all parts share: the stack under load, who serves which variant, every raw result so far."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import asyncpg

from tests.support.sipp import Sipp
from tests.support.until import until

from . import load, processes
from .stack import VARIANTS, Stack, Variant, floors, register, running

ANSWER = load.SCENARIOS / "answer.xml"
CALLEE_OFFSET = 999
LONGEST_SECONDS = 7200.0
WARM_UP = (40, 3.0)
CALM_CPU_SECONDS = 0.05
CALM_WITHIN_SECONDS = 120.0


@dataclass(frozen=True)
class Options:
    """What the command line asks for.

    `knee` is C's highest sustained rate as far as it is not measured; `most_setting_up` are the
    values that overload tries, `search_seconds` how long the trunks part looks for the knees,
    `callers` leave a message at once, and half as many are in menus.
    """

    seconds: float
    rates: list[int]
    knee: float
    calls: int
    most_setting_up: list[int]
    search_seconds: float
    callers: int


@dataclass
class Session:
    """`runs` are the raw results; `knee` is the highest rate that C sustains.

    `callees` is the UDP port at which all callees answer.
    """

    stack: Stack
    callees: int
    floors: dict[str, int]
    options: Options
    knee: float
    runs: list[dict[str, Any]]

    def served_by(self, variant: Variant) -> int | None:
        """Return the pid of the application that serves the variant."""
        if variant.floor:
            return self.floors[variant.floor[0]]
        return None if variant.application else self.stack.pid("app")

    async def run(self, variant: Variant, rate: float, seconds: float | None = None) -> load.Result:
        """Make calls, print how they went, and keep that."""
        app = self.served_by(variant)
        result = await load.run(self.stack, variant, app, rate, seconds or self.options.seconds)
        self.runs.append(asdict(result) | {"load": os.getloadavg()[0]})
        print(f"  {result}", flush=True)
        return result

    async def set_number(self, key: str, value: int) -> None:
        """Change a number of `system_settings`; PBX-X is told by Postgres."""
        statement = """
            INSERT INTO system_settings (key, value) VALUES ($1, to_jsonb($2::int))
            ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value"""
        async with self.stack.sql() as connection:
            await connection.execute(statement, key, value)

    async def calm(self) -> None:
        """Return when the stack has digested what was done to it: it rests for a second."""
        spent = self._spent()

        def rests() -> bool:
            nonlocal spent
            before, spent = spent, self._spent()
            return all(spent[part] - before[part] <= CALM_CPU_SECONDS for part in spent)

        await asyncio.sleep(1)
        await until(rests, within=CALM_WITHIN_SECONDS, what="the stack to be calm", every=1)

    def _spent(self) -> dict[str, float]:
        moment = processes.now()
        parts = ("app", "postgres", "asterisk")
        return {part: moment.cpu(moment.tree(self.stack.pid(part))) for part in parts}

    def resident(self, part: str) -> int:
        """Return the resident memory of a part of the stack in kB."""
        return processes.now().resident(self.stack.pid(part)) // 1000

    @asynccontextmanager
    async def superuser(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self.stack.superuser_url)
        try:
            yield connection
        finally:
            await connection.close()


@asynccontextmanager
async def session(
    state: Path, port_base: int, options: Options, runs: list[dict[str, Any]]
) -> AsyncIterator[Session]:
    """A stack with its callees registered and everything warm; raw results go to `runs`."""
    port = port_base + CALLEE_OFFSET
    async with (
        running(state, port_base) as stack,
        floors(stack, VARIANTS) as pids,
        Sipp(ANSWER, local_port=port, within=LONGEST_SECONDS),
    ):
        await register(stack, port)
        opened = Session(stack, port, pids, options, options.knee, runs)
        await opened.calm()
        for variant in VARIANTS:
            await load.run(stack, variant, opened.served_by(variant), *WARM_UP)
        yield opened
