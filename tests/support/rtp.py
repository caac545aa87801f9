"""One RTP stream in G.711 on a loopback port: sends a tone or silence, keeps what it hears."""

import asyncio
import secrets
import struct
from collections import deque
from typing import NamedTuple

import numpy as np

from . import dtmf, g711, sdp
from .ear import Ear
from .tones import Pcm
from .until import until

RATE = 8000
FRAME = 160
PTIME = 0.02
KEYS = "0123456789*#ABCD"
# played on as sounds by Asterisk 22, a key of 0.1 s is at times too short to be told
KEY_SECONDS = 0.16
PAUSE_FRAMES = 5
SILENCE: Pcm = np.zeros(FRAME, np.float32)
LEVEL = 0.3


class EventFrame(NamedTuple):
    """One 20 ms step of a pressed key."""

    key: int
    frames: int
    last: bool


class RtpStream(asyncio.DatagramProtocol):
    """Sends as soon as `send_to` said where; 8000 samples a second both ways."""

    def __init__(self) -> None:
        self.ear = Ear(RATE)
        self.digits = ""
        self.packets_received = 0
        self.codec = "PCMU"
        self.sending = False
        self._target: tuple[str, int] | None = None
        self._ours = {0: "PCMU", 8: "PCMA"}
        self._theirs: dict[int, str] = {}
        self._hz = 0.0
        self._keys: deque[EventFrame | Pcm | None] = deque()
        self._sequence = secrets.randbits(15)
        self._timestamp = secrets.randbits(30)
        self._event_start = self._last_event = -1
        self._source = secrets.token_bytes(4)
        self._transport: asyncio.DatagramTransport | None = None
        self._tick: asyncio.TimerHandle | None = None

    @classmethod
    async def open(cls, host: str = "127.0.0.1") -> "RtpStream":
        """Bind a free port on `host`."""
        loop = asyncio.get_running_loop()
        transport, stream = await loop.create_datagram_endpoint(cls, local_addr=(host, 0))
        stream._transport = transport
        return stream

    @property
    def port(self) -> int:
        """The local port."""
        assert self._transport is not None
        return int(self._transport.get_extra_info("sockname")[1])

    def close(self) -> None:
        """Stop sending and free the port."""
        if self._tick:
            self._tick.cancel()
        if self._transport:
            self._transport.close()

    def expect(self, codecs: dict[int, str]) -> None:
        """Take what comes by these payload types, which are those of our description."""
        self._ours |= codecs

    def send_to(self, media: sdp.Media) -> None:
        """Send to `media` from now on, in the first of its codecs that is G.711, if it listens."""
        self.codec = next((name for name in media.names if name in g711.DECODE), "PCMU")
        self._theirs = media.codecs
        self._target = (media.host, media.port)
        self.sending = media.direction in ("sendrecv", "recvonly")
        if self._tick is None:
            self._send_frame(asyncio.get_running_loop().time())

    def say(self, hz: float) -> None:
        """Send a tone of `hz` until further notice; 0 is silence."""
        self._hz = hz

    async def send_dtmf(self, keys: str, lasting: float = KEY_SECONDS) -> None:
        """Press keys one after another as events (RFC 4733); returns when all are sent."""
        assert sdp.DTMF in self._theirs.values(), "the other side takes no telephone-event"
        count = round(lasting / PTIME)
        for key in keys.upper():
            event = KEYS.index(key)
            self._keys += [EventFrame(event, n, n == count) for n in range(1, count + 1)]
            self._keys += [None] * PAUSE_FRAMES
        await self._pressed(len(keys) * (count + PAUSE_FRAMES))

    async def send_sounds(self, keys: str, lasting: float = KEY_SECONDS) -> None:
        """Press keys one after another as sounds in the audio; returns when all are sent."""
        count = round(lasting / PTIME)
        for key in keys.upper():
            self._keys += np.split(dtmf.sound(key, count * PTIME), count)
            self._keys += [SILENCE] * PAUSE_FRAMES
        await self._pressed(len(keys) * (count + PAUSE_FRAMES))

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        """Take one packet; RTCP and unknown payload types are dropped."""
        if len(data) < 12 or data[0] >> 6 != 2 or 192 <= data[1] <= 223:
            return
        codec = (self._theirs | self._ours).get(data[1] & 0x7F)
        payload = data[12 + 4 * (data[0] & 15) :]
        if codec == sdp.DTMF:
            self._receive_event(int.from_bytes(data[4:8], "big"), payload)
        elif codec in g711.DECODE:
            self.packets_received += 1
            self.ear.take(g711.decode(codec, payload))

    def _receive_event(self, timestamp: int, payload: bytes) -> None:
        if timestamp != self._last_event and payload[1] & 0x80:
            self._last_event = timestamp
            self.digits += KEYS[payload[0]]

    def _send_frame(self, due: float) -> None:
        loop = asyncio.get_running_loop()
        if self.sending:
            step = self._keys.popleft() if self._keys else None
            if isinstance(step, EventFrame):
                self._send_event(step)
            else:
                pcm = self._tone() if step is None else step
                audio = g711.encode(self.codec, pcm)
                self._send(self._kind(self.codec), self._timestamp, audio)
        self._timestamp += FRAME
        following = max(due + PTIME, loop.time() - 5 * PTIME)
        self._tick = loop.call_at(following, self._send_frame, following)

    def _send_event(self, event: EventFrame) -> None:
        if event.frames == 1:
            self._event_start = self._timestamp
        payload = struct.pack("!BBH", event.key, 0x8A if event.last else 0x0A, event.frames * FRAME)
        kind = self._kind(sdp.DTMF) | (0x80 if event.frames == 1 else 0)
        for _ in range(3 if event.last else 1):
            self._send(kind, self._event_start, payload)

    def _tone(self) -> Pcm:
        time = (self._timestamp + np.arange(FRAME)) / RATE
        return np.asarray(LEVEL * np.sin(2 * np.pi * self._hz * time), dtype=np.float32)

    def _send(self, kind: int, timestamp: int, payload: bytes) -> None:
        self._sequence = (self._sequence + 1) & 0xFFFF
        head = struct.pack("!BBHI", 0x80, kind, self._sequence, timestamp & 0xFFFFFFFF)
        assert self._transport is not None
        self._transport.sendto(head + self._source + payload, self._target)

    def _kind(self, codec: str) -> int:
        kinds = (*self._theirs.items(), *self._ours.items())
        return next(kind for kind, name in kinds if name == codec)

    async def _pressed(self, frames: int) -> None:
        await until(lambda: not self._keys, 2 + 2 * frames * PTIME, "all keys to be sent")
