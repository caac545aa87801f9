"""The calling side of a SIP call."""

from typing import TYPE_CHECKING

from . import sdp
from .dialog import Dialog, add_tag
from .sipmessage import Address, Headers, Message, authorize
from .transaction import Transaction, new_tag
from .until import until
from .words import Status

if TYPE_CHECKING:
    from .useragent import UserAgent


class OutgoingCall(Dialog):
    """A call we make. `responses` holds everything the other side answered to the INVITE.

    `to` is the To header where it is not the URI that the request asks for.
    """

    def __init__(
        self, phone: "UserAgent", uri: str, local: str, *, authorized: bool, to: str = ""
    ) -> None:
        super().__init__(phone, new_tag(), add_tag(local), to or f"<{uri}>", uri)
        self.responses: list[Message] = []
        self._authorized = authorized
        self._headers: list[tuple[str, str]] = []
        self._body = ""
        self._invite: Transaction | None = None

    async def start(self, description: str | None, headers: Headers) -> None:
        """Send the INVITE."""
        await self._open_media()
        self._headers = list(headers)
        self._body = self._write(description)
        self._send_invite()

    @property
    def invite(self) -> Message:
        """The INVITE as it was sent last."""
        assert self._invite is not None
        return self._invite.request

    async def ringing(self, within: float = 5.0) -> None:
        """Wait for 180; raises CallEndedError when the call fails instead."""
        await self._wait(lambda: self.has(180), within, "180")

    async def early_media(self, within: float = 5.0) -> None:
        """Wait for a provisional answer that has audio."""
        await self._wait(self._has_early_media, within, "early media")

    async def final(self, within: float = 5.0) -> Message:
        """Wait for the final response to the INVITE, whatever it is."""
        await until(lambda: self.status, within, lambda: f"the final response of {self}")
        return self.responses[-1]

    def has(self, code: int) -> bool:
        """Whether a response with this code came."""
        return any(response.code == code for response in self.responses)

    def cancel(self, headers: Headers = ()) -> Transaction:
        """Send CANCEL, whatever the state of the call; the INVITE's own answer comes beside it.

        A challenge that is still to come will not be answered.
        """
        assert self._invite is not None
        self._authorized = False
        request = self._invite.request
        cancel = self.compose("CANCEL", request.sequence, headers, via=request["Via"])
        cancel.start = f"CANCEL {request.uri} SIP/2.0"
        cancel.headers = [(n, request["To"] if n == "To" else v) for n, v in cancel.headers]
        return self.phone.send(cancel)

    def ack(self) -> None:
        """Acknowledge the 200; only needed when the phone does not by itself."""
        answer = self._describe() if self._offered() else ""
        self.phone.send_once(self.compose("ACK", self.invite.sequence, self._proofs(), answer))

    async def hangup(self) -> None:
        """Cancel or say BYE; returns when the other side agreed."""
        if self.is_answered:
            await self.send_bye().final()
        else:
            self.cancel()
            await self.final()

    def _offered(self) -> bool:
        return not self._body and bool(self.responses) and bool(self.responses[-1].body)

    def _proofs(self) -> list[tuple[str, str]]:
        return [header for header in self.invite.headers if header[0].endswith("Authorization")]

    def _has_early_media(self) -> bool:
        return any(r.code < 200 and sdp.parse(r.body) for r in self.responses)

    def _send_invite(self, *proof: tuple[str, str]) -> None:
        headers = [*proof, *self._headers]
        self._invite = self._pending = self.send("INVITE", headers, self._body, self._hear)

    def _hear(self, response: Message) -> None:
        if self.is_answered:
            if self.phone.acknowledges:
                self.ack()
            return
        self.responses.append(response)
        if response.code in (401, 407) and self._authorized:
            self._authorized = False
            phone = self.phone
            self._send_invite(
                authorize(response, "INVITE", self.invite.uri, phone.number, phone.password)
            )
        elif response.code >= 300:
            self._fail(response)
        elif response.code > 100:
            self._progress(response)

    def _progress(self, response: Message) -> None:
        self.remote = response["To"]
        self._show(response)
        contact = response.get("Contact")
        if contact:
            self.target = Address.parse(contact).uri
        media = sdp.parse(response.body)
        if media:
            self._use(media)
        if response.code >= 200:
            self.status = Status(response.code, response.reason)
            self.is_answered = True
            if self.phone.acknowledges:
                self.ack()

    def _fail(self, response: Message) -> None:
        self.status = Status(response.code, response.reason)
        self.reason = response.get("Reason")
        self._end()
