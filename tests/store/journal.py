"""Records of the journal, as `call.journal` writes them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

START = datetime(2026, 1, 1, 10, 0, tzinfo=UTC)

Record = dict[str, Any]


def new_call() -> str:
    return str(uuid4())


def at(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


def event(call: str, seq: int, word: str = "rang", **parts: Any) -> Record:
    return {"call": call, "event": [seq, at(seq), word, {"seq": seq}], **parts}


def begin(call: str, **columns: Any) -> Record:
    row = {
        "call_id": f"{call}@phone",
        "direction": "internal",
        "caller_number": "1001",
        "caller_name": "Anna",
        "callee_number": "1002",
        "caller_extension_id": None,
        "initiated_at": at(0),
        **columns,
    }
    return event(call, 1, "arrived", begin=row, position=position("arrival"))


def position(step: str, **columns: Any) -> Mapping[str, Any]:
    return {
        "channel_id": "channel-1",
        "step": step,
        "arguments": {"number": "1002"},
        "hops": 0,
        "since": at(0),
        "bridge_id": None,
        "legs": ["leg-1"],
        **columns,
    }


def answer(call: str, seq: int) -> Record:
    change = {"state": "answered", "answered_at": at(seq)}
    return event(call, seq, "answered", change=change)


def end(call: str, seq: int, cause: str = "normal_clearing") -> Record:
    return event(call, seq, "ended", end={"ended_at": at(seq), "hangup_cause": cause})


def story(call: str) -> list[Record]:
    """A whole call of four records: answered at 3 s, ended at 4 s."""
    ringing = event(call, 2, change={"state": "ringing", "ringing_at": at(2)})
    ringing["position"] = position("extension")
    return [begin(call), ringing, answer(call, 3), end(call, 4)]


def delivery(call: str, identity: str, **fields: Any) -> Record:
    """What `Journal.deliver` writes."""
    return {"call": call, "delivery": {"id": identity, **fields}}


def promise(call: str, identity: str, **fields: Any) -> Record:
    """The first record of a delivery."""
    row = {
        "kind": "message",
        "recording": f"pbx-{identity}",
        "box_id": None,
        "began_at": at(1),
        "details": {"caller_number": "1001", "urgent": False},
        **fields,
    }
    return delivery(call, identity, **row)
