"""A phone's message lamp, which a small exchange lights."""

from collections.abc import AsyncIterator

import pytest

from .mwi import Summary, Waiting
from .sip import RawPhone
from .test_lamp import Notifier
from .until import TimedOutError

BODY = "Messages-Waiting: {lit}\r\nMessage-Account: sip:*97@pbx\r\nVoice-Message: {state} (0/0)\r\n"


class Exchange(Notifier):
    """Tells of messages unasked, and in the subscription."""

    body = BODY.replace("{lit}", "yes")

    async def tell(self, to: RawPhone, body: str, event: str = "message-summary") -> int:
        headers = [("Event", event), ("Subscription-State", "terminated")]
        uri = f"sip:{to.number}@{to.link.sent_by}"
        return (await self.request("NOTIFY", uri, headers, body)).code

    async def waits(self, to: RawPhone, state: str, lit: str = "yes") -> None:
        assert await self.tell(to, BODY.format(lit=lit, state=state)) == 200


@pytest.fixture
async def exchange() -> AsyncIterator[Exchange]:
    async with Exchange("1002", "", "") as phone:
        yield phone


@pytest.fixture
async def anna(exchange: Exchange) -> AsyncIterator[RawPhone]:
    async with RawPhone("1001", "", exchange.link.sent_by) as phone:
        await phone.register()
        yield phone


async def test_it_shows_the_last_word(anna: RawPhone, exchange: Exchange) -> None:
    waiting = Waiting(anna)
    await exchange.waits(anna, "3/2")
    assert await waiting.shows(3, 2) == Summary(lit=True, unread=3, read=2, account="sip:*97@pbx")
    await exchange.tell(anna, "nonsense", event="check-sync")
    await exchange.waits(anna, "0/5", lit="no")
    assert not (await waiting.shows(0, 5)).lit
    with pytest.raises(TimedOutError, match="3/2 but message lamp 1001: 3/2, 0/5"):
        await waiting.shows(3, 2, within=0.05)


async def test_what_came_before_does_not_count(anna: RawPhone, exchange: Exchange) -> None:
    waiting = Waiting(anna)
    await exchange.waits(anna, "1/0")
    assert Waiting(anna).told == []
    waiting.forget()
    with pytest.raises(TimedOutError, match="dark"):
        await waiting.shows(1, 0, within=0.05)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "Messages-Waiting: yes\r\n",
        BODY.format(lit="maybe", state="1/0"),
        BODY.format(lit="yes", state="0/1"),
        BODY.format(lit="no", state="1/1"),
        BODY.format(lit="yes", state="many"),
        BODY.format(lit="yes", state="1/1") + "junk",
    ],
)
async def test_what_is_no_summary_is_a_mistake(
    anna: RawPhone, exchange: Exchange, body: str
) -> None:
    waiting = Waiting(anna)
    await exchange.tell(anna, body)
    with pytest.raises(AssertionError, match=r"no message summary|lit in vain"):
        await waiting.shows(1, 1, within=1.0)


async def test_a_phone_may_ask(anna: RawPhone, exchange: Exchange) -> None:
    exchange.state = "2/1"
    lamp = await anna.subscribe("1001", event="message-summary")
    assert lamp.state == "2/1"
    asked = [request for request in exchange.requests if request.method == "SUBSCRIBE"]
    assert asked[0]["Accept"] == "application/simple-message-summary"
    exchange.state = "4/0"
    await exchange.notify(asked[0]).final()
    await lamp.shows("4/0")
    assert Waiting(anna).told == []
