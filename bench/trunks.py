"""Calls over a trunk, both ways: by Dial(), by the floor of ARI, through the rules of PBX-X.

All of them use one trunk, a row, whose carrier SIPp plays: who decides is the only difference.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from tests.support.sipp import free_port
from tests.support.until import until

from . import asks
from .asks import Asks
from .carrier import Carrier
from .knee import SHARE_OF_FLOOR, Search
from .load import Result
from .report import Figure
from .session import ANSWER, LONGEST_SECONDS, Session
from .stack import CALLEES, FLOOR, NATIVE, Stack, Variant, serve

PART = "trunks"
TRUNK = UUID("00000000-0000-4000-8000-000000000001")
CARRIER = "127.0.1.9"
DIALLED, DID = "030999", "+4930999"
RATE = 40
RUN_SECONDS = 3.0
TRIES = 2
USABLE, STRIDE = 0.85, 1.2
NEAR, NEAR_NATIVE = 0.08, 0.15
FAR_FAILED, FAR_DELAY = 0.05, 1000.0
MOST_APP_CPU = 2.0

WAY_OUT = f"${{EXTEN:2}}@trunk-{TRUNK}"
OUT = (
    Variant("A native out", f"81{DIALLED}", f"Dial(PJSIP/{WAY_OUT},30)"),
    Variant("B floor out", f"82{DIALLED}", f"Stasis(floor,{WAY_OUT})", FLOOR.floor),
    Variant("C PBX-X out", DIALLED),
)
IN = (
    Variant("A native in", NATIVE.prefix, NATIVE.application, carrier=CARRIER),
    Variant("B floor in", FLOOR.prefix, FLOOR.application, FLOOR.floor, CARRIER),
    Variant("C PBX-X in", DID, carrier=CARRIER),
)
NATIVES = (OUT[0], IN[0])

TRUNK_ROW = """
INSERT INTO trunks (id, name, trunk_type, host, port, max_concurrent_calls)
VALUES ($1, 'bench', 'static', $2, $3, NULL) ON CONFLICT (id) DO UPDATE SET port = EXCLUDED.port
"""
OUTBOUND_RULE = """
INSERT INTO outbound_rules (name, number_pattern, trunk_id) VALUES ('bench', $2, $1)
"""
NO_RULES = """
WITH one AS (DELETE FROM outbound_rules WHERE trunk_id = $1)
DELETE FROM inbound_rules WHERE trunk_id = $1
"""
INBOUND_RULES = """
INSERT INTO inbound_rules (name, did_pattern, trunk_id, destination_type, destination_id)
SELECT 'bench ' || number, $2 || number, $1, 'extension', id
FROM extensions WHERE number = ANY ($3)
"""
TOLD = "SELECT objects <> '{}' FROM trunk_registrations WHERE trunk_id = $1"


@dataclass
class Narrowing(Search):
    """Steps up or down from `first` until one run failed and one did not, and halves then.

    `best` is the run at `good`; `near` says how far `bad` may be from it in the end.
    """

    first: int = 0
    best: Result | None = None
    near: float = NEAR

    @classmethod
    def around(cls, result: Result, variant: Variant) -> "Narrowing":
        """Begin near what the processors can do at the cost of a call in a run."""
        rate, cost = round(result.rate), result.cost
        if not result.clean:
            return cls(variant, bad=rate)
        busy = cost.asterisk + cost.app + cost.postgres + cost.sipp + cost.bench
        first = _fives((os.cpu_count() or 1) * 1000 / busy * USABLE)
        near = NEAR_NATIVE if variant in NATIVES else NEAR
        return cls(variant, rate, first=first, best=result, near=near)

    @property
    def rate(self) -> int:
        """The rate to try next."""
        if not self.bad:
            return max(self.first, _fives(self.good * STRIDE))
        return max(self.middle, _fives(self.bad / STRIDE))

    @property
    def over(self) -> bool:
        if not self.bad:
            return False
        return self.rate <= self.good or self.bad - self.good <= self.good * self.near


def _fives(rate: float) -> int:
    return round(rate / 5) * 5


async def measure(session: Session) -> list[Figure]:
    async with _carrier(session.stack):
        found = [await asks.count(session, v, RATE, _seconds(session)) for v in (*OUT, *IN)]
        searches = [
            Narrowing.around(one.result, v) for one, v in zip(found, (*OUT, *IN), strict=True)
        ]
        await _narrow(session, searches)
    figures = [figure for one in found for figure in _figures_of_one(one)]
    for direction in (slice(0, len(OUT)), slice(len(OUT), None)):
        figures += [*_app(found[direction]), *_knees(searches[direction])]
    return figures


@asynccontextmanager
async def _carrier(stack: Stack) -> AsyncIterator[None]:
    """A carrier that answers, its trunk, and rules that lead to both sides of it."""
    port = free_port()
    for context, variants in (("from-phones", OUT), ("from-trunks", IN)):
        for variant in variants:
            await serve(stack, variant, context)
    async with Carrier(CARRIER, ANSWER, local_port=port, within=LONGEST_SECONDS):
        await _insert(stack, port)
        try:
            yield
        finally:
            async with stack.sql() as connection:
                await connection.execute("DELETE FROM trunks WHERE id = $1", TRUNK)


async def _insert(stack: Stack, port: int) -> None:
    async with stack.sql() as connection:
        await connection.execute(TRUNK_ROW, TRUNK, CARRIER, port)
        await connection.execute(NO_RULES, TRUNK)
        await connection.execute(OUTBOUND_RULE, TRUNK, f"^{DIALLED}")
        await connection.execute(INBOUND_RULES, TRUNK, DID, CALLEES)

        async def told() -> bool:
            return bool(await connection.fetchval(TOLD, TRUNK))

        await until(told, within=10, what="Asterisk to be told of the trunk")


async def _narrow(session: Session, searches: Sequence[Narrowing]) -> None:
    """Let each search take a step, in turn, until all are near enough or time is up."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + session.options.search_seconds
    while left := [search for search in searches if not search.over]:
        for search in left:
            if loop.time() >= deadline:
                return
            await _step(session, search)


