"""SIP client transactions, and the repeating that UDP needs."""

import asyncio
import secrets
from collections.abc import Callable

from .sipmessage import Message
from .siptransport import SipTransport
from .until import until

T1 = 0.5
REPEATS = 10


class Repeat:
    """Sends again what was sent over UDP, after 0.5, 1, 2, 4, 4 … s until stopped."""

    def __init__(self, transport: SipTransport, data: bytes) -> None:
        self._transport, self._data = transport, data
        self._timer: asyncio.TimerHandle | None = None
        self._wait(0)

    def stop(self) -> None:
        """Send no more."""
        if self._timer:
            self._timer.cancel()

    def _wait(self, count: int) -> None:
        if not self._transport.reliable and count < REPEATS:
            pause = min(T1 * 2**count, 8 * T1)
            self._timer = asyncio.get_running_loop().call_later(pause, self._send, count)

    def _send(self, count: int) -> None:
        self._transport.send(self._data)
        self._wait(count + 1)


class Transaction:
    """A request of ours and its responses; a refused INVITE is acknowledged by itself."""

    def __init__(
        self,
        transport: SipTransport,
        request: Message,
        heard: Callable[[Message], None] | None = None,
    ) -> None:
        self.request = request
        self.responses: list[Message] = []
        self._transport, self._heard = transport, heard
        data = request.render()
        transport.send(data)
        self._repeat = Repeat(transport, data)

    @property
    def done(self) -> Message | None:
        """The final response so far."""
        return next((response for response in self.responses if response.code >= 200), None)

    async def final(self, within: float = 5.0) -> Message:
        """Wait for the final response."""
        return await until(lambda: self.done, within, f"an answer to {self.request.method}")

    def receive(self, response: Message) -> None:
        """Take a response; of repeated final ones only a 200 is passed on, for its ACK."""
        again = self.done is not None
        self._repeat.stop()
        if self.request.method == "INVITE" and response.code >= 300:
            self._transport.send(self._ack(response).render())
        if not again:
            self.responses.append(response)
        if self._heard and (not again or 200 <= response.code < 300):
            self._heard(response)

    def stop(self) -> None:
        """Give the request up."""
        self._repeat.stop()

    def _ack(self, response: Message) -> Message:
        request = self.request
        headers = [
            ("Via", request["Via"]),
            ("Max-Forwards", "70"),
            ("From", request["From"]),
            ("To", response["To"]),
            ("Call-ID", request["Call-ID"]),
            ("CSeq", f"{request.sequence} ACK"),
        ]
        return Message(f"ACK {request.uri} SIP/2.0", headers)


def new_branch() -> str:
    """An id for a transaction."""
    return f"z9hG4bK{secrets.token_hex(8)}"


def new_tag() -> str:
    """An id for one side of a dialog, or for a call."""
    return secrets.token_hex(6)
