"""Keeps Asterisk true to the rows that it can't read itself: see rules/mirrored.py."""

import asyncio
import contextlib
import socket
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

log = structlog.get_logger()

TABLES = ("trunks", "time_profiles", "blacklist", "system_settings", "")  # "": somebody asks
BLACKLIST = "blacklist"
UNUSABLE = range(400, 500)
LOOK_AGAIN_SECONDS = 60.0
TRY_AGAIN_SECONDS = 2.0


class Mirror:
    """Tells Asterisk what has changed, and all of it after a connection was made anew.

    It has been told of whatever was committed before `told_at`. Postgres knows the objects that
    Asterisk holds, so that one whose trunk has gone while nobody watched is taken back.
    """

    def __init__(self, directory: Directory, door: Door, dsn: str) -> None:
        self._directory = directory
        self._book = directory.book
        self._door = door
        self._dsn = dsn
        self._changed = directory.watch(*TABLES)
        self.told_at = directory.read_at
        self._held: Objects = {}
        self._stale: set[PjsipObject] = set()
        self._told: dict[str, str] = {}
        self._lamps: set[str] = set()
        self._addresses: dict[str, tuple[str, ...]] = {}
        self._read_records = False

    def connected(self) -> None:
        """Take Asterisk for a new one: it has forgotten everything if it has restarted."""
        self._stale |= set(self._held)
        self._held = {}
        self._told = {}
        self._changed.set()

    async def follow(self) -> None:
        while True:
            pause = LOOK_AGAIN_SECONDS
            self._changed.clear()
            if self._door.connected.is_set():
                as_of = self._directory.read_at
                try:
                    await self._look_up()
                    await self._sync()
                    self.told_at = as_of
                except (AriError, ConnectionError) as error:
                    log.warning("asterisk not told", action="mirror_failed", error=str(error))
                    pause = TRY_AGAIN_SECONDS
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._changed.wait()

    async def _look_up(self) -> None:
        """Look up the hosts of trunks; one that can't be found keeps the addresses it had."""
        loop = asyncio.get_running_loop()
        for host in mirrored.host_names(self._book):
            try:
                found = await loop.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
            except OSError as error:
                log.warning("host not found", action="host_not_found", host=host, error=str(error))
                continue
            self._addresses[host] = tuple(sorted({str(entry[4][0]) for entry in found}))

    async def _sync(self) -> None:
        if not self._read_records:
            for names in (await trunk_states.recorded(self._dsn)).values():
                self._stale |= {PjsipObject(*name.split("/", 1)) for name in names}
            self._read_records = True
        wanted = mirrored.objects(self._book, self._addresses)
        gone = (set(self._held) | self._stale) - set(wanted)
        fresh = [name for name in wanted if name not in self._held]
        if fresh or gone:
            await self._record({*wanted, *gone})
            for name in fresh:
                await self._put(name, wanted)
            for name in gone:
                await self._take_back(name)
            await self._record(set(wanted), {*wanted, *gone})
        await self._tell()

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

    async def _take_back(self, name: PjsipObject) -> None:
        with contextlib.suppress(Gone):
            await self._door.delete_object(name.kind, name.name)
        self._held.pop(name, None)
        self._stale.discard(name)

    async def _record(self, names: set[PjsipObject], known: set[PjsipObject] | None = None) -> None:
        """Write which objects there are; trunks of `known` that have none left are forgotten."""
        by_trunk: defaultdict[UUID, set[str]] = defaultdict(set)
        for name in known or names:
            trunk = mirrored.trunk_of(name.name)
            if trunk:
                by_trunk[trunk] |= {f"{name.kind}/{name.name}"} if name in names else set()
        await trunk_states.record(self._dsn, by_trunk)

    async def _tell(self) -> None:
        """Set the variables, lamps and the black list that are not what they were."""
        for name, value in mirrored.global_variables(self._book).items():
            if self._told.get(name) != value:
                await self._door.set_global(name, value)
                self._told[name] = value
        lamps = mirrored.lamps(self._book)
        self._lamps |= lamps.keys()
        for name in sorted(self._lamps):
            state = lamps.get(name, mirrored.DARK)
            if self._told.get(name) != state:
                await self._door.set_device_state(name, state)
                self._told[name] = state
        denied = mirrored.denied(self._book, datetime.now(UTC))
        if self._told.get(BLACKLIST) != denied:
            await self._deny(denied)
            self._told[BLACKLIST] = denied

    async def _deny(self, addresses: str) -> None:
        if addresses:
            await self._door.replace_object("acl", BLACKLIST, {"deny": addresses})
            return
        with contextlib.suppress(Gone):
            await self._door.delete_object("acl", BLACKLIST)
