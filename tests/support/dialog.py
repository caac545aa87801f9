"""What both sides of a SIP call share: its state, its audio, the requests within it."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from . import sdp
from .compose import compose
from .ear import Ear
from .keypad import Keypad
from .rtp import RtpStream
from .sipmessage import Address, Headers, Message
from .transaction import Repeat, Transaction, new_tag
from .words import Status

if TYPE_CHECKING:
    from .useragent import UserAgent

OFFER = "the phone's own offer"
SDP_TYPE = ("Content-Type", "application/sdp")
METHODS = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, NOTIFY, REFER, MESSAGE"
ALLOW = ("Allow", METHODS)


class Dialog(Keypad):
    """A call. `shown` is what the display says of the other party, `requests` what came within it.

    `reason` is the Reason header of its end, `bye` who ended an answered call: local or remote.
    With a description in `external`, the audio is carried by somebody else, who wrote it.
    """

    is_answered = is_over = is_held = False

    def __init__(self, phone: "UserAgent", call_id: str, local: str, remote: str, target: str):
        super().__init__()
        self.phone, self.call_id = phone, call_id
        self.local, self.remote, self.target = local, remote, target
        self.status: Status | None = None
        self.reason: str | None = None
        self.bye: str | None = None
        self.external = ""
        self.shown = Address("", "")
        self.requests: list[Message] = []
        self.rtp: RtpStream | None = None
        self.remote_media: sdp.Media | None = None
        self._direction = "sendrecv"
        self._versions = 0
        self._sequence = 0
        self._pending: Transaction | None = None
        self._unacknowledged: Repeat | None = None

    @property
    def ear(self) -> Ear:
        """What this side hears, at 8000 samples a second."""
        return self._media().ear

    def say(self, hz: float) -> None:
        """Send a tone of `hz` from now on; 0 is silence."""
        self._media().say(hz)

    async def hold(self) -> None:
        """Hold the other side with a re-INVITE; returns when it agreed."""
        await self._renegotiate("sendonly")

    async def resume(self) -> None:
        """End the hold."""
        await self._renegotiate("sendrecv")

    def send_bye(self, headers: Headers = ()) -> Transaction:
        """Send BYE, whatever the state of the call."""
        self.bye = self.bye or "local"
        transaction = self.send("BYE", headers)
        self._end()
        return transaction

    def send(
        self,
        method: str,
        headers: Headers = (),
        body: str = "",
        heard: Callable[[Message], None] | None = None,
    ) -> Transaction:
        """Send any request within the call."""
        self._sequence += 1
        return self.phone.send(self.compose(method, self._sequence, headers, body), heard)

    async def hangup(self) -> None:
        """End the call, in whatever way its state asks for."""
        raise NotImplementedError

    async def close(self) -> None:
        """End the call if it is not over, and free its port."""
        if not self.is_over:
            await self.hangup()
        self.release()

    def release(self) -> None:
        """Free what the call holds, without a word to the other side."""
        self.is_over = True
        if self._unacknowledged:
            self._unacknowledged.stop()
        if self.rtp:
            self.rtp.close()

    def compose(
        self, method: str, sequence: int, headers: Headers = (), body: str = "", via: str = ""
    ) -> Message:
        """Build a request within the call."""
        described = [SDP_TYPE] if body and "Content-Type" not in dict(headers) else []
        return compose(
            method,
            self.target,
            via=via or self.phone.via(),
            local=self.local,
            remote=self.remote,
            call_id=self.call_id,
            sequence=sequence,
            headers=[("Contact", self.phone.contact), ALLOW, *described, *headers],
            body=body,
        )

    def receive(self, request: Message) -> None:
        """Take a request within the call."""
        if request.method == "ACK":
            self._receive_ack(request)
            return
        self.requests.append(request)
        if request.method == "INVITE" and self._pending and not self._pending.done:
            self.phone.reply(request, 491)
        elif request.method in ("INVITE", "UPDATE"):
            self._receive_offer(request)
        elif request.method == "BYE":
            self.reason, self.bye = request.get("Reason"), "remote"
            self.phone.reply(request, 200)
            self._end()
        else:
            self.phone.reply(request, 202 if request.method == "REFER" else 200)

    def _receive_offer(self, request: Message) -> None:
        self._show(request)
        media = sdp.parse(request.body)
        if media:
            self._use(media)
        body = self._describe() if request.body or request.method == "INVITE" else ""
        headers = [("Contact", self.phone.contact), ALLOW, *([SDP_TYPE] if body else [])]
        data = self.phone.reply(request, 200, headers=headers, body=body)
        if request.method == "INVITE":
            self._repeat_until_ack(data)

    def _receive_ack(self, request: Message) -> None:
        if self._unacknowledged:
            self._unacknowledged.stop()
        media = sdp.parse(request.body)
        if media:
            self._use(media)

    async def _open_media(self) -> None:
        if self.rtp is None and not self.external:
            self.rtp = await RtpStream.open(self.phone.local)

    def _media(self) -> RtpStream:
        assert self.rtp is not None, f"no audio yet: {self}"
        return self.rtp

    def _use(self, media: sdp.Media) -> None:
        """Follow the other side's description: where to send, and whether it holds us."""
        self.remote_media = media
        self.is_held = media.direction in ("sendonly", "inactive") or media.host == "0.0.0.0"  # noqa: S104
        if not self.external:
            self._media().send_to(media)
            self._media().sending &= self._direction == "sendrecv"

    def _describe(self) -> str:
        """Our description: an answer to the other side's one, or an offer when there is none."""
        if self.external:
            return self.external
        self._versions += 1
        events = self.phone.telephone_event
        codecs = sdp.number_codecs(self.phone.codecs, telephone_event=events)
        direction = self._direction
        if self.remote_media:
            known = (*self.phone.codecs, *([sdp.DTMF] if events else []))
            codecs = {k: name for k, name in self.remote_media.codecs.items() if name in known}
            if self.is_held:
                direction = self.remote_media.accepted_direction
        self._media().expect(codecs)
        return sdp.describe(self.phone.local, self._media().port, codecs, direction, self._versions)

    def _write(self, description: str | None) -> str:
        """The body that a test asked for: our description for OFFER, else what it says itself."""
        if description == OFFER:
            return self._describe()
        media = sdp.parse(description or "")
        if media and self.rtp:
            self.rtp.expect(media.codecs)
        return description or ""

    async def _renegotiate(self, direction: str) -> None:
        self._direction = direction
        for _ in range(5):
            transaction = self._pending = self.send("INVITE", body=self._describe())
            answer = await transaction.final()
            if answer.code != 491:
                break
            await asyncio.sleep(0.1)
        assert answer.code == 200, f"{direction} was refused: {answer.start}"
        self.phone.send_once(self.compose("ACK", answer.sequence))
        media = sdp.parse(answer.body)
        if media:
            self._use(media)

    def _repeat_until_ack(self, data: bytes) -> None:
        if self._unacknowledged:
            self._unacknowledged.stop()
        self._unacknowledged = Repeat(self.phone.link, data)

    def _show(self, message: Message) -> None:
        """Let the display follow a message from the other side."""
        fallback = "To" if message.is_response else "From"
        names = ("P-Asserted-Identity", "Remote-Party-ID", fallback)
        value = next(value for name in names if (value := message.get(name)))
        self.shown = Address.parse(value)

    def _end(self) -> None:
        self.is_over = True
        if self._unacknowledged:
            self._unacknowledged.stop()
        if self.rtp:
            self.rtp.sending = False

    def __str__(self) -> str:
        mine = [t for t in self.phone.messages if t.message.get("Call-ID") == self.call_id]
        return f"call {self.call_id}: " + ", ".join(f"{t.way} {t.message.start}" for t in mine)


def add_tag(address: str) -> str:
    """An address with a tag of ours."""
    return f"{address};tag={new_tag()}"
