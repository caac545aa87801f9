"""An exchange with a fake Asterisk: the real switchboard, flows and call core between fakes."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from stasis_app.ari.inboxes import Inboxes
from stasis_app.call.exchange import Exchange
from stasis_app.rules.book import Book
from stasis_app.rules.models import Contact, Position
from stasis_app.rules.times import Override
from stasis_app.store.live_calls import LiveCall
from stasis_app.switchboard import Switchboard
from stasis_app.words import CallState, Direction
from tests.support.fake_agents import FakeAgents
from tests.support.fake_asterisk import FakeAsterisk
from tests.support.fake_callbacks import FakeCallbacks
from tests.support.fake_mailboxes import FakeAudio, FakeMailboxes
from tests.support.fake_phones import EPOCH, Channel

from .rows import endpoint_of, extension

FAR = datetime(2100, 1, 1, tzinfo=UTC)


def uri(number: str, place: int) -> str:
    return f"sip:{number}@192.0.2.{place}"


def endpoint(number: str, place: int = 0, contacts: int = 1) -> str:
    """What is dialled to reach the phone at `place` among `contacts` phones of an extension."""
    return f"PJSIP/{number}" if contacts == 1 else f"PJSIP/{number}/{uri(number, place)}"


def over(trunk: str, number: str) -> str:
    """What is dialled to call a number over the trunk of that name."""
    return f"PJSIP/{number}@{endpoint_of(trunk)}"


@dataclass
class World:
    """`records` is what the calls have written, also those of an earlier process.

    To read the open calls takes `reading` seconds. Nothing can be written to a row while Postgres
    is away, nor to a time profile whose row is gone, which the book does not know yet. The disk
    has no room for the records that it `loses`.
    """

    asterisk: FakeAsterisk
    book: Book = field(default_factory=Book)
    records: list[Mapping[str, Any]] = field(default_factory=list)
    written_at: list[float] = field(default_factory=list)
    reading: float = 0.0
    profile_gone: bool = False
    mailboxes: FakeMailboxes = field(default_factory=FakeMailboxes)
    audio: FakeAudio = field(default_factory=FakeAudio)
    agents: FakeAgents = field(default_factory=FakeAgents)
    callbacks: FakeCallbacks = field(default_factory=FakeCallbacks)
    loses: Callable[[Mapping[str, Any]], object] = lambda record: False

    def __post_init__(self) -> None:
        asterisk = self.asterisk
        self.exchange = Exchange(
            asterisk,
            asterisk.inboxes,
            self.book,
            self._write,
            self._set_override,
            audio=self.audio,
            mailboxes=self.mailboxes,
            agents=self.agents,
        )
        self.agents.books = [self.book]
        self.agents.watchers = [self.exchange.floor.changed]
        self.agents.callbacks = self.callbacks.places
        self.exchange.floor.changed({"queues": None})
        self.switchboard = Switchboard(self.exchange, self._open_calls)

    def _write(self, record: Mapping[str, Any]) -> bool:
        if self.loses(record):
            return False
        self.records.append(orjson.loads(orjson.dumps(record)))
        self.agents.apply(self.records[-1])
        self.callbacks.apply(self.records[-1])
        self.written_at.append(asyncio.get_running_loop().time())
        return True

    async def _set_override(self, profile: UUID, override: Override) -> bool:
        if self.postgres_away:
            raise ConnectionError("the time profile can't be written")
        if self.profile_gone:
            return False
        found = self.book.time_profiles.items[profile]
        self.keep(time_profiles=replace(found, override=override))
        return True

    @property
    def postgres_away(self) -> bool:
        return self.mailboxes.away

    @postgres_away.setter
    def postgres_away(self, away: bool) -> None:
        self.mailboxes.away = self.agents.away = self.callbacks.away = away

    async def _open_calls(self) -> list[LiveCall]:
        found = live_calls(self.records)
        await asyncio.sleep(self.reading)
        return found

    def extension(self, number: str, contacts: int = 1, **columns: Any) -> None:
        row = extension(number, **columns)
        self.keep(extensions=row)
        self.book.contacts_of[row.id] = tuple(Contact(uri(number, n), FAR) for n in range(contacts))

    def keep(self, **rows: Any) -> None:
        """Put a row into the table of each name, in place of the one with its id."""
        for table, row in rows.items():
            shelf = self.book.shelf(table)
            shelf.forget([row.id])
            shelf.keep(row.id, row)
            self.exchange.floor.changed({table: {row.id}})

    def set(self, **settings: Any) -> None:
        """Set `system_settings`; a key's dot is written as two underscores."""
        named = {key.replace("__", "."): value for key, value in settings.items()}
        self.book.change_settings({**self.book.settings.values, **named})

    def kill(self) -> None:
        """End this process as `kill -9` would: nothing it still had to do is done."""
        self.switchboard.stop()
        for task in asyncio.all_tasks():
            if task.get_name() == "behind":
                task.cancel()
        for answer in tuple(self.asterisk.awaited):
            answer.cancel()
        self.asterisk.disconnect()

    def next_process(self) -> "World":
        """Kill this process, and let another one begin that knows what this one has written."""
        self.kill()
        self.asterisk.connect(Inboxes())
        return self.successor()

    def successor(self) -> "World":
        """Return a process that finds what this one knew, as the rows and the journal tell it."""
        return replace(self)

    async def until(
        self, condition: Callable[[], object], within: float = 700.0, every: float = 0.01
    ) -> None:
        """Let virtual time go on until the condition holds."""
        for _ in range(int(within / every)):
            if condition():
                return
            await asyncio.sleep(every)
        raise AssertionError(f"did not come within {within} virtual seconds")

    async def over(self) -> None:
        """Wait for the end of every call and of all that happens behind it."""
        await self.until(lambda: self._begun() and not self.switchboard.calls, every=0.5)
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
            if call in (None, record.get("call")):
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

    def answered_at(self) -> float:
        """Virtual time of the answer that counts for the bill."""
        return (datetime.fromisoformat(self.row()["answered_at"]) - EPOCH).total_seconds()

    def ends(self) -> list[str]:
        """How each call ended, in the order of the ends."""
        return [record["end"]["hangup_cause"] for record in self.records if "end" in record]

    def reasons(self) -> list[Any]:
        """Why calls were refused."""
        return [refusal.get("reason") for refusal in self.details("refused")]

    def dialled(self) -> list[str]:
        """What was dialled, one after the other."""
        return [leg.endpoint for leg in self.legs()]

    def legs(self) -> list[Channel]:
        return [c for c in self.asterisk.channels_made.values() if c.args == ("leg",)]


def live_calls(records: Sequence[Mapping[str, Any]]) -> list[LiveCall]:
    """What `store.live_calls` would read after these records were written to Postgres."""
    ended = {record["call"] for record in records if "end" in record}
    calls: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        if "call" in record and record["call"] not in ended:
            calls.setdefault(record["call"], []).append(record)
    return [_live_call(call, written) for call, written in calls.items()]


def _live_call(call: str, records: Sequence[Mapping[str, Any]]) -> LiveCall:
    row: dict[str, Any] = {"state": "initiated", "caller_extension_id": None, "trunk_id": None}
    for record in records:
        row.update({**record.get("begin", {}), **record.get("change", {})})
    position = [record["position"] for record in records if "position" in record][-1]
    caller, trunk = row["caller_extension_id"], row["trunk_id"]
    return LiveCall(
        id=UUID(call),
        sip_call_id=row["call_id"],
        state=CallState(row["state"]),
        answered="answered_at" in row,
        direction=Direction(row["direction"]),
        caller_number=row["caller_number"],
        caller_name=row["caller_name"] or "",
        callee_number=row["callee_number"],
        caller_extension=UUID(caller) if caller else None,
        trunk=UUID(trunk) if trunk else None,
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
