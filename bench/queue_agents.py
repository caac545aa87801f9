"""The agents' phones: all at one UDP port, as quick as a phone can be.

They answer, talk for a while, and hang up. Their replies are made from what they are sent (RFC
3261, 8.2.6 and 12.2.1): nothing is lost on loopback, so nothing is sent twice.
"""

import asyncio
import re
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from .wire import SO_RCVBUFFORCE

BUFFER_BYTES = 16 * 1024 * 1024
COPIED = re.compile(r"^(?:Via|From|Call-ID|CSeq):.*\r\n", re.MULTILINE)
HEADER = re.compile(r"^([\w-]+): *(.*?)\r?$", re.MULTILINE)
USER = re.compile(r"sips?:([^@;>]+)@")
URI = re.compile(r"<([^>]+)>")
ALLOW = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE\r\n"
OK, RINGING, TERMINATED = "200 OK", "180 Ringing", "487 Request Terminated"

Address = tuple[str, int]
Answers = Callable[[str, str], float | None]
"""Given the numbers of agent and caller, the seconds until the answer; None: it only rings."""


def at_once(agent: str, caller: str) -> float | None:
    return 0.0


@dataclass
class Dialog:
    """A call at a phone: its INVITE, and what will happen next."""

    invite: str
    headers: dict[str, str]
    peer: Address
    timer: asyncio.TimerHandle | None = None
    up: bool = False


class Agents(asyncio.DatagramProtocol):
    """`async with Agents(port, (0.2, 1.0)):` phones that talk between so many seconds."""

    def __init__(self, port: int, talk: tuple[float, float], answers: Answers = at_once) -> None:
        self._port, self._talk, self._answers = port, talk, answers
        self._dialogs: dict[str, Dialog] = {}

    async def __aenter__(self) -> Self:
        wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        wire.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
        wire.bind(("127.0.0.1", self._port))
        self._audio = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # the kernel drops it
        self._audio.bind(("127.0.0.1", 0))
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=wire)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for dialog in self._dialogs.values():
            if dialog.timer:
                dialog.timer.cancel()
        self._transport.close()
        self._audio.close()

    def datagram_received(self, data: bytes, peer: Address) -> None:
        message = data.decode()
        method = message.partition(" ")[0]
        headers = dict(HEADER.findall(message.partition("\r\n\r\n")[0]))
        call = headers["Call-ID"]
        dialog = self._dialogs.get(call)
        if method == "SIP/2.0":
            self._dialogs.pop(call, None)  # of our BYE
        elif method == "INVITE" and dialog is None:
            self._rings(call, Dialog(message, headers, peer))
        elif method == "CANCEL" and dialog:
            self._reply(message, headers, peer, OK)
            self._gives_up(call, dialog)
        elif method == "BYE":
            self._reply(message, headers, peer, OK)
            self._forget(call)
        elif method != "ACK":
            self._reply(message, headers, peer, OK, body=self._audio_of(message))

    def _rings(self, call: str, dialog: Dialog) -> None:
        self._dialogs[call] = dialog
        agent = USER.search(dialog.invite)
        caller = USER.search(dialog.headers["From"])
        assert agent
        seconds = self._answers(agent[1], caller[1] if caller else "")
        if seconds != 0.0:
            self._reply(dialog.invite, dialog.headers, dialog.peer, RINGING)
        if seconds is not None:
            self._later(seconds, dialog, self._answer, call)

    def _answer(self, call: str, dialog: Dialog) -> None:
        body = self._audio_of(dialog.invite)
        self._reply(dialog.invite, dialog.headers, dialog.peer, OK, body=body)
        dialog.up = True
        least, most = self._talk
        talk = least + (most - least) * secrets.randbelow(1000) / 1000
        self._later(talk, dialog, self._hang_up, call)

    def _hang_up(self, call: str, dialog: Dialog) -> None:
        headers = dialog.headers
        contact = URI.search(headers["Contact"])
        assert contact
        request = (
            f"BYE {contact[1]} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 127.0.0.1:{self._port};branch=z9hG4bK{secrets.token_hex(8)}\r\n"
            f"Max-Forwards: 70\r\nFrom: {headers['To']};tag=agent\r\nTo: {headers['From']}\r\n"
            f"Call-ID: {call}\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n"
        )
        self._transport.sendto(request.encode(), dialog.peer)

    def _gives_up(self, call: str, dialog: Dialog) -> None:
        """An answer that crosses the CANCEL stays one: BYE follows."""
        if not dialog.up:
            self._reply(dialog.invite, dialog.headers, dialog.peer, TERMINATED)
            self._forget(call)

    def _forget(self, call: str) -> None:
        dialog = self._dialogs.pop(call, None)
        if dialog and dialog.timer:
            dialog.timer.cancel()

    def _later(
        self, seconds: float, dialog: Dialog, do: Callable[[str, Dialog], None], call: str
    ) -> None:
        if seconds:
            loop = asyncio.get_running_loop()
            dialog.timer = loop.call_later(seconds, do, call, dialog)
        else:
            do(call, dialog)

    def _reply(
        self, request: str, headers: dict[str, str], peer: Address, status: str, *, body: str = ""
    ) -> None:
        to = headers["To"] if ";tag=" in headers["To"] else f"{headers['To']};tag=agent"
        kind = "Content-Type: application/sdp\r\n" if body else ""
        head = request.partition("\r\n\r\n")[0] + "\r\n"
        response = (
            f"SIP/2.0 {status}\r\n{''.join(COPIED.findall(head))}To: {to}\r\n"
            f"Contact: <sip:agent@127.0.0.1:{self._port}>\r\n{ALLOW}{kind}"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )
        self._transport.sendto(response.encode(), peer)

    def _audio_of(self, request: str) -> str:
        if "application/sdp" not in request:
            return ""
        port = self._audio.getsockname()[1]
        return (
            "v=0\r\no=agent 1 1 IN IP4 127.0.0.1\r\ns=call\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
        )
