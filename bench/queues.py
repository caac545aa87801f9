"""Queues beside Queue(): from a free agent to the INVITE, what a call costs, and what waiting costs.

Agents answer at once, talk, and hang up; there is no wrap-up and nothing is announced.
"""

import asyncio
import signal
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from statistics import mean
from typing import Any

from tests.support.sipp import Sipp, free_port
from tests.support.until import until

from . import asks, lines, processes
from .agents import Agents, Answers, at_once
from .lines import LINES, Line
from .load import PATIENCE_SECONDS, SCENARIO, SCENARIOS
from .queue_wire import Calls, Offer, Waits, waits
from .report import Figure, quantile, spread
from .session import Session
from .stack import CALLEES, CALLERS, PASSWORD
from .wire import Replies, Wire

PART = "queues"
PARTS = ("asterisk", "app", "postgres")
QUEUED = SCENARIOS / "queued.xml"
SHARE = 0.6  # of the length of a run, where there are many

FEW = CALLEES[:10]
WAITING = (1, 20, 50)
CALLS_TALK = (0.2, 1.0)
ARRIVE_PER_SECOND = 100
MEDIAN_MS, P99_MS = 10, 50

RATES = (20, 40)
RATES_TALK = (2.0, 2.0)
WARM_UP = (20, 3.0)

HELD = ((100, 100), (200, 1000))  # who wait, and agents who can take no call
HELD_RATE = 40
SETTLE_SECONDS = 3.0

ALL_ANSWER_SECONDS = 0.1
ALL_TALK = (0.2, 0.2)


class Crowd(Sipp):
    """Callers who wait in a queue until the agent hangs up, `most` at a time."""

    def __init__(self, line: Line, port: int, *, most: int, **options: Any) -> None:
        rows = [(caller, PASSWORD, line.dialled) for caller in CALLERS]
        super().__init__(QUEUED, rows=rows, local_port=port, **options)
        self._most = most

    def _command(self) -> list[str]:
        command = super()._command()
        command[command.index("-l") + 1] = str(self._most)
        return command

    async def stop(self) -> None:
        """Begin no more calls, and return when the last one is over."""
        self.child.send_signal(signal.SIGUSR1)
        await self.totals()


