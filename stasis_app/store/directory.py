"""Keeps the book of the configuration true: read once, then followed by NOTIFY.

While Postgres is away the book goes on serving calls as it is.
"""

import asyncio
import contextlib
import heapq
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import structlog

from stasis_app.rules.book import COUNTRY_TABLES, TABLES, Book
from stasis_app.rules.models import Contact

from .connection import AWAY, connected
from .tables import CONTACTS, MUSIC, REGISTRATIONS, SETTINGS, SETTINGS_TABLE, SLOTS, read
from .whole_table import clear, fill, uncollected

log = structlog.get_logger()

CHANNEL = "pbx_changes"
SWEEP_SECONDS = 1.0
PROBE_SECONDS = 3.0
BACK_OFF_SECONDS = 1.0

Touched = dict[str, set[UUID] | None]
"""The rows to read again, by table; None stands for all of them."""

Listener = Callable[[Mapping[str, Collection[UUID] | None]], None]
"""Gets the ids of the rows that were read again, by table; None stands for all of them."""

CONFIGURATION = frozenset((SETTINGS_TABLE, *TABLES)) - {"mailbox_counts", "agent_states"}
"""What people write now and then; the other tables change all day."""

EVERYTHING: Mapping[str, None] = dict.fromkeys((SETTINGS_TABLE, *TABLES, REGISTRATIONS, SLOTS))


