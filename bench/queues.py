"""Queues beside Queue(): how soon agents ring, and what calls and waiting cost.

Agents answer at once, talk, and hang up; there is no wrap-up, and nothing is announced. Before
Queue() comes Answer(), as callers shall hear music: it waits half a second for their audio.
"""

from collections.abc import Iterator, Sequence

from tests.support.sipp import free_port

from . import queue_lines as lines
from . import queue_waiting as waiting
from .queue_lines import LINES
from .queue_run import PARTS, Load, Run, run
from .report import Figure, quantile, spread
from .session import Session
from .stack import CALLEES, CALLERS

PART = "queues"
SHARE = 0.6  # of the length of a run, where there are many

FEW = CALLEES[:10]
WAITING = (1, 20, 50)
ARRIVE_PER_SECOND = 100  # as soon as there is room
SHORT_TALK = (0.2, 1.0)
MEDIAN_MS, P99_MS = 10, 50

RATES = (20, 40)
TALK = (2.0, 2.0)
WARM_UP_SECONDS = 3.0

RINGS_SECONDS = 0.1
SHORTEST_TALK = (0.1, 0.1)


async def measure(session: Session) -> list[Figure]:
    port = free_port()
    async with lines.registered(session.stack, port, session.callees):
        figures = [
            *await _dispatch(session, port),
            *await _rates(session, port),
            *await _ring_all(session, port),
        ]
    return [*figures, *await waiting.measure(session, PART)]


async def _dispatch(session: Session, port: int) -> list[Figure]:
    """Keep all agents talking, and so many callers waiting."""
    figures: list[Figure] = []
    seconds = session.options.seconds * SHARE
    async with lines.lines(session.stack, FEW):
        for callers in WAITING:
            most = callers + len(FEW)
            load = Load(f"{callers} waiting", ARRIVE_PER_SECOND, seconds, most, SHORT_TALK)
            runs = [await run(session, PART, line, port, load) for line in LINES]
            figures += _figures_of_dispatch(load.label, runs)
    return figures


def _figures_of_dispatch(label: str, runs: Sequence[Run]) -> Iterator[Figure]:
    for one in runs:
        is_product = one is runs[-1]
        name = f"{one.variant}, {label}: "
        yield _unserved(name, one, is_product)
        yield Figure(PART, f"{name}agents who became free", len(one.waits.freed))
        yield from _spread(f"{name}BYE to INVITE", one.waits.freed, is_product)
        yield from spread(PART, f"{name}200 to INVITE", one.waits.released)
    native, product = (quantile(one.waits.freed, 0.5) for one in runs)
    yield Figure(PART, f"{label}: BYE to INVITE, median, C to A", product / native, "x")


async def _rates(session: Session, port: int) -> list[Figure]:
    """Let callers come while agents are free."""
    figures: list[Figure] = []
    async with lines.lines(session.stack, CALLEES):
        warm_up = Load("warm-up", RATES[0], WARM_UP_SECONDS, len(CALLERS), TALK)
        for line in LINES:
            await run(session, PART, line, port, warm_up)
        for rate in RATES:
            load = Load(f"{rate}/s", rate, session.options.seconds, len(CALLERS), TALK)
            runs = [await run(session, PART, line, port, load) for line in LINES]
            for one in runs:
                figures += _figures_of_rate(one, is_product=one is runs[-1])
            figures.append(_ratio(runs))
    return figures


def _figures_of_rate(one: Run, *, is_product: bool) -> Iterator[Figure]:
    name = f"{one.variant}, {one.label}: "
    yield _unserved(name, one, is_product)
    yield Figure(PART, f"{name}agents who rang per call", one.invites)
    yield from spread(PART, f"{name}caller's INVITE to agent's", one.waits.arrived)
    yield from _spread(f"{name}200 to agent's INVITE", one.waits.welcomed, is_product)
    yield from _costs(name, one, is_product)


async def _ring_all(session: Session, port: int) -> list[Figure]:
    """Make one call at a time, for which all ring; one of them answers."""

    def answers(agent: str, caller: str) -> float | None:
        return RINGS_SECONDS if agent[-1] == caller[-1] else None

    label, seconds = f"{len(FEW)} ring", session.options.seconds
    load = Load(label, ARRIVE_PER_SECOND, seconds, 1, SHORTEST_TALK, answers)
    async with lines.lines(session.stack, FEW, lines.RINGS_ALL):
        runs = [await run(session, PART, line, port, load) for line in LINES]
    figures = []
    for one in runs:
        is_product, name = one is runs[-1], f"{one.variant}, {label}: "
        figures += [_unserved(name, one, is_product), *_costs(name, one, is_product)]
        figures.append(Figure(PART, f"{name}agents who rang per call", one.invites))
    return [*figures, _ratio(runs)]


def _unserved(name: str, one: Run, is_product: bool) -> Figure:
    most = 0 if is_product else None
    return Figure(PART, f"{name}calls not served", one.calls - one.served, "", None, most)


def _spread(name: str, seconds: Sequence[float], is_product: bool) -> Iterator[Figure]:
    """Give median and p99, with what is aimed at."""
    for word, share, most in (("median", 0.5, MEDIAN_MS), ("p99", 0.99, P99_MS)):
        value = quantile(seconds, share) * 1000
        yield Figure(PART, f"{name}, {word}", value, "ms", None, most if is_product else None)


def _costs(name: str, one: Run, is_product: bool) -> Iterator[Figure]:
    for part in PARTS:
        if one.cpu[part]:
            yield Figure(PART, f"{name}CPU of {part} per call", one.cpu[part], "ms")
    if is_product:
        yield Figure(PART, f"{name}ARI requests per call", one.requests)
    for role, owner in (("asterisk", "Asterisk"), ("pbx", "the app")):
        statements = one.statements.get(role, 0)
        if statements:
            yield Figure(PART, f"{name}SQL statements of {owner} per call", statements)


def _ratio(runs: Sequence[Run]) -> Figure:
    native, product = (sum(one.cpu.values()) for one in runs)
    name = f"{runs[0].label}: CPU of everything per call, C to A"
    return Figure(PART, name, product / native, "x", None, 1.0)
