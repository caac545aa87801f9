"""Ways to carry SIP: UDP, TCP, TLS and WebSocket (RFC 7118), each one connection to one server."""

import asyncio
import secrets
import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from typing import cast

import aiohttp

from .sipmessage import Message

Receiver = Callable[[Message], None]


class SipTransport(ABC):
    """Sends bytes to the server; gives each message that comes to the receiver.

    `name` is the word in Via, `sent_by` the address in Via and Contact.
    """

    name: str
    sent_by: str
    reliable = True

    def __init__(self, receive: Receiver) -> None:
        self._receive = receive

    @abstractmethod
    def send(self, data: bytes) -> None:
        """Send one message; to a closed connection it is lost."""

    @abstractmethod
    async def close(self) -> None:
        """Close the connection."""

    def take(self, data: bytes) -> None:
        """Hand over what came; keep-alives are dropped."""
        if data.strip():
            self._receive(Message.parse(data))


class Udp(SipTransport, asyncio.DatagramProtocol):
    """Datagrams from a free local port."""

    name = "UDP"
    reliable = False

    def __init__(self, receive: Receiver) -> None:
        super().__init__(receive)
        self._server = self._peer = ("", 0)
        self._socket: asyncio.DatagramTransport | None = None

    @classmethod
    async def open(cls, receive: Receiver, server: tuple[str, int], local: str) -> "Udp":
        """Bind `local`; messages go to `server`, or with port 0 to whoever spoke last."""
        loop = asyncio.get_running_loop()
        sock, udp = await loop.create_datagram_endpoint(lambda: cls(receive), (local, 0))
        udp._socket, udp._server, udp._peer = sock, server, server
        udp.sent_by = "{}:{}".format(*sock.get_extra_info("sockname"))
        return udp

    def send(self, data: bytes) -> None:
        assert self._socket is not None
        self._socket.sendto(data, self._peer)

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        """Take a message."""
        if not self._server[1]:
            self._peer = (str(addr[0]), int(addr[1]))
        self.take(data)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there: the retransmissions find out."""

    async def close(self) -> None:
        assert self._socket is not None
        self._socket.close()
        await asyncio.sleep(0)


class Stream(SipTransport):
    """TCP, or TLS when a context is given."""

    def __init__(
        self,
        receive: Receiver,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        name: str,
    ) -> None:
        super().__init__(receive)
        self.name = name
        self._reader, self._writer = streams
        self.sent_by = "{}:{}".format(*self._writer.get_extra_info("sockname"))
        self._task = asyncio.create_task(self._read(), name=f"sip {name} reader")

    @classmethod
    async def open(
        cls, receive: Receiver, server: tuple[str, int], local: str, tls: ssl.SSLContext | None
    ) -> "Stream":
        """Connect to `server` from `local`."""
        # Asterisk does not always answer a TLS shutdown, which is waited for 30 s by default
        patience = 0.2 if tls else None
        streams = await asyncio.open_connection(
            *server, ssl=tls, local_addr=(local, 0), ssl_shutdown_timeout=patience
        )
        return cls(receive, streams, "TLS" if tls else "TCP")

    def send(self, data: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(data)

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._writer.close()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)

    async def _read(self) -> None:
        try:
            while True:
                head = await self._reader.readuntil(b"\r\n\r\n")
                length = Message.parse(head.lstrip()).get("Content-Length") or "0"
                self.take(head.lstrip() + await self._reader.readexactly(int(length)))
        except (asyncio.IncompleteReadError, ConnectionError):
            self._writer.close()


class WebSocket(SipTransport):
    """One message a frame; WS or, over TLS, WSS."""

    def __init__(
        self,
        receive: Receiver,
        session: aiohttp.ClientSession,
        socket: aiohttp.ClientWebSocketResponse,
        name: str,
    ) -> None:
        super().__init__(receive)
        self.name = name
        self.sent_by = f"{secrets.token_hex(6)}.invalid"
        self._session, self._socket = session, socket
        self._outgoing: asyncio.Queue[bytes] = asyncio.Queue()
        self._tasks = [
            asyncio.create_task(self._write(), name="sip websocket writer"),
            asyncio.create_task(self._read(), name="sip websocket reader"),
        ]

    @classmethod
    async def open(cls, receive: Receiver, url: str, tls: ssl.SSLContext) -> "WebSocket":
        """Connect to `url`, such as wss://127.0.0.1:15089/ws."""
        session = aiohttp.ClientSession()
        try:
            socket = await session.ws_connect(url, protocols=("sip",), ssl=tls)
        except BaseException:
            await session.close()
            raise
        return cls(receive, session, socket, "WSS" if url.startswith("wss") else "WS")

    def send(self, data: bytes) -> None:
        self._outgoing.put_nowait(data)

    async def close(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._outgoing.join(), 1.0)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._socket.close()
        await self._session.close()

    async def _write(self) -> None:
        while True:
            data = await self._outgoing.get()
            with suppress(ConnectionError):
                await self._socket.send_str(data.decode("utf-8", "replace"))
            self._outgoing.task_done()

    async def _read(self) -> None:
        async for frame in self._socket:
            data = cast("str | bytes", frame.data)
            self.take(data.encode() if isinstance(data, str) else data)


def unverified() -> ssl.SSLContext:
    """A client context that takes any certificate: the stack under test makes its own."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def connect(
    receive: Receiver, transport: str, server: str, local: str, tls: ssl.SSLContext | None
) -> SipTransport:
    """Open udp, tcp, tls to `server` ("host:port"; udp also without), or ws, wss to a URL."""
    if transport in ("ws", "wss"):
        return await WebSocket.open(receive, server, tls or unverified())
    host, _, port = server.rpartition(":")
    address = (host, int(port or 0))
    if transport == "udp":
        return await Udp.open(receive, address, local)
    context = (tls or unverified()) if transport == "tls" else None
    return await Stream.open(receive, address, local, context)