class Directory:
    """A `book` that follows Postgres. `ready` is set after the first reading.

    Whatever was committed before `read_at` is in the book. A whole table is read beside the calls
    and beside the other changes, which are seen at once.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._expiries: list[tuple[datetime, UUID]] = []
        self._watchers: list[tuple[frozenset[str], asyncio.Event]] = []
        self._listeners: list[Listener] = []
        self._changes: asyncio.Queue[str] = asyncio.Queue()
        self._late: Touched = {}
        self.book = Book()
        self.ready = asyncio.Event()
        self.connected = False
        self.read_at = datetime.min.replace(tzinfo=UTC)

    def watch(self, *tables: str) -> asyncio.Event:
        """Return an event that is set whenever one of the tables has changed.

        Without any it is the configuration that is watched.
        """
        watcher = asyncio.Event()
        self._watchers.append((frozenset(tables) or CONFIGURATION, watcher))
        return watcher

    def tell(self, listener: Listener) -> None:
        """Call `listener` whenever rows are in the book anew; it must not raise.

        After a reconnection that is everything: anything may have been missed. What is announced
        under a name that the book has no table of is told as well.
        """
        self._listeners.append(listener)

    async def follow(self) -> None:
        """Read everything, then follow the changes, for ever."""
        while True:
            try:
                async with asyncio.TaskGroup() as group:
                    await self._follow_once(group)
            except* AWAY as errors:
                log.warning(
                    "snapshot can't follow postgres",
                    action="snapshot_stale",
                    error=str(errors.exceptions[0]),
                )
            self.connected = False
            await asyncio.sleep(BACK_OFF_SECONDS)

    async def _follow_once(self, group: asyncio.TaskGroup) -> None:
        changes = self._changes = asyncio.Queue()
        self._late = {}
        connection = await asyncpg.connect(self._dsn, timeout=5, command_timeout=60)
        try:
            connection.add_termination_listener(lambda _: changes.put_nowait(""))
            await connection.add_listener(CHANNEL, lambda *args: changes.put_nowait(str(args[-1])))
            asked_at = datetime.now(UTC)
            await self._read_everything(connection)
            self._advance(asked_at, dict(EVERYTHING))
            self.connected = True
            self.ready.set()
            while not connection.is_closed():
                asked_at, touched = await self._next(connection)
                await self._read(connection, touched, group)
                self._advance(asked_at, touched)
        finally:
            connection.terminate()
        raise ConnectionError("the connection has ended")

    async def read_once(self) -> Book:
        """Read everything for somebody who only wants to look. Raises ConnectionError."""
        async with connected(self._dsn, "the configuration can't be read", 60.0) as connection:
            await self._read_everything(connection)
        return self.book

    def _advance(self, asked_at: datetime, touched: Touched) -> None:
        if not self._late:
            self.read_at = asked_at
        for tables, watcher in self._watchers:
            if touched.keys() & tables:
                watcher.set()
        # a whole table that is still being read is told of when it is there
        self._tell(
            {
                table: ids
                for table, ids in touched.items()
                if (ids is None and table not in self._late) or ids
            }
        )

    def _tell(self, touched: Mapping[str, Collection[UUID] | None]) -> None:
        for listener in self._listeners if touched else ():
            listener(touched)

    async def _next(self, connection: asyncpg.Connection) -> tuple[datetime, Touched]:
        """Return what to read again, as soon as there is something, and of when that is true.

        The connection is probed each time: it may be dead and not say so, and after the answer
        every change that was committed before the question has been announced.
        """
        changes, touched = self._changes, Touched()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SWEEP_SECONDS):
                _merge(touched, await changes.get())
        asked_at = datetime.now(UTC)
        await connection.fetchval("SELECT 1", timeout=PROBE_SECONDS)
        while not changes.empty():
            _merge(touched, changes.get_nowait())
        known = touched.setdefault(REGISTRATIONS, set())
        if known is not None:
            known.update(self._expired())
        return asked_at, touched

    async def _read_everything(self, connection: asyncpg.Connection) -> None:
        with uncollected():
            await self._read_settings(connection)
            for table in TABLES:
                await self._read_whole(connection, table)
            self._replace_contacts(None, await connection.fetch(CONTACTS, None))

    async def _read(
        self, connection: asyncpg.Connection, touched: Touched, group: asyncio.TaskGroup
    ) -> None:
        if SETTINGS_TABLE in touched and await self._read_settings(connection):
            touched.update(dict.fromkeys(COUNTRY_TABLES))
        if touched.keys() & MUSIC:
            touched["queues"] = None
        for table, ids in touched.items():
            if table in self._late:
                self._note_late(table, ids)
            if table in TABLES and ids is None and table not in self._late:
                self._late[table] = set()
                group.create_task(self._read_beside(table), name=f"read {table}")
            elif table in TABLES and ids:
                rows = await connection.fetch(read(table), ids)
                shelf = self.book.shelf(table)
                shelf.forget(ids)
                shelf.put(rows)
                shelf.settle()
            elif table == REGISTRATIONS and (ids is None or ids):
                self._replace_contacts(ids, await connection.fetch(CONTACTS, ids))

    async def _read_settings(self, connection: asyncpg.Connection) -> bool:
        """Return whether the country has changed, and with it the meaning of many rows."""
        country = self.book.settings.country
        found = await connection.fetch(SETTINGS)
        self.book.change_settings({row["key"]: json.loads(row["value"]) for row in found})
        return self.book.settings.country != country

    async def _read_beside(self, table: str) -> None:
        """Read a whole table on a connection of its own; what changes meanwhile is read again."""
        with uncollected():
            async with connected(self._dsn, f"{table} can't be read", 60.0) as connection:
                await self._read_whole(connection, table)
        late = self._late.pop(table)
        self._tell({table: None})
        listed = "*" if late is None else ",".join(map(str, late))
        self._changes.put_nowait(f"{table}:{listed}")

    def _note_late(self, table: str, ids: set[UUID] | None) -> None:
        late = self._late[table]
        self._late[table] = None if ids is None or late is None else late | ids

    async def _read_whole(self, connection: asyncpg.Connection, table: str) -> None:
        """The new shelf takes the place of the old one when it is full."""
        fresh = self.book.fresh(table)
        await fill(fresh, connection, read(table))
        old = self.book.shelf(table)
        self.book.place(table, fresh)
        await clear(old)

    def _replace_contacts(
        self, ids: Collection[UUID] | None, found: Sequence[asyncpg.Record]
    ) -> None:
        fresh: dict[UUID, list[Contact]] = {extension: [] for extension in ids or ()}
        for row in found:
            contact = Contact(row["contact_uri"], row["expires_at"])
            fresh.setdefault(row["extension_id"], []).append(contact)
            heapq.heappush(self._expiries, (contact.expires_at, row["extension_id"]))
        kept = self.book.contacts_of if ids is not None else {}
        for extension, contacts in fresh.items():
            kept[extension] = tuple(contacts)
            if not contacts:
                del kept[extension]
        self.book.contacts_of = kept

    def _expired(self) -> Iterable[UUID]:
        """Return the extensions with a contact that has expired, as far as we know.

        A mere refresh of a registration is not announced, so the row is read again.
        """
        now = datetime.now(UTC)
        expired = set()
        while self._expiries and self._expiries[0][0] <= now:
            expired.add(heapq.heappop(self._expiries)[1])
        return expired


def _merge(touched: Touched, payload: str) -> None:
    """Add a notification `table:id,id,…` or `table:*`; an empty one says the connection is lost."""
    table, _, listed = payload.partition(":")
    if listed == "*":
        touched[table] = None
        return
    known = touched.setdefault(table, set())
    try:
        ids = {UUID(text) for text in listed.split(",") if text}
    except ValueError:
        log.warning("notification not understood", action="notify_ignored", payload=payload)
        return
    if known is not None:
        known.update(ids)
