"""The called side of a SIP call."""

from typing import TYPE_CHECKING, NamedTuple

from . import sdp
from .dialog import ALLOW, OFFER, SDP_TYPE, Dialog
from .sipmessage import REASONS, Address, Headers, Message, parameter
from .transaction import new_tag
from .words import Status

if TYPE_CHECKING:
    from .useragent import UserAgent


class Diversion(NamedTuple):
    """Who forwarded a call, and why: unconditional, user-busy, no-answer … (RFC 5806)."""

    number: str
    reason: str


class IncomingCall(Dialog):
    """A call to us. `invite` is its INVITE; `is_cancelled` says whether the caller gave up."""

    def __init__(self, phone: "UserAgent", invite: Message) -> None:
        self._tag = new_tag()
        contact = Address.parse(invite.get("Contact") or invite["From"]).uri
        local = f"{invite['To']};tag={self._tag}"
        super().__init__(phone, invite["Call-ID"], local, invite["From"], contact)
        self.invite = invite
        self.is_cancelled = False
        self._show(invite)
        self.caller = self.shown
        phone.reply(invite, 100)

    @property
    def caller_number(self) -> str:
        """The number the display shows when the phone rings."""
        return self.caller.user

    @property
    def caller_name(self) -> str:
        """The name the display shows when the phone rings."""
        return self.caller.name

    @property
    def dialled(self) -> str:
        """The number that the request-URI asks for."""
        return Address("", self.invite.uri).user

    @property
    def sender(self) -> Address:
        """The From header, which a withheld identity does not show."""
        return Address.parse(self.invite["From"])

    @property
    def asserted(self) -> Address | None:
        """The P-Asserted-Identity header (RFC 3325)."""
        value = self.invite.get("P-Asserted-Identity")
        return Address.parse(value) if value else None

    @property
    def privacy(self) -> str:
        """The Privacy header (RFC 3323), "" when nothing is withheld."""
        return self.invite.get("Privacy") or ""

    @property
    def diversion(self) -> Diversion | None:
        """The topmost Diversion header: the last one who forwarded the call."""
        value = self.invite.get("Diversion")
        return Diversion(Address.parse(value).user, parameter(value, "reason")) if value else None

    @property
    def offered(self) -> list[str]:
        """The codecs the INVITE offers, in order, without telephone-event."""
        return self.offer.names if self.offer else []

    @property
    def offer(self) -> sdp.Media | None:
        """The audio the INVITE offers."""
        return sdp.parse(self.invite.body)

    def ring(self, code: int = 180, headers: Headers = ()) -> None:
        """Send a provisional answer without audio."""
        self._reply(code, headers=headers)

    async def progress(self, description: str = OFFER, code: int = 183) -> None:
        """Send a provisional answer with audio: what is said now is early media."""
        await self._reply_with(code, description, ())

    async def answer(self, description: str | None = OFFER, headers: Headers = ()) -> None:
        """Answer; returns when the 200 is sent, `answered()` waits for its ACK."""
        self._repeat_until_ack(await self._reply_with(200, description, headers))
        self.status = Status(200, "OK")

    def reject(self, code: int = 486, reason: str = "", headers: Headers = ()) -> None:
        """Refuse the call."""
        data = self._reply(code, reason, headers)
        self.status = Status(code, reason or REASONS.get(code, ""))
        self._end()
        self._repeat_until_ack(data)

    async def hangup(self) -> None:
        """Refuse the call or say BYE; returns when the other side agreed."""
        if self.status:
            await self.send_bye().final()
        else:
            self.reject(486)

    def receive(self, request: Message) -> None:
        """Take a request within the call."""
        if request.method == "CANCEL":
            self._cancel(request)
        else:
            super().receive(request)

    def _receive_ack(self, request: Message) -> None:
        super()._receive_ack(request)
        self.is_answered = self.is_answered or self.status == Status(200, "OK")

    def _cancel(self, request: Message) -> None:
        self.phone.reply(request, 200, tag=self._tag)
        if self.status is None:
            self.is_cancelled = True
            self.reason = request.get("Reason")
            self.reject(487)

    async def _reply_with(self, code: int, description: str | None, headers: Headers) -> bytes:
        await self._open_media()
        offer = self.offer
        if offer and self.remote_media is None:
            self._use(offer)
        body = self._write(description)
        return self._reply(code, headers=headers, body=body)

    def _reply(self, code: int, reason: str = "", headers: Headers = (), body: str = "") -> bytes:
        described = [SDP_TYPE] if body else []
        contact = ("Contact", self.phone.contact)
        return self.phone.reply(
            self.invite,
            code,
            reason,
            headers=[contact, ALLOW, *described, *headers],
            body=body,
            tag=self._tag,
        )
