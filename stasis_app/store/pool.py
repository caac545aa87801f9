"""A few connections that are kept, for who asks often."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import cast

import asyncpg

from .connection import AWAY

SECONDS = 3.0
CUT_SHORT = (asyncio.CancelledError, OSError, TimeoutError, asyncpg.InternalClientError)


class Pool:
    """Opened when it is first asked. What is done with a connection has `seconds` in all.

    `settings` are those of each session.
    """

    def __init__(
        self,
        dsn: str,
        *,
        size: int = 4,
        seconds: float = SECONDS,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._dsn = dsn
        self._settings = dict(settings or {})
        self._size = size
        self._seconds = seconds
        self._pool: asyncpg.Pool | None = None

    @asynccontextmanager
    async def connection(self, purpose: str) -> AsyncIterator[asyncpg.Connection]:
        """Lend a connection. Raises ConnectionError, which names the `purpose`, as `connected`.

        One whose statement was cut short is given up: the server may not listen to it any more.
        """
        try:
            async with asyncio.timeout(self._seconds), (await self._opened()).acquire() as lent:
                try:
                    yield cast(asyncpg.Connection, lent)
                except CUT_SHORT:
                    lent.terminate()
                    raise
        except AWAY as error:
            raise ConnectionError(f"{purpose}: {error or type(error).__name__}") from error

    @asynccontextmanager
    async def transaction(self, purpose: str) -> AsyncIterator[asyncpg.Connection]:
        """Lend a connection for one transaction; otherwise as `connection`."""
        async with self.connection(purpose) as lent, lent.transaction():
            yield lent

    def close(self) -> None:
        if self._pool is not None:
            self._pool.terminate()

    async def _opened(self) -> asyncpg.Pool:
        if self._pool is None:
            self._pool = asyncpg.create_pool(
                self._dsn,
                min_size=0,
                max_size=self._size,
                timeout=self._seconds,
                command_timeout=self._seconds,
                reset=_as_it_is,
                server_settings=self._settings,
            )
        return await self._pool


async def _as_it_is(connection: object) -> None:
    """Give a connection back without asyncpg's four statements: nobody here alters its session.

    Nothing is listened for, and what is set or locked is so in a transaction, which has ended.
    """
