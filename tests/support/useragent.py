"""One end of SIP: makes and takes calls, and answers what comes outside of them."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from .callee import IncomingCall
from .caller import OutgoingCall
from .compose import compose
from .dialog import ALLOW, OFFER, Dialog
from .sipmessage import Headers, Message, authorize, parameter
from .siptransport import SipTransport, connect
from .transaction import Transaction, new_branch, new_tag
from .until import TimedOutError

ANSWERS = {"OPTIONS": 200, "NOTIFY": 200, "MESSAGE": 200, "INFO": 200}


class Traced(NamedTuple):
    """One message of the trace; `way` is "->" (sent) or "<-" (received)."""

    way: str
    message: Message


class UserAgent:
    """What a phone and a carrier have in common; `number` and `password` are its account.

    Without a server, over UDP, it speaks to whoever spoke to it last. `codecs` are offered and
    taken in that order, and telephone-event unless told otherwise. `messages` is the trace of
    everything, `requests` holds what came outside of calls; it is answered by itself with the code
    that `answers` has for its method, else 481. While `deaf`, nothing is taken. `acknowledges` off
    keeps back the ACK to a 200. `agent` is the User-Agent of requests outside of calls.
    """

    agent = "pbx-x-test-phone"

    def __init__(
        self,
        number: str,
        password: str,
        server: str,
        *,
        transport: str = "udp",
        display_name: str = "",
        codecs: Sequence[str] = ("PCMU", "PCMA"),
        telephone_event: bool = True,
        local: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.number, self.password, self.server = number, password, server
        self.transport, self.display_name, self.codecs = transport, display_name, tuple(codecs)
        self.telephone_event = telephone_event
        self.local, self.deaf, self.acknowledges = local, False, True
        self.answers = dict(ANSWERS)
        self.messages: list[Traced] = []
        self.requests: list[Message] = []
        self.calls: dict[str, Dialog] = {}
        self._incoming: asyncio.Queue[IncomingCall] = asyncio.Queue()
        self._transactions: dict[tuple[str, str], Transaction] = {}
        self._replies: dict[tuple[str, str], bytes] = {}
        self._outside = (new_tag(), new_tag())
        self._sequence = 0
        self._tls = tls
        self._link: SipTransport | None = None

    async def __aenter__(self) -> Self:
        self._link = await self._connect()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End what is open and free the sockets; who answers no more is left without a word."""
        try:
            with suppress(TimedOutError):
                await self._end_all()
        finally:
            await self.vanish()

    async def vanish(self) -> None:
        """Be gone without a word, as a phone whose cable is pulled."""
        for call in self.calls.values():
            call.release()
        self.calls.clear()
        for transaction in self._transactions.values():
            transaction.stop()
        await self.link.close()

    @property
    def link(self) -> SipTransport:
        """The open connection."""
        assert self._link is not None, "not open"
        return self._link

    @property
    def domain(self) -> str:
        """Host and port of the server, for SIP URIs."""
        return urlsplit(self.server).netloc if "//" in self.server else self.server

    @property
    def contact(self) -> str:
        """The Contact header's value."""
        suffix = "" if self.transport == "udp" else f";transport={self.transport}"
        return f"<sip:{self.number}@{self.link.sent_by}{suffix}>"

    async def request(
        self,
        method: str,
        uri: str,
        headers: Headers = (),
        body: str = "",
        *,
        to: str | None = None,
        authorized: bool = True,
        within: float = 5.0,
    ) -> Message:
        """Send a request outside of a call, answer a challenge once, return the final response."""
        message = self._compose(method, uri, to, headers, body)
        answer = await self.send(message).final(within)
        if answer.code in (401, 407) and authorized:
            proof = authorize(answer, method, uri, self.number, self.password)
            message = self._compose(method, uri, to, [proof, *headers], body)
            answer = await self.send(message).final(within)
        return answer

    async def invite(
        self,
        to: str,
        *,
        sdp: str | None = OFFER,
        headers: Headers = (),
        display_name: str | None = None,
        authorized: bool = True,
        external: str = "",
    ) -> OutgoingCall:
        """Call a number or a whole `sip:` URI; returns once the INVITE is sent.

        `sdp` is sent as it is; None sends none (the answer then offers), OFFER the own one.
        `external` is the offer of somebody else who carries the audio.
        """
        uri = to if to.startswith("sip") else f"sip:{to}@{self.domain}"
        call = OutgoingCall(self, uri, self.local_address(display_name), authorized=authorized)
        call.external = external
        return await self.start(call, sdp, headers)

    async def start(self, call: OutgoingCall, sdp: str | None, headers: Headers) -> OutgoingCall:
        """Send the INVITE of a call and keep the call."""
        self.calls[call.call_id] = call
        await call.start(sdp, headers)
        return call

    async def expect_invite(self, within: float = 5.0) -> IncomingCall:
        """Wait for the next call to us; it is neither ringing nor answered by itself."""
        try:
            return await asyncio.wait_for(self._incoming.get(), within)
        except TimeoutError:
            raise TimedOutError(f"waited {within:g} s for a call to {self.number}") from None

    @property
    def is_called(self) -> bool:
        """Whether a call waits to be taken by `expect_invite`."""
        return not self._incoming.empty()

    def send_raw(self, data: bytes) -> None:
        """Send any bytes."""
        self.link.send(data)

    def send(self, request: Message, heard: Callable[[Message], None] | None = None) -> Transaction:
        """Send a composed request; its responses go to `heard` too."""
        self.messages.append(Traced("->", request))
        transaction = Transaction(self.link, request, heard)
        self._transactions[request.branch, request.method] = transaction
        return transaction

    def send_once(self, message: Message) -> None:
        """Send a message that has no answer (ACK)."""
        self.messages.append(Traced("->", message))
        self.link.send(message.render())

    def reply(
        self,
        request: Message,
        code: int,
        reason: str = "",
        *,
        headers: Headers = (),
        body: str = "",
        tag: str = "",
    ) -> bytes:
        """Answer a request; a repetition of it gets the same answer. Returns what was sent."""
        response = request.reply(code, reason, headers, body)
        if tag and not parameter(response["To"], "tag"):
            tagged = [(n, f"{v};tag={tag}" if n == "To" else v) for n, v in response.headers]
            response.headers = tagged
        self.messages.append(Traced("->", response))
        data = self._replies[request.branch, request.method] = response.render()
        self.link.send(data)
        return data

    def receive(self, message: Message) -> None:
        """Take a message from the transport."""
        if self.deaf:
            return
        self.messages.append(Traced("<-", message))
        if message.is_response:
            transaction = self._transactions.get((message.branch, message.method))
            if transaction:
                transaction.receive(message)
        elif (message.branch, message.method) in self._replies:
            self.link.send(self._replies[message.branch, message.method])
        else:
            self._receive_request(message)

    def via(self, branch: str | None = None) -> str:
        """A Via header's value for a request of ours."""
        return f"SIP/2.0/{self.link.name} {self.link.sent_by};branch={branch or new_branch()};rport"

    def local_address(self, display_name: str | None = None) -> str:
        """Our address, without tag, as in From."""
        name = self.display_name if display_name is None else display_name
        quoted = f'"{name}" ' if name else ""
        return f"{quoted}<sip:{self.number}@{self.domain}>"

    async def _connect(self) -> SipTransport:
        return await connect(self.receive, self.transport, self.server, self.local, self._tls)

    async def _end_all(self) -> None:
        for call in list(self.calls.values()):
            await call.close()

    def _receive_request(self, request: Message) -> None:
        call = self.calls.get(request["Call-ID"])
        if call:
            call.receive(request)
        elif request.method == "INVITE":
            incoming = IncomingCall(self, request)
            self.calls[incoming.call_id] = incoming
            self._incoming.put_nowait(incoming)
        elif request.method != "ACK":
            self.requests.append(request)
            code = self.answers.get(request.method, 481)
            self.reply(request, code, headers=[ALLOW], tag=new_tag())

    def _compose(
        self, method: str, uri: str, to: str | None, headers: Headers, body: str
    ) -> Message:
        call_id, tag = self._outside
        self._sequence += 1
        target = f"sip:{to}@{self.domain}" if to else uri
        return compose(
            method,
            uri,
            via=self.via(),
            local=f"{self.local_address()};tag={tag}",
            remote=f"<{target}>",
            call_id=call_id,
            sequence=self._sequence,
            headers=[("User-Agent", self.agent), *headers],
            body=body,
        )
