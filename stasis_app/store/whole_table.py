"""Reading a whole table beside the calls: in small pieces, and without a pause for garbage."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg

from stasis_app.rules.shelf import Shelf

ROWS_AT_A_TIME = 100

_readings = 0


async def fill(shelf: Shelf[Any], connection: asyncpg.Connection, query: str) -> None:
    """Put all rows of a query on a shelf, giving way to calls after every few."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        async for rows in _pieces(connection, query):
            shelf.put(rows)
            await asyncio.sleep(0)
    shelf.settle()


async def clear(shelf: Shelf[Any]) -> None:
    """Take everything off a shelf that nobody asks any more; at once it would be felt."""
    while shelf.items:
        some = [identity for identity, _ in zip(shelf.items, range(ROWS_AT_A_TIME), strict=False)]
        shelf.forget(some)
        await asyncio.sleep(0)


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the garbage collector away while a hundred thousand rows are made, and from them later.

    Each full collection would stop all calls for some 0.1 s, and there would be several. What is
    garbage in a cycle at the end stays: some exceptions with their tracebacks.
    """
    global _readings  # noqa: PLW0603  the collector is the process's own
    _readings += 1
    gc.disable()
    try:
        yield
    finally:
        _readings -= 1
        if not _readings:
            gc.freeze()
            gc.enable()


async def _pieces(
    connection: asyncpg.Connection, query: str
) -> AsyncIterator[list[asyncpg.Record]]:
    cursor = await connection.cursor(query, None)
    while rows := await cursor.fetch(ROWS_AT_A_TIME):
        yield rows
