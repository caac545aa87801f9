"""Whose an INVITE is: trunks that are known by their addresses, and rows that change meanwhile."""

from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

import pytest

from tests.support.carrier import Carrier
from tests.support.until import until

from .conversation import hear_each_other
from .incoming import number, reaches, talk
from .outside import carrier, change, inbound, trunk
from .pbx import Pbx


async def stranger(pbx: Pbx, other: Carrier, did: str) -> None:
    """Call as one who is no trunk of ours: 401, and no trace of a call."""
    caller = number()
    call = await other.call(did, caller=caller)
    assert (await call.final()).code == 401
    assert not await pbx.row(caller)
    assert not await pbx.db.fetchval("SELECT count(*) FROM cdr WHERE caller_number = $1", caller)


async def until_a_stranger(pbx: Pbx, other: Carrier, did: str) -> None:
    """Asterisk may know a row's endpoint for a second more."""

    async def refused() -> bool:
        return (await (await other.call(did)).final()).code == 401

    await until(refused, 3.0, "a trunk that is none any more")
    await stranger(pbx, other, did)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("kind", ["static", "ip_auth"])
async def test_an_address_is_a_trunk(pbx: Pbx, kind: str, transport: str) -> None:
    telekom, other = await carrier(pbx, transport=transport), await carrier(pbx)
    (ben,) = await pbx.phones(1)
    did, allowed = number(), [telekom.host] if kind == "ip_auth" else None
    await inbound(pbx, did, pbx.extensions[0].id)
    line = await trunk(pbx, telekom, trunk_type=kind, allowed_ips=allowed)
    caller = number()
    await reaches(telekom, ben, did, caller=caller)
    assert (await pbx.cdr(caller))["trunk_id"] == line
    await stranger(pbx, other, did)
    assert not ben.is_called


async def test_allowed_ips_may_be_networks(pbx: Pbx) -> None:
    telekom, same = await carrier(pbx), await carrier(pbx)
    other = await pbx.open.enter_async_context(Carrier(pbx.stack["sip"], local="127.8.0.1"))
    (ben,) = await pbx.phones(1)
    did, network = number(), ip_network(f"{telekom.host}/24", strict=False)
    await inbound(pbx, did, pbx.extensions[0].id)
    line = await trunk(pbx, telekom, trunk_type="ip_auth", allowed_ips=[network])
    await reaches(telekom, ben, did)
    await reaches(same, ben, did)
    await stranger(pbx, other, did)
    await change(pbx, "trunks", line, allowed_ips=[other.host])
    await reaches(other, ben, did)
    await stranger(pbx, telekom, did)


async def test_the_host_of_an_ip_auth_trunk_does_not_deliver(pbx: Pbx) -> None:
    """It is only where calls go."""
    telekom = await carrier(pbx)
    await trunk(pbx, telekom, trunk_type="ip_auth")
    await stranger(pbx, telekom, number())


CHANGES: tuple[dict[str, Any], ...] = (
    {"status": "inactive"},
    {"deleted_at": datetime.now(UTC)},
    {"host": "127.9.9.9"},
    {"allowed_ips": ["127.9.9.9"]},
    {"trunk_type": "ip_auth"},
)


async def test_a_changed_row_counts_and_the_call_goes_on(pbx: Pbx) -> None:
    telekom, (ben,) = await carrier(pbx), await pbx.phones(1)
    did, caller = number(), number()
    await inbound(pbx, did, pbx.extensions[0].id)
    line = await trunk(pbx, telekom)
    before = await pbx.db.fetchrow("SELECT * FROM trunks WHERE id = $1", line)
    assert before is not None
    call, incoming = await talk(telekom, ben, did, caller=caller)
    for columns in CHANGES:
        await change(pbx, "trunks", line, **columns)
        await until_a_stranger(pbx, telekom, did)
        await change(pbx, "trunks", line, **{name: before[name] for name in columns})
        await reaches(telekom, ben, did)
    await hear_each_other(call, incoming)
    await call.hangup()
    await incoming.ended()
    cdr = await pbx.cdr(caller)
    assert (cdr["trunk_id"], cdr["hangup_cause"]) == (line, "normal_clearing")


async def test_a_deleted_trunk_leaves_its_call_alone(pbx: Pbx) -> None:
    telekom, (ben,) = await carrier(pbx), await pbx.phones(1)
    did, caller = number(), number()
    await inbound(pbx, did, pbx.extensions[0].id)
    line = await trunk(pbx, telekom)
    call, incoming = await talk(telekom, ben, did, caller=caller)
    await pbx.db.execute("DELETE FROM trunks WHERE id = $1", line)
    await pbx.settled()
    await until_a_stranger(pbx, telekom, did)
    await hear_each_other(call, incoming)
    await incoming.hangup()
    await call.ended()
    cdr = await pbx.cdr(caller)
    assert (cdr["hangup_cause"], cdr["direction"]) == ("normal_clearing", "inbound")


async def test_a_trunk_in_testing_delivers(pbx: Pbx) -> None:
    telekom, (ben,) = await carrier(pbx), await pbx.phones(1)
    did = number()
    await inbound(pbx, did, pbx.extensions[0].id)
    await trunk(pbx, telekom, status="testing")
    await reaches(telekom, ben, did)
