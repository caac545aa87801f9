"""What a call writes down about itself: its `calls` row, its timeline, where its story stands."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from stasis_app.rules.models import Position
from stasis_app.words import CallState, Direction, HangupCause, Moment

Write = Callable[[Mapping[str, Any]], bool]
"""Returns whether it was written."""

NUMBER_LENGTH = 50
NAME_LENGTH = 100


@dataclass(slots=True)
class Opening:
    """The first columns of a `calls` row."""

    sip_call_id: str
    direction: Direction
    caller_number: str
    caller_name: str
    callee_number: str
    initiated_at: datetime
    caller_extension: UUID | None = None
    trunk: UUID | None = None


@dataclass(slots=True)
class Journal:
    """The journal of one call. Every method returns at once; `append` must do so too.

    What comes after the end of the call is not written: the books are closed.

    Times are Asterisk's own where Asterisk reported what happened.
    """

    call: UUID
    append: Write
    initiated_at: datetime
    seq: int = 0
    state: CallState = CallState.INITIATED
    answered: bool = False
    closed: bool = False
    _key: str = field(init=False)

    def __post_init__(self) -> None:
        self._key = str(self.call)

    def write(self, record: Mapping[str, Any]) -> bool:
        return not self.closed and self.append(record)

    def begin(self, opening: Opening, position: Position) -> None:
        row = {
            "call_id": opening.sip_call_id,
            "direction": opening.direction,
            "caller_number": printable(opening.caller_number, NUMBER_LENGTH),
            "caller_name": printable(opening.caller_name, NAME_LENGTH) or None,
            "callee_number": printable(opening.callee_number, NUMBER_LENGTH),
            "caller_extension_id": _text(opening.caller_extension),
            "trunk_id": _text(opening.trunk),
            "initiated_at": opening.initiated_at.isoformat(),
        }
        details = {"caller": row["caller_number"], "number": row["callee_number"]}
        self.write(
            {
                "call": self._key,
                "begin": row,
                "position": self._position(position),
                "event": self._event(Moment.ARRIVED, opening.initiated_at, details),
            }
        )

    def note(self, event: Moment, at: datetime | None = None, **details: Any) -> None:
        """Add a line to the call's timeline."""
        self.write({"call": self._key, "event": self._event(event, at, details)})

    def stand(self, position: Position) -> None:
        """Say where the story stands, before the step begins."""
        self.write({"call": self._key, "position": self._position(position)})

    def callee(self, extension: UUID, name: str) -> None:
        """Note whom the call is for now; the number that was dialled stays."""
        shown = printable(name, NAME_LENGTH) or None
        change = {"callee_extension_id": str(extension), "callee_name": shown}
        self.write({"call": self._key, "change": change})

    def goes_out(self, trunk: UUID) -> None:
        """Note that the call goes out, and over which trunk."""
        change = {"trunk_id": str(trunk), "direction": Direction.OUTBOUND}
        self.write({"call": self._key, "change": change})

    def queue(self, queue: UUID) -> None:
        """Note the queue that the call is for now."""
        self.write({"call": self._key, "change": {"queue_id": str(queue)}})

    def waited(self, seconds: float, agent: UUID | None = None) -> None:
        """Note how long the caller has waited in the queue, and for whom."""
        change = {"queue_wait_time_seconds": round(seconds), "agent_extension_id": _text(agent)}
        self.write({"call": self._key, "change": change})

    def visit(self, identity: UUID, **columns: Any) -> None:
        """Note what is new of a visit in a queue (a row of `queue_calls`)."""
        values = {key: plain(value) for key, value in columns.items()}
        self.write({"call": self._key, "visit": {"id": str(identity), **values}})

    def callback(self, identity: UUID, **columns: Any) -> bool:
        """Note that somebody wants to be called back, or what became of it (`queue_callbacks`).

        Returns whether it is written down.
        """
        values = {key: plain(value) for key, value in columns.items()}
        return self.write({"call": self._key, "callback": {"id": str(identity), **values}})

    def rang(self, at: datetime, **details: Any) -> None:
        first = self.state is CallState.INITIATED
        if first:
            self.state = CallState.RINGING
        change = {"state": self.state, "ringing_at": at.isoformat()}
        self._change(change if first else {}, Moment.RANG, at, details)

    def answer(self, at: datetime, **details: Any) -> None:
        """Note that the call is answered; the first answer counts for the bill."""
        self.state = CallState.ANSWERED
        self.answered = True
        change = {"state": self.state, "answered_at": at.isoformat()}
        self._change(change, Moment.ANSWERED, at, details)

    def hold(self, at: datetime, who: str) -> None:
        self._held(Moment.HELD, at, who, held=True)

    def resume(self, at: datetime, who: str, *, held: bool) -> None:
        """Note that `who` has resumed; `held` says whether the other side still holds."""
        self._held(Moment.RESUMED, at, who, held=held)

    def deliver(self, identity: UUID, **fields: Any) -> bool:
        """Note what is recorded and where it must get (a row of `recording_deliveries`).

        Returns whether it is written down: what is not gets nowhere.
        """
        return self.write({"call": self._key, "delivery": {"id": str(identity), **fields}})

    def end(self, at: datetime, cause: HangupCause, **details: Any) -> None:
        self.write(
            {
                "call": self._key,
                "end": {"ended_at": at.isoformat(), "hangup_cause": cause},
                "event": self._event(Moment.ENDED, at, {"cause": cause, **details}),
            }
        )
        self.state = CallState.ENDED
        self.closed = True

    def _held(self, event: Moment, at: datetime, who: str, *, held: bool) -> None:
        change = {}
        if self.answered:
            self.state = CallState.HELD if held else CallState.ANSWERED
            change = {"state": self.state}
        self._change(change, event, at, {"by": who})

    def _change(
        self, change: Mapping[str, Any], event: Moment, at: datetime, details: Mapping[str, Any]
    ) -> None:
        record: dict[str, Any] = {"call": self._key, "event": self._event(event, at, details)}
        if change:
            record["change"] = change
        self.write(record)

    def _event(
        self, event: Moment, at: datetime | None, details: Mapping[str, Any]
    ) -> tuple[int, str, Moment, Mapping[str, Any]]:
        self.seq += 1
        return self.seq, (at or datetime.now(UTC)).isoformat(), event, details

    def _position(self, position: Position) -> dict[str, Any]:
        return {
            "channel_id": position.channel,
            "step": position.step,
            "arguments": position.arguments,
            "hops": position.hops,
            "since": position.since.isoformat(),
            "bridge_id": position.bridge,
            "legs": list(position.legs),
        }


def printable(text: str, length: int) -> str:
    """Return `text` without control characters, cut to what its column holds."""
    clean = "".join(mark for mark in text if mark.isprintable())
    return clean[:length]


def plain(value: object) -> object:
    """Return a value as a record can hold it."""
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _text(value: UUID | None) -> str | None:
    return str(value) if value else None
