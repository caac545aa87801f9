"""The agents of the queues as Postgres would know them, from memory: `call.stock.Agents`.

Its dates are in virtual time. Several processes may share one, as they share Postgres.
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from stasis_app.rules.book import Book
from stasis_app.rules.numbers import is_anonymous
from stasis_app.rules.queues import Presence, Reservation, Slot, Wait
from stasis_app.words import Left, Wanted

from .fake_phones import EPOCH
from .fake_slots import CHANGES

TOLD_SECONDS = 0.005
COUNTED = 20
COUNTED_FOR = timedelta(hours=8)
REASON_LENGTH = 100

Key = tuple[UUID, UUID | None]
Row = dict[str, Any]
Heard = Callable[[Mapping[str, Collection[UUID]]], None]


@dataclass(eq=False)
class FakeAgents:
    """An answer takes `seconds`, a record `shipping` until it is written.

    While `away` every question raises ConnectionError and no record is written. An answer of
    `reserve` that `loses` names, by its number from 0, never comes, though it was done. What an
    agent wants gets into the `books` a moment later, and `watchers` hear of it (table and ids).

    `slots_by_agent`, `presences` (where the books know none) and `visits` are the rows;
    `callbacks` the callers, by queue and number, who wait to be called back, and since when.
    `given` are all reservations in their order.
    """

    books: list[Book] = field(default_factory=list)
    watchers: list[Heard] = field(default_factory=list)
    seconds: float = 0.001
    shipping: float = 0.02
    loses: Collection[int] = ()
    slots_by_agent: dict[UUID, Slot] = field(default_factory=dict)
    presences: dict[Key, Presence] = field(default_factory=dict)
    visits: dict[str, Row] = field(default_factory=dict)
    callbacks: dict[tuple[UUID, str], datetime] = field(default_factory=dict)
    given: list[Reservation] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        self._backlog: deque[Mapping[str, Any]] = deque()
        self._asked = 0
        self._away = False

    # what happens outside of calls

    @property
    def away(self) -> bool:
        return self._away

    @away.setter
    def away(self, away: bool) -> None:
        self._away = away
        self._ship()

    def slot(self, extension: UUID) -> Slot:
        return self.slots_by_agent.get(extension) or Slot(extension)

    def presence(self, extension: UUID, queue: UUID | None) -> Presence | None:
        """Return what an agent wants, in all queues or in one."""
        own = self.presences.get((extension, queue))
        known = (book.agent_states.of(extension, queue) for book in self.books)
        return own or next((one for one in known if one), None)

    def want(self, extension: UUID, queue: UUID | None, wanted: Wanted, reason: str = "") -> None:
        """Write down what an agent wants, as a person does; the same again changes nothing."""
        before, reason = self.presence(extension, queue), reason[:REASON_LENGTH]
        if before and (before.wanted, before.reason) == (wanted, reason):
            return
        identity = before.id if before else uuid4()
        written = Presence(identity, extension, queue, wanted, reason, self._now())
        self.presences[extension, queue] = written
        self._later(TOLD_SECONDS, lambda: self._tell(written))

    # what the calls have written

    def apply(self, record: Mapping[str, Any]) -> None:
        """Take a record of the journal; what it says of agents and visits is written soon."""
        if "agent" in record or "visit" in record:
            self._backlog.append(record)
            self._later(self.shipping, self._ship)

    def _ship(self) -> None:
        while self._backlog and not self._away:
            self._write(self._backlog.popleft())

    def _write(self, record: Mapping[str, Any]) -> None:
        if "visit" in record:
            visit = record["visit"]
            self.visits.setdefault(visit["id"], {}).update(visit)
        if "agent" in record:
            change = record["agent"]
            agent = UUID(change["extension_id"])
            self.slots_by_agent[agent] = CHANGES[change["change"]](self.slot(agent), change)
            if change.get("break"):
                self.want(agent, None, Wanted.BREAK, change["break"])

    # what calls ask

    async def slots(self) -> Sequence[Slot]:
        await self._answer()
        return list(self.slots_by_agent.values())

    async def reserve(self, wishes: Collection[Reservation]) -> Collection[Reservation]:
        number, self._asked = self._asked, self._asked + 1
        await self._answer()
        made: list[Reservation] = []
        for wish in self._first_of_each(wishes):
            if self._is_free(wish):
                slot = self.slot(wish.extension)
                self.slots_by_agent[wish.extension] = replace(
                    slot, call=wish.call, reserved_until=wish.until, talking_since=None
                )
                made.append(wish)
        self.given += made
        if number in self.loses:
            raise ConnectionError("the answer was lost")
        return made

    async def say(self, extension: UUID, queue: UUID | None, wanted: Wanted, reason: str) -> None:
        await self._answer()
        self.want(extension, queue, wanted, reason)

    async def waits(self, queue: UUID) -> Sequence[Wait]:
        await self._answer()
        answered = [
            (_time(visit["answered_at"]), visit)
            for visit in self._visits_of(queue)
            if visit.get("answered_at") and visit.get("position") and not visit.get("is_callback")
        ]
        recent = [one for one in answered if one[0] > self._now() - COUNTED_FOR]
        recent.sort(key=lambda one: one[0])
        return [
            Wait(visit["position"], max(0.0, (at - _time(visit["entered_at"])).total_seconds()))
            for at, visit in recent[-COUNTED:]
        ]

    async def earlier(self, queue: UUID, number: str, seconds: float) -> datetime | None:
        await self._answer()
        if is_anonymous(number):
            return None
        mine = [one for one in self._visits_of(queue) if one.get("caller_number") == number]
        gone = [one for one in mine if self._may_resume(one, mine, seconds)]
        waited = [_time(visit["joined_at"]) for visit in gone]
        called_back = self.callbacks.pop((queue, number), None)
        return min([*waited, *([called_back] if called_back else [])], default=None)

    # how Postgres decides

    def _first_of_each(self, wishes: Collection[Reservation]) -> Collection[Reservation]:
        """Of several wishes for one agent the first counts that he wants."""
        first: dict[UUID, Reservation] = {}
        for wish in wishes:
            if self._wants(wish.extension, wish.queue):
                first.setdefault(wish.extension, wish)
        return first.values()

    def _wants(self, extension: UUID, queue: UUID) -> bool:
        asked = (self.presence(extension, None), self.presence(extension, queue))
        return all(one is None or one.wanted is Wanted.AVAILABLE for one in asked)

    def _is_free(self, wish: Reservation) -> bool:
        """A slot can be had that is empty, holds what is expected, or whose ringing ran out."""
        slot = self.slot(wish.extension)
        if slot.call is None or slot.call == wish.expected:
            return True
        until = slot.reserved_until
        return slot.talking_since is None and until is not None and until < self._now()

    def _may_resume(self, visit: Row, mine: Sequence[Row], seconds: float) -> bool:
        """Return whether a caller hung up not too long ago and has not come back since."""
        if visit.get("left_how") not in {Left.ABANDONED, Left.FAILED}:
            return False
        left = _time(visit["left_at"])
        later = (_time(one["entered_at"]) for one in mine if one.get("position") is not None)
        recent = left > self._now() - timedelta(seconds=seconds)
        return recent and not any(entered >= left for entered in later)

    def _visits_of(self, queue: UUID) -> list[Row]:
        return [visit for visit in self.visits.values() if visit.get("queue_id") == str(queue)]

    async def _answer(self) -> None:
        await asyncio.sleep(self.seconds)
        if self._away:
            raise ConnectionError("the agents can't be read")

    def _tell(self, written: Presence) -> None:
        for book in self.books:
            book.agent_states.forget([written.id])
            book.agent_states.keep(written.id, written)
        for heard in tuple(self.watchers):
            heard({"agent_states": {written.id}})

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        self._loop.call_later(seconds, act, context=self._context)

    def _now(self) -> datetime:
        return EPOCH + timedelta(seconds=self._loop.time())


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
