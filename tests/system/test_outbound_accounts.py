"""Carriers that want to know who calls: accounts on trunks."""

import pytest

from tests.support.carrier import Carrier

from .conversation import hear_each_other
from .outgoing import NUMBER, PRIORITY, Way, phone, talk_out, way_out, ways_out
from .outside import carrier, outbound, trunk
from .pbx import Pbx


@pytest.mark.parametrize(("code", "auth_username"), [(401, None), (407, "another name")])
async def test_the_carrier_wants_proof(pbx: Pbx, code: int, auth_username: str | None) -> None:
    password = "s3cr;t ^ x"
    way = await way_out(pbx, username="account", auth_username=auth_username, password=password)
    way.carrier.challenge = code
    way.carrier.accounts[auth_username or "account"] = password
    anna = await phone(pbx)
    call, incoming = await talk_out(anna, way)
    assert incoming.dialled == NUMBER
    await call.hangup()
    assert len(way.invites) == 1


async def test_a_carrier_that_wants_proof_of_who_has_none(pbx: Pbx) -> None:
    first, second = await ways_out(pbx, 2)
    first.carrier.challenge = 407
    anna = await phone(pbx)
    call, incoming = await talk_out(anna, second)
    await call.hangup()
    await incoming.ended()
    assert len(first.invites) == 1


@pytest.mark.parametrize("refused_with", [401, 407, 403])
async def test_a_wrong_password_leads_to_the_next_trunk(pbx: Pbx, refused_with: int) -> None:
    first, second = await ways_out(pbx, 2, username="account", password="wrong")
    first.carrier.challenge = 407 if refused_with == 403 else refused_with
    first.carrier.registrar.wrong_password = refused_with
    first.carrier.accounts["account"] = "right"
    anna = await phone(pbx)
    call, incoming = await talk_out(anna, second)
    await call.hangup()
    await incoming.ended()
    assert (await pbx.cdr(anna.number))["trunk_id"] == second.trunk


async def registering(pbx: Pbx) -> Carrier:
    one = await carrier(pbx, accounts={"account": "secret"}, challenge=407)
    row = {"username": "account", "password": "secret", "default_caller_id": "+49301000000"}
    over = await trunk(pbx, one, trunk_type="register", **row)
    await outbound(pbx, "^0", over, priority=PRIORITY, caller_id_mode="trunk")
    await one.registered()
    return one


async def test_over_a_trunk_that_registers(pbx: Pbx) -> None:
    """The carrier is named in From, and the number is still there to be read."""
    one = await registering(pbx)
    anna = await phone(pbx, display_name="Anna")
    call, incoming = await talk_out(anna, Way(one, pbx.rows[0][1]))
    assert incoming.sender.uri == f"sip:+49301000000@{one.host}"
    assert incoming.asserted == incoming.sender
    await hear_each_other(call, incoming)
    await call.hangup()
    await incoming.ended()
    assert incoming.dialled == NUMBER
