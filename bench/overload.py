"""Twice the calls that PBX-X sustains: what it keeps, how it refuses, how soon it recovers."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from tests.support.sipp import Sipp, free_port

from .load import PATIENCE_SECONDS, SCENARIO, caller_rows
from .processes import foreign_share
from .report import Figure, spread
from .session import Session
from .stack import PRODUCT
from .wire import Call, Wire

PART = "overload"
SETTING = "calls.max_setting_up"
SECONDS, PROBE_SECONDS = 30.0, 10.0
GOOD_DELAY_SECONDS = 0.1

DECISIONS = """
SELECT extract(epoch FROM refused.at - arrived.at)::float8
FROM call_events AS refused JOIN call_events AS arrived USING (call_id)
WHERE refused.event = 'refused' AND arrived.event = 'arrived' AND refused.at > to_timestamp($1)
"""


@dataclass(frozen=True)
class Crowd:
    """Callers at one rate; `port` is theirs."""

    port: int
    rate: float
    seconds: float

    async def call(self, session: Session) -> list[Call]:
        """Make the calls; return those that the wire saw."""
        phones = Sipp(
            SCENARIO,
            session.stack.sip,
            calls=round(self.rate * self.seconds),
            rate=self.rate,
            hold=0,
            rows=caller_rows(PRODUCT),
            local_port=self.port,
            within=self.seconds + PATIENCE_SECONDS,
        )
        async with Wire(self.port) as wire:
            await phones.run()
            return list(wire.calls().values())


async def measure(session: Session) -> list[Figure]:
    figures = []
    for most in session.options.most_setting_up:
        await session.set_number(SETTING, most)
        await session.calm()
        figures += await _overload(session, f"{SETTING} {most}: ")
        await session.calm()
    return figures


async def _overload(session: Session, label: str) -> list[Figure]:
    """Overload for 30 s; when that ends, callers at half the knee tell how long it is felt."""
    crowd = Crowd(free_port(), 2 * session.knee, SECONDS)
    probe = Crowd(free_port(), session.knee / 2, PROBE_SECONDS)
    async with foreign_share(session.stack.supervisor) as foreign, asyncio.TaskGroup() as tasks:
        flood = tasks.create_task(crowd.call(session))
        await asyncio.sleep(SECONDS)
        after = await probe.call(session)
    started = min(call.dialled for call in flood.result())
    figures = [
        Figure(PART, f"{label}offered", crowd.rate, "calls/s"),
        *_outcome(label, flood.result(), session.knee),
        *spread(PART, f"{label}503, of it in the app", await _decisions(session, started)),
        Figure(PART, f"{label}recovery", _recovery(after, started + SECONDS), "s", None, 5),
    ]
    values = {figure.name: figure.value for figure in figures}
    session.runs.append({"part": PART, "cost": {"foreign": foreign[0]}, **values})
    print(f"  {label}foreign {foreign[0]:.0%}", flush=True)
    return figures


def _outcome(label: str, calls: Sequence[Call], knee: float) -> list[Figure]:
    good = [call for call in calls if call.good and call.alerted]
    refused = [call for call in calls if call.status == 503]
    end = min(call.dialled for call in calls) + SECONDS
    kept = sum(call.decided < end for call in good) / SECONDS / knee
    return [
        Figure(PART, f"{label}goodput, to C's knee", kept, "x", 0.8),
        Figure(PART, f"{label}neither served nor refused", len(calls) - len(good) - len(refused)),
        *spread(PART, f"{label}delay of served calls", [c.delay for c in good]),
        *spread(
            PART, f"{label}503 after credentials", [c.decided - c.invited for c in refused], 200
        ),
        *spread(PART, f"{label}503 after dialling", [c.decided - c.dialled for c in refused]),
    ]


async def _decisions(session: Session, since: float) -> list[float]:
    """Return the seconds from Asterisk's event to the refusal, for each refused call."""
    await session.calm()
    async with session.stack.sql() as connection:
        return [row[0] for row in await connection.fetch(DECISIONS, since)]


def _recovery(calls: Sequence[Call], since: float) -> float:
    """Return the seconds until the last call that did not ring at once or failed."""
    late = [
        call.dialled - since
        for call in calls
        if not (call.good and call.alerted - call.dialled < GOOD_DELAY_SECONDS)
    ]
    return max(late, default=0.0)
