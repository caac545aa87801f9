"""Callers who speak and press keys: many at once, at little cost.

Their audio goes through one socket, where Asterisk's port tells whose it is. What they say is made
beforehand; what they hear is kept with the kernel's time stamps, and looked at when all is over.
"""

import asyncio
import secrets
import socket
import struct
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from tests.support import g711, sdp
from tests.support.caller import OutgoingCall
from tests.support.sip import RawPhone
from tests.support.tones import tone
from tests.support.transaction import Transaction

from .stack import PASSWORD, Stack
from .wire import SO_RCVBUFFORCE, SO_TIMESTAMPNS

FRAME_SECONDS = 0.02
SAMPLES = 160
STEP_HZ = 50  # a frame holds whole periods of its multiples: a tone is one frame, again and again
PCMU, EVENT = 0, 101
HEADER_BYTES = 12
BUFFER_BYTES = 64 * 1024 * 1024
KEYS = "0123456789*#"
KEY_FRAMES = 5
ENDS = 3  # RFC 4733 2.5.1.4
LEAST_LEVEL = 0.05
ANSWER_SECONDS = 20.0


class Packet(NamedTuple):
    """What came, and when by the kernel's clock, in seconds since the epoch."""

    at: float
    payload: bytes


@dataclass
class Press:
    """A key; `at` is when it was let go, in seconds since the epoch, 0 before."""

    key: str
    at: float = 0.0


@dataclass
class Voice:
    """What one caller says into the `wire`: a tone or silence, and keys."""

    wire: socket.socket
    target: tuple[str, int]
    frame: bytes
    presses: list[Press] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._source = secrets.token_bytes(4)
        self._sequence = self._timestamp = 0
        self._key_began = 0
        self._frames: deque[tuple[Press, int]] = deque()
        self._loop = asyncio.get_running_loop()
        self._timer = self._after_a_while()

    def press(self, key: str) -> None:
        """Press a key, at a moment that has nothing to do with the beat of what is heard."""
        press = Press(key)
        self.presses.append(press)
        self._frames += [(press, frame) for frame in range(1, KEY_FRAMES + 1)]
        self._timer.cancel()
        self._timer = self._after_a_while()

    def stop(self) -> None:
        self._timer.cancel()

    def _after_a_while(self) -> asyncio.TimerHandle:
        due = self._loop.time() + secrets.randbelow(1000) / 1000 * FRAME_SECONDS
        return self._loop.call_at(due, self._tick, due)

    def _tick(self, due: float) -> None:
        if self._frames:
            self._send_event(*self._frames.popleft())
        else:
            self._send(PCMU, self._timestamp, self.frame)
        self._timestamp += SAMPLES
        self._timer = self._loop.call_at(due + FRAME_SECONDS, self._tick, due + FRAME_SECONDS)

    def _send_event(self, press: Press, frame: int) -> None:
        last, first = frame == KEY_FRAMES, frame == 1
        if first:
            self._key_began = self._timestamp
        code = KEYS.index(press.key)
        payload = struct.pack("!BBH", code, 0x8A if last else 0x0A, frame * SAMPLES)
        if last:
            press.at = time.time()
        for _ in range(ENDS if last else 1):
            self._send(EVENT | (0x80 if first else 0), self._key_began, payload)

    def _send(self, kind: int, timestamp: int, payload: bytes) -> None:
        self._sequence = (self._sequence + 1) & 0xFFFF
        head = struct.pack("!BBHI", 0x80, kind, self._sequence, timestamp)
        self.wire.sendto(head + self._source + payload, self.target)


class Audio:
    """The socket through which all callers speak and hear, while its block lasts.

    One that does not `listen` leaves what comes to the kernel, which drops it.
    """

    def __init__(self, *, listens: bool) -> None:
        self._listens = listens
        self._heard: defaultdict[int, list[Packet]] = defaultdict(list)

    async def __aenter__(self) -> Self:
        self._wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._wire.bind(("127.0.0.1", 0))
        if self._listens:
            self._wire.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
            self._wire.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            asyncio.get_running_loop().add_reader(self._wire, self._read)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._listens:
            asyncio.get_running_loop().remove_reader(self._wire)
        self._wire.close()

    def offer(self) -> str:
        host, port = self._wire.getsockname()
        return sdp.describe(host, port, {PCMU: "PCMU", EVENT: sdp.DTMF})

    def speak(self, media: sdp.Media, hz: int) -> Voice:
        return Voice(self._wire, (media.host, media.port), frame_of(hz))

    def heard(self, voice: Voice) -> Sequence[Packet]:
        """Return what this caller has heard so far."""
        return self._heard[voice.target[1]]

    def _read(self) -> None:
        while True:
            try:
                packet, extra, _, source = self._wire.recvmsg(2048, 64)
            except BlockingIOError:
                return
            seconds, nanoseconds = struct.unpack("qq", extra[0][2][:16])
            if packet[1] & 0x7F == PCMU:
                payload = packet[HEADER_BYTES:]
                self._heard[source[1]].append(Packet(seconds + nanoseconds / 1e9, payload))


@dataclass
class Caller:
    """One who was answered."""

    number: str
    call: OutgoingCall
    voice: Voice
    bye: Transaction | None = None

    def hang_up(self) -> float:
        """Say BYE without waiting for an answer; return when, in seconds since the epoch."""
        self.voice.stop()
        at = time.time()
        self.bye = self.call.send_bye()
        return at


@asynccontextmanager
async def calling(
    stack: Stack, audio: Audio, number: str, dialled: str, hz: int = 0
) -> AsyncIterator[Caller]:
    """Call and be answered; when the block is left the call is over."""
    async with RawPhone(number, PASSWORD, stack.sip) as phone:
        call = await phone.invite(dialled, external=audio.offer())
        await call.answered(ANSWER_SECONDS)
        assert call.remote_media
        caller = Caller(number, call, audio.speak(call.remote_media, hz))
        try:
            yield caller
            if caller.bye:
                await caller.bye.final(ANSWER_SECONDS)
        finally:
            caller.voice.stop()


@cache
def frame_of(hz: int) -> bytes:
    """Return 20 ms of a tone, a multiple of 50 Hz, in PCMU; 0 is silence."""
    assert hz % STEP_HZ == 0
    silence = np.zeros(SAMPLES, np.float32)
    return g711.encode("PCMU", tone(hz, FRAME_SECONDS) if hz else silence)


def tones_of(packets: Sequence[Packet]) -> npt.NDArray[np.int64]:
    """Return the loudest multiple of 50 Hz in each packet, 0 where there is only silence."""
    if not packets:
        return np.zeros(0, np.int64)
    payloads = [packet.payload.ljust(SAMPLES, b"\xff")[:SAMPLES] for packet in packets]
    frames = g711.DECODE["PCMU"][np.frombuffer(b"".join(payloads), np.uint8)]
    power = np.abs(np.fft.rfft(frames.reshape(-1, SAMPLES))) * 2 / SAMPLES
    loud = power.max(axis=1) >= LEAST_LEVEL
    return np.where(loud, power.argmax(axis=1) * STEP_HZ, 0).astype(np.int64)
