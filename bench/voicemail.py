"""Messages: many callers leave one at once, and one message is an hour long."""

import asyncio
import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from tests.support.until import TimedOutError, until

from . import asks, boxes, long_message, processes
from .boxes import Arrived, Boxes
from .phones import Audio, Caller, calling
from .report import Figure, quantile, spread
from .session import Session
from .stack import CALLEES, CALLERS
from .wire import Replies

PART = "voicemail"
APART_SECONDS = 0.02
SPOKEN_SECONDS = 4.0
LEAST_SECONDS = SPOKEN_SECONDS - 0.5
LOWEST_HZ, STEP_HZ, TONES = 500, 50, 50
RECORDING_SECONDS, ARRIVING_SECONDS = 30.0, 120.0
LOOK_SECONDS = 0.25
PARTS = ("asterisk", "app", "postgres", "objects", "mail")


@dataclass(frozen=True)
class Run:
    """Callers who left a message and hung up at the same moment.

    `hung_up` has that moment, by the box's number, in seconds since the epoch; `cpu` milliseconds,
    `requests` and `statements` are of one message. Memory of the app in kB: `resident` before,
    `peak` meanwhile.
    """

    variant: str
    hung_up: Mapping[str, float]
    arrived: Arrived
    cpu: Mapping[str, float]
    requests: float
    statements: float
    resident: int
    peak: int
    foreign: float

    def waited(self, which: Mapping[str, float]) -> list[float]:
        """Return the seconds from each hangup to what came of it."""
        return [at - self.hung_up[box] for box, at in which.items() if box in self.hung_up]

    def __str__(self) -> str:
        stored, mailed = self.waited(self.arrived.stored), self.waited(self.arrived.mailed)
        cpu = " ".join(f"{part} {cost:.1f}" for part, cost in self.cpu.items())
        return (
            f"{self.variant:10}{len(self.hung_up):4} messages, stored {len(stored)}"
            f" {quantile(stored, 0.5):.2f} {max(stored, default=0):.2f} s,"
            f" mailed {len(mailed)} {quantile(mailed, 0.5):.2f} {max(mailed, default=0):.2f} s"
            f"  {cpu} ms/message  foreign {self.foreign:.0%}"
        )


async def measure(session: Session) -> list[Figure]:
    async with AsyncExitStack() as opened:
        product = await opened.enter_async_context(boxes.product(session.stack))
        native = await opened.enter_async_context(boxes.native(session.stack))
        await _run(session, product, session.options.callers // 5)  # warm up
        order = (native, product, product, native)
        runs = [await _run(session, one, session.options.callers) for one in order]
        figures = list(_figures(runs))
        await product.empty()
        return [*figures, *await long_message.measure(session, PART)]


async def _run(session: Session, into: Boxes, callers: int) -> Run:
    stack, app = session.stack, session.stack.pid("app")
    await session.calm()
    await into.empty()
    await session.calm()
    await asks.forget(session)
    said = dict(zip(CALLEES, itertools.cycle(_tones()), strict=False))
    async with (
        Audio(listens=False) as audio,
        Replies(stack.ari_port) as replies,
        processes.foreign_share(stack.supervisor) as foreign,
    ):
        before, resident = processes.now(), processes.forget_peak(app)
        hung_up = await _leave(session, into, audio, said, callers)
        await _all_there(into, callers)
        after, peak = processes.now(), processes.peak(app)
        requests = replies.count() / callers
    statements = (await asks.statements(session)).get("pbx", 0) / callers
    spent = {part: stack.spent(part, before, after) * 1000 / callers for part in PARTS}
    arrived = await into.arrived(said, LEAST_SECONDS)
    run = Run(into.name, hung_up, arrived, spent, requests, statements, resident, peak, foreign[0])
    print(f"  {run}", flush=True)
    session.runs.append(_kept(run))
    return run


async def _leave(
    session: Session, into: Boxes, audio: Audio, said: Mapping[str, int], callers: int
) -> dict[str, float]:
    """Have all callers speak, each a tone into a box, and hang up in the same moment."""
    async with AsyncExitStack() as calls:

        async def call(number: str, box: str, later: float) -> tuple[str, Caller]:
            await asyncio.sleep(later)
            dialled = into.dialled(box)
            story = calling(session.stack, audio, number, dialled, said[box])
            return box, await calls.enter_async_context(story)

        pairs = zip(CALLERS[:callers], CALLEES, strict=False)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(call(*pair, place * APART_SECONDS))
                for place, pair in enumerate(pairs)
            ]

        async def all_recorded() -> bool:
            return await into.recording() >= callers

        what = f"{callers} callers to be recorded"
        await until(all_recorded, RECORDING_SECONDS, what, LOOK_SECONDS)
        await asyncio.sleep(SPOKEN_SECONDS)
        return {box: caller.hang_up() for box, caller in (task.result() for task in tasks)}


