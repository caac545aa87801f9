"""Carriers that say nothing: they are given up soon, and tried last for a while."""

import asyncio

import pytest

from tests.support.deadhost import DeadHost, dead_host

from .conversation import hear_each_other
from .outgoing import NUMBER, Way, dial_out, phone, refusal, talk_out, way_out, ways_out
from .outside import outbound, setting
from .pbx import Pbx

SILENT = 1


async def dead_first(pbx: Pbx, dead: DeadHost, transport: str = "udp") -> Way:
    """Lay a way out over a dead host, with a trunk behind it that works."""
    works = await way_out(pbx, "^never$")
    row = {"host": dead.host, "port": dead.port, "transport": transport, "trunk_type": "static"}
    first = await pbx.insert("trunks", name="dead", backup_trunk_id=works.trunk, **row)
    await outbound(pbx, "^0", first, priority=5)
    return works


async def test_a_dead_host(pbx: Pbx) -> None:
    await setting(pbx, "trunks.silent_seconds", SILENT)
    anna = await phone(pbx)
    loop = asyncio.get_running_loop()
    with dead_host() as dead:
        works = await dead_first(pbx, dead)
        dialled_at = loop.time()
        call = await anna.invite(NUMBER)
        incoming = await works.carrier.expect_invite(within=SILENT + 1)
        assert loop.time() - dialled_at < SILENT + 1
        await incoming.answer()
        await call.answered()
        await call.hangup()
        await pbx.quiet()


async def test_a_host_that_refuses_tcp(pbx: Pbx) -> None:
    anna = await phone(pbx)
    with dead_host() as dead:
        works = await dead_first(pbx, dead, "tcp")
        call, _ = await talk_out(anna, works)
        await call.hangup()


async def test_a_host_that_breaks_tcp(pbx: Pbx) -> None:
    """It takes the connection, and drops it when the INVITE comes."""
    anna = await phone(pbx)
    came = asyncio.Event()

    async def drop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n")
        came.set()
        writer.transport.abort()

    async with await asyncio.start_server(drop, "127.0.0.9", 0) as server:
        works = await dead_first(pbx, DeadHost(*server.sockets[0].getsockname()), "tcp")
        call, _ = await talk_out(anna, works)
        assert came.is_set()
        await call.hangup()


async def test_a_silent_trunk_is_tried_last_from_now_on(pbx: Pbx) -> None:
    await setting(pbx, "trunks.silent_seconds", SILENT)
    first, second = await ways_out(pbx, 2)
    first.carrier.ignore("INVITE")
    anna = await phone(pbx)
    for calls in (1, 2):
        (await (await dial_out(anna, second))[1].hangup())
        await pbx.quiet()
        assert (len(first.invites), len(second.invites)) == (1, calls)
    call, incoming = await dial_out(anna, second)
    incoming.reject(503)
    assert (await call.final()).code == 503
    assert (len(first.invites), len(second.invites)) == (2, 3)


async def test_a_silent_trunk_is_tried_first_again_after_its_rest(pbx: Pbx) -> None:
    await setting(pbx, "trunks.silent_seconds", SILENT)
    await setting(pbx, "trunks.rest_seconds", 0)
    first, second = await ways_out(pbx, 2)
    first.carrier.ignore("INVITE")
    anna = await phone(pbx)
    for calls in (1, 2):
        (await (await dial_out(anna, second))[1].hangup())
        assert len(first.invites) == calls


@pytest.mark.parametrize("answers", [True, False])
async def test_a_trunk_that_wakes_up_too_late(pbx: Pbx, *, answers: bool) -> None:
    """Asterisk repeats the INVITE that it could not cancel: the call must not come to life."""
    await setting(pbx, "trunks.silent_seconds", SILENT)
    first, second = await ways_out(pbx, 2)
    first.carrier.ignore("INVITE")
    anna = await phone(pbx)
    call, incoming = await talk_out(anna, second)
    first.carrier.accept("INVITE")
    late = await first.carrier.expect_invite()
    if answers:
        await late.answer()
    else:
        late.ring()
    await late.ended()
    assert late.is_cancelled or late.bye == "remote"
    await hear_each_other(call, incoming)
    await call.hangup()
    assert (await pbx.cdr(anna.number))["trunk_id"] == second.trunk


async def test_a_carrier_that_only_tries_is_waited_for(pbx: Pbx) -> None:
    """A 100 is a sign of life; another call, over a dead host, shows that the time is over."""
    await setting(pbx, "trunks.silent_seconds", SILENT)
    first, second = await ways_out(pbx, 2)
    dead = await way_out(pbx, "^1")
    dead.carrier.ignore("INVITE")
    anna, ben = await phone(pbx), await phone(pbx)
    call, incoming = await dial_out(anna, first)
    await refusal(pbx, ben, "123456", 503)
    assert not call.is_over
    incoming.ring()
    await call.ringing()
    await incoming.answer()
    await call.answered()
    await call.hangup()
    assert not second.invites
