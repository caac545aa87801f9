"""Writes the spool's records to Postgres: behind the calls, in order, grouped, each exactly once.

The records of a group (see `journal_group`) and the position behind them are committed in one
transaction.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence

import asyncpg
import orjson
import structlog

from .journal_group import Group
from .journal_sql import LOAD_POSITION, SAVE_BEAT, SAVE_POSITION
from .spool import Record, Spool, SpoolPosition

log = structlog.get_logger()

GATHER_SECONDS = 0.1
MANY = 200
"""Records that make it worth while to go on at once: there are more."""
BEAT_SECONDS = 5.0
BACK_OFF_SECONDS = (0.1, 0.2, 0.5, 1.0)
BY_KEY = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}
"""All statements go by key. A JSON array counts as 100 rows: for so many whole tables are read."""

Unavailable = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)
BadRecord = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    AttributeError,
    KeyError,
    TypeError,
    ValueError,
)


class Shipper:
    """The one writer of the journal's tables."""

    def __init__(
        self, spool: Spool, dsn: str, watching: Callable[[], bool] = lambda: False
    ) -> None:
        self._spool = spool
        self._watching = watching
        self._next_beat = 0.0
        self._dsn = dsn
        self._position = SpoolPosition()
        self._failures = 0
        self._caught_up = asyncio.Event()

    async def run(self) -> None:
        """Ship for ever; while the database is away, try again with a back-off."""
        while True:
            try:
                connection = await asyncpg.connect(
                    self._dsn, timeout=5, command_timeout=30, server_settings=BY_KEY
                )
                try:
                    self._position = await self._load(connection)
                    await self._ship(connection)
                finally:
                    with contextlib.suppress(*Unavailable):
                        await connection.close(timeout=2)
            except (*Unavailable, asyncpg.PostgresError) as error:
                if not self._failures:
                    reason = error.args[0] if error.args else type(error).__name__
                    log.warning("journal waits for postgres", action="journal_waits", error=reason)
                pause = BACK_OFF_SECONDS[min(self._failures, len(BACK_OFF_SECONDS) - 1)]
                await asyncio.sleep(pause)
                self._failures += 1

    @property
    def failing(self) -> bool:
        """Return whether Postgres did not take what was offered to it last."""
        return self._failures > 0

    async def drained(self) -> None:
        """Return when all that was written so far is in Postgres."""
        self._caught_up.clear()
        self._spool.grown.set()
        await self._caught_up.wait()

    async def _load(self, connection: asyncpg.Connection) -> SpoolPosition:
        row = await connection.fetchrow(LOAD_POSITION, self._spool.id)
        return SpoolPosition(row["segment"], row["byte_offset"]) if row else SpoolPosition()

    async def _ship(self, connection: asyncpg.Connection) -> None:
        while True:
            await self._beat(connection)
            records, end = self._spool.read(self._position)
            if not records:
                self._failures = 0
                self._caught_up.set()
                await self._wait_for_more()
                continue
            await self._write(connection, records, end)
            self._position = end
            self._failures = 0
            self._spool.drop_before(end)
            if len(records) < MANY:
                await asyncio.sleep(GATHER_SECONDS)

    async def _wait_for_more(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BEAT_SECONDS):
                await self._spool.grown.wait()
                await asyncio.sleep(GATHER_SECONDS)

    async def _beat(self, connection: asyncpg.Connection) -> None:
        """Leave word that the calls are being watched: what ends unwatched ended after this."""
        now = asyncio.get_running_loop().time()
        if self._watching() and now >= self._next_beat:
            self._next_beat = now + BEAT_SECONDS
            await connection.execute(SAVE_BEAT, self._spool.id)

    async def _write(
        self, connection: asyncpg.Connection, records: Sequence[Record], end: SpoolPosition
    ) -> None:
        try:
            async with connection.transaction():
                await write_group(connection, records)
                await self._save(connection, end)
        except BadRecord as error:
            log.error("journal group refused", action="journal_isolates", kind=type(error).__name__)
            await self._write_one_by_one(connection, records, end)

    async def _write_one_by_one(
        self, connection: asyncpg.Connection, records: Sequence[Record], end: SpoolPosition
    ) -> None:
        async with connection.transaction():
            for record in records:
                try:
                    async with connection.transaction():
                        await write_group(connection, [record])
                except BadRecord as error:
                    self._spool.reject(record, str(error))
            await self._save(connection, end)

    async def _save(self, connection: asyncpg.Connection, end: SpoolPosition) -> None:
        await connection.execute(SAVE_POSITION, self._spool.id, end.segment, end.offset)


async def write_group(connection: asyncpg.Connection, records: Iterable[Record]) -> None:
    """Write records of many calls with one statement per kind, in the order of their dependence."""
    group = Group()
    for record in records:
        group.add(record)
    for statement, rows in group.steps():
        if rows:
            await connection.execute(statement, orjson.dumps(list(rows)).decode())
