"""A raw SIP phone: says exactly what a test tells it, broken or not, and shows what came back.

async with RawPhone("1001", "secret", "127.0.0.1:15060") as anna:
    await anna.register()
    call = await anna.invite("1002")
    await call.answered()
"""

from functools import cached_property

from .lamp import Lamp
from .sipmessage import Message
from .useragent import UserAgent


class RawPhone(UserAgent):
    """One number at one server ("host:port", or a URL for ws and wss), and the lamps it watches."""

    registered = False

    @cached_property
    def lamps(self) -> dict[str, Lamp]:
        """The subscriptions by Call-ID."""
        return {}

    async def vanish(self) -> None:
        """Be gone without a word, as a phone whose cable is pulled."""
        self.registered = False
        self.lamps.clear()
        await super().vanish()

    async def register(self, expires: int = 300, within: float = 5.0) -> Message:
        """Register for `expires` seconds, 0 to unregister; returns the final response."""
        headers = [("Contact", self.contact), ("Expires", str(expires))]
        answer = await self.request(
            "REGISTER", f"sip:{self.domain}", headers, to=self.number, within=within
        )
        if answer.code == 200:
            self.registered = expires > 0
        return answer

    async def subscribe(
        self, number: str, *, event: str = "dialog", expires: int = 300, within: float = 5.0
    ) -> Lamp:
        """Watch the hint of `number`, event dialog or presence; returns with its first state.

        Raises SubscriptionRefusedError. The subscription ends when the phone closes.
        """
        lamp = Lamp(self, number, event)
        self.lamps[lamp.call_id] = lamp
        await lamp.subscribe(expires, within)
        await lamp.lit(within)
        return lamp

    async def _end_all(self) -> None:
        await super()._end_all()
        if self.deaf:
            return
        for lamp in list(self.lamps.values()):
            await lamp.close()
        if self.registered:
            await self.register(expires=0, within=1.0)

    def _receive_request(self, request: Message) -> None:
        lamp = self.lamps.get(request["Call-ID"])
        if lamp:
            lamp.receive(request)
        else:
            super()._receive_request(request)
