"""Registrations a second with digest, and what Postgres and Asterisk are asked for each thing."""

from dataclasses import dataclass

from tests.support import sipp
from tests.support.sipp import Sipp, free_port

from . import asks, processes
from .report import Figure
from .session import Session
from .stack import FLOOR, PASSWORD, PRODUCT

PART = "registrations"
SCENARIO = sipp.SCENARIOS / "uac_register.xml"
PHONES = 5000
STEPS = (100, 200, 300, 400, 500, 600, 800, 1000)
SECONDS = 8.0
CALL_RATE = 40
MOST_LATE = 0.001
MOST_REQUESTS = 7

MORE_PHONES = """
INSERT INTO extensions (number, sip_password, display_name)
SELECT '6' || lpad(i::text, 6, '0'), $2, 'Phone' FROM generate_series(0, $1::int - 1) AS i
ON CONFLICT (number) DO NOTHING
"""


@dataclass(frozen=True)
class Step:
    """One rate of REGISTERs; `statements` are Asterisk's and `cpu` milliseconds, each for one."""

    rate: int
    failed: int
    retransmitted: int
    statements: float
    cpu: float

    @property
    def clean(self) -> bool:
        return self.failed + self.retransmitted <= self.rate * SECONDS * MOST_LATE


async def measure(session: Session) -> list[Figure]:
    """Count calls first: later, Asterisk asks thousands of phones whether they are still there."""
    calls = await _calls(session)
    async with session.stack.sql() as connection:
        await connection.execute(MORE_PHONES, PHONES, PASSWORD)
    await session.calm()
    await _register(session, 100, PHONES / 100)
    first = last = await _register(session, STEPS[0], SECONDS)
    for rate in STEPS[1:]:
        step = await _register(session, rate, SECONDS)
        if not step.clean:
            break
        last = step
    return [
        Figure(PART, "sustained with digest", last.rate if last.clean else 0, "/s"),
        Figure(PART, "CPU of Asterisk and Postgres for one", last.cpu, "ms"),
        Figure(PART, "SQL statements for one", first.statements),
        *calls,
    ]


async def _register(session: Session, rate: int, seconds: float) -> Step:
    count, port = round(rate * seconds), free_port()
    rows = [(f"6{i:06}", PASSWORD, f"127.0.0.1:{port}") for i in range(PHONES)]
    phones = Sipp(
        SCENARIO,
        session.stack.sip,
        calls=count,
        rate=rate,
        rows=rows,
        local_port=port,
        within=seconds + 40,
    )
    await asks.forget(session)
    parts = [session.stack.pid(part) for part in ("asterisk", "postgres")]
    before = processes.now()
    async with processes.foreign_share(session.stack.supervisor) as foreign:
        totals = await phones.run()
    after = processes.now()
    spent = sum(after.cpu(after.tree(p)) - before.cpu(before.tree(p)) for p in parts)
    statements = (await asks.statements(session))["asterisk"] / count
    step = Step(rate, totals.failed, totals.retransmissions, statements, spent * 1000 / count)
    print(f"  {step} foreign {foreign[0]:.0%}", flush=True)
    session.runs.append({"part": PART, "cost": {"foreign": foreign[0]}, **vars(step)})
    return step


async def _calls(session: Session) -> list[Figure]:
    """Count what one call asks of Asterisk and of Postgres, by the floor and by PBX-X."""
    figures = []
    for variant in (FLOOR, PRODUCT):
        found = await asks.count(session, variant, CALL_RATE)
        each = found.statements
        label = f"a call of {variant.name}: "
        figures += [
            Figure(PART, f"{label}ARI requests", found.requests, "", None, MOST_REQUESTS),
            Figure(PART, f"{label}SQL statements of Asterisk", each.get("asterisk", 0)),
            Figure(PART, f"{label}SQL statements of the app", each.get("pbx", 0)),
        ]
    return figures
