"""Streams and WebSockets against small registrars."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from .sip import RawPhone
from .sipmessage import Message


def ok(request: bytes) -> bytes:
    return Message.parse(request).reply(200).render()


async def test_tcp_reads_whole_messages_however_they_are_cut() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = b"\r\n\r\n" + ok(await reader.readuntil(b"\r\n\r\n"))
        for start in range(0, len(answer), 100):
            writer.write(answer[start : start + 100])
            await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, RawPhone("1001", "", f"127.0.0.1:{port}", transport="tcp") as anna:
        assert (await anna.register()).code == 200
        assert ";transport=tcp>" in anna.messages[0].message["Contact"]
        anna.registered = False


@pytest.fixture
async def websocket_url() -> AsyncIterator[str]:
    async def serve(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("sip",))
        await socket.prepare(request)
        async for frame in socket:
            assert frame.type is WSMsgType.TEXT
            await socket.send_str(ok(frame.data.encode()).decode())
        return socket

    app = web.Application()
    app.router.add_get("/ws", serve)
    async with TestServer(app, host="127.0.0.1") as server:
        yield f"ws://127.0.0.1:{server.port}/ws"


async def test_websocket(websocket_url: str) -> None:
    async with RawPhone("1001", "", websocket_url, transport="ws") as anna:
        assert (await anna.register()).code == 200
        request = anna.messages[0].message
        assert request["Via"].startswith("SIP/2.0/WS ")
        assert ".invalid;transport=ws>" in request["Contact"]
