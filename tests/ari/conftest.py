"""A server that plays Asterisk's part, and a door to it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import pytest
import structlog

from stasis_app.ari import door as door_module
from stasis_app.ari import transport
from stasis_app.ari.door import Door
from stasis_app.ari.events import Event
from stasis_app.ari.inboxes import Inboxes
from tests.support.until import until

from .server import AriServer


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def _swift(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for seconds here."""
    monkeypatch.setattr(transport, "HEARTBEAT", 0.1)
    monkeypatch.setattr(door_module, "BACK_OFF", (0.01, 0.02, 0.04))


@pytest.fixture
async def asterisk() -> AsyncIterator[AriServer]:
    server = AriServer()
    await server.start()
    yield server
    await server.stop()


@dataclass
class Connection:
    """A door that is kept open; `task` does so. `opened` counts how often."""

    door: Door
    events: list[Event] = field(default_factory=list)
    opened: int = 0
    fails: Exception | None = None
    task: asyncio.Task[None] | None = None

    async def on_open(self) -> None:
        self.opened += 1
        if self.fails:
            raise self.fails

    def start(self) -> asyncio.Task[None]:
        self.task = asyncio.create_task(self.door.keep_open(self.on_open), name="door")
        return self.task


@pytest.fixture
async def connection(asterisk: AriServer) -> AsyncIterator[Connection]:
    """Not open yet."""
    inboxes = Inboxes()
    door = Door(asterisk.url, "user", "secret", "pbx", inboxes, deadline=0.3)
    made = Connection(door)
    inboxes.unclaimed = made.events.append
    yield made
    if made.task:
        made.task.cancel()
        await asyncio.wait([made.task])
    await door.close()


@pytest.fixture
async def door(connection: Connection) -> Door:
    """An open one."""
    connection.start()
    await until(connection.door.connected.is_set)
    return connection.door
