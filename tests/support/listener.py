"""Ways to carry SIP for one who is spoken to at a port of its own: UDP, and TCP both ways."""

import asyncio

from .sipmessage import Message
from .siptransport import Receiver, SipTransport, Stream, Udp

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class BoundUdp(Udp):
    """Datagrams from a given local port."""

    @classmethod
    async def bind(
        cls, receive: Receiver, server: tuple[str, int], local: tuple[str, int]
    ) -> "BoundUdp":
        """Bind `local`, port 0 for a free one; messages go where those of `Udp.open` go."""
        loop = asyncio.get_running_loop()
        sock, udp = await loop.create_datagram_endpoint(lambda: cls(receive), local)
        udp._socket, udp._server, udp._peer = sock, server, server
        udp.sent_by = "{}:{}".format(*sock.get_extra_info("sockname"))
        return udp


class Connection(Stream):
    """One TCP connection."""

    @property
    def is_open(self) -> bool:
        """Whether it can still be written to."""
        return not self._writer.is_closing()


class TcpListener(SipTransport):
    """Takes connections at one port, and opens one to `server` when there is none.

    Answers go where the request came from, requests by the newest open connection.
    """

    name = "TCP"

    def __init__(self, receive: Receiver, server: tuple[str, int]) -> None:
        super().__init__(receive)
        self._to = server
        self._listening: asyncio.Server | None = None
        self._connections: list[Connection] = []
        self._asked: dict[str, Connection] = {}
        self._waiting: list[bytes] = []
        self._opening: asyncio.Task[None] | None = None

    @classmethod
    async def bind(
        cls, receive: Receiver, server: tuple[str, int], local: tuple[str, int]
    ) -> "TcpListener":
        """Listen at `local`, port 0 for a free one."""
        tcp = cls(receive, server)
        tcp._listening = await asyncio.start_server(
            lambda reader, writer: tcp._adopt((reader, writer)), *local
        )
        tcp.sent_by = "{}:{}".format(*tcp._listening.sockets[0].getsockname())
        return tcp

    def send(self, data: bytes) -> None:
        message = Message.parse(data)
        if message.is_response:
            connection = self._asked.get(message.branch)
        else:
            connection = next((one for one in reversed(self._connections) if one.is_open), None)
        if connection:
            connection.send(data)
        elif not message.is_response:
            self._waiting.append(data)
            self._opening = self._opening or asyncio.create_task(self._open(), name="sip connect")

    async def close(self) -> None:
        assert self._listening is not None
        self._listening.close()
        if self._opening:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        for connection in self._connections:
            await connection.close()
        await self._listening.wait_closed()

    async def _open(self) -> None:
        host = self.sent_by.rpartition(":")[0]
        try:
            self._adopt(await asyncio.open_connection(*self._to, local_addr=(host, 0)))
        except ConnectionError:
            # as on a dead network: who sent it will find out by waiting
            self._waiting.clear()
        finally:
            self._opening = None
        while self._waiting:
            self._connections[-1].send(self._waiting.pop(0))

    def _adopt(self, streams: Streams) -> None:
        connection = Connection(lambda message: self._take(connection, message), streams, "TCP")
        self._connections.append(connection)

    def _take(self, connection: Connection, message: Message) -> None:
        if not message.is_response:
            self._asked[message.branch] = connection
        self._receive(message)


async def listen(
    receive: Receiver, transport: str, server: str, local: tuple[str, int]
) -> SipTransport:
    """Be there at `local` for udp or tcp; `server` ("host:port", may be empty) is who is called."""
    host, _, port = server.rpartition(":")
    address = (host, int(port or 0))
    if transport == "tcp":
        return await TcpListener.bind(receive, address, local)
    assert transport == "udp", f"a carrier speaks udp or tcp, not {transport}"
    return await BoundUdp.bind(receive, address, local)
