"""`queue_callbacks` as Postgres would have it, from memory: `callbacks.Rows`.

Its dates are in virtual time. Several processes may share one, as they share Postgres.
"""

import asyncio
import contextvars
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from stasis_app.rules.callbacks import Callback
from stasis_app.words import CallbackState

from .fake_phones import EPOCH

SHIPPING_SECONDS = 0.02
LEASE = timedelta(seconds=30)
OPEN = (CallbackState.WAITING, CallbackState.CALLING)


@dataclass
class Row:
    wanted: Callback
    state: CallbackState = CallbackState.WAITING
    last_call: UUID | None = None
    problem: str | None = None
    states: list[CallbackState] = field(default_factory=lambda: [CallbackState.WAITING])

    def becomes(self, state: CallbackState) -> None:
        self.state = state
        self.states.append(state)


class Places(dict[tuple[UUID, str], datetime]):
    """What `FakeAgents.callbacks` is: whose place is taken is called off."""

    def __init__(self, callbacks: "FakeCallbacks") -> None:
        super().__init__()
        self._callbacks = callbacks

    def pop(self, key: tuple[UUID, str], *default: Any) -> Any:
        self._callbacks.supersede(*key)
        return super().pop(key, *default)


@dataclass(eq=False)
class FakeCallbacks:
    """`changed` are the events that are set when a row is another. While `away` nothing is told.

    An answer takes `seconds`; that a row was taken is announced `telling` before the answer.
    """

    rows: dict[UUID, Row] = field(default_factory=dict)
    changed: list[asyncio.Event] = field(default_factory=list)
    seconds: float = 0.001
    telling: float = 0.003
    away: bool = False
    tries: int = 3

    def __post_init__(self) -> None:
        self.places = Places(self)
        self._open_calls: set[str] = set()
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()

    # what the calls have written

    def apply(self, record: Mapping[str, Any]) -> None:
        """Take a record of the journal; what it says of callbacks is written soon."""
        if "begin" in record:
            self._open_calls.add(record["call"])
        if "end" in record:
            self._open_calls.discard(record["call"])
        if "callback" in record:
            act = partial(self._write, UUID(record["call"]), record["callback"])
            self._loop.call_later(SHIPPING_SECONDS, act, context=self._context)

    def _write(self, call: UUID, found: Mapping[str, Any]) -> None:
        if "state" in found:
            self._settle(call, found)
        else:
            self._ask(found)

    def _ask(self, found: Mapping[str, Any]) -> None:
        key = (UUID(found["queue_id"]), found["number"])
        if any((row.wanted.queue, row.wanted.number) == key for row in self._open()):
            return
        identity, joined_at = UUID(found["id"]), datetime.fromisoformat(found["joined_at"])
        wanted = Callback(
            identity,
            *key,
            found["caller_name"] or "",
            found["language"] or "",
            found["priority"],
            tuple(found["skills"]),
            joined_at,
            0,
            datetime.fromisoformat(found["requested_at"]),
        )
        self.rows[identity] = Row(wanted)
        self.places[key] = joined_at
        self._tell()

    def _settle(self, call: UUID, found: Mapping[str, Any]) -> None:
        row = self.rows[UUID(found["id"])]
        if row.state is not CallbackState.CALLING or row.last_call != call:
            return
        row.problem = found["problem"]
        at = found["next_try_at"]
        if at:
            row.wanted = replace(row.wanted, next_try_at=datetime.fromisoformat(at))
        self._become(row, CallbackState(found["state"]))

    # what happens by other hands

    def supersede(self, queue: UUID, number: str) -> None:
        for row in self._open():
            if (row.wanted.queue, row.wanted.number) == (queue, number):
                row.becomes(CallbackState.SUPERSEDED)
                self._tell()

    # what is asked

    async def waiting(self) -> Sequence[Callback]:
        await self._answer()
        return [row.wanted for row in self._open() if row.state is CallbackState.WAITING]

    async def take(self, wanted: Callback, call: UUID) -> bool:
        await self._answer()
        row = self.rows[wanted.id]
        if row.state is not CallbackState.WAITING or row.wanted.attempts != wanted.attempts:
            return False
        attempts = wanted.attempts + 1
        row.wanted = replace(row.wanted, attempts=attempts, next_try_at=self._now() + LEASE)
        row.last_call = call
        self._become(row, CallbackState.CALLING)
        await asyncio.sleep(self.telling)
        return True

    async def release_lost(self) -> None:
        await self._answer()
        for row in self._open():
            lost = row.state is CallbackState.CALLING and row.wanted.next_try_at < self._now()
            if lost and str(row.last_call) not in self._open_calls:
                over = row.wanted.attempts >= self.tries
                row.problem = "lost"
                self._become(row, CallbackState.FAILED if over else CallbackState.WAITING)

    def _become(self, row: Row, state: CallbackState) -> None:
        row.becomes(state)
        if state not in OPEN:
            dict.pop(self.places, (row.wanted.queue, row.wanted.number), None)
        self._tell()

    def _open(self) -> list[Row]:
        return [row for row in self.rows.values() if row.state in OPEN]

    def _tell(self) -> None:
        for event in self.changed:
            event.set()

    async def _answer(self) -> None:
        await asyncio.sleep(self.seconds)
        if self.away:
            raise ConnectionError("callbacks can't be read")

    def _now(self) -> datetime:
        return EPOCH + timedelta(seconds=self._loop.time())
