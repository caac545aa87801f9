"""The snapshot of the rules: read once, then kept true by NOTIFY, asked from memory.

While Postgres is away the last snapshot goes on serving calls.
"""

import asyncio
import heapq
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from stasis_app.rules import rows
from stasis_app.rules.models import Contact, Extension

log = structlog.get_logger()

CHANNEL = "pbx_changes"
SWEEP_SECONDS = 1.0
PROBE_SECONDS = 3.0
BACK_OFF_SECONDS = 1.0
LARGEST_NUMBER = 1e9

EXTENSIONS = """
SELECT id, number, extension_type, status, deleted_at, display_name, dnd_enabled,
    max_concurrent_calls, forward_unconditional_enabled, forward_unconditional_destination,
    forward_on_busy_enabled, forward_on_busy_destination, forward_on_no_answer_enabled,
    forward_on_no_answer_destination, forward_on_no_answer_timeout
FROM extensions WHERE $1::uuid[] IS NULL OR id = ANY($1)
"""

CONTACTS = """
SELECT extension_id, coalesce(long_contact_uri, contact_uri) AS contact_uri, expires_at
FROM extension_registrations
WHERE expires_at > now() AND ($1::uuid[] IS NULL OR extension_id = ANY($1))
ORDER BY registered_at
"""

SETTINGS = "SELECT key, value FROM system_settings"


class Directory:
    """Answers what flows ask of the configuration. `ready` is set after the first reading."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._rows: dict[str, asyncpg.Record] = {}
        self._numbers: dict[UUID, str] = {}
        self._contacts: dict[UUID, tuple[Contact, ...]] = {}
        self._expiries: list[tuple[datetime, UUID]] = []
        self._settings: dict[str, Any] = {}
        self.ready = asyncio.Event()
        self.connected = False

    def extension(self, number: str) -> Extension | None:
        row = self._rows.get(number)
        return rows.extension(row) if row else None

    def contacts(self, extension: UUID) -> Sequence[Contact]:
        return self._contacts.get(extension, ())

    def number(self, key: str, default: float) -> float:
        """Return a setting that is a number of 0 or more, else `default`."""
        value = self._settings.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return default
        return float(value) if 0 <= value <= LARGEST_NUMBER else default

    async def follow(self) -> None:
        """Read everything, then follow the changes, for ever."""
        while True:
            try:
                await self._follow_once()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning(
                    "snapshot can't follow postgres", action="snapshot_stale", error=str(error)
                )
            self.connected = False
            await asyncio.sleep(BACK_OFF_SECONDS)

    async def _follow_once(self) -> None:
        changes: asyncio.Queue[str] = asyncio.Queue()
        connection = await asyncpg.connect(self._dsn, timeout=5, command_timeout=60)
        try:
            connection.add_termination_listener(lambda _: changes.put_nowait(""))
            await connection.add_listener(CHANNEL, lambda *args: changes.put_nowait(str(args[-1])))
            await self._read(connection, {"extensions": None, "system_settings": None})
            self.connected = True
            self.ready.set()
            while not connection.is_closed():
                await self._read(connection, await self._next(connection, changes))
        finally:
            connection.terminate()

    async def _next(
        self, connection: asyncpg.Connection, changes: asyncio.Queue[str]
    ) -> dict[str, set[UUID] | None]:
        """Return the ids to read again by table (None: all), as soon as there are any.

        While nothing comes the connection is probed: it may be dead and not say so.
        """
        touched: dict[str, set[UUID] | None] = {}
        try:
            async with asyncio.timeout(SWEEP_SECONDS):
                _merge(touched, await changes.get())
        except TimeoutError:
            await connection.fetchval("SELECT 1", timeout=PROBE_SECONDS)
        while not changes.empty():
            _merge(touched, changes.get_nowait())
        known = touched.setdefault("extension_registrations", set())
        if known is not None:
            known.update(self._expired())
        return touched

    async def _read(
        self, connection: asyncpg.Connection, touched: Mapping[str, set[UUID] | None]
    ) -> None:
        for table, ids in touched.items():
            if table == "system_settings":
                found = await connection.fetch(SETTINGS)
                self._settings = {row["key"]: json.loads(row["value"]) for row in found}
            if ids is not None and not ids:
                continue
            if table == "extensions":
                self._replace_extensions(ids, await connection.fetch(EXTENSIONS, ids))
            if table == "extension_registrations" or (table == "extensions" and ids is None):
                self._replace_contacts(ids, await connection.fetch(CONTACTS, ids))

    def _replace_extensions(
        self, ids: Iterable[UUID] | None, found: Sequence[asyncpg.Record]
    ) -> None:
        if ids is None:
            self._rows, self._numbers = {}, {}
        for extension in ids or ():
            self._rows.pop(self._numbers.pop(extension, ""), None)
        for row in found:
            self._rows[row["number"]] = row
            self._numbers[row["id"]] = row["number"]

    def _replace_contacts(
        self, ids: Iterable[UUID] | None, found: Sequence[asyncpg.Record]
    ) -> None:
        fresh: dict[UUID, list[Contact]] = {extension: [] for extension in ids or ()}
        for row in found:
            contact = Contact(row["contact_uri"], row["expires_at"])
            fresh.setdefault(row["extension_id"], []).append(contact)
            heapq.heappush(self._expiries, (contact.expires_at, row["extension_id"]))
        if ids is None:
            self._contacts = {}
        for extension, contacts in fresh.items():
            self._contacts[extension] = tuple(contacts)
            if not contacts:
                del self._contacts[extension]

    def _expired(self) -> set[UUID]:
        """Return the extensions with a contact that has expired, as far as we know.

        A mere refresh of a registration is not announced, so the row is read again.
        """
        now = datetime.now(UTC)
        expired = set()
        while self._expiries and self._expiries[0][0] <= now:
            expired.add(heapq.heappop(self._expiries)[1])
        return expired


def _merge(touched: dict[str, set[UUID] | None], payload: str) -> None:
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
