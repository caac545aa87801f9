"""A browser's phone: SIP over WebSocket, and audio over ICE and DTLS-SRTP by aiortc.

async with WebRtcPhone("1003", "secret", "wss://127.0.0.1:15089/ws") as web:
    await web.register()
    call = await web.invite("1002")
    await call.answered()
"""

import asyncio
import ssl
from fractions import Fraction
from types import TracebackType
from typing import Self
from unittest import mock

import numpy as np
from aioice import ice
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

from .callee import IncomingCall
from .caller import OutgoingCall
from .ear import Ear
from .sip import RawPhone
from .sipmessage import Message
from .tones import to_int16
from .until import until
from .words import CallWords, Status

RATE = 48000
FRAME = 960
LEVEL = 0.3


class Voice(MediaStreamTrack):
    """Sends a tone, or silence while `hz` is 0."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.hz = 0.0
        self._start = asyncio.get_running_loop().time()
        self._count = 0

    async def recv(self) -> AudioFrame:
        """The next 20 ms, when their time has come."""
        if self.readyState != "live":
            raise MediaStreamError
        due = self._start + self._count / RATE
        await asyncio.sleep(due - asyncio.get_running_loop().time())
        time = (self._count + np.arange(FRAME)) / RATE
        wave = np.asarray(LEVEL * np.sin(2 * np.pi * self.hz * time), dtype=np.float32)
        frame = AudioFrame(format="s16", layout="mono", samples=FRAME)
        frame.planes[0].update(to_int16(wave))
        frame.pts, frame.sample_rate, frame.time_base = self._count, RATE, Fraction(1, RATE)
        self._count += FRAME
        return frame


class Audio:
    """One peer connection with one audio stream."""

    def __init__(self) -> None:
        self.ear, self.voice = Ear(RATE), Voice()
        self.peer = RTCPeerConnection()
        self.peer.addTrack(self.voice)
        self.peer.on("track", self._listen)
        self._listener: asyncio.Task[None] | None = None

    async def offer(self) -> str:
        """Describe our side first."""
        return await self._describe(await self.peer.createOffer())

    async def accept(self, answer: str) -> None:
        """Take the other side's answer to our offer."""
        if self.peer.signalingState == "have-local-offer":
            await self.peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await self.connected()

    async def answer(self, offer: str) -> str:
        """Describe our side as an answer."""
        await self.peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        return await self._describe(await self.peer.createAnswer())

    async def connected(self) -> None:
        """Wait until ICE found a way and DTLS agreed on keys."""
        await until(
            lambda: self.peer.connectionState == "connected",
            10.0,
            lambda: f"DTLS-SRTP, which is {self.peer.connectionState}",
        )

    async def close(self) -> None:
        """Close the connection."""
        if self._listener:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
        self.voice.stop()
        await self.peer.close()

    async def _describe(self, description: RTCSessionDescription) -> str:
        # aioice leaves loopback out, which is the only network these tests may use
        with mock.patch.object(ice, "get_host_addresses", return_value=["127.0.0.1"]):
            await self.peer.setLocalDescription(description)
        return self.peer.localDescription.sdp

    def _listen(self, track: MediaStreamTrack) -> None:
        self._listener = asyncio.create_task(self._hear(track), name="webrtc ear")

    async def _hear(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            assert isinstance(frame, AudioFrame)
            samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))
            self.ear.rate = frame.sample_rate
            self.ear.take(samples[:, 0].astype(np.float32) / np.float32(32768))


class WebRtcCall(CallWords):
    """A call of a browser; `dialog` is its SIP side."""

    def __init__(self, dialog: OutgoingCall | IncomingCall, audio: Audio) -> None:
        self.dialog, self.audio = dialog, audio

    @property
    def is_answered(self) -> bool:
        """Whether the call was answered."""
        return self.dialog.is_answered

    @property
    def is_over(self) -> bool:
        """Whether the call is over."""
        return self.dialog.is_over

    @property
    def is_held(self) -> bool:
        """Whether the other side holds us."""
        return self.dialog.is_held

    @property
    def ear(self) -> Ear:
        """What this side hears."""
        return self.audio.ear

    @property
    def status(self) -> Status | None:
        """The final SIP answer."""
        return self.dialog.status

    async def answered(self, within: float = 5.0) -> None:
        """Wait for the answer and for the audio to be connected."""
        await self.dialog.answered(within)
        if isinstance(self.dialog, OutgoingCall):
            bodies = [response.body for response in self.dialog.responses if response.body]
            await self.audio.accept(bodies[-1])
        await self.audio.connected()

    async def answer(self) -> None:
        """Answer an incoming call."""
        assert isinstance(self.dialog, IncomingCall)
        self.dialog.external = await self.audio.answer(self.dialog.invite.body)
        await self.dialog.answer()

    def say(self, hz: float) -> None:
        """Send a tone of `hz` from now on; 0 is silence."""
        self.audio.voice.hz = hz

    async def hangup(self) -> None:
        """End the call, in whatever way its state asks for."""
        await self.dialog.hangup()

    def __str__(self) -> str:
        return f"browser's {self.dialog}"


class WebRtcPhone:
    """One number at the WebSocket `url`; `sip` is its raw phone."""

    def __init__(
        self, number: str, password: str, url: str, *, tls: ssl.SSLContext | None = None
    ) -> None:
        transport = url.partition(":")[0]
        self.sip = RawPhone(number, password, url, transport=transport, tls=tls)
        self._audios: list[Audio] = []

    async def __aenter__(self) -> Self:
        await self.sip.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self.sip.close()
        finally:
            for audio in self._audios:
                await audio.close()

    async def register(self) -> Message:
        """Register; returns the final response."""
        return await self.sip.register()

    async def invite(self, to: str) -> WebRtcCall:
        """Call a number; returns once the INVITE is sent."""
        audio = self._new_audio()
        return WebRtcCall(await self.sip.invite(to, external=await audio.offer()), audio)

    async def expect_invite(self, within: float = 5.0) -> WebRtcCall:
        """Wait for the next call to this phone."""
        return WebRtcCall(await self.sip.expect_invite(within), self._new_audio())

    def _new_audio(self) -> Audio:
        audio = Audio()
        self._audios.append(audio)
        return audio
