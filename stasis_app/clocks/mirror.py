"""Keeps Asterisk true to the rows that it can't read itself: see rules/mirrored.py."""

import asyncio
import contextlib
from collections import defaultdict
from datetime import UTC, datetime
from uuid import UUID

import structlog

from stasis_app.ari.door import Door
from stasis_app.ari.errors import AriError, Gone
from stasis_app.rules import mirrored
from stasis_app.rules.mirrored import Objects, PjsipObject
from stasis_app.store import trunk_states
from stasis_app.store.directory import Directory

from .hosts import Hosts
from .keeping import woken

log = structlog.get_logger()

TABLES = (
    *("trunks", "time_profiles", "blacklist", "system_settings"),
    *("extensions", "queue_members", "agent_states"),
    "",  # somebody asks
)
UNUSABLE = range(400, 500)
LOOK_AGAIN_SECONDS = 60.0
TRY_AGAIN_SECONDS = 2.0


class Mirror:
    """Tells Asterisk what has changed, and all of it after a connection was made anew.

    It has been told of whatever was committed before `told_at`. Postgres knows the objects that
    Asterisk holds, so that one whose row has gone while nobody watched is taken back.
    `registers_since` says when a trunk's registration was made, where that is known.
    """

    def __init__(self, directory: Directory, door: Door, dsn: str, hosts: Hosts) -> None:
        self._directory = directory
        self._book = directory.book
        self._door = door
        self._dsn = dsn
        self._hosts = hosts
        self._changed = directory.watch(*TABLES)
        hosts.tell(self._changed)
        self.told_at = directory.read_at
        self.registers_since: dict[UUID, datetime] = {}
        self._held: Objects = {}
        self._stale: set[PjsipObject] = set()
        self._recorded: set[PjsipObject] | None = None
        self._told: dict[str, str] = {}
        self._lamps: set[str] | None = None
        self._denied: list[str] = []
        self._acls: Objects = {}

    def connected(self) -> None:
        """Take Asterisk for a new one: it has forgotten everything if it has restarted."""
        self._stale |= set(self._held)
        self._held = {}
        self._told = {}
        self._lamps = None
        self._changed.set()

    async def follow(self) -> None:
        while True:
            pause = LOOK_AGAIN_SECONDS
            self._changed.clear()
            if self._door.connected.is_set():
                as_of = self._directory.read_at
                try:
                    await self._sync()
                    self.told_at = as_of
                except (AriError, ConnectionError) as error:
                    log.warning("asterisk not told", action="mirror_failed", error=str(error))
                    pause = TRY_AGAIN_SECONDS
            await woken(self._changed, pause)

    async def _sync(self) -> None:
        recorded = await self._read_records()
        addresses = self._hosts.addresses
        wanted = {**await self._black_list(), **mirrored.objects(self._book, addresses)}
        undecided = mirrored.undecided(self._book, addresses)
        old = set(self._held) | self._stale
        kept = {name for name in old - wanted.keys() if _waits(name, undecided)}
        gone = old - wanted.keys() - kept
        fresh = [name for name in wanted if name not in self._held]
        await self._record(recorded, {*wanted, *kept, *gone})
        for name in fresh:
            await self._put(name, wanted)
        for name in gone:
            await self._take_back(name)
        await self._record(recorded, {*wanted, *kept})
        await self._tell()

    async def _black_list(self) -> Objects:
        """Return the `acl` objects; a long list is cut up beside the calls."""
        denied = mirrored.denied(self._book, datetime.now(UTC))
        if denied != self._denied:
            self._acls = await asyncio.to_thread(mirrored.black_list, denied)
            self._denied = denied
        return self._acls

    async def _put(self, name: PjsipObject, wanted: Objects) -> None:
        try:
            await self._door.put_object(name.kind, name.name, wanted[name])
        except AriError as error:
            if error.status not in UNUSABLE:
                raise
            log.warning(
                "asterisk refuses an object",
                action="object_refused",
                name=name.name,
                kind=name.kind,
            )
        self._held[name] = wanted[name]
        if name.kind == "registration":
            self._note_registration(name)

    def _note_registration(self, name: PjsipObject) -> None:
        """One that may have been there before goes on with what it was doing."""
        trunk = mirrored.owner_of(name)
        if name in self._stale:
            self.registers_since.pop(trunk, None)
        else:
            self.registers_since[trunk] = datetime.now(UTC)

    async def _take_back(self, name: PjsipObject) -> None:
        with contextlib.suppress(Gone):
            await self._door.delete_object(name.kind, name.name)
        self._held.pop(name, None)
        self._stale.discard(name)

    async def _read_records(self) -> set[PjsipObject]:
        if self._recorded is None:
            records = (await trunk_states.recorded(self._dsn)).values()
            self._recorded = {
                PjsipObject(*name.split("/", 1)) for names in records for name in names
            }
            self._stale |= self._recorded
        return self._recorded

    async def _record(self, recorded: set[PjsipObject], names: set[PjsipObject]) -> None:
        """Write which objects there are; an owner that has none left is forgotten."""
        if names == recorded:
            return
        by_owner: defaultdict[UUID, set[str]] = defaultdict(set)
        for name in names | recorded:
            by_owner[mirrored.owner_of(name)] |= {"/".join(name)} if name in names else set()
        await trunk_states.record(self._dsn, by_owner)
        recorded.clear()
        recorded.update(names)

    async def _tell(self) -> None:
        """Set the variables and lamps that are not what they were."""
        for name, value in mirrored.global_variables(self._book).items():
            if self._told.get(name) != value:
                await self._door.set_global(name, value)
                self._told[name] = value
        lamps = mirrored.lamps(self._book)
        if self._lamps is None:
            lit = await self._lit()
            self._told |= lit
            self._lamps = set(lit)
        self._lamps |= lamps.keys()
        for name in sorted(self._lamps):
            state = lamps.get(name, mirrored.DARK)
            if self._told.get(name) != state:
                await self._door.set_device_state(name, state)
                self._told[name] = state

    async def _lit(self) -> dict[str, str]:
        """Return the lamps that Asterisk knows: it keeps them when it restarts."""
        states = await self._door.known_device_states()
        return {
            name: state for name, state in states.items() if name.startswith(mirrored.LAMP_PREFIXES)
        }


def _waits(name: PjsipObject, undecided: frozenset[UUID]) -> bool:
    """Return whether the addresses that an object holds may still be right."""
    return name.kind == "identify" and mirrored.owner_of(name) in undecided
