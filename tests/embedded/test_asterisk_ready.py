"""When Asterisk counts as ready."""

import asyncio
from pathlib import Path

from aiohttp import web

from stasis_app.embedded.asterisk import Asterisk
from stasis_app.embedded.ports import LOOPBACK, PortPlan
from stasis_app.embedded.state import StateDir


async def pong(_: web.Request) -> web.Response:
    return web.json_response({"ping": "pong"})


async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"Asterisk Call Manager/11.0.0\r\n")
    writer.close()
    await writer.wait_closed()


async def test_it_is_not_ready_without_ami(state: StateDir, port_base: int) -> None:
    """Its port may have been taken by an outgoing connection."""
    ports = PortPlan.above(port_base)
    asterisk = Asterisk(state, ports, state.secrets(), Path("/"))
    assert not await asterisk.is_ready()
    ari = web.Application()
    ari.router.add_get("/ari/asterisk/ping", pong)
    runner = web.AppRunner(ari)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, ports.ari).start()
    try:
        assert not await asterisk.is_ready()
        async with await asyncio.start_server(greet, LOOPBACK, ports.ami):
            assert await asterisk.is_ready()
    finally:
        await runner.cleanup()
