"""What `change_agents` of Postgres makes of a slot, change by change."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from stasis_app.rules.queues import Slot

Change = Mapping[str, Any]


def _offered(slot: Slot, change: Change) -> Slot:
    return replace(slot, offered_at={**slot.offered_at, UUID(change["queue_id"]): _at(change)})


def _connected(slot: Slot, change: Change) -> Slot:
    slot = replace(slot, misses=0)
    if not _holds(slot, change):
        return slot
    return replace(slot, talking_since=_at(change), reserved_until=None)


def _missed(slot: Slot, change: Change) -> Slot:
    until = datetime.fromisoformat(change["rests_until"])
    return replace(_released(slot, change), misses=change["misses"], rests_until=until)


def _released(slot: Slot, change: Change) -> Slot:
    """A slot that holds another call by now stays as it is."""
    if not _holds(slot, change):
        return slot
    return replace(slot, call=None, reserved_until=None, talking_since=None)


def _ended(slot: Slot, change: Change) -> Slot:
    slot, day = _released(slot, change), datetime.fromisoformat(change["talk_since"])
    until = change["wrap_up_until"]
    return replace(
        slot,
        last_call_ended_at=_later(slot.last_call_ended_at, _at(change)),
        talk_seconds=change["talk_seconds"] + (slot.talk_seconds if slot.talk_since == day else 0),
        talk_since=day,
        wrap_up_until=_later(slot.wrap_up_until, datetime.fromisoformat(until) if until else None),
    )


def _rested(slot: Slot, _: Change) -> Slot:
    return replace(slot, wrap_up_until=None, rests_until=None)


def _situation(slot: Slot, change: Change) -> Slot:
    return replace(slot, engaged=change["engaged"], hindrance=change["hindrance"])


CHANGES: Mapping[str, Callable[[Slot, Change], Slot]] = {
    "offered": _offered,
    "connected": _connected,
    "missed": _missed,
    "released": _released,
    "ended": _ended,
    "rested": _rested,
    "situation": _situation,
}


def _holds(slot: Slot, change: Change) -> bool:
    return slot.call is not None and str(slot.call) == change.get("call_id")


def _at(change: Change) -> datetime:
    return datetime.fromisoformat(change["at"])


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((at for at in (one, other) if at), default=None)
