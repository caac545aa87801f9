"""The connection to Asterisk: made, lost, found to be lost, and made again."""

import json

import pytest

from stasis_app.ari import events
from stasis_app.ari.errors import Replaced, Unreachable
from tests.support.until import until

from .conftest import Connection
from .server import AriServer
from .test_events import SAMPLES

REPLACED = SAMPLES[-1]


async def opened(connection: Connection, times: int = 1) -> None:
    await until(lambda: connection.opened >= times and connection.door.connected.is_set())


async def test_it_connects(connection: Connection, asterisk: AriServer) -> None:
    connection.start()
    await opened(connection)
    assert set(asterisk.sockets) == {"pbx", "pbx-ctl-0", "pbx-ctl-1", "pbx-ctl-2", "pbx-ctl-3"}
    assert asterisk.sent("applications/pbx/eventFilter")
    assert connection.opened == 1


async def test_events_arrive_in_order(connection: Connection, asterisk: AriServer) -> None:
    connection.start()
    await opened(connection)
    for sample in SAMPLES[:-1]:
        await asterisk.send("pbx", sample)
    await until(lambda: len(connection.events) == len(SAMPLES) - 1)
    assert connection.events == [events.read(sample) for sample in SAMPLES[:-1]]


async def test_it_waits_for_asterisk(connection: Connection, asterisk: AriServer) -> None:
    asterisk.refusing = True
    connection.start()
    await until(lambda: asterisk.refused >= 5)
    assert not connection.door.connected.is_set()
    asterisk.refusing = False
    await opened(connection)


async def test_it_connects_again(connection: Connection, asterisk: AriServer) -> None:
    connection.start()
    for times in range(1, 4):
        await opened(connection, times)
        await asterisk.sockets["pbx"].close()
        await until(lambda times=times: connection.opened > times)  # type: ignore[misc]
    await opened(connection)
    assert set(asterisk.opened.values()) == {4}
    await asterisk.send("pbx", SAMPLES[0])
    await until(lambda: connection.events)


async def test_a_half_open_connection_is_noticed(
    connection: Connection, asterisk: AriServer
) -> None:
    connection.start()
    await opened(connection)
    asterisk.mute = True
    await until(lambda: asterisk.opened["pbx"] > 1)
    asterisk.mute = False
    await opened(connection, 2)


@pytest.mark.parametrize(
    "error", [Unreachable("GET channels", "no"), ConnectionError("no database"), KeyError("id")]
)
async def test_it_begins_again_when_the_exchange_can_not_compare(
    connection: Connection, asterisk: AriServer, error: Exception
) -> None:
    connection.fails = error
    connection.start()
    await until(lambda: connection.opened >= 3)
    assert not connection.door.connected.is_set()
    connection.fails = None
    await opened(connection)


async def test_another_process_takes_the_name(connection: Connection, asterisk: AriServer) -> None:
    task = connection.start()
    await opened(connection)
    await asterisk.send("pbx", REPLACED)
    with pytest.raises(Replaced):
        await task
    assert asterisk.opened["pbx"] == 1


@pytest.mark.parametrize(
    "malformed",
    [
        {"type": "StasisStart"},
        {**SAMPLES[0], "channel": None},
        {**SAMPLES[0], "timestamp": "yesterday"},
        {"type": "ChannelDestroyed", "channel": {}, "timestamp": "2026-11-22T12:33:19.964+0000"},
        {"type": "SomethingNew"},
    ],
)
async def test_a_malformed_event_does_not_end_the_connection(
    connection: Connection, asterisk: AriServer, malformed: object
) -> None:
    connection.start()
    await opened(connection)
    await asterisk.send("pbx", malformed)
    await asterisk.send("pbx", SAMPLES[0])
    await until(lambda: connection.events)
    assert asterisk.opened["pbx"] == 1


@pytest.mark.parametrize("junk", ["{", "[]", "{}", "null"])
async def test_junk_does_not_end_the_service(
    connection: Connection, asterisk: AriServer, junk: str
) -> None:
    task = connection.start()
    await opened(connection)
    await asterisk.send("pbx", junk)
    if junk == "{":
        await until(lambda: task.done() or asterisk.opened["pbx"] > 1)
    else:
        await asterisk.send("pbx", SAMPLES[0])
        await until(lambda: task.done() or connection.events)
    assert not task.done(), task.exception()
    await opened(connection)


async def test_what_asterisk_carries(connection: Connection, asterisk: AriServer) -> None:
    channel = SAMPLES[0]["channel"]
    answers = {
        "channels": [channel],
        "bridges": [{"id": "b", "channels": [channel["id"]]}],
        "applications/pbx": {"channel_ids": [channel["id"]]},
        "asterisk/info": {"status": {"startup_time": "2026-11-22T12:32:42.121+0000"}},
    }
    asterisk.answers = {path: (200, json.dumps(body)) for path, body in answers.items()}
    connection.start()
    await opened(connection)
    door = connection.door
    assert await door.channels() == [events.Channel.of(channel)]
    assert await door.bridges() == [events.Bridge("b", (channel["id"],))]
    assert await door.our_channels() == {channel["id"]}
    assert (await door.started_at()).isoformat() == "2026-11-22T12:32:42.121000+00:00"
