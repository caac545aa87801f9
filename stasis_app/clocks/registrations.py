"""Notes how the registrations at carriers fare, as Asterisk tells it over AMI."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from stasis_app.ari.errors import AriError
from stasis_app.ari.manager import Manager, Registration
from stasis_app.rules import mirrored
from stasis_app.rules.book import Book
from stasis_app.rules.mirrored import PjsipObject
from stasis_app.store import trunk_states
from stasis_app.store.trunk_states import TrunkState

log = structlog.get_logger()

REGISTERED = "Registered"
LOOK_AGAIN_SECONDS = 30.0
TRY_AGAIN_SECONDS = 2.0
SETTLE_SECONDS = 0.1
SILENT_SECONDS = 30.0  # pjproject gives a REGISTER up after 32 s
LONGEST_SECONDS = 45.0  # what seems to take longer began at another time than we think
EARLY_SECONDS = 2.0
REFRESH_SECONDS = 10  # so long before it expires a registration is made anew
ACCEPTED_WAIT = mirrored.EXPIRY_SECONDS - REFRESH_SECONDS
REFUSED_WAIT = mirrored.RETRY_SECONDS


class Registrations:
    """Listens to Asterisk, and writes what has changed into `trunk_registrations`.

    AMI tells no SIP status and no time of the next attempt (22.10). The next one comes when we
    have told Asterisk to make it. An attempt that failed after as long as a time-out takes had no
    answer; one that failed sooner was refused, or the carrier can't be reached at all; of one whose
    beginning is not known (see Mirror.registers_since) nothing is said.
    """

    def __init__(
        self, book: Book, manager: Manager, dsn: str, since: Mapping[UUID, datetime]
    ) -> None:
        self._book = book
        self._manager = manager
        self._dsn = dsn
        self._since = since
        self._changed = asyncio.Event()
        self._attempts: dict[UUID, Attempt] = {}
        self._noted: dict[UUID, TrunkState] = {}

    async def follow(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._manager.follow(self._hear), name="ami events")
            group.create_task(self._note_changes(), name="registrations")

    def _hear(self, event: Mapping[str, str]) -> None:
        if event["Event"] == "Connected":
            self._attempts.clear()
        if event["Event"] == "Registry":
            self._take(event)
        if event["Event"] in ("Registry", "Connected"):
            self._changed.set()

    def _take(self, event: Mapping[str, str]) -> None:
        """The event names no object. Two trunks with one account at one server share it."""
        now, accepted = datetime.now(UTC), event.get("Status") == REGISTERED
        for trunk in tuple(self._book.trunks.items.values()):
            uris = mirrored.client_uri(trunk), trunk.uri
            if trunk.present and uris == (event.get("Username"), event.get("Domain")):
                attempt = self._attempts.setdefault(trunk.id, Attempt())
                attempt.ends(now, self._since.get(trunk.id), accepted=accepted)

    async def _note_changes(self) -> None:
        while True:
            pause = LOOK_AGAIN_SECONDS
            self._changed.clear()
            if self._manager.connected.is_set():
                try:
                    await self._note()
                except (AriError, ConnectionError) as error:
                    log.warning("trunks not noted", action="registrations_failed", error=str(error))
                    pause = TRY_AGAIN_SECONDS
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._changed.wait()
                    await asyncio.sleep(SETTLE_SECONDS)

    async def _note(self) -> None:
        states = [self._state(found) for found in await self._manager.registrations()]
        changed = [state for state in states if state and self._noted.get(state.trunk) != state]
        if changed:
            await trunk_states.note(self._dsn, changed)
        self._noted = {state.trunk: state for state in states if state}

    def _state(self, found: Registration) -> TrunkState | None:
        trunk = mirrored.owner_of(PjsipObject("registration", found.name))
        if trunk not in self._book.trunks.items:
            return None
        return state_of(trunk, found.status, self._attempts.get(trunk, Attempt()))


@dataclass
class Attempt:
    """The last attempt to register. `next_at` is when the following one begins, if known.

    `seconds` is how long it took, None if that is not known.
    """

    ended_at: datetime | None = None
    next_at: datetime | None = None
    seconds: float | None = None

    def ends(self, at: datetime, made_at: datetime | None, *, accepted: bool) -> None:
        """`made_at` is when the registration was made, which begins an attempt at once."""
        began_at = max((time for time in (self.next_at, made_at) if time), default=None)
        took = (at - began_at).total_seconds() if began_at else LONGEST_SECONDS
        self.seconds = took if -EARLY_SECONDS < took < LONGEST_SECONDS else None
        self.ended_at = at
        self.next_at = at + timedelta(seconds=ACCEPTED_WAIT if accepted else REFUSED_WAIT)


def state_of(trunk: UUID, status: str, attempt: Attempt) -> TrunkState:
    """Put Asterisk's word for a registration into those of `trunk_registrations`."""
    if status == REGISTERED:
        return TrunkState(trunk, "registered", "accepted", _after(attempt, ACCEPTED_WAIT))
    if status == "Rejected":
        return TrunkState(trunk, *_failed(attempt), _after(attempt, REFUSED_WAIT))
    if status == "Stopped":
        return TrunkState(trunk, "stopped", "none", None)
    return TrunkState(trunk, "trying", "none", None)


def _failed(attempt: Attempt) -> tuple[str, str]:
    if attempt.seconds is None:
        return "trying", "none"
    if attempt.seconds >= SILENT_SECONDS:
        return "no_answer", "none"
    return "refused", "refused or unreachable"


def _after(attempt: Attempt, seconds: float) -> datetime | None:
    return attempt.ended_at + timedelta(seconds=seconds) if attempt.ended_at else None
