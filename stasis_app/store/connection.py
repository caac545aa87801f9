"""A connection for a moment, and what it means that Postgres is away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

# InternalClientError: the server is just saying that it ends this connection
AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


@asynccontextmanager
async def connected(
    dsn: str, purpose: str, seconds: float = 30.0
) -> AsyncIterator[asyncpg.Connection]:
    """Connect for as long as the block lasts; each statement has so many seconds.

    Raises ConnectionError, which names the `purpose`, when Postgres can't be reached or fails.
    """
    try:
        connection = await asyncpg.connect(dsn, timeout=min(seconds, 5.0), command_timeout=seconds)
        try:
            yield connection
        finally:
            connection.terminate()
    except AWAY as error:
        raise ConnectionError(f"{purpose}: {error}") from error
