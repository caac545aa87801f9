"""One run: calls of one variant at one rate, what became of them, what they cost."""

import itertools
import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.sipp import Sipp, free_port

from . import processes
from .carrier import Carrier
from .processes import Moment
from .stack import CALLEES, CALLERS, PASSWORD, Stack, Variant
from .wire import Call, Wire

SCENARIOS = Path(__file__).parent / "scenarios"
SCENARIO = SCENARIOS / "call.xml"
FROM_CARRIER = SCENARIOS / "carrier.xml"
OUTSIDE = "+4940555"  # what the numbers of people outside begin with
HOLD_SECONDS = 0.0  # beyond the second of the scenario
PATIENCE_SECONDS = 40.0


@dataclass(frozen=True)
class Cost:
    """CPU milliseconds per call by part, and the share of the machine that others took."""

    asterisk: float
    app: float
    postgres: float
    sipp: float
    bench: float
    foreign: float


@dataclass(frozen=True)
class Result:
    """`delays` are p50 and p99 of the post-dial delay in milliseconds."""

    variant: str
    rate: float
    seconds: float
    calls: int
    failed: int
    retransmitted: int
    delay_p50: float
    delay_p99: float
    lost_packets: int
    cost: Cost

    @property
    def clean(self) -> bool:
        """Return whether the rate was sustained."""
        return self.failed < self.calls / 1000 and self.delay_p99 < 100

    def __str__(self) -> str:
        cost = self.cost
        return (
            f"{self.variant:15}{self.rate:5.0f}/s failed {self.failed}/{self.calls}"
            f"  delay {self.delay_p50:6.1f} {self.delay_p99:7.1f} ms"
            f"  asterisk {cost.asterisk:5.2f} app {cost.app:4.2f} postgres {cost.postgres:4.2f}"
            f" sipp {cost.sipp:4.2f} bench {cost.bench:4.2f} ms/call  foreign {cost.foreign:4.0%}"
        )


async def run(
    stack: Stack, variant: Variant, app: int | None, rate: float, seconds: float
) -> Result:
    """Make calls at `rate` a second for `seconds`; `app` is the pid of who serves the variant."""
    calls = round(rate * seconds)
    port = free_port()
    caller = callers(
        variant,
        stack.sip,
        calls=calls,
        rate=rate,
        hold=HOLD_SECONDS,
        local_port=port,
        within=seconds + PATIENCE_SECONDS,
    )
    async with Wire(port) as wire:
        before, started = processes.now(), time.monotonic()
        totals = await caller.run()
        after, ended = processes.now(), time.monotonic()
        seen, lost = wire.calls(), wire.lost()
    failed = calls - sum(call.good for call in seen.values())
    p50, p99 = delays(list(seen.values()))
    cost = _cost(stack, app, calls, ended - started, before=before, after=after)
    return Result(
        variant.name, rate, seconds, calls, failed, totals.retransmissions, p50, p99, lost, cost
    )


def delays(calls: list[Call]) -> tuple[float, float]:
    """Return median and 99th percentile of the post-dial delay in milliseconds."""
    waited = sorted(call.delay * 1000 for call in calls if call.alerted)
    if len(waited) < 2:
        return float("inf"), float("inf")
    return statistics.median(waited), statistics.quantiles(waited, n=100, method="inclusive")[98]


def callers(variant: Variant, server: str, **options: Any) -> Sipp:
    """Return the phones that make the calls of a variant, or the carrier that delivers them."""
    rows = caller_rows(variant)
    if variant.carrier:
        return Carrier(variant.carrier, FROM_CARRIER, server, rows=rows, **options)
    return Sipp(SCENARIO, server, rows=rows, **options)


def caller_rows(variant: Variant) -> list[tuple[str, str, str]]:
    """Return SIPp's rows for calls of a variant: number, password, what is dialled."""
    pairs = zip(CALLERS, itertools.cycle(CALLEES), strict=False)
    before = OUTSIDE if variant.carrier else ""
    return [(before + caller, PASSWORD, variant.prefix + callee) for caller, callee in pairs]


def _cost(
    stack: Stack, app: int | None, calls: int, wall: float, *, before: Moment, after: Moment
) -> Cost:
    def spent(root: int) -> float:
        return after.cpu(after.tree(root)) - before.cpu(before.tree(root))

    def each(seconds: float) -> float:
        return round(seconds * 1000 / calls, 3)

    own = os.getpid()
    mine = after.processes[own].cpu - before.processes[own].cpu
    phones = after.named("sipp", own) - before.named("sipp", own)
    phones += after.processes[own].reaped - before.processes[own].reaped
    foreign = processes.foreign(before, after, [own, stack.supervisor], wall)
    return Cost(
        asterisk=each(spent(stack.pid("asterisk"))),
        app=each(spent(app)) if app else 0.0,
        postgres=each(spent(stack.pid("postgres"))),
        sipp=each(phones),
        bench=each(mine),
        foreign=foreign,
    )
