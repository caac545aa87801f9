"""The AMI session: kept up, asked, and fed with nonsense."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from stasis_app.ari import manager as module
from stasis_app.ari.errors import AriError, Unreachable
from stasis_app.ari.manager import CONNECTED, Manager, Registration, read_block
from tests.support.until import until

from .manager_server import Answer, ManagerServer, block, refused

LIST = "PJSIPShowRegistrationsOutbound"
REGISTRY = {
    "Event": "Registry",
    "Privilege": "system,all",
    "SystemName": "pbx-x",
    "ChannelType": "PJSIP",
    "Username": "sip:acct@127.0.0.2:40654",
    "Domain": "sip:127.0.0.2:40654;transport=tcp",
    "Status": "Rejected",
}
EVENT = block(*(f"{name}: {value}" for name, value in REGISTRY.items()))


@dataclass
class Session:
    """A manager that is followed by `task`, and the events it told."""

    manager: Manager
    events: list[Mapping[str, str]] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self.task = asyncio.create_task(self.manager.follow(self.events.append), name="follow")
        await until(self.manager.connected.is_set)

    async def stop(self) -> None:
        if self.task:
            self.task.cancel()
            await asyncio.wait([self.task])

    async def times_connected(self, times: int) -> None:
        await until(lambda: self.events.count(CONNECTED) >= times)
        await until(self.manager.connected.is_set)


@pytest.fixture(autouse=True)
def _swift(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BACK_OFF", (0.01, 0.02))


@pytest.fixture
async def server() -> AsyncIterator[ManagerServer]:
    server = ManagerServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def session(server: ManagerServer) -> AsyncIterator[Session]:
    """Not followed yet."""
    made = Session(Manager("127.0.0.1", server.port, "user", "s3cret", deadline=0.3))
    yield made
    await made.stop()


def listed(*names: str) -> Answer:
    """What Asterisk 22.10.1 says of registrations, with the passwords' block between."""

    def answer(number: str) -> str:
        parts = [block("Response: Success", f"ActionID: {number}", "EventList: start")]
        for name in names:
            parts += [
                block(
                    "Event: OutboundRegistrationDetail",
                    f"ActionID: {number}",
                    "ObjectType: registration",
                    f"ObjectName: {name}",
                    "ClientUri: sip:acct@127.0.0.2:40654",
                    "UserAgent: ",
                    "OutboundAuth: auth",
                    "Status: Registered",
                    "NextReg: 0",
                ),
                block("Event: AuthDetail", f"ActionID: {number}", "ObjectName: auth"),
            ]
        end = ("Event: OutboundRegistrationDetailComplete", f"ActionID: {number}")
        return "".join([*parts, block(*end, "EventList: Complete", f"ListItems: {len(names)}")])

    return answer


async def test_it_logs_in_and_hears_events(session: Session, server: ManagerServer) -> None:
    await session.start()
    server.send(EVENT)
    await until(lambda: len(session.events) == 2)
    assert session.events == [CONNECTED, REGISTRY]
    [login] = server.actions
    assert (login["Username"], login["Secret"], login["Events"]) == ("user", "s3cret", "system")


@pytest.mark.parametrize("names", [(), ("trunk-1",), ("trunk-2", "trunk-1", "x" * 1000)])
async def test_registrations(
    session: Session, server: ManagerServer, names: tuple[str, ...]
) -> None:
    server.answers[LIST] = listed(*names)
    await session.start()
    server.send(EVENT)
    found = await session.manager.registrations()
    assert found == [Registration(name, "Registered") for name in names]
    await until(lambda: REGISTRY in session.events)
    assert session.events == [CONNECTED, REGISTRY]


async def test_registrations_are_asked_for_at_once(session: Session, server: ManagerServer) -> None:
    server.answers[LIST] = listed("trunk-1")
    await session.start()
    asked = await asyncio.gather(*(session.manager.registrations() for _ in range(20)))
    assert asked == [[Registration("trunk-1", "Registered")]] * 20


async def test_what_is_left_out_is_passed_over(session: Session, server: ManagerServer) -> None:
    server.answers[LIST] = lambda number: "".join(
        [
            block("Response: Success", f"ActionID: {number}", "EventList: start"),
            block("Event: OutboundRegistrationDetail", f"ActionID: {number}", "ObjectName: a"),
            block("Event: OutboundRegistrationDetail", f"ActionID: {number}", "Status: b"),
            block("EventList: Complete", f"ActionID: {number}"),
        ]
    )
    await session.start()
    assert await session.manager.registrations() == []


async def test_nobody_can_be_asked(session: Session, server: ManagerServer) -> None:
    with pytest.raises(Unreachable, match="no connection"):
        await session.manager.registrations()
    await session.start()
    with pytest.raises(Unreachable, match=r"no answer within 0\.3 s"):
        await session.manager.registrations()
    server.answers[LIST] = refused
    with pytest.raises(AriError, match="Authentication failed") as caught:
        await session.manager.registrations()
    assert not isinstance(caught.value, Unreachable)
    await session.stop()
    with pytest.raises(Unreachable, match="no connection"):
        await session.manager.registrations()


