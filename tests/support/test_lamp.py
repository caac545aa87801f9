"""A phone watches a hint that a small notifier plays."""

from collections.abc import AsyncIterator

import pytest

from .lamp import SubscriptionRefusedError
from .sip import RawPhone
from .sipmessage import Message
from .transaction import Transaction
from .until import TimedOutError, until

HINT = "*281"
DIALOG = """<?xml version="1.0" encoding="UTF-8"?>
<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="0" state="full" entity="sip:1">
 <dialog id="*281"><state>{state}</state>{held}</dialog>
</dialog-info>"""
HELD = '<local><target uri="sip:1"><param pname="+sip.rendering" pvalue="no" /></target></local>'
PRESENCE = """<presence xmlns="urn:ietf:params:xml:ns:pidf"><note>{state}</note>
<tuple id="*281"><status><basic>open</basic></status></tuple></presence>"""


class Notifier(RawPhone):
    """The other end of one subscription; `state` is what it notifies, "" refuses with 404."""

    state, held, body = "terminated", False, DIALOG

    def notify(self, subscribe: Message, subscription: str = "active") -> Transaction:
        content = self.body.format(state=self.state, held=HELD if self.held else "")
        request = self._compose("NOTIFY", f"sip:1001@{self.domain}", None, [], content)
        dialog = {
            "From": f"{subscribe['To'].partition(';')[0]};tag=notifier",
            "To": subscribe["From"],
            "Call-ID": subscribe["Call-ID"],
        }
        request.headers = [(name, dialog.get(name, value)) for name, value in request.headers]
        request.headers.append(("Subscription-State", subscription))
        return self.send(request)

    def _receive_request(self, request: Message) -> None:
        self.requests.append(request)
        if not self.state:
            self.reply(request, 404)
            return
        headers = [("Contact", self.contact), ("Expires", request["Expires"])]
        self.reply(request, 200, headers=headers, tag="notifier")
        ended = request["Expires"] == "0"
        self.notify(request, "terminated;reason=timeout" if ended else "active;expires=300")


@pytest.fixture
async def notifier() -> AsyncIterator[Notifier]:
    async with Notifier("1002", "", "") as phone:
        yield phone


@pytest.fixture
async def anna(notifier: Notifier) -> AsyncIterator[RawPhone]:
    async with RawPhone("1001", "", notifier.link.sent_by) as phone:
        yield phone


async def test_a_lamp_shows_what_it_is_notified(anna: RawPhone, notifier: Notifier) -> None:
    lamp = await anna.subscribe(HINT)
    assert lamp.state == "terminated"
    for state, held in (("early", False), ("confirmed", False), ("confirmed", True)):
        notifier.state, notifier.held = state, held
        assert (await notifier.notify(notifier.requests[0]).final()).code == 200
        await lamp.shows(state, held=held)
    assert lamp.states == ["terminated", "early", "confirmed", "confirmed"]
    with pytest.raises(TimedOutError, match=r"'terminated' but lamp \*281: terminated, early"):
        await lamp.shows("terminated", within=0.05)


async def test_presence_has_words(anna: RawPhone, notifier: Notifier) -> None:
    notifier.state, notifier.body = "On the phone", PRESENCE
    lamp = await anna.subscribe(HINT, event="presence")
    await lamp.shows("On the phone")
    assert notifier.requests[0]["Accept"] == "application/pidf+xml"


async def test_a_subscription_is_refreshed_and_ended(notifier: Notifier) -> None:
    async with RawPhone("1001", "", notifier.link.sent_by) as anna:
        lamp = await anna.subscribe(HINT)
        assert await lamp.subscribe(60) == 60
        await until(lambda: len(lamp.states) == 2, what="the state after a refresh")
    assert lamp.is_over
    assert [request["Expires"] for request in notifier.requests] == ["300", "60", "0"]
    assert {request["To"].partition("tag=")[2] for request in notifier.requests[1:]} == {"notifier"}
    assert notifier.requests[1].uri.startswith("sip:1002@")
    assert [request.sequence for request in notifier.requests] == [1, 2, 3]


async def test_a_lamp_that_the_exchange_forgot_is_over(anna: RawPhone, notifier: Notifier) -> None:
    lamp = await anna.subscribe(HINT)
    notifier.state = ""
    await lamp.close()
    assert lamp.is_over


async def test_no_hint_no_lamp(anna: RawPhone, notifier: Notifier) -> None:
    notifier.state = ""
    with pytest.raises(SubscriptionRefusedError, match="404") as refused:
        await anna.subscribe(HINT)
    assert refused.value.code == 404
