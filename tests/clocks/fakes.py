"""What clocks speak to: an Asterisk that keeps objects, and a table of what it was told."""

import asyncio
from collections.abc import AsyncIterator, Collection, Coroutine, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from stasis_app.ari.door import Door
from stasis_app.ari.errors import Gone
from stasis_app.clocks.hosts import Hosts
from stasis_app.clocks.mirror import Mirror
from stasis_app.rules.book import Book
from stasis_app.store import trunk_states
from stasis_app.store.directory import Directory
from tests.support.until import until

DSN = "postgresql://nowhere"


class FakeDoor(Door):
    """`steps` are the objects that were put (+) and deleted (-), and the lamps (=), in order."""

    def __init__(self) -> None:
        self.connected = asyncio.Event()
        self.connected.set()
        self.objects: dict[tuple[str, str], Mapping[str, str]] = {}
        self.steps: list[str] = []
        self.states: dict[str, str] = {}
        self.globals: dict[str, str] = {}

    def of(self, kind: str) -> dict[str, Mapping[str, str]]:
        return {name: fields for (one, name), fields in self.objects.items() if one == kind}

    async def put_object(self, kind: str, name: str, fields: Mapping[str, str]) -> None:
        self.steps.append(f"+{kind}")
        self.objects.setdefault((kind, name), dict(fields))

    async def delete_object(self, kind: str, name: str) -> None:
        if self.objects.pop((kind, name), None) is None:
            raise Gone(404, "delete_object", "not found")
        self.steps.append(f"-{kind}")

    async def set_global(self, name: str, value: str) -> None:
        self.globals[name] = value

    async def set_device_state(self, name: str, state: str) -> None:
        self.steps.append(f"={name}")
        self.states[name] = state

    async def known_device_states(self) -> dict[str, str]:
        return dict(self.states)


class FakeDirectory(Directory):
    def __init__(self, book: Book) -> None:
        super().__init__(DSN)
        self.book = book
        self.ready.set()

    def change(self) -> None:
        self.read_at = datetime.now(UTC)
        for _, watcher in self._watchers:
            watcher.set()


class Records:
    """`trunk_registrations`, as it outlives the app. `away` makes it fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kept: dict[UUID, frozenset[str]] = {}
        self.away = False
        monkeypatch.setattr(trunk_states, "recorded", self.recorded)
        monkeypatch.setattr(trunk_states, "record", self.record)

    async def recorded(self, dsn: str) -> dict[UUID, frozenset[str]]:
        assert dsn == DSN
        return dict(self.kept)

    async def record(self, dsn: str, objects: Mapping[UUID, Collection[str]]) -> None:
        if self.away:
            raise ConnectionError("away")
        self.kept |= {owner: frozenset(names) for owner, names in objects.items()}
        self.kept = {owner: names for owner, names in self.kept.items() if names}


class App:
    """A process with its mirror. `known` are the addresses that hosts have."""

    def __init__(self, book: Book, door: FakeDoor, known: Mapping[str, tuple[str, ...]]) -> None:
        self.directory = FakeDirectory(book)
        self.hosts = Hosts(book, self.directory.watch("trunks"))
        self.hosts.addresses = dict(known)
        self.mirror = Mirror(self.directory, door, DSN, self.hosts)

    async def settle(self) -> None:
        """Wait until Asterisk was told of everything."""
        self.directory.change()
        await until(lambda: self.mirror.told_at == self.directory.read_at, 5.0, "the mirror")


@asynccontextmanager
async def running(clock: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(clock)
    try:
        yield
        assert not task.done(), task.result()
    finally:
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def app(
    book: Book, door: FakeDoor, known: Mapping[str, tuple[str, ...]] | None = None
) -> AsyncIterator[App]:
    made = App(book, door, known or {})
    try:
        async with running(made.mirror.follow()):
            await made.settle()
            yield made
    finally:
        made.hosts.close()