async def test_the_connection_ends_while_somebody_waits(
    session: Session, server: ManagerServer
) -> None:
    await session.start()
    waiting = asyncio.create_task(session.manager.registrations())
    await until(lambda: server.asked(LIST))
    server.hang_up()
    with pytest.raises(Unreachable, match="connection has ended"):
        await waiting


async def test_it_connects_again(session: Session, server: ManagerServer) -> None:
    await session.start()
    for times in range(2, 5):
        server.hang_up()
        await session.times_connected(times)
    await server.stop()
    await until(lambda: not session.manager.connected.is_set())
    await server.start()
    await session.times_connected(5)
    server.send(EVENT)
    await until(lambda: REGISTRY in session.events)


async def test_a_half_open_connection_is_noticed(
    session: Session, server: ManagerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HEARTBEAT", 0.02)
    await session.start()
    await until(lambda: len(server.asked("Ping")) > 2)
    assert server.opened == 1
    pong = server.answers.pop("Ping")
    await until(lambda: server.opened == 2)
    server.answers["Ping"] = pong
    await session.times_connected(2)


async def test_an_outage_is_told_once_and_without_the_secret(
    session: Session, server: ManagerServer
) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG))
    accepted = server.answers["Login"]
    with structlog.testing.capture_logs() as records:
        await session.start()
        server.answers["Login"] = refused
        server.hang_up()
        await until(lambda: len(server.asked("Login")) > 6)
        server.answers["Login"] = accepted
        await session.times_connected(2)
    actions = [record["action"] for record in records]
    assert actions == ["ami_connected", "ami_lost", "ami_connected"]
    assert "s3cret" not in str(records)


async def test_it_waits_for_asterisk(session: Session, server: ManagerServer) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG))
    await server.stop()
    with structlog.testing.capture_logs() as records:
        starting = asyncio.create_task(session.start())
        await until(lambda: records)
        await server.start()
        await starting
    assert [record["action"] for record in records] == ["ami_lost", "ami_connected"]


async def test_an_event_that_can_not_be_handled(session: Session, server: ManagerServer) -> None:
    told: list[Mapping[str, str]] = []

    def fails(event: Mapping[str, str]) -> None:
        told.append(event)
        raise KeyError("Status")

    session.task = asyncio.create_task(session.manager.follow(fails))
    await until(session.manager.connected.is_set)
    server.send(EVENT + EVENT)
    await until(lambda: len(told) == 3)
    assert server.opened == 1


@pytest.mark.parametrize(
    "junk",
    [
        b"\r\n\r\n\r\n",
        b"nonsense\r\n\r\n",
        b":\r\n: :\r\n\r\n",
        b"\xff\xfe\x00: \xff\r\n\r\n",
        b"Event: " + b"x" * 1_000_000 + b"\r\n\r\n",
        b"".join(b"Field%d: x\r\n" % number for number in range(5000)) + b"\r\n",
        b"Response: Error\r\nActionID: 1\r\n\r\nResponse: Success\r\n\r\n",
        b"EventList: Complete\r\nActionID: 999999\r\n\r\n",
    ],
)
async def test_junk_does_not_end_the_session(
    session: Session, server: ManagerServer, junk: bytes
) -> None:
    await session.start()
    server.send(junk + EVENT.encode())
    await until(lambda: REGISTRY in session.events)
    assert server.opened == 1


async def test_no_line_can_be_smuggled_in(server: ManagerServer) -> None:
    with pytest.raises(ValueError, match="line break"):
        Manager("127.0.0.1", server.port, "user", "secret\r\nAction: Logoff")


async def read(data: bytes, limit: int = 64) -> list[Mapping[str, str]]:
    reader = asyncio.StreamReader(limit=limit)
    reader.feed_data(data)
    reader.feed_eof()
    found = []
    while (fields := await read_block(reader)) is not None:
        found.append(fields)
    return found


async def test_blocks() -> None:
    assert await read(b"Banner/1\r\nA: 1\r\nB:  x: y \r\n\r\nA: 2\r\nA: 3\r\n\r\nA: cut off") == [
        {"A": "1", "B": "x: y"},
        {"A": "2"},
    ]
    assert await read(b"A: 1\r\nB: " + b"x" * 500 + b"\r\nC: 2\r\n\r\n") == [{"A": "1", "C": "2"}]


@given(st.lists(st.sampled_from([b"A: 1", b":", b"\r\n", b"\n", b"\r", b"\xff", b"x" * 50])))
def test_any_bytes_are_read_to_their_end(parts: list[bytes]) -> None:
    for fields in asyncio.run(read(b"".join(parts))):
        assert fields
        assert all("\n" not in name + value for name, value in fields.items())
