"""The slots of the agents: one call at a time each, whatever the number of queues.

What is changed here counts at once, and is written to the journal (change_agents in SQL). To take a
slot is another matter: that is reserved in Postgres, see `floor`.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from stasis_app.rules.queues import Slot

from .journal import Write, plain

SETTLED_SECONDS = 1.0
"""So long what we have written may be on its way to Postgres."""

Changed = Callable[[UUID], None]


class Slots:
    """By extension. `changed` is told whose slot is another now."""

    def __init__(self, write: Write, changed: Changed) -> None:
        self._write = write
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._slots: dict[UUID, Slot] = {}
        self._reserved: dict[UUID, UUID] = {}
        self._ours: dict[UUID, set[UUID]] = {}
        self._written_at: dict[UUID, float] = {}

    def of(self, agent: UUID) -> Slot:
        return self._slots.get(agent) or Slot(agent)

    def __iter__(self) -> Iterator[Slot]:
        return iter(tuple(self._slots.values()))

    def know(self, slots: Iterable[Slot]) -> set[UUID]:
        """Take over what Postgres says; return the agents of whom we know better.

        Their slots hold one of our calls, or held it last, or we have changed them just now: that
        is on its way there.
        """
        newer = set()
        for slot in slots:
            agent = slot.extension
            if self._is_ours(slot) or self._is_new(agent):
                newer.add(agent)
                continue
            self._ours.pop(agent, None)
            self._slots[agent] = slot
            self._changed(agent)
        return newer

    def _is_ours(self, slot: Slot) -> bool:
        """Of several calls that we wanted the slot for, it says which one it holds."""
        ours = self._ours.get(slot.extension, set())
        if slot.call in ours:
            self._reserved[slot.extension] = slot.call
            return True
        return self.of(slot.extension).call in ours

    def serves(self, agent: UUID, call: UUID) -> bool:
        """Return whether we have wanted the slot for this call, and so will free it."""
        return call in self._ours.get(agent, ())

    def _is_new(self, agent: UUID) -> bool:
        written = self._written_at.get(agent)
        return written is not None and self._loop.time() - written < SETTLED_SECONDS

    def expected(self, agent: UUID) -> UUID | None:
        """Return the call that the slot holds in Postgres, as far as we know."""
        return self._reserved.get(agent) or self.of(agent).call

    def take(self, agent: UUID, call: UUID) -> None:
        """Let the slot hold a call; it is not reserved yet."""
        self._ours.setdefault(agent, set()).add(call)
        self._slots[agent] = replace(self.of(agent), call=call, reserved_until=None)

    def reserved(self, agent: UUID, queue: UUID, call: UUID, at: datetime) -> None:
        """Take note that Postgres has given us the slot, and that the phone begins to ring."""
        self._holds(agent, call)
        slot = self.of(agent)
        self._slots[agent] = replace(slot, offered_at={**slot.offered_at, queue: at})
        self._note(agent, "offered", at, queue_id=queue, call_id=call)

    def untake(self, agent: UUID, call: UUID, *, unsure: bool) -> None:
        """Give back what could not be reserved; `unsure`: Postgres did not say so."""
        if unsure:
            self._reserved[agent] = call
        else:
            self._ours.get(agent, set()).discard(call)
        self._free(agent, call)
        self._changed(agent)

    def adopt(self, agent: UUID, call: UUID) -> None:
        """Take over the slot of a call that another process has begun."""
        self.take(agent, call)
        self._holds(agent, call)
        self._changed(agent)

    def _holds(self, agent: UUID, call: UUID) -> None:
        self._reserved[agent] = call
        self._ours[agent] = {call}

    def connected(self, agent: UUID, call: UUID, at: datetime) -> None:
        self._slots[agent] = replace(self.of(agent), talking_since=at, misses=0)
        self._note(agent, "connected", at, call_id=call)

    def missed(
        self, agent: UUID, call: UUID, at: datetime, *, until: datetime, misses: int, pause: str
    ) -> None:
        """Free the slot of an agent who did not answer; `pause` is the reason of his break."""
        self._free(agent, call)
        self._slots[agent] = replace(self.of(agent), rests_until=until, misses=misses)
        details = {"rests_until": until, "misses": misses, "break": pause or None}
        self._note(agent, "missed", at, call_id=call, **details)
        self._changed(agent)

    def release(self, agent: UUID, call: UUID, at: datetime) -> None:
        """Free the slot of an agent who has done nothing."""
        self._free(agent, call)
        self._note(agent, "released", at, call_id=call)
        self._changed(agent)

    def ended(
        self,
        agent: UUID,
        call: UUID,
        at: datetime,
        *,
        queue: UUID,
        talked: float,
        day: datetime,
        wrap_up_until: datetime | None,
    ) -> None:
        """Free the slot of an agent whose conversation is over; `day` is when today began."""
        self._free(agent, call)
        slot = self.of(agent)
        today = slot.talk_since == day
        later = [one for one in (slot.wrap_up_until, wrap_up_until) if one]
        self._slots[agent] = replace(
            slot,
            last_call_ended_at=at,
            talk_seconds=talked + (slot.talk_seconds if today else 0.0),
            talk_since=day,
            wrap_up_until=max(later, default=None),
        )
        details = {"talk_seconds": talked, "talk_since": day, "wrap_up_until": wrap_up_until}
        self._note(agent, "ended", at, call_id=call, queue_id=queue, **details)
        self._changed(agent)

    def rested(self, agent: UUID, at: datetime) -> None:
        """End the wrap-up, and the rest after a miss."""
        slot = self.of(agent)
        if slot.wrap_up_until or (slot.rests_until and slot.rests_until > at):
            self._note(agent, "rested", at)
        self._slots[agent] = replace(slot, wrap_up_until=None, rests_until=None)
        self._changed(agent)

    def situation(self, agent: UUID, at: datetime, *, engaged: bool, hindrance: str | None) -> None:
        """Take note of other calls of the agent, and of what keeps his phone from ringing."""
        slot = self.of(agent)
        if (slot.engaged, slot.hindrance) != (engaged, hindrance):
            self._slots[agent] = replace(slot, engaged=engaged, hindrance=hindrance)
            self._note(agent, "situation", at, engaged=engaged, hindrance=hindrance)

    def _free(self, agent: UUID, call: UUID) -> None:
        slot = self.of(agent)
        if slot.call == call:
            self._slots[agent] = replace(slot, call=None, reserved_until=None, talking_since=None)

    def _note(self, agent: UUID, change: str, at: datetime, **details: Any) -> None:
        record = {"extension_id": agent, "change": change, "at": at, **details}
        self._written_at[agent] = self._loop.time()
        self._write({"agent": {key: plain(value) for key, value in record.items()}})
