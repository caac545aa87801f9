"""What the door's words become on the wire."""

import asyncio
import json

import pytest

from stasis_app.ari.door import Door
from stasis_app.ari.errors import AriError, Gone
from stasis_app.ari.transport import lane

from .server import AriServer

AWKWARD = 'a b&c=d+e;f%41?ü/"\\${EXTEN}'
NO_CHANNEL = (404, '{"message":"Provided channel was not found"}')
ACL = "asterisk/config/dynamic/res_pjsip/acl/blocked"
IDENTIFY = "asterisk/config/dynamic/res_pjsip/identify/trunk-1"
ALLOCATION_FAILED = (500, '{"error":"Allocation failed"}')


@pytest.mark.parametrize("number", [None, 7])
async def test_variables_are_set_with_the_channel(
    door: Door, asterisk: AriServer, number: int | None
) -> None:
    variables = {"CONNECTEDLINE(num,i)": "4930123", "CONNECTEDLINE(name,i)": AWKWARD}

    async def send() -> None:
        lane.set(number)
        await door.create_channel("leg", "PJSIP/1@trunk", "caller", variables)

    await asyncio.create_task(send())
    [created] = asterisk.sent("channels/create")
    assert created.way == ("http" if number is None else "pbx-ctl-3")
    assert list(created.body["variables"].items()) == list(variables.items())
    assert created.query == {
        "endpoint": "PJSIP/1@trunk",
        "app": "pbx",
        "appArgs": "leg",
        "channelId": "leg",
        "originator": "caller",
    }


@pytest.mark.parametrize("variables", [None, {}])
async def test_no_variables_are_no_body(
    door: Door, asterisk: AriServer, variables: dict[str, str] | None
) -> None:
    await door.create_channel("leg", "PJSIP/1", "caller", variables)
    assert [request.body for request in asterisk.sent("channels/create")] == [None]


async def test_a_call_keeps_its_order_with_and_without_variables(
    door: Door, asterisk: AriServer
) -> None:
    async def send() -> None:
        lane.set(7)
        await asyncio.gather(
            door.create_channel("leg", "PJSIP/1", "caller", {"a": "x" * 100_000}),
            door.create_bridge("b"),
            door.dial("leg", None),
        )

    await asyncio.create_task(send())
    sent = [request.path for request in asterisk.requests if request.way == "pbx-ctl-3"]
    assert sent == ["channels/create", "bridges/b", "channels/leg/dial"]


async def test_who_dials_is_told_or_not(door: Door, asterisk: AriServer) -> None:
    await door.dial("leg", "caller")
    await door.dial("leg", None)
    told = [request.query for request in asterisk.sent("channels/leg/dial")]
    assert told == [{"caller": "caller"}, {}]


async def test_a_variable_of_a_channel(door: Door, asterisk: AriServer) -> None:
    asterisk.answers["channels/leg/variable"] = (200, json.dumps({"value": AWKWARD}))
    assert await door.channel_variable("leg", "HANGUPCAUSE(PJSIP/a b&c-1,tech)") == AWKWARD
    [asked] = asterisk.sent("channels/leg/variable")
    assert asked.query == {"variable": "HANGUPCAUSE(PJSIP/a b&c-1,tech)"}


@pytest.mark.parametrize(
    "answer",
    [
        (404, '{"message":"Provided variable was not found"}'),
        (500, '{"message":"Unable to read provided function"}'),
        (200, '{"value":""}'),
    ],
)
async def test_a_variable_without_value(
    door: Door, asterisk: AriServer, answer: tuple[int, str]
) -> None:
    asterisk.answers["channels/leg/variable"] = answer
    assert await door.channel_variable("leg", "X") == ""


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(NO_CHANNEL, Gone), (ALLOCATION_FAILED, AriError), ((404, "not JSON"), Gone)],
)
async def test_a_variable_that_cannot_be_asked_for(
    door: Door, asterisk: AriServer, answer: tuple[int, str], kind: type[AriError]
) -> None:
    asterisk.answers["channels/leg/variable"] = answer
    with pytest.raises(AriError) as caught:
        await door.channel_variable("leg", "X")
    assert type(caught.value) is kind


