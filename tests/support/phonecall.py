"""A call of a baresip phone."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress

import numpy as np
from baresip import (
    AudioNotActive,
    AudioRestarted,
    BaresipError,
    Event,
    StackEvent,
    StaleHandleError,
)
from baresip import Call as NativeCall

from .ear import Ear
from .sipmessage import Address
from .tones import from_int16, to_int16
from .until import until
from .words import CallWords, Status

LEVEL = 0.3
STEP = 0.02
AHEAD = 0.06


class Call(CallWords):
    """A call of a phone, made or received; the words are those of a raw call."""

    def __init__(self, native: NativeCall, events: list[StackEvent]) -> None:
        self.native, self.events = native, events
        self._ear = Ear()
        self._hz = 0.0
        self._phase = 0
        self._pump = asyncio.create_task(self._exchange_audio(), name="phone audio")

    async def ringing(self, within: float = 5.0) -> None:
        """Wait for 180; raises CallEndedError when the call fails instead."""
        await self._wait(lambda: self._has(Event.CALL_RINGING), within, "ringing")

    async def early_media(self, within: float = 5.0) -> None:
        """Wait for a provisional answer that has audio."""
        await self._wait(lambda: self._has(Event.CALL_PROGRESS), within, "early media")

    @property
    def digits(self) -> str:
        """The DTMF digits received so far."""
        return "".join(e.text or "" for e in self.events if e.event is Event.CALL_DTMF_START)

    @property
    def ear(self) -> Ear:
        """What this side hears."""
        return self._ear

    @property
    def is_answered(self) -> bool:
        """Whether the call was answered."""
        return self._has(Event.CALL_ESTABLISHED)

    @property
    def is_over(self) -> bool:
        """Whether the call is over."""
        return self._has(Event.CALL_CLOSED)

    @property
    def is_held(self) -> bool:
        """Whether the other side holds us."""
        changes = [e.event for e in self.events if e.event in (Event.CALL_HOLD, Event.CALL_RESUME)]
        return changes[-1:] == [Event.CALL_HOLD]

    @property
    def status(self) -> Status | None:
        """The SIP answer with which a call of ours failed, 200 once answered, else None."""
        refused = re.match(r"(\d{3}) ([^,]*)", self._close_text)
        if refused:
            return Status(int(refused[1]), refused[2])
        return Status(200, "OK") if self.is_answered else None

    @property
    def reason(self) -> str | None:
        """The Reason header of the call's refusal or of the caller's CANCEL (not of a BYE)."""
        reason = re.search(r",((?:SIP|Q\.850)\s*;.*)", self._close_text)
        return reason[1] if reason else None

    @property
    def caller_name(self) -> str:
        """The name the display shows when the phone rings."""
        return self._caller.name

    @property
    def caller_number(self) -> str:
        """The number the display shows when the phone rings."""
        return self._caller.user

    def say(self, hz: float) -> None:
        """Send a tone of `hz` from now on; 0 is silence."""
        self._hz = hz

    async def answer(self) -> None:
        """Answer an incoming call."""
        await self.native.answer()

    async def reject(self) -> None:
        """Refuse an incoming call with 486, the only code baresip offers."""
        await self.native.reject()

    async def hangup(self) -> None:
        """End, cancel or refuse the call, in whatever way its state asks for."""
        with suppress(StaleHandleError):
            await self.native.hangup()

    async def hold(self) -> None:
        """Hold the other side with a re-INVITE; returns when it agreed."""
        await self._renegotiate(self.native.hold)

    async def resume(self) -> None:
        """End the hold."""
        await self._renegotiate(self.native.resume)

    async def send_dtmf(self, digits: str) -> None:
        """Press keys; returns when they are sent."""
        await self.native.send_dtmf(digits)

    async def close(self) -> None:
        """End the call if it is not over, and its audio."""
        if not self.is_over:
            await self.hangup()
        self._pump.cancel()
        with suppress(asyncio.CancelledError):
            await self._pump

    @property
    def _caller(self) -> Address:
        headers = self.native.headers
        return Address.parse(headers.get("P-Asserted-Identity") or headers["From"])

    @property
    def _close_text(self) -> str:
        texts = [e.text for e in self.events if e.event is Event.CALL_CLOSED]
        return (texts[0] if texts else None) or ""

    def _has(self, event: Event) -> bool:
        return self._count(event) > 0

    def _count(self, event: Event) -> int:
        return sum(e.event is event for e in self.events)

    async def _renegotiate(self, change: Callable[[], Awaitable[None]]) -> None:
        """Send a re-INVITE, again if another one is under way, and wait for its answer."""
        before = self._count(Event.CALL_REMOTE_SDP)

        async def sent() -> bool:
            try:
                await change()
            except StaleHandleError:
                raise
            except BaresipError:
                return False
            return True

        await until(sent, what="a re-INVITE to be sent")
        answered = Event.CALL_REMOTE_SDP
        await self._wait(lambda: self._count(answered) > before, 5.0, "the answer to a re-INVITE")

    async def _exchange_audio(self) -> None:
        while not self.is_over:
            with suppress(AudioNotActive, AudioRestarted):
                self._read()
                self._write()
            await asyncio.sleep(STEP)

    def _read(self) -> None:
        info = self.native.audio.info()
        data = self.native.audio.read(1 << 16)
        if data and info.rx_ready:
            self.ear.rate = info.rx_sample_rate
            self.ear.take(from_int16(data)[:: info.rx_channels])

    def _write(self) -> None:
        info = self.native.audio.info()
        if not self._hz or not info.tx_ready:
            return
        missing = round(AHEAD * info.tx_sample_rate) - info.tx_buffered // (2 * info.tx_channels)
        if missing <= 0:
            return
        time = (self._phase + np.arange(missing)) / info.tx_sample_rate
        self._phase += missing
        wave = np.asarray(LEVEL * np.sin(2 * np.pi * self._hz * time), dtype=np.float32)
        self.native.audio.write(to_int16(np.repeat(wave, info.tx_channels)))

    def __str__(self) -> str:
        return "call: " + ", ".join(f"{e.event.name} {e.text or ''}".strip() for e in self.events)
