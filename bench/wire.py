"""SIP and ARI messages as they pass on loopback, with the kernel's own time stamps.

SIPp's response times have a resolution of 4 ms; these have one of microseconds.
"""

import asyncio
import ctypes
import socket
import struct
from dataclasses import dataclass
from types import TracebackType
from typing import Self

SNAP_BYTES = 540
WHOLE_BYTES = 65535
BUFFER_BYTES = 128 * 1024 * 1024
HEADERS_BYTES = 28  # IP and UDP
ETH_P_IP = 0x0800
SO_ATTACH_FILTER = 26
SO_TIMESTAMPNS = 35
SO_RCVBUFFORCE = 33
SOL_PACKET, PACKET_STATISTICS = 263, 6
PACKET_TYPE = 0xFFFFF000 + 4  # BPF's ancillary word: on lo each packet is seen going and coming
PACKET_OUTGOING = 4
TCP, UDP = 6, 17

LD_WORD, LD_HALF, LD_BYTE, JUMP_EQUAL, RETURN = 0x20, 0x28, 0x30, 0x15, 0x06


@dataclass(slots=True)
class Call:
    """One call as its caller's wire showed it; times in seconds since the epoch.

    `dialled` is the first INVITE, `invited` the one with credentials.
    """

    dialled: float = 0.0
    invited: float = 0.0
    alerted: float = 0.0
    decided: float = 0.0
    status: int = 0
    cleared: bool = False

    @property
    def delay(self) -> float:
        """Post-dial delay: from the INVITE with credentials to 180, 183 or 200."""
        return self.alerted - self.invited

    @property
    def good(self) -> bool:
        return self.status == 200 and self.cleared


class Sniffer:
    """Keeps the head of every packet of one port while its block lasts."""

    def __init__(self, port: int, protocol: int, snap: int) -> None:
        self._program = _program(port, protocol, snap)
        self._snap = snap
        self.packets: list[tuple[float, bytes]] = []

    async def __aenter__(self) -> Self:
        kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK
        self._socket = socket.socket(socket.AF_PACKET, kind, 0)
        _attach(self._socket, self._program)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.bind(("lo", ETH_P_IP))
        asyncio.get_running_loop().add_reader(self._socket, self._read)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def lost(self) -> int:
        """Packets that the kernel had no room for since the last time."""
        statistics = self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
        return int(struct.unpack("II", statistics)[1])

    def _read(self) -> None:
        while True:
            try:
                packet, extra, _, _ = self._socket.recvmsg(self._snap, 64)
            except BlockingIOError:
                return
            seconds, nanoseconds = struct.unpack("qq", extra[0][2][:16])
            self.packets.append((seconds + nanoseconds / 1e9, packet[HEADERS_BYTES:]))


class Replies(Sniffer):
    """Counts what Asterisk answers over ARI, by WebSocket and by HTTP."""

    def __init__(self, port: int) -> None:
        super().__init__(port, TCP, WHOLE_BYTES)

    def count(self) -> int:
        marks = (b'"RESTResponse"', b"HTTP/1.1 ")
        return sum(packet.count(mark) for _, packet in self.packets for mark in marks)


class Wire(Sniffer):
    """`async with Wire(port) as wire:` sees the calls of the phones at a UDP port."""

    def __init__(self, port: int) -> None:
        super().__init__(port, UDP, SNAP_BYTES)

    def calls(self) -> dict[str, Call]:
        """Return the calls seen so far, by Call-ID."""
        calls: dict[str, Call] = {}
        for at, message in self.packets:
            first, *headers = message.decode(errors="replace").split("\r\n")
            named = {name.strip(): value.strip() for name, _, value in map(_cut, headers)}
            sequence = named.get("CSeq", "")
            if sequence == "1 INVITE" and not first.startswith("SIP/2.0"):
                calls.setdefault(named["Call-ID"], Call(dialled=at))
            elif sequence == "2 INVITE":
                _note_invite(calls.setdefault(named["Call-ID"], Call()), at, first)
            elif sequence == "3 BYE" and first.startswith("SIP/2.0 200"):
                calls[named["Call-ID"]].cleared = True
        return calls


def _cut(header: str) -> tuple[str, str, str]:
    return header.partition(":")


def _note_invite(call: Call, at: float, first: str) -> None:
    if not first.startswith("SIP/2.0"):
        call.invited = call.invited or at
        return
    status = int(first.split()[1])
    if status in (180, 183, 200) and not call.alerted:
        call.alerted = at
    if status >= 200 and not call.status:
        call.status, call.decided = status, at


def _program(port: int, protocol: int, snap: int) -> list[tuple[int, int, int, int]]:
    return [
        (LD_WORD, 0, 0, PACKET_TYPE),
        (JUMP_EQUAL, 6, 0, PACKET_OUTGOING),
        (LD_BYTE, 0, 0, 9),
        (JUMP_EQUAL, 0, 4, protocol),
        (LD_HALF, 0, 0, 20),
        (JUMP_EQUAL, 3, 0, port),
        (LD_HALF, 0, 0, 22),
        (JUMP_EQUAL, 1, 0, port),
        (RETURN, 0, 0, 0),
        (RETURN, 0, 0, snap),
    ]


def _attach(packets: socket.socket, program: list[tuple[int, int, int, int]]) -> None:
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(code)
    pointer = struct.pack("HL", len(program), ctypes.addressof(buffer))
    packets.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, pointer)
