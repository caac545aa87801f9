"""What the fake Postgres makes of a slot (see the tests of change_agents)."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from stasis_app.rules.queues import Slot

from .fake_phones import EPOCH
from .fake_slots import CHANGES

ANNA, SALES = UUID(int=1), UUID(int=11)
ONE, TWO = UUID(int=21), UUID(int=22)


def at(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


def change(name: str, **details: Any) -> dict[str, Any]:
    """Return a record of something that happened to Anna, at second 1."""
    of_anna = {"extension_id": str(ANNA), "call_id": str(ONE), "queue_id": str(SALES)}
    return {"agent": {**of_anna, "change": name, "at": at(1).isoformat(), **details}}


MISSED = change("missed", rests_until=at(9).isoformat(), misses=2, **{"break": None})
ENDED = change(
    "ended", talk_seconds=4.0, talk_since=at(0).isoformat(), wrap_up_until=at(12).isoformat()
)


CALLED = Slot(ANNA, call=ONE, reserved_until=at(30), misses=1)
FREE = Slot(ANNA, misses=1)
WRITTEN: list[tuple[Slot, dict[str, Any], Slot]] = [
    (CALLED, change("offered"), replace(CALLED, offered_at={SALES: at(1)})),
    (CALLED, change("connected"), Slot(ANNA, call=ONE, talking_since=at(1))),
    (replace(CALLED, call=TWO), change("connected"), replace(CALLED, call=TWO, misses=0)),
    (CALLED, change("released"), FREE),
    (replace(CALLED, call=TWO), change("released"), replace(CALLED, call=TWO)),
    (CALLED, MISSED, Slot(ANNA, misses=2, rests_until=at(9))),
    (replace(CALLED, call=TWO), MISSED, replace(CALLED, call=TWO, misses=2, rests_until=at(9))),
    (
        CALLED,
        ENDED,
        replace(
            FREE,
            last_call_ended_at=at(1),
            talk_seconds=4.0,
            talk_since=at(0),
            wrap_up_until=at(12),
        ),
    ),
    (
        Slot(
            ANNA,
            talk_seconds=3.0,
            talk_since=at(0),
            last_call_ended_at=at(8),
            wrap_up_until=at(20),
        ),
        ENDED,
        Slot(
            ANNA,
            talk_seconds=7.0,
            talk_since=at(0),
            last_call_ended_at=at(8),
            wrap_up_until=at(20),
        ),
    ),
    (
        Slot(ANNA, talk_seconds=3.0, talk_since=at(-86400)),
        ENDED,
        Slot(
            ANNA,
            talk_seconds=4.0,
            talk_since=at(0),
            last_call_ended_at=at(1),
            wrap_up_until=at(12),
        ),
    ),
    (Slot(ANNA, wrap_up_until=at(9)), change("rested"), Slot(ANNA)),
    (
        FREE,
        change("situation", engaged=True, hindrance="dnd"),
        replace(FREE, engaged=True, hindrance="dnd"),
    ),
]


@pytest.mark.parametrize(("before", "record", "after"), WRITTEN)
def test_what_the_journal_tells(before: Slot, record: dict[str, Any], after: Slot) -> None:
    change = record["agent"]
    assert CHANGES[change["change"]](before, change) == after
