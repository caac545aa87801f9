"""What it costs in a second that callers wait for agents of whom none can take a call."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.support.sipp import Sipp
from tests.support.until import until

from . import processes
from . import queue_lines as lines
from .load import PATIENCE_SECONDS, SCENARIO
from .queue_lines import LINES, Line
from .queue_run import PARTS
from .report import Figure
from .session import Session
from .stack import CALLERS, PASSWORD
from .wire import Wire

COMPANIES = ((100, 100), (200, 1000))  # callers, agents
RATE = 40
SETTLE_SECONDS = 2.0
SHARE = 0.6
MOST_TO_NATIVE = 1.1  # nearly all of it is the music, which is the same


@dataclass(frozen=True)
class Held:
    """`cpu` are milliseconds in a second."""

    variant: str
    callers: int
    agents: int
    cpu: Mapping[str, float]
    foreign: float

    @property
    def label(self) -> str:
        return f"{self.callers} wait, {self.agents} agents"

    def __str__(self) -> str:
        cpu = " ".join(f"{part} {cost:.1f}" for part, cost in self.cpu.items())
        return f"{self.variant:10}{self.label}  {cpu} ms/s  foreign {self.foreign:.0%}"


async def measure(session: Session, part: str) -> list[Figure]:
    figures: list[Figure] = []
    for callers, agents in COMPANIES:
        async with lines.unstaffed_lines(session.stack, agents):
            held = [await _hold(session, line, callers, agents) for line in LINES]
        session.runs += [_kept(part, one) for one in held]
        figures += _figures(part, held)
    return figures


async def _hold(session: Session, line: Line, callers: int, agents: int) -> Held:
    seconds = session.options.seconds * SHARE
    hold = callers / RATE + SETTLE_SECONDS + seconds
    phones = Sipp(
        SCENARIO,
        session.stack.sip,
        calls=callers,
        rate=RATE,
        hold=hold,
        rows=[(caller, PASSWORD, line.dialled) for caller in CALLERS],
        within=2 * hold + PATIENCE_SECONDS,
    )
    await session.calm()
    async with Wire(phones.local_port) as wire, phones:

        def all_wait() -> bool:
            return sum(call.status == 200 for call in wire.calls().values()) == callers

        await until(all_wait, hold, f"{callers} callers to wait", every=0.5)
        await asyncio.sleep(SETTLE_SECONDS)
        async with processes.foreign_share(session.stack.supervisor) as foreign:
            before, began = processes.now(), time.monotonic()
            await asyncio.sleep(seconds)
            after, wall = processes.now(), time.monotonic() - began
        await phones.totals()
    await session.calm()
    cpu = {part: session.stack.spent(part, before, after) * 1000 / wall for part in PARTS}
    held = Held(line.variant, callers, agents, cpu, foreign[0])
    print(f"  {held}", flush=True)
    return held


def _figures(part: str, held: Sequence[Held]) -> Iterator[Figure]:
    for one in held:
        for process, cost in one.cpu.items():
            if cost:
                name = f"{one.variant}, {one.label}: CPU of {process} in a second"
                yield Figure(part, name, cost, "ms")
    native, product = (sum(one.cpu.values()) for one in held)
    name = f"{held[0].label}: CPU of everything, C to A"
    yield Figure(part, name, product / native, "x", None, MOST_TO_NATIVE)


def _kept(part: str, held: Held) -> dict[str, Any]:
    return {
        "part": part,
        "cost": {"foreign": held.foreign, **held.cpu},
        "variant": held.variant,
        "callers": held.callers,
        "agents": held.agents,
    }