async def test_an_object_is_put(door: Door, asterisk: AriServer) -> None:
    await door.put_object("identify", "trunk-1", {"endpoint": "trunk-1", "match": AWKWARD})
    [put] = asterisk.sent(IDENTIFY)
    assert (put.method, put.query) == ("PUT", {})
    assert put.body == {
        "fields": [
            {"attribute": "endpoint", "value": "trunk-1"},
            {"attribute": "match", "value": AWKWARD},
        ]
    }


async def test_an_acl_is_made_although_asterisk_cannot_show_it(
    door: Door, asterisk: AriServer
) -> None:
    asterisk.answers[ACL] = asterisk.answers[IDENTIFY] = ALLOCATION_FAILED
    await door.put_object("acl", "blocked", {"deny": "192.0.2.1"})
    with pytest.raises(AriError, match="Allocation failed"):
        await door.put_object("identify", "trunk-1", {"match": "192.0.2.1"})
    asterisk.answers[ACL] = (400, "failed field value validation")
    with pytest.raises(AriError, match="validation"):
        await door.put_object("acl", "blocked", {"deny": "nonsense"})


async def test_an_object_is_deleted(door: Door, asterisk: AriServer) -> None:
    await door.delete_object("identify", "trunk-1")
    assert [request.method for request in asterisk.sent(IDENTIFY)] == ["DELETE"]
    asterisk.answers[IDENTIFY] = (404, "not found")
    with pytest.raises(Gone):
        await door.delete_object("identify", "trunk-1")


@pytest.mark.parametrize("value", [AWKWARD, "", "x" * 2000])
async def test_a_global_variable(door: Door, asterisk: AriServer, value: str) -> None:
    await door.set_global("PBX_EMERGENCY", value)
    [sent] = asterisk.sent("asterisk/variable")
    assert (sent.method, sent.query) == ("POST", {"variable": "PBX_EMERGENCY", "value": value})


async def test_a_device_state(door: Door, asterisk: AriServer) -> None:
    await door.set_device_state("profile-1234", "ONHOLD")
    [sent] = asterisk.sent("deviceStates/Stasis:profile-1234")
    assert (sent.method, sent.query) == ("PUT", {"deviceState": "ONHOLD"})


@pytest.mark.parametrize(("step", "sent"), [({}, "6000"), ({"step_seconds": 5.0}, "10000")])
async def test_what_is_played(
    door: Door, asterisk: AriServer, step: dict[str, float], sent: str
) -> None:
    """Asterisk takes 8000 samples for a second, and our media have 16000."""
    await door.play("caller", "p", ["sound:de/digits/1", "sound:http://a/b?c=d&e,f"], **step)
    [played] = asterisk.sent("channels/caller/play/p")
    assert played.query["media"] == "sound:de/digits/1,sound:http://a/b?c=d&e,f"
    assert played.query["skipms"] == sent


async def test_the_tone_of_ringing_is_ended(door: Door, asterisk: AriServer) -> None:
    await door.stop_ringing("caller")
    [stopped] = asterisk.sent("channels/caller/ring")
    assert stopped.method == "DELETE"


async def test_whether_a_playback_is_over(door: Door, asterisk: AriServer) -> None:
    assert await door.playback_lives("p")
    asterisk.answers["playbacks/p"] = (404, "Playback not found")
    assert not await door.playback_lives("p")


async def test_what_is_played_is_wound_and_stopped(door: Door, asterisk: AriServer) -> None:
    await door.control_playback("p", "forward")
    await door.stop_playback("p")
    [wound], [stopped] = asterisk.sent("playbacks/p/control"), asterisk.sent("playbacks/p")
    assert (wound.method, wound.query) == ("POST", {"operation": "forward"})
    assert stopped.method == "DELETE"
    asterisk.answers["playbacks/p/control"] = (409, "Can only forward while media is playing")
    with pytest.raises(Gone):
        await door.control_playback("p", "forward")


async def test_music_begins_and_ends(door: Door, asterisk: AriServer) -> None:
    await door.start_music("caller", "held")
    await door.stop_music("caller")
    begun, ended = asterisk.sent("channels/caller/moh")
    assert (begun.method, begun.query) == ("POST", {"mohClass": "held"})
    assert (ended.method, ended.query) == ("DELETE", {})
    asterisk.answers["channels/caller/moh"] = NO_CHANNEL
    with pytest.raises(Gone):
        await door.stop_music("caller")