async def _all_there(into: Boxes, callers: int) -> None:
    """Wait until everything has arrived; what has not by then is counted as lost."""

    async def came() -> bool:
        return min(await into.count()) >= callers

    try:
        await until(came, ARRIVING_SECONDS, f"{callers} messages and mails", LOOK_SECONDS)
    except TimedOutError as error:
        print(f"  {error}", flush=True)


def _tones() -> Sequence[int]:
    return [LOWEST_HZ + STEP_HZ * place for place in range(TONES)]


def _figures(runs: Sequence[Run]) -> Iterator[Figure]:
    totals: dict[str, dict[str, float]] = {}
    for name in dict.fromkeys(run.variant for run in runs):
        mine = [run for run in runs if run.variant == name]
        totals[name] = _totals(mine)
        yield from _of_runs(mine)
    native, product = totals.values()
    for what, value in product.items():
        yield Figure(PART, f"C to A, {what}", value / native[what], "x")


def _totals(runs: Sequence[Run]) -> dict[str, float]:
    """Return what both variants have."""
    stored = [seconds for run in runs for seconds in run.waited(run.arrived.stored)]
    mailed = [seconds for run in runs for seconds in run.waited(run.arrived.mailed)]
    return {
        "hangup to stored, median": quantile(stored, 0.5),
        "hangup to mail, median": quantile(mailed, 0.5),
        "CPU of everything per message": _mean([sum(run.cpu.values()) for run in runs]),
    }


def _of_runs(runs: Sequence[Run]) -> Iterator[Figure]:
    label, callers = f"{runs[0].variant}, {len(runs[0].hung_up)} at once: ", len(runs[0].hung_up)
    is_product = runs[0].variant == boxes.ProductBoxes.name
    least = callers if is_product else None
    arrived = min(len(run.arrived.stored) for run in runs)
    mailed = min(len(run.arrived.mailed) for run in runs)
    broken = max(len(run.arrived.broken) for run in runs)
    yield Figure(PART, f"{label}messages that arrived", arrived, "", least)
    yield Figure(PART, f"{label}mails that arrived", mailed, "", least)
    yield Figure(PART, f"{label}broken or twice", broken, "", None, 0 if is_product else None)
    for what in ("stored", "mailed"):
        waited = [s for run in runs for s in run.waited(getattr(run.arrived, what))]
        yield from spread(PART, f"{label}hangup to {what}", waited)
        yield Figure(PART, f"{label}hangup to {what}, last", max(waited) * 1000, "ms")
    for part in PARTS if is_product else PARTS[:1]:
        cost = _mean([run.cpu[part] for run in runs])
        yield Figure(PART, f"{label}CPU of {part} per message", cost, "ms")
    if is_product:
        yield from _of_product(label, runs)


def _of_product(label: str, runs: Sequence[Run]) -> Iterator[Figure]:
    requests = _mean([run.requests for run in runs])
    statements = _mean([run.statements for run in runs])
    grown = max(run.peak - run.resident for run in runs) / 1000
    yield Figure(PART, f"{label}ARI requests per message", requests)
    yield Figure(PART, f"{label}SQL statements per message", statements)
    yield Figure(PART, f"{label}memory of the app before", runs[0].resident / 1000, "MB")
    yield Figure(PART, f"{label}memory of the app grew by", grown, "MB")


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _kept(run: Run) -> dict[str, Any]:
    return {
        "part": PART,
        "cost": {"foreign": run.foreign, **run.cpu},
        "variant": run.variant,
        "callers": len(run.hung_up),
        "stored": sorted(run.waited(run.arrived.stored)),
        "mailed": sorted(run.waited(run.arrived.mailed)),
        "broken": sorted(run.arrived.broken),
        "requests": run.requests,
        "statements": run.statements,
        "resident": run.resident,
        "peak": run.peak,
    }
