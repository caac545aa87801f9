"""Two browsers call each other through a WebSocket server that only passes messages on."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from .webrtc import WebRtcPhone

ANNA, BEN = 440.0, 1000.0


@pytest.fixture
async def url() -> AsyncIterator[str]:
    sockets: list[web.WebSocketResponse] = []

    async def relay(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("sip",))
        await socket.prepare(request)
        sockets.append(socket)
        async for frame in socket:
            for other in sockets:
                if other is not socket:
                    await other.send_str(frame.data)
        return socket

    app = web.Application()
    app.router.add_get("/ws", relay)
    async with TestServer(app, host="127.0.0.1") as server:
        yield f"ws://127.0.0.1:{server.port}/ws"


async def test_a_call_with_encrypted_audio(url: str) -> None:
    async with WebRtcPhone("1001", "", url) as anna, WebRtcPhone("1002", "", url) as ben:
        call = await anna.invite("1002")
        incoming = await ben.expect_invite()
        await incoming.answer()
        await call.answered()
        await incoming.answered()
        assert "UDP/TLS/RTP/SAVPF" in incoming.dialog.invite.body
        call.say(ANNA)
        incoming.say(BEN)
        await incoming.hears(ANNA)
        await call.hears(BEN)
        call.say(0)
        await incoming.hears_nothing()
        await call.hangup()
        await incoming.ended()


async def test_a_refused_call(url: str) -> None:
    async with WebRtcPhone("1001", "", url) as anna, WebRtcPhone("1002", "", url) as ben:
        call = await anna.invite("1002")
        incoming = await ben.expect_invite()
        await incoming.hangup()
        await call.ended()
        assert call.status == (486, "Busy Here")
