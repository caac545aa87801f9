"""Records of the journal, put together so that each kind is one statement.

A record is {"call": id, …} with any of
  "agent":    one change of change_agents() in SQL; a record that has nothing else needs no "call"
  "begin":    all first columns of its `calls` row
  "callback": {"id": …} with all first columns of its `queue_callbacks` row, or with "state" and
              what else has come of it
  "change":   columns of `calls` that have new values
  "visit":    {"id": …} with any columns of its `queue_calls` row, at first with all it must have
  "position": the `call_positions` row
  "event":    [seq, at, event, details]
  "delivery": {"id": …} with all first columns of its `recording_deliveries` row, or with any of
              "details" (added to those of the row), "finished_at" and "discarded" (true)
  "end":      {"ended_at": …, "hangup_cause": …}: the row goes to `cdr`
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from .journal_sql import (
    ADD_EVENTS,
    ASK_CALLBACKS,
    BEGIN_CALLS,
    BEGIN_DELIVERIES,
    CHANGE_AGENTS,
    CHANGE_CALLS,
    CHANGE_DELIVERIES,
    END_CALLS,
    SET_POSITIONS,
    SET_VISITS,
    SETTLE_CALLBACKS,
)
from .spool import Record

Rows = dict[str, dict[str, Any]]


class Group:
    """Rows by the id of their call, delivery or visit; what comes later wins, as one by one.

    What agents do is told in the order in which they did it.
    """

    def __init__(self) -> None:
        self._begun: Rows = {}
        self._changed: Rows = {}
        self._agents: list[Mapping[str, Any]] = []
        self._visits: Rows = {}
        self._asked: Rows = {}
        self._settled: Rows = {}
        self._positions: Rows = {}
        self._events: list[dict[str, Any]] = []
        self._promised: Rows = {}
        self._delivered: Rows = {}
        self._ended: Rows = {}

    def add(self, record: Record) -> None:
        """Raises KeyError, TypeError, ValueError or AttributeError for what is no record."""
        if "agent" in record:
            self._agents.append(_agent(record["agent"]))
            if len(record) == 1:
                return
        call = record["call"]
        if "begin" in record:
            self._begun[call] = {"id": call, **record["begin"]}
        if "change" in record:
            row = self._begun.get(call) or self._changed.setdefault(call, {"id": call})
            row.update(record["change"])
        if "visit" in record:
            self._visit(call, record["visit"])
        if "callback" in record:
            self._call_back(call, record["callback"])
        if "position" in record:
            self._positions[call] = {"call_id": call, **record["position"]}
        if "event" in record:
            seq, at, event, details = record["event"]
            self._events.append(
                {"call_id": call, "seq": seq, "at": at, "event": event, "details": details}
            )
        if "delivery" in record:
            self._deliver(call, record["delivery"])
        if "end" in record:
            self._ended[call] = {"id": call, **record["end"]}

    def steps(self) -> Iterator[tuple[str, Collection[Mapping[str, Any]]]]:
        """Return each statement with its rows, in the order of their dependence."""
        open_positions = [row for call, row in self._positions.items() if call not in self._ended]
        yield BEGIN_CALLS, self._begun.values()
        yield CHANGE_CALLS, self._changed.values()
        yield CHANGE_AGENTS, self._agents
        yield SET_VISITS, self._visits.values()
        yield ASK_CALLBACKS, self._asked.values()
        yield SETTLE_CALLBACKS, self._settled.values()
        yield SET_POSITIONS, open_positions
        yield ADD_EVENTS, self._events
        yield BEGIN_DELIVERIES, self._promised.values()
        yield CHANGE_DELIVERIES, self._delivered.values()
        yield END_CALLS, self._ended.values()

    def _visit(self, call: str, visit: Mapping[str, Any]) -> None:
        self._visits.setdefault(visit["id"], {"call_id": call}).update(visit)

    def _call_back(self, call: str, callback: Mapping[str, Any]) -> None:
        rows = self._settled if "state" in callback else self._asked
        rows[callback["id"]] = {"call_id": call, **callback}

    def _deliver(self, call: str, delivery: Mapping[str, Any]) -> None:
        identity = delivery["id"]
        if "kind" in delivery:
            self._promised[identity] = {"call_id": call, **delivery}
            return
        change = self._delivered.setdefault(identity, {})
        details = {**(change.get("details") or {}), **(delivery.get("details") or {})}
        change.update(delivery)
        change["details"] = details


def _agent(change: Mapping[str, Any]) -> Mapping[str, Any]:
    """Raises KeyError or TypeError for what is no change of an agent."""
    for key in ("extension_id", "change", "at"):
        if not isinstance(change[key], str):
            raise TypeError(f"{key} of an agent is no text")
    return change
