"""How Asterisk is told what waits in the mailboxes."""

import asyncio
import json

import pytest

from stasis_app.ari.door import Door
from stasis_app.ari.errors import AriError, Gone, Unreachable
from stasis_app.ari.mailboxes import AT_ONCE, DONE
from tests.support.until import until

from .conftest import Connection
from .server import AriServer, Request
from .test_events import SAMPLES

DESTROYED = next(sample for sample in SAMPLES if sample["type"] == "ChannelDestroyed")


def originated(asterisk: AriServer) -> list[Request]:
    return [request for request in asterisk.requests if request.method == "POST"]


async def end(asterisk: AriServer, request: Request, cause: int = DONE) -> None:
    channel = {**DESTROYED["channel"], "id": request.path.removeprefix("channels/")}
    await asterisk.send("pbx", {**DESTROYED, "channel": channel, "cause": cause})


async def answer_all(asterisk: AriServer, cause: int = DONE) -> None:
    """Play the dialplan's part, for ever."""
    ended = 0
    while True:
        await until(lambda: len(originated(asterisk)) > ended)  # noqa: B023
        await end(asterisk, originated(asterisk)[ended], cause)
        ended += 1


async def test_a_box_is_put(door: Door, connection: Connection, asterisk: AriServer) -> None:
    putting = asyncio.create_task(door.put_mailboxes({"1001": (3, 2)}))
    await until(lambda: originated(asterisk))
    [sent] = originated(asterisk)
    assert sent.path.startswith("channels/mailboxes-")
    assert sent.query == {"endpoint": "Local/put@mailboxes", "app": "pbx", "appArgs": "mailboxes"}
    assert sent.body == {"variables": {"boxes": "1001=3=2"}}
    await door.ring("caller")
    assert not putting.done()
    await end(asterisk, sent)
    await putting
    assert connection.events == []


async def test_many_are_put_one_batch_after_another(door: Door, asterisk: AriServer) -> None:
    counts = {str(1000 + number): (number, 1) for number in range(2 * AT_ONCE + 1)}
    dialplan = asyncio.create_task(answer_all(asterisk))
    await door.put_mailboxes(counts)
    dialplan.cancel()
    batches = [request.body["variables"]["boxes"] for request in originated(asterisk)]
    assert [batch.count("&") + 1 for batch in batches] == [AT_ONCE, AT_ONCE, 1]
    put = "&".join(batches).split("&")
    assert put == [f"{number}={new}={old}" for number, (new, old) in counts.items()]


@pytest.mark.parametrize("number", ["", "1,2", "${X}", "1&2=3", "1@pbx", "1\n", "ü", "*97"])
async def test_what_no_phone_can_be_called_is_passed_over(
    door: Door, asterisk: AriServer, number: str
) -> None:
    dialplan = asyncio.create_task(answer_all(asterisk))
    await door.put_mailboxes({number: (1, 0), "a.b_c+-9": (2, 0)})
    await door.put_mailboxes({number: (1, 0)})
    dialplan.cancel()
    put = [request.body["variables"]["boxes"] for request in originated(asterisk)]
    assert put == ["a.b_c+-9=2=0"]


async def test_the_dialplan_breaks_off(door: Door, asterisk: AriServer) -> None:
    dialplan = asyncio.create_task(answer_all(asterisk, cause=0))
    with pytest.raises(AriError, match="broke off"):
        await door.put_mailboxes({"1001": (1, 0)})
    dialplan.cancel()


async def test_the_dialplan_is_never_done(
    door: Door, connection: Connection, asterisk: AriServer
) -> None:
    with pytest.raises(Unreachable):
        await door.put_mailboxes({"1001": (1, 0)})
    [sent] = originated(asterisk)
    await end(asterisk, sent)
    await until(lambda: connection.events)


CONTACT = "asterisk/config/dynamic/res_pjsip/contact/1001;@1f"


async def test_phones_are_reminded(door: Door, asterisk: AriServer) -> None:
    await door.remind_phones("1001^3B@1f")
    [sent] = asterisk.sent(CONTACT)
    assert sent.method == "PUT"
    assert sent.body == {"fields": [{"attribute": "authenticate_qualify", "value": "yes"}]}


@pytest.mark.parametrize(
    ("reason", "kind"),
    [("Creation of object '1001;@1f' failed field value validation", Gone), ("no", AriError)],
)
async def test_a_phone_that_is_gone_is_not_reminded(
    door: Door, asterisk: AriServer, reason: str, kind: type[AriError]
) -> None:
    asterisk.answers[CONTACT] = (400, json.dumps({"message": reason}))
    with pytest.raises(AriError) as caught:
        await door.remind_phones("1001^3B@1f")
    assert type(caught.value) is kind
