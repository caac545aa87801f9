"""Functions of the database that must be called now and then."""

from .connection import connected

CHORES = {
    "registrations": "SELECT sweep_registrations()",
    "partitions": "SELECT cdr_ensure_partitions()",
}


async def do(dsn: str, chore: str) -> None:
    """Run one of CHORES on a connection of its own. Raises ConnectionError."""
    async with connected(dsn, chore, seconds=60.0) as connection:
        await connection.execute(CHORES[chore])
