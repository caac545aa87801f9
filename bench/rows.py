"""The same load with few and with very many rows in Postgres."""

from collections.abc import Sequence
from statistics import median

from .load import Result
from .report import Figure
from .session import Session
from .stack import PRODUCT

PART = "rows"
RATE = 60
WARM_UP_SECONDS = 3.0
EXTENSIONS, CDRS = 100_000, 1_000_000
MOST_RATIO = 1.1

MORE_EXTENSIONS = """
INSERT INTO extensions (number, sip_password, display_name)
SELECT '5' || lpad(i::text, 6, '0'), 'bench', 'Row ' || i FROM generate_series(1, $1::int) AS i
"""
FEWER_EXTENSIONS = "DELETE FROM extensions WHERE number ~ '^5[0-9]{6}$'"
MORE_CDRS = """
INSERT INTO cdr (call_id, direction, caller_number, callee_number, initiated_at, ended_at,
    duration_seconds, hangup_cause)
SELECT gen_random_uuid(), 'internal', (1000 + i % 100)::text, (2000 + i % 100)::text,
    now() - i * INTERVAL '1 second', now() - i * INTERVAL '1 second', 60, 'normal'
FROM generate_series(1, $1::int) AS i
"""


async def measure(session: Session) -> list[Figure]:
    few = await _cost(session)
    await _execute(session, MORE_EXTENSIONS, EXTENSIONS)
    phones = await _cost(session)
    await _execute(session, MORE_CDRS, CDRS)
    both = await _cost(session)
    await _execute(session, FEWER_EXTENSIONS)
    few += await _cost(session)
    await _execute(session, "TRUNCATE cdr")
    return [
        *_compare(few, phones, f"{EXTENSIONS} extensions"),
        *_compare(few, both, f"and {CDRS} cdr"),
    ]


async def _cost(session: Session) -> list[Result]:
    return [await session.run(PRODUCT, RATE) for _ in range(2)]


async def _execute(session: Session, statement: str, *arguments: int) -> None:
    """Change the rows and have the planner know; the app reads what has changed."""
    async with session.superuser() as connection:
        await connection.execute(statement, *arguments, timeout=600)
        await connection.execute("VACUUM ANALYZE", timeout=600)
        await connection.execute("CHECKPOINT")
    await session.calm()
    await session.run(PRODUCT, RATE, WARM_UP_SECONDS)


def _compare(few: Sequence[Result], many: Sequence[Result], rows: str) -> list[Figure]:
    cpu, base_cpu = median(map(_cpu, many)), median(map(_cpu, few))
    delay, base_delay = (median(r.delay_p50 for r in results) for results in (many, few))
    return [
        Figure(PART, f"{rows}: CPU per call", cpu, "ms"),
        Figure(PART, f"{rows}: CPU per call, to few rows", cpu / base_cpu, "x", None, MOST_RATIO),
        Figure(PART, f"{rows}: median delay", delay, "ms"),
        Figure(PART, f"{rows}: delay, to few rows", delay / base_delay, "x", None, MOST_RATIO),
    ]


def _cpu(result: Result) -> float:
    return result.cost.asterisk + result.cost.app + result.cost.postgres
