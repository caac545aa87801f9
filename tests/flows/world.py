"""An exchange with a fake Asterisk: the real switchboard, flows and call core between fakes."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from stasis_app.ari.inboxes import Inboxes
from stasis_app.call.exchange import Exchange
from stasis_app.rules.models import Contact, Extension, Position
from stasis_app.store.live_calls import LiveCall
from stasis_app.switchboard import Switchboard
from stasis_app.words import CallState, ExtensionStatus, ExtensionType
from tests.support.fake_asterisk import FakeAsterisk
from tests.support.fake_network import Channel

NAMES = UUID("6a1f2f3e-7c43-4b43-9f55-3a0d7f5a9c11")
FAR = datetime(2100, 1, 1, tzinfo=UTC)

PLAIN = Extension(
    id=NAMES,
    number="",
    type=ExtensionType.SIP,
    status=ExtensionStatus.ACTIVE,
    deleted=False,
    display_name="",
    dnd=False,
    max_concurrent_calls=None,
    forward_unconditional=None,
    forward_on_busy=None,
    forward_on_no_answer=None,
    ring_seconds=20.0,
)


def extension(number: str, **columns: Any) -> Extension:
    """An extension with nothing special about it but `columns`."""
    return replace(PLAIN, id=uuid5(NAMES, number), number=number, **columns)


@dataclass
class FakeDirectory:
    """The rules' snapshot. `phones` are the contact URIs by number."""

    extensions: dict[str, Extension] = field(default_factory=dict)
    phones: dict[UUID, tuple[Contact, ...]] = field(default_factory=dict)
    settings: dict[str, float] = field(default_factory=dict)

    def add(self, row: Extension, contacts: int = 1) -> None:
        self.extensions[row.number] = row
        self.phones[row.id] = tuple(Contact(uri(row.number, n), FAR) for n in range(contacts))

    def extension(self, number: str) -> Extension | None:
        return self.extensions.get(number)

    def contacts(self, extension: UUID) -> Sequence[Contact]:
        return self.phones.get(extension, ())

    def number(self, key: str, default: float) -> float:
        return self.settings.get(key, default)


def uri(number: str, place: int) -> str:
    return f"sip:{number}@192.0.2.{place}"


def endpoint(number: str, place: int = 0, contacts: int = 1) -> str:
    """What is dialled to reach the phone at `place` among `contacts` phones of an extension."""
    return f"PJSIP/{number}" if contacts == 1 else f"PJSIP/{number}/{uri(number, place)}"


@dataclass
class World:
    """`records` is what the calls have written, also those of an earlier process.

    To read the open calls takes `reading` seconds.
    """

    asterisk: FakeAsterisk
    directory: FakeDirectory = field(default_factory=FakeDirectory)
    records: list[Mapping[str, Any]] = field(default_factory=list)
    written_at: list[float] = field(default_factory=list)
    reading: float = 0.0

    def __post_init__(self) -> None:
        asterisk = self.asterisk
        self.exchange = Exchange(asterisk, asterisk.inboxes, self.directory, self._write)
        self.switchboard = Switchboard(self.exchange, self._open_calls)

    def _write(self, record: Mapping[str, Any]) -> None:
        self.records.append(json.loads(json.dumps(record)))
        self.written_at.append(asyncio.get_running_loop().time())

    async def _open_calls(self) -> list[LiveCall]:
        found = live_calls(self.records)
        await asyncio.sleep(self.reading)
        return found

    def extension(self, number: str, contacts: int = 1, **columns: Any) -> None:
        self.directory.add(extension(number, **columns), contacts)

    def kill(self) -> None:
        """End this process as `kill -9` would: nothing it still had to do is done."""
        self.switchboard.stop()
        for task in asyncio.all_tasks():
            if task.get_name() == "behind":
                task.cancel()
        self.asterisk.disconnect()

    def next_process(self) -> "World":
        """Kill this process, and let another one begin that knows what this one has written."""
        self.kill()
        self.asterisk.connect(Inboxes())
        return World(self.asterisk, self.directory, self.records, self.written_at, self.reading)

    async def until(self, condition: Callable[[], object], within: float = 700.0) -> None:
        """Let virtual time go on until the condition holds."""
        for _ in range(int(within * 100)):
            if condition():
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"did not come within {within} virtual seconds")

    async def over(self) -> None:
        """Wait for the end of every call and of all that happens behind it."""
        await self.until(lambda: self._begun() and not self.switchboard.calls)
        await self.exchange.settled()
        await asyncio.sleep(20)

    def _begun(self) -> bool:
        begun = sum("begin" in record for record in self.records)
        return begun >= len(self.asterisk.callers)

    # what was written

    def events(self, call: str | None = None) -> list[str]:
        return [
            record["event"][2]
            for record in self.records
            if "event" in record and call in (None, record["call"])
        ]

    def details(self, event: str) -> list[Mapping[str, Any]]:
        return [r["event"][3] for r in self.records if "event" in r and r["event"][2] == event]

    def row(self, call: str | None = None) -> dict[str, Any]:
        """The columns of the `calls` row at the end, as the last word on each."""
        row: dict[str, Any] = {"state": "initiated"}
        for record in self.records:
            if call in (None, record["call"]):
                for part in ("begin", "change", "end"):
                    row.update(record.get(part, {}))
        return row

    def cause(self) -> str:
        [end] = [record["end"] for record in self.records if "end" in record]
        return str(end["hangup_cause"])

    def second_of(self, event: str) -> float:
        """Virtual time at which the last such event was written."""
        return max(
            at
            for at, record in zip(self.written_at, self.records, strict=True)
            if "event" in record and record["event"][2] == event
        )

    def legs(self) -> list[Channel]:
        return [c for c in self.asterisk.channels_made.values() if c.args == ("leg",)]


def live_calls(records: Sequence[Mapping[str, Any]]) -> list[LiveCall]:
    """What `store.live_calls` would read after these records were written to Postgres."""
    ended = {record["call"] for record in records if "end" in record}
    calls: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        if record["call"] not in ended:
            calls.setdefault(record["call"], []).append(record)
    return [_live_call(call, written) for call, written in calls.items()]


def _live_call(call: str, records: Sequence[Mapping[str, Any]]) -> LiveCall:
    row: dict[str, Any] = {"state": "initiated", "caller_extension_id": None}
    for record in records:
        row.update({**record.get("begin", {}), **record.get("change", {})})
    position = [record["position"] for record in records if "position" in record][-1]
    caller = row["caller_extension_id"]
    return LiveCall(
        id=UUID(call),
        sip_call_id=row["call_id"],
        state=CallState(row["state"]),
        answered="answered_at" in row,
        caller_extension=UUID(caller) if caller else None,
        seq=max(record["event"][0] for record in records if "event" in record),
        position=Position(
            position["channel_id"],
            position["step"],
            position["arguments"],
            position["hops"],
            datetime.fromisoformat(position["since"]),
            position["bridge_id"],
            position["legs"],
        ),
        initiated_at=datetime.fromisoformat(row["initiated_at"]),
        seen_at=datetime.fromisoformat(row["initiated_at"]) + timedelta(seconds=3),
    )
