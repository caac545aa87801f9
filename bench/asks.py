"""What a call asks of Asterisk over ARI, and of Postgres in SQL."""

from dataclasses import dataclass

from .load import Result
from .session import Session
from .stack import Variant
from .wire import Replies

STATEMENTS = """
SELECT r.rolname::text AS role, sum(s.calls)::float8 AS calls
FROM pg_stat_statements AS s JOIN pg_roles AS r ON r.oid = s.userid
WHERE r.rolname IN ('pbx', 'asterisk') GROUP BY r.rolname
"""


@dataclass(frozen=True)
class Asks:
    """Of one call: ARI requests, and SQL statements by the role that sends them."""

    result: Result
    requests: float
    statements: dict[str, float]


async def count(
    session: Session, variant: Variant, rate: float, seconds: float | None = None
) -> Asks:
    """Make calls, and count what each asks for."""
    await session.calm()
    await forget(session)
    async with Replies(session.stack.ari_port) as replies:
        result = await session.run(variant, rate, seconds)
    each = {role: number / result.calls for role, number in (await statements(session)).items()}
    return Asks(result, replies.count() / result.calls, each)


async def forget(session: Session) -> None:
    """Begin to count statements anew."""
    async with session.superuser() as connection:
        await connection.execute("SELECT pg_stat_statements_reset()")


async def statements(session: Session) -> dict[str, float]:
    """Return the statements since then, by role."""
    async with session.superuser() as connection:
        return {row["role"]: row["calls"] for row in await connection.fetch(STATEMENTS)}