async def _step(session: Session, search: Narrowing) -> None:
    """Sustained is what one of two runs sustains; one that fails by far is not repeated."""
    rate = search.rate
    for _ in range(TRIES):
        result = await session.run(search.variant, rate, _seconds(session))
        if result.clean:
            search.good, search.best = rate, result
            return
        await session.calm()
        if result.failed > result.calls * FAR_FAILED or result.delay_p99 > FAR_DELAY:
            break
    search.bad = rate


def _seconds(session: Session) -> float:
    return min(session.options.seconds, RUN_SECONDS)


def _figures_of_one(found: Asks) -> Iterable[Figure]:
    result, label = found.result, f"{found.result.variant}, {RATE}/s: "
    yield from _of_run(label, result)
    if result.cost.app:
        yield Figure(PART, f"{label}ARI requests per call", found.requests)
    for role, owner in (("asterisk", "Asterisk"), ("pbx", "the app")):
        each = found.statements.get(role, 0)
        yield Figure(PART, f"{label}SQL statements of {owner} per call", each)


def _app(found: Sequence[Asks]) -> Iterable[Figure]:
    _, floor, product = (one.result.cost.app for one in found)
    name = f"{found[-1].result.variant}, {RATE}/s: app CPU, C to B"
    yield Figure(PART, name, product / floor, "x", None, MOST_APP_CPU)


def _knees(searches: Sequence[Narrowing]) -> Iterable[Figure]:
    """Give the knees of A, B and C in one direction, and how C stands to the others."""
    for search in searches:
        name = search.variant.name
        yield Figure(PART, f"{name} sustains", search.good, "calls/s")
        if search.bad:
            yield Figure(PART, f"{name} does not sustain", search.bad, "calls/s")
        if search.best and search.good != RATE:
            yield from _of_run(f"{name}, {search.good}/s: ", search.best)
    native, floor, product = searches
    yield _ratio(f"{product.variant.name}, C to A", product, native)
    yield _ratio(f"{product.variant.name}, C to B", product, floor, SHARE_OF_FLOOR)


def _ratio(name: str, one: Narrowing, other: Narrowing, least: float | None = None) -> Figure:
    """Compare two knees; without a verdict when one of them is not known well enough."""
    known = one.over and other.over
    label = name if known else f"{name}, as far as searched"
    return Figure(PART, label, one.good / max(other.good, 1), "x", least if known else None)


def _of_run(label: str, result: Result) -> Iterable[Figure]:
    yield Figure(PART, f"{label}delay, median", result.delay_p50, "ms")
    yield Figure(PART, f"{label}delay, p99", result.delay_p99, "ms")
    if result.cost.app:
        yield Figure(PART, f"{label}app CPU per call", result.cost.app, "ms")
