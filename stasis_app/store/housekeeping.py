"""Functions of the database that must be called now and then."""

import asyncpg

CHORES = {
    "registrations": "SELECT sweep_registrations()",
    "partitions": "SELECT cdr_ensure_partitions()",
}

Failed = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


async def do(dsn: str, chore: str) -> None:
    """Run one of CHORES on a connection of its own. Raises one of `Failed`."""
    connection = await asyncpg.connect(dsn, timeout=5, command_timeout=60)
    try:
        await connection.execute(CHORES[chore])
    finally:
        connection.terminate()
