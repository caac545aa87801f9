"""One run of calls through a queue: who waited how long, and what a call costs."""

import asyncio
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Any

from tests.support.sipp import Sipp

from . import asks, processes
from .load import PATIENCE_SECONDS, SCENARIOS
from .queue_agents import Agents, Answers, at_once
from .queue_lines import Line
from .queue_wire import Calls, Waits, waits
from .report import quantile
from .session import Session
from .stack import CALLERS, PASSWORD
from .wire import Replies

QUEUED = SCENARIOS / "queued.xml"
PARTS = ("asterisk", "app", "postgres")


@dataclass(frozen=True)
class Load:
    """Callers, `rate` a second for so many `seconds`, but `most` at a time; and their agents."""

    label: str
    rate: int
    seconds: float
    most: int
    talk: tuple[float, float]
    answers: Answers = at_once


@dataclass(frozen=True)
class Run:
    """Calls through a queue. `cpu` are milliseconds, `requests` those of ARI, `statements` by role.

    These are of one call, and so are `invites`, which agents got.
    """

    label: str
    variant: str
    calls: int
    served: int
    waits: Waits
    invites: float
    cpu: Mapping[str, float]
    requests: float
    statements: Mapping[str, float]
    foreign: float

    def __str__(self) -> str:
        cpu = " ".join(f"{part} {cost:.2f}" for part, cost in self.cpu.items())
        freed, arrived = (
            f"{len(seconds)}: {quantile(seconds, 0.5) * 1000:.1f}"
            f" {quantile(seconds, 0.99) * 1000:.1f} ms"
            for seconds in (self.waits.freed, self.waits.arrived)
        )
        return (
            f"{self.variant:10}{self.label:12} served {self.served}/{self.calls}"
            f"  freed {freed}  arrived {arrived}  {cpu} ms/call  foreign {self.foreign:.0%}"
        )


class Crowd(Sipp):
    """Callers who wait in a queue until the agent hangs up."""

    def __init__(self, line: Line, load: Load, server: str) -> None:
        super().__init__(
            QUEUED,
            server,
            calls=round(load.rate * load.seconds),
            rate=load.rate,
            rows=[(caller, PASSWORD, line.dialled) for caller in CALLERS],
            within=load.seconds + load.most + PATIENCE_SECONDS,
        )
        self._load = load

    async def call(self) -> None:
        """Make the calls; return when the last one is over."""
        async with self:
            await asyncio.sleep(self._load.seconds)
            with suppress(ProcessLookupError):
                self.child.send_signal(signal.SIGUSR1)
            await self.totals()

    def _command(self) -> list[str]:
        command = super()._command()
        command[command.index("-l") + 1] = str(self._load.most)
        return command


async def run(session: Session, part: str, line: Line, port: int, load: Load) -> Run:
    """Make calls to agents at a UDP port, print how they went, and keep that."""
    stack, crowd = session.stack, Crowd(line, load, session.stack.sip)
    await session.calm()
    await asks.forget(session)
    async with AsyncExitStack() as watched:
        enter = watched.enter_async_context
        await enter(Agents(port, load.talk, load.answers))
        callers, agents = await enter(Calls(crowd.local_port)), await enter(Calls(port))
        replies = await enter(Replies(stack.ari_port))
        foreign = await enter(processes.foreign_share(stack.supervisor))
        before = processes.now()
        await crowd.call()
        await session.calm()
        after = processes.now()
    arrivals, offers = callers.arrivals(), agents.offers()
    calls = sum(len(one) for one in arrivals.values())
    over = [call for one in arrivals.values() for call in one if call.over]
    done = Run(
        load.label,
        line.variant,
        calls,
        min(len(over), sum(offer.bye > 0 for offer in offers)),
        waits(arrivals, offers),
        len(offers) / calls,
        {part: stack.spent(part, before, after) * 1000 / calls for part in PARTS},
        replies.count() / calls,
        {role: number / calls for role, number in (await asks.statements(session)).items()},
        foreign[0],
    )
    print(f"  {done}", flush=True)
    session.runs.append(_kept(part, done))
    return done


def _kept(part: str, done: Run) -> dict[str, Any]:
    return {
        "part": part,
        "cost": {"foreign": done.foreign, **done.cpu},
        "variant": done.variant,
        "label": done.label,
        "calls": done.calls,
        "served": done.served,
        "requests": done.requests,
        "invites": done.invites,
        "statements": done.statements,
        "freed": done.waits.freed,
        "released": done.waits.released,
        "arrived": done.waits.arrived,
        "welcomed": done.waits.welcomed,
    }
