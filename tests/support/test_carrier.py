"""A carrier and a phone that plays the exchange, over UDP and TCP."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress

import pytest

from .callee import IncomingCall
from .caller import OutgoingCall
from .carrier import Carrier
from .deadhost import dead_host
from .sip import RawPhone
from .until import TimedOutError, until

DID = "+4930123456"
ACCOUNTS = {"pbx": "secret"}


@pytest.fixture(params=["udp", "tcp"])
async def carrier(request: pytest.FixtureRequest) -> AsyncIterator[Carrier]:
    """Yield a carrier that has not been told where the exchange is."""
    async with Carrier("", transport=request.param, accounts=dict(ACCOUNTS)) as one:
        yield one


@pytest.fixture
async def exchange(carrier: Carrier) -> AsyncIterator[RawPhone]:
    server, kind = carrier.link.sent_by, carrier.transport
    async with RawPhone("pbx", "secret", server, transport=kind) as one:
        yield one


async def call_out(exchange: RawPhone, carrier: Carrier) -> tuple[OutgoingCall, IncomingCall]:
    call = await exchange.invite(DID)
    return call, await carrier.expect_invite()


async def options(exchange: RawPhone) -> int:
    return (await exchange.request("OPTIONS", f"sip:{exchange.domain}")).code


async def test_it_has_an_address_of_its_own(carrier: Carrier, exchange: RawPhone) -> None:
    await exchange.invite(DID)
    incoming = await carrier.expect_invite()
    await incoming.answer()
    await incoming.answered()
    assert carrier.link.sent_by == f"{carrier.host}:{carrier.port}"
    assert carrier.host == "127.0.0.2"
    assert incoming.rtp is not None
    response = next(t.message for t in reversed(carrier.messages) if t.message.code == 200)
    assert "c=IN IP4 127.0.0.2" in response.body


async def test_a_given_port() -> None:
    with dead_host("127.0.0.3") as free:
        port = free.port
    for transport in ("udp", "tcp"):
        async with Carrier("", local="127.0.0.3", port=port, transport=transport) as one:
            assert (one.host, one.port) == ("127.0.0.3", port)


async def test_what_a_call_to_it_shows(carrier: Carrier, exchange: RawPhone) -> None:
    headers = [
        ("P-Asserted-Identity", '"Anna" <sip:+49301@pbx>'),
        ("Privacy", "id"),
        ("Diversion", "<sip:+49302@pbx>;reason=no-answer;counter=1"),
        ("Diversion", "<sip:+49303@pbx>;reason=unconditional"),
    ]
    await exchange.invite(DID, headers=headers, display_name="Anonymous")
    call = await carrier.expect_invite()
    assert call.dialled == DID
    assert (call.sender.name, call.sender.user) == ("Anonymous", "pbx")
    assert call.asserted == ("Anna", "sip:+49301@pbx")
    assert (call.caller_name, call.caller_number) == ("Anna", "+49301")
    assert call.privacy == "id"
    assert call.diversion == ("+49302", "no-answer")
    assert call.offered == ["PCMU", "PCMA"]
    assert call.offer is not None
    assert call.offer.telephone_event == 101


async def test_what_a_plain_call_does_not_show(carrier: Carrier, exchange: RawPhone) -> None:
    await exchange.invite(DID, sdp=None)
    call = await carrier.expect_invite()
    assert (call.asserted, call.privacy, call.diversion, call.offered) == (None, "", None, [])


async def test_both_hear_each_other(carrier: Carrier, exchange: RawPhone) -> None:
    call, incoming = await call_out(exchange, carrier)
    await incoming.answer()
    await call.answered()
    call.say(440)
    incoming.say(660)
    await incoming.hears(440)
    await call.hears(660)
    await incoming.hangup()
    await call.ended()


async def test_an_announcement_then_a_refusal(carrier: Carrier, exchange: RawPhone) -> None:
    call, incoming = await call_out(exchange, carrier)
    await incoming.progress()
    incoming.say(425)
    await call.early_media()
    await call.hears(425)
    incoming.reject(503, headers=[("Retry-After", "5"), ("Reason", "Q.850;cause=38")])
    answer = await call.final()
    assert (answer.code, answer["Retry-After"], call.reason) == (503, "5", "Q.850;cause=38")


async def test_a_register_needs_the_password(carrier: Carrier, exchange: RawPhone) -> None:
    carrier.accounts["pbx"] = "another"
    assert (await exchange.register()).code == 403
    assert not carrier.bindings
    carrier.registrar.wrong_password = 401
    answer = await exchange.register()
    assert (answer.code, "WWW-Authenticate" in answer) == (401, True)
    carrier.accounts["pbx"] = "secret"
    assert (await exchange.register()).code == 200
    binding = await carrier.registered()
    assert (binding.user, binding.expires) == ("pbx", 300)
    assert f"<{binding.uri}>" == exchange.contact
    assert len(carrier.registers) == 6
    assert (await exchange.register(expires=0)).code == 200
    await carrier.unregistered()


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
async def test_digest_algorithms(carrier: Carrier, exchange: RawPhone, algorithm: str) -> None:
    carrier.challenger.algorithm = algorithm
    assert (await exchange.register()).code == 200


async def test_a_stale_nonce_is_told(carrier: Carrier, exchange: RawPhone) -> None:
    await exchange.register()
    carrier.challenger.forget()
    proof = carrier.registers[-1]["Authorization"]
    headers = [("Authorization", proof), ("Contact", exchange.contact)]
    uri = f"sip:{exchange.domain}"
    answer = await exchange.request("REGISTER", uri, headers, to="pbx", authorized=False)
    assert answer.code == 401
    assert "stale=true" in answer["WWW-Authenticate"]


async def test_bindings_expire(carrier: Carrier, exchange: RawPhone) -> None:
    carrier.registrar.longest = 1
    answer = await exchange.register()
    assert answer["Contact"] == f"{exchange.contact};expires=1"
    await carrier.registered()
    await carrier.unregistered()
    with pytest.raises(AssertionError, match="nobody is registered"):
        _ = carrier.binding


async def test_a_registration_that_does_not_come(carrier: Carrier, exchange: RawPhone) -> None:
    carrier.refuse("REGISTER", 503, [("Retry-After", "1")])
    answer = await exchange.register()
    assert (answer.code, answer["Retry-After"]) == (503, "1")
    with pytest.raises(TimedOutError, match=r"a registration at .*503 Service Unavailable"):
        await carrier.registered(within=0.05)
    carrier.accept("REGISTER")
    assert (await exchange.register()).code == 200


async def test_a_method_is_ignored_or_everything(carrier: Carrier, exchange: RawPhone) -> None:
    assert await options(exchange) == 200
    carrier.ignore("REGISTER")
    with pytest.raises(TimedOutError):
        await exchange.register(within=0.05)
    assert len(carrier.registers) == 1
    assert await options(exchange) == 200
    carrier.deaf = True
    with pytest.raises(TimedOutError):
        await exchange.request("OPTIONS", f"sip:{exchange.domain}", within=0.05)
    assert len(carrier.requests) == 3


async def test_every_call_is_refused(carrier: Carrier, exchange: RawPhone) -> None:
    carrier.refuse("INVITE", 503)
    call = await exchange.invite(DID)
    assert (await call.final()).code == 503
    assert not carrier.is_called
    assert [request.uri for request in carrier.requests] == [f"sip:{DID}@{exchange.domain}"]


@pytest.mark.parametrize("code", [401, 407])
async def test_a_call_needs_the_password(carrier: Carrier, exchange: RawPhone, code: int) -> None:
    carrier.challenge = code
    call, incoming = await call_out(exchange, carrier)
    assert [response.code for response in call.responses] == [code, 100]
    await incoming.answer()
    await call.answered()
    await incoming.answered()
    await call.hangup()
    exchange.password = "wrong"
    refused = await exchange.invite(DID)
    assert (await refused.final()).code == 403
    carrier.registrar.wrong_password = code
    refused = await exchange.invite(DID)
    assert (await refused.final()).code == code
    assert not carrier.is_called


async def test_a_call_to_the_registered_contact(carrier: Carrier, exchange: RawPhone) -> None:
    contact = exchange.contact.replace(">", ";line=abc>")
    headers = [("Contact", contact), ("Expires", "60")]
    await exchange.request("REGISTER", f"sip:{exchange.domain}", headers, to="pbx")
    binding = await carrier.registered()
    assert binding.line == "abc"
    call = await carrier.call(DID, uri=binding.uri, caller="+49305", name="Otto")
    incoming = await exchange.expect_invite()
    assert incoming.invite.uri == binding.uri
    assert incoming.invite["To"] == f"<sip:{DID}@carrier.example>"
    assert (incoming.caller_name, incoming.caller_number) == ("Otto", "+49305")
    await incoming.answer()
    await call.answered()
    await call.hangup()


async def test_calls_to_the_exchange() -> None:
    """Who is called knows the carrier by its address."""
    for transport in ("udp", "tcp"):
        async with (
            Carrier("", local="127.0.0.1", transport=transport) as exchange,
            Carrier(exchange.link.sent_by, local="127.0.0.4", transport=transport) as carrier,
        ):
            call = await carrier.call(
                DID, caller="anonymous", asserted="+49305", privacy="id", to="030123456"
            )
            incoming = await exchange.expect_invite()
            assert (incoming.dialled, incoming.sender.user) == (DID, "anonymous")
            assert incoming.invite["To"].startswith("<sip:030123456@")
            assert (incoming.caller_number, incoming.privacy) == ("+49305", "id")
            await incoming.answer()
            await call.answered()
            await incoming.answered()
            assert call.rtp is not None
            assert incoming.offer is not None
            assert incoming.offer.host == "127.0.0.4"
            await incoming.hangup()
            await call.ended()


async def test_a_connection_that_broke_is_opened_anew() -> None:
    async with AsyncExitStack() as first:
        exchange = await first.enter_async_context(Carrier("", local="127.0.0.1", transport="tcp"))
        port = exchange.port
        async with Carrier(exchange.link.sent_by, transport="tcp") as carrier:
            assert (await carrier.request("OPTIONS", "sip:x")).code == 200
            await first.aclose()

            async def answered() -> bool:
                with suppress(TimedOutError):
                    return (await carrier.request("OPTIONS", "sip:x", within=0.2)).code == 200
                return False

            assert not await answered()
            async with Carrier("", local="127.0.0.1", port=port, transport="tcp"):
                await until(answered, what="an answer of the exchange that is back")


async def test_nobody_answers_at_a_dead_host() -> None:
    loop = asyncio.get_running_loop()
    with dead_host("127.0.0.6") as dead:
        server = f"{dead.host}:{dead.port}"
        async with Carrier(server) as carrier:
            call = await carrier.call(DID)
            with pytest.raises(TimedOutError):
                await call.final(within=0.05)
            await carrier.vanish()
        with socket.socket() as probe:
            probe.setblocking(False)
            with pytest.raises(ConnectionRefusedError):
                await loop.sock_connect(probe, dead)
        async with Carrier(server, transport="tcp") as carrier:
            with pytest.raises(TimedOutError):
                await carrier.request("OPTIONS", "sip:x", within=0.05)
