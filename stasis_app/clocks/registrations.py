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
from stasis_app.store import trunk_states
from stasis_app.store.trunk_states import TrunkState

log = structlog.get_logger()

LOOK_AGAIN_SECONDS = 30.0
TRY_AGAIN_SECONDS = 2.0
SETTLE_SECONDS = 0.1
SILENT_SECONDS = 30.0  # pjproject gives a REGISTER up after 32 s
REFRESH_SECONDS = 10  # so long before it expires a registration is made anew


class Registrations:
    """Listens to Asterisk, and writes what has changed into `trunk_registrations`.

    AMI tells no SIP status and no time of the next attempt (22.10): a refusal that took as long as
    a time-out was none, and the next attempt comes when we have told Asterisk to make it.
    """

    def __init__(self, book: Book, manager: Manager, dsn: str) -> None:
        self._book = book
        self._manager = manager
        self._dsn = dsn
        self._changed = asyncio.Event()
        self._attempts: dict[str, Attempt] = {}
        self._noted: dict[UUID, TrunkState] = {}

    async def follow(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._manager.follow(self._hear), name="ami events")
            group.create_task(self._note_changes(), name="registrations")

    def _hear(self, event: Mapping[str, str]) -> None:
        if event["Event"] == "Registry":
            self._attempt(event.get("Username", "")).ends(datetime.now(UTC))
        if event["Event"] in ("Registry", "Connected"):
            self._changed.set()

    def _attempt(self, client_uri: str) -> "Attempt":
        return self._attempts.setdefault(client_uri, Attempt(datetime.now(UTC)))

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
        trunk = self._book.trunks.get(mirrored.trunk_of(found.name))
        if trunk is None:
            return None
        return state_of(trunk.id, found.status, self._attempt(mirrored.client_uri(trunk)))


@dataclass
class Attempt:
    """The last attempt to register: when it began, and when it ended."""

    began_at: datetime
    ended_at: datetime | None = None
    silent: bool = False

    def ends(self, at: datetime) -> None:
        self.silent = (at - self.began_at).total_seconds() >= SILENT_SECONDS
        self.ended_at = at
        self.began_at = at + timedelta(seconds=mirrored.RETRY_SECONDS)


def state_of(trunk: UUID, status: str, attempt: Attempt) -> TrunkState:
    """Put Asterisk's word for a registration into those of `trunk_registrations`."""
    if status == "Registered":
        wait = mirrored.EXPIRY_SECONDS - REFRESH_SECONDS
        return TrunkState(trunk, "registered", "accepted", _after(attempt, wait))
    if status == "Rejected":
        state, answer = ("no_answer", "none") if attempt.silent else ("refused", "refused")
        return TrunkState(trunk, state, answer, _after(attempt, mirrored.RETRY_SECONDS))
    if status == "Stopped":
        return TrunkState(trunk, "stopped", "none", None)
    return TrunkState(trunk, "trying", "none yet", None)


def _after(attempt: Attempt, seconds: float) -> datetime | None:
    return attempt.ended_at + timedelta(seconds=seconds) if attempt.ended_at else None
