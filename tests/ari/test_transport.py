"""How requests travel, and how they fail."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest

from stasis_app.ari.door import CONTROL_SESSIONS, Door
from stasis_app.ari.errors import AriError, Gone, Unreachable
from stasis_app.ari.transport import lane
from tests.support.until import until

from .server import AriServer

Step = Callable[[Door], Awaitable[None]]


@pytest.fixture
def _in_lane() -> Iterator[None]:
    lane.set(7)
    yield
    lane.set(None)


SWIFT: list[tuple[Step, str]] = [
    (lambda door: door.create_channel("leg", "PJSIP/1002", "caller"), "channels/create"),
    (lambda door: door.dial("leg", "caller"), "channels/leg/dial"),
    (lambda door: door.ring("caller"), "channels/caller/ring"),
    (lambda door: door.hang_up("leg", 16), "channels/leg"),
    (lambda door: door.create_bridge("b"), "bridges/b"),
    (
        lambda door: door.add_to_bridge("b", ["x", "y"], update_displays=True),
        "bridges/b/addChannel",
    ),
    (lambda door: door.destroy_bridge("b"), "bridges/b"),
    (lambda door: door.stop_playback("p"), "playbacks/p"),
]
SLOW: list[tuple[Step, str]] = [
    (lambda door: door.answer("caller"), "channels/caller/answer"),
    (lambda door: door.play("caller", "p", ["sound:a", "sound:b"]), "channels/caller/play/p"),
    (lambda door: door.control_playback("p", "pause"), "playbacks/p/control"),
    (lambda door: door.start_music("caller", "held"), "channels/caller/moh"),
    (lambda door: door.stop_music("caller"), "channels/caller/moh"),
    (
        lambda door: door.record("caller", "r", max_seconds=9, silence_seconds=9, beep=True),
        "channels/caller/record",
    ),
]


@pytest.mark.parametrize(("step", "path"), SWIFT)
async def test_a_call_has_its_lane(door: Door, asterisk: AriServer, step: Step, path: str) -> None:
    async def of_call(number: int) -> None:
        lane.set(number)
        await step(door)

    for number in range(CONTROL_SESSIONS + 1):
        await asyncio.create_task(of_call(number))
    ways = [request.way for request in asterisk.sent(path)]
    assert ways == [f"pbx-ctl-{number}" for number in (0, 1, 2, 3, 0)]


@pytest.mark.usefixtures("_in_lane")
@pytest.mark.parametrize(("step", "path"), SLOW)
async def test_what_may_wait_goes_over_http(
    door: Door, asterisk: AriServer, step: Step, path: str
) -> None:
    await step(door)
    assert [request.way for request in asterisk.sent(path)] == ["http"]


@pytest.mark.parametrize(("step", "path"), [*SWIFT, *SLOW])
async def test_what_belongs_to_no_call_goes_over_http(
    door: Door, asterisk: AriServer, step: Step, path: str
) -> None:
    await step(door)
    assert [request.way for request in asterisk.sent(path)] == ["http"]


@pytest.mark.parametrize("number", [None, 7])
async def test_parameters_arrive(door: Door, asterisk: AriServer, number: int | None) -> None:
    async def send() -> None:
        lane.set(number)
        await door.add_to_bridge("b", ["x", "y"], update_displays=False)
        await door.hang_up("leg", 17)

    await asyncio.create_task(send())
    [added], [hung_up] = asterisk.sent("bridges/b/addChannel"), asterisk.sent("channels/leg")
    assert added.query == {"channel": "x,y", "inhibitConnectedLineUpdates": "true"}
    assert hung_up.query == {"reason_code": "17"}


@pytest.mark.parametrize("number", [None, 7])
@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, Gone), (409, Gone), (412, Gone), (422, Gone), (400, AriError), (500, AriError)],
)
async def test_refusals_are_typed(
    door: Door, asterisk: AriServer, status: int, kind: type[AriError], number: int | None
) -> None:
    asterisk.answers["channels/leg/dial"] = (status, '{"message": "not today"}')

    async def send() -> None:
        lane.set(number)
        with pytest.raises(AriError, match="not today") as caught:
            await door.dial("leg", "caller")
        assert type(caught.value) is kind
        assert (caught.value.status, caught.value.request) == (status, "POST channels/leg/dial")

    await asyncio.create_task(send())


async def test_a_channel_that_ended_before_it_was_bridged(door: Door, asterisk: AriServer) -> None:
    """Asterisk 22.10 says 404 of a bridge and 400 of a channel."""
    asterisk.answers["bridges/b/addChannel"] = (400, '{"message": "Channel not found"}')
    with pytest.raises(Gone):
        await door.add_to_bridge("b", ["caller"], update_displays=False)


@pytest.mark.parametrize("number", [None, 7])
async def test_an_answer_that_does_not_come(
    door: Door, asterisk: AriServer, number: int | None
) -> None:
    asterisk.answers["channels/leg/dial"] = None

    async def send() -> None:
        lane.set(number)
        with pytest.raises(Unreachable, match=r"no answer within 0\.3 s"):
            await door.dial("leg", "caller")
        del asterisk.answers["channels/leg/dial"]
        await door.dial("leg", "caller")

    await asyncio.create_task(send())


@pytest.mark.usefixtures("_in_lane")
async def test_a_control_session_that_closes_fails_what_waits_and_stops_nobody(
    door: Door, asterisk: AriServer
) -> None:
    asterisk.answers["channels/leg/dial"] = None
    waiting = asyncio.create_task(door.dial("leg", "caller"))
    await until(lambda: asterisk.sent("channels/leg/dial"))
    await asterisk.sockets["pbx-ctl-3"].close()
    with pytest.raises(Unreachable, match="control session has closed"):
        await waiting
    await door.dial("other", "caller")
    assert [request.way for request in asterisk.sent("channels/other/dial")] == ["http"]


@pytest.mark.usefixtures("_in_lane")
async def test_replies_find_their_requests(door: Door, asterisk: AriServer) -> None:
    """Also when they come for one that nobody waits for any more."""
    asterisk.answers["channels/a/dial"] = None
    asterisk.answers["channels/b/dial"] = (404, "no")
    waiting = asyncio.create_task(door.dial("a", "caller"))
    with pytest.raises(Gone):
        await door.dial("b", "caller")
    waiting.cancel()
    await asyncio.wait([waiting])
    for reply in ({"type": "RESTResponse", "request_id": "1", "status_code": 204}, {"type": "x"}):
        await asterisk.send("pbx-ctl-3", reply)
    await door.dial("c", "caller")
    assert [request.way for request in asterisk.sent("channels/c/dial")] == ["pbx-ctl-3"]


async def test_the_password_is_in_the_header_only(door: Door, asterisk: AriServer) -> None:
    await door.ring("caller")
    assert {headers["Authorization"] for headers in asterisk.headers} == {"Basic dXNlcjpzZWNyZXQ="}
    assert "secret" not in str(asterisk.requests)


async def test_nothing_is_sent_before_and_after(door: Door) -> None:
    closed = Door("http://127.0.0.1:9", "u", "p", "pbx", door._inboxes)
    with pytest.raises(Unreachable, match="closed"):
        await closed.ring("caller")
    await closed.close()
    door.seal()
    with pytest.raises(Unreachable, match="closed"):
        await door.ring("caller")
