"""Keys pressed and received in a call, in the three ways that trunks.dtmf_mode knows."""

from collections import Counter
from typing import TYPE_CHECKING, Literal

from . import dtmfinfo
from .rtp import KEY_SECONDS, RtpStream
from .sipmessage import Headers, Message
from .words import CallWords

if TYPE_CHECKING:
    from .transaction import Transaction

DtmfMode = Literal["rfc2833", "info", "inband"]
OUT_OF_BAND: tuple[DtmfMode, ...] = ("rfc2833", "info")


class Keypad(CallWords):
    """What a call needs for DTMF; `requests` are those that came within it."""

    requests: list[Message]
    rtp: RtpStream | None

    def __init__(self) -> None:
        self._read = Counter[DtmfMode]()

    def send(self, method: str, headers: Headers = (), body: str = "") -> "Transaction":
        """Send any request within the call."""
        raise NotImplementedError

    @property
    def digits(self) -> str:
        """The DTMF digits received so far, by RTP events, then by INFO."""
        return "".join(map(self.digits_by, OUT_OF_BAND))

    def digits_by(self, mode: DtmfMode) -> str:
        """The DTMF digits received so far in this way."""
        if mode == "info":
            infos = (request for request in self.requests if request.method == "INFO")
            return "".join(map(dtmfinfo.key, infos))
        if not self.rtp:
            return ""
        return self.rtp.ear.keys if mode == "inband" else self.rtp.digits

    async def receives(self, digits: str, within: float = 5.0, by: DtmfMode | None = None) -> None:
        """Wait for these DTMF digits and no others since those last waited for.

        Without `by` they may come as RTP events or INFO, but not as sounds.
        """
        modes = (by,) if by else OUT_OF_BAND

        def came() -> bool:
            new = "".join(self.digits_by(mode)[self._read[mode] :] for mode in modes)
            assert digits.startswith(new), f"{digits} was expected but {new} received"
            return new == digits

        await self._wait(came, within, f"the digits {digits}")
        for mode in modes:
            self._read[mode] = len(self.digits_by(mode))

    async def send_dtmf(self, digits: str) -> None:
        """Press keys; returns when they are sent as events."""
        await self.press(digits)

    async def press(
        self,
        keys: str,
        by: DtmfMode = "rfc2833",
        *,
        lasting: float = KEY_SECONDS,
        content: str = dtmfinfo.RELAY,
    ) -> None:
        """Press keys for `lasting` seconds each; returns when they are sent, INFO when taken.

        `content` is the type of an INFO's body. Events need the other side's telephone-event.
        """
        if by == "info":
            await self._press_by_info(keys, lasting, content)
            return
        assert self.rtp is not None, f"no audio yet: {self}"
        press = self.rtp.send_dtmf if by == "rfc2833" else self.rtp.send_sounds
        await press(keys, lasting)

    async def _press_by_info(self, keys: str, lasting: float, content: str) -> None:
        for key in keys.upper():
            answer = await self.send("INFO", *dtmfinfo.describe(key, lasting, content)).final()
            assert answer.code == 200, f"INFO was refused: {answer.start}"
