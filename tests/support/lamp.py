"""The lamp of a phone: a subscription to a hint or a mailbox (RFC 6665), and its NOTIFYs."""

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from .compose import compose
from .sipmessage import Address, Headers, Message, authorize, parameter
from .transaction import Transaction, new_tag
from .until import until

if TYPE_CHECKING:
    from .sip import RawPhone

BODIES = {
    "dialog": "application/dialog-info+xml",
    "presence": "application/pidf+xml",
    "message-summary": "application/simple-message-summary",
}
STATES = {
    "dialog": r"<state>\s*([\w-]+)\s*</state>",
    "presence": r"<note>\s*([^<]*?)\s*</note>",
    "message-summary": r"(?m)^Voice-Message: (\d+/\d+)",
}
HELD = re.compile(r'pname="\+sip\.rendering"\s+pvalue="no"')


class SubscriptionRefusedError(AssertionError):
    """The exchange does not let this lamp be watched; `code` is its SIP answer."""

    def __init__(self, answer: Message) -> None:
        super().__init__(answer.start)
        self.code = answer.code


class Lamp:
    """A watched hint or mailbox.

    `states` are all it ever showed, `notifications` the requests that said so. The states of event
    dialog are those of RFC 4235: terminated (dark), early (blinks), confirmed (lit). Those of
    presence are the words of Asterisk's note, such as Ready or Ringing, those of message-summary
    unread and read messages, such as 3/2.
    """

    def __init__(self, phone: "RawPhone", number: str, event: str) -> None:
        self.phone, self.number, self.event = phone, number, event
        self.call_id = new_tag()
        self.states: list[str] = []
        self.notifications: list[Message] = []
        self.is_over = False
        self._local = f"{phone.local_address()};tag={new_tag()}"
        self._target = f"sip:{number}@{phone.domain}"
        self._remote = f"<{self._target}>"
        self._sequence = 0

    @property
    def state(self) -> str | None:
        """What it shows, None before the first NOTIFY."""
        return self.states[-1] if self.states else None

    @property
    def is_held(self) -> bool:
        """Whether the last dialog-info says that the call is on hold."""
        return bool(self.notifications) and bool(HELD.search(self.notifications[-1].body))

    async def shows(self, state: str, within: float = 5.0, *, held: bool | None = None) -> None:
        """Wait until it shows `state`, and is on hold or not, if that matters."""

        def shown() -> bool:
            return self.state == state and held in (None, self.is_held)

        await until(shown, within, lambda: f"{state!r} but {self}")

    async def lit(self, within: float = 5.0) -> None:
        """Wait for the first state."""
        await until(lambda: self.states, within, lambda: f"the first NOTIFY of {self}")

    async def subscribe(self, expires: int = 300, within: float = 5.0) -> int:
        """Begin, refresh or (with 0) end the subscription; returns the seconds granted.

        Raises SubscriptionRefusedError.
        """
        answer = await self._send(expires).final(within)
        if answer.code in (401, 407):
            account = (self.phone.number, self.phone.password)
            proof = authorize(answer, "SUBSCRIBE", self._target, *account)
            answer = await self._send(expires, [proof]).final(within)
        if answer.code >= 300:
            self.is_over = True
            raise SubscriptionRefusedError(answer)
        self._remote = answer["To"]
        self._target = Address.parse(answer.get("Contact") or self._target).uri
        return int(answer["Expires"])

    async def close(self, within: float = 1.0) -> None:
        """End the subscription, if it is not over; returns when the last NOTIFY came."""
        if not self.is_over:
            # who knows nothing of it any more has ended it already
            with suppress(SubscriptionRefusedError):
                await self.subscribe(0, within)
            await until(lambda: self.is_over, within, lambda: f"the last NOTIFY of {self}")

    def receive(self, request: Message) -> None:
        """Take a request of the subscription's dialog."""
        if request.method != "NOTIFY":
            self.phone.reply(request, 481)
            return
        self.phone.reply(request, 200)
        self.notifications.append(request)
        self.is_over = request["Subscription-State"].startswith("terminated")
        found = re.search(STATES[self.event], request.body)
        if found:
            self.states.append(found[1])

    def _send(self, expires: int, headers: Headers = ()) -> Transaction:
        self._sequence += 1
        event = [("Event", self.event), ("Accept", BODIES[self.event]), ("Expires", str(expires))]
        request = compose(
            "SUBSCRIBE",
            self._target,
            via=self.phone.via(),
            local=self._local,
            remote=self._remote,
            call_id=self.call_id,
            sequence=self._sequence,
            headers=[("Contact", self.phone.contact), *event, *headers],
        )
        return self.phone.send(request)

    def __str__(self) -> str:
        why = [parameter(n["Subscription-State"], "reason") for n in self.notifications[-1:]]
        return f"lamp {self.number}: {', '.join(self.states) or 'dark'} {' '.join(why)}".strip()