@dataclass(frozen=True)
class Run:
    """Calls through a queue. `cpu` are milliseconds, `requests` those of ARI, `statements` by role.

    All three are of one call, and so are the `invites` that agents got.
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

    @property
    def whole(self) -> float:
        return sum(self.cpu.values())

    def __str__(self) -> str:
        cpu = " ".join(f"{part} {cost:.2f}" for part, cost in self.cpu.items())
        freed, arrived = (
            f"{len(seconds)}: {quantile(seconds, 0.5) * 1000:.1f}"
            f" {quantile(seconds, 0.99) * 1000:.1f} ms"
            for seconds in (self.waits.freed, self.waits.arrived)
        )
        return (
            f"{self.variant:10}{self.label:22} {self.served}/{self.calls} served"
            f"  freed {freed}  arrived {arrived}  {cpu} ms/call  foreign {self.foreign:.0%}"
        )


@dataclass(frozen=True)
class Held:
    """Callers who wait: milliseconds of CPU in a second, by part."""

    variant: str
    waiting: int
    agents: int
    cpu: Mapping[str, float]
    foreign: float

    def __str__(self) -> str:
        cpu = " ".join(f"{part} {cost:.1f}" for part, cost in self.cpu.items())
        return (
            f"{self.variant:10}{self.waiting} wait, {self.agents} agents"
            f"  {cpu} ms/s  foreign {self.foreign:.0%}"
        )


async def measure(session: Session) -> list[Figure]:
    port = free_port()
    async with lines.registered(session.stack, port, session.callees):
        figures = [
            *await _dispatch(session, port),
            *await _rates(session, port),
            *await _ring_all(session, port),
        ]
    for waiting, agents in HELD:
        figures += await _held(session, waiting, agents)
    return figures


# from a free agent to the INVITE


async def _dispatch(session: Session, port: int) -> list[Figure]:
    figures: list[Figure] = []
    seconds = session.options.seconds * SHARE
    async with lines.lines(session.stack, FEW):
        for waiting in WAITING:
            runs = [await _busy(session, port, line, waiting, seconds) for line in LINES]
            figures += _figures_of_dispatch(f"{waiting} waiting", runs)
    return figures


async def _busy(session: Session, port: int, line: Line, waiting: int, seconds: float) -> Run:
    """Keep all agents talking and so many callers waiting."""
    callers, most = free_port(), waiting + len(FEW)
    within = seconds + waiting + PATIENCE_SECONDS
    crowd = Crowd(
        line,
        callers,
        most=most,
        server=session.stack.sip,
        calls=round(ARRIVE_PER_SECOND * seconds),
        rate=ARRIVE_PER_SECOND,
        within=within,
    )
    async with _measured(session, line, f"{waiting} waiting", port, callers, CALLS_TALK) as run:
        async with crowd:
            await asyncio.sleep(seconds)
            await crowd.stop()
    return run[0]


def _figures_of_dispatch(label: str, runs: Sequence[Run]) -> Iterator[Figure]:
    for run in runs:
        mine = run is runs[-1]
        name = f"{run.variant}, {label}: "
        yield from _lost(name, run)
        yield Figure(PART, f"{name}free agents", len(run.waits.freed))
        yield from _spread(f"{name}BYE to INVITE", run.waits.freed, mine)
    native, product = (quantile(run.waits.freed, 0.5) for run in runs)
    yield Figure(PART, f"{label}: BYE to INVITE, median, C to A", product / native, "x")


# what a call costs


async def _rates(session: Session, port: int) -> list[Figure]:
    figures: list[Figure] = []
    async with lines.lines(session.stack, CALLEES):
        for line in LINES:
            await _at(session, port, line, *WARM_UP)
        for rate, order in zip(RATES, (LINES, LINES[::-1]), strict=True):
            runs = [await _at(session, port, line, rate, session.options.seconds) for line in order]
            runs.sort(key=lambda run: run.variant)
            for run in runs:
                figures += _figures_of_rate(run, mine=run is runs[-1])
            ratio = runs[1].whole / runs[0].whole
            name = f"{runs[0].label}: CPU of everything per call, C to A"
            figures.append(Figure(PART, name, ratio, "x", None, 1.0))
    return figures


async def _at(session: Session, port: int, line: Line, rate: int, seconds: float) -> Run:
    callers = free_port()
    crowd = Crowd(
        line,
        callers,
        most=len(CALLERS),
        server=session.stack.sip,
        calls=round(rate * seconds),
        rate=rate,
        within=seconds + PATIENCE_SECONDS,
    )
    async with _measured(session, line, f"{rate}/s", port, callers, RATES_TALK) as run:
        await crowd.run()
    return run[0]


def _figures_of_rate(run: Run, *, mine: bool) -> Iterator[Figure]:
    name = f"{run.variant}, {run.label}: "
    yield from _lost(name, run)
    yield from _spread(f"{name}caller's INVITE to agent's", run.waits.arrived, mine)
    yield from spread(PART, f"{name}200 to INVITE of the agent", run.waits.welcomed)
    yield from _costs(name, run)


# all agents ring


async def _ring_all(session: Session, port: int) -> list[Figure]:
    """One call at a time, for which all ring; one of them answers."""
    figures: list[Figure] = []
    async with lines.lines(session.stack, FEW, lines.RINGS_ALL):
        runs = [await _one_by_one(session, port, line) for line in LINES]
    for run in runs:
        name = f"{run.variant}, all of {len(FEW)} ring: "
        figures += [*_lost(name, run), *_costs(name, run)]
        figures.append(Figure(PART, f"{name}phones that ring per call", run.invites))
    ratio = runs[1].whole / runs[0].whole
    name = f"all of {len(FEW)} ring: CPU of everything per call, C to A"
    return [*figures, Figure(PART, name, ratio, "x", None, 1.0)]


async def _one_by_one(session: Session, port: int, line: Line) -> Run:
    callers, seconds = free_port(), session.options.seconds * SHARE

    def answers(agent: str, caller: str) -> float | None:
        return ALL_ANSWER_SECONDS if agent[-1] == caller[-1] else None

    crowd = Crowd(
        line,
        callers,
        most=1,
        server=session.stack.sip,
        calls=round(ARRIVE_PER_SECOND * seconds),
        rate=ARRIVE_PER_SECOND,
        within=seconds + PATIENCE_SECONDS,
    )
    async with _measured(session, line, "ring_all", port, callers, ALL_TALK, answers) as run:
        async with crowd:
            await asyncio.sleep(seconds)
            await crowd.stop()
    return run[0]


# what all of these have in common


@asynccontextmanager
async def _measured(
    session: Session,
    line: Line,
    label: str,
    port: int,
    callers: int,
    talk: tuple[float, float],
    answers: Answers = at_once,
) -> Any:
    """Measure the calls of the block; the list holds the run after it."""
    stack, run: Any = session.stack, []
    await session.calm()
    await asks.forget(session)
    async with AsyncExitStack() as watched:
        enter = watched.enter_async_context
        await enter(Agents(port, talk, answers))
        of_callers, of_agents = await enter(Calls(callers)), await enter(Calls(port))
        replies = await enter(Replies(stack.ari_port))
        foreign = await enter(processes.foreign_share(stack.supervisor))
        before = processes.now()
        yield run
        await session.calm()
        after = processes.now()
    arrivals, offers = of_callers.arrivals(), of_agents.offers()
    calls = sum(len(one) for one in arrivals.values())
    run.append(
        Run(
            label,
            line.variant,
            calls,
            sum(offer.bye > 0 for offer in offers),
            waits(arrivals, offers),
            len(offers) / calls,
            {part: stack.spent(part, before, after) * 1000 / calls for part in PARTS},
            replies.count() / calls,
            {role: n / calls for role, n in (await asks.statements(session)).items()},
            foreign[0],
        )
    )
