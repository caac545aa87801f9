"""Trunks that register: their state in SQL, and calls to the contact that they registered."""

from urllib.parse import unquote
from uuid import UUID

import asyncpg
import pytest

from tests.support.carrier import Carrier
from tests.support.until import until

from .conversation import hear_each_other
from .incoming import number, reaches, rings, talk
from .outside import carrier, change, inbound, trunk
from .pbx import Pbx


async def in_state(pbx: Pbx, line: UUID, state: str, within: float = 5.0) -> asyncpg.Record:
    query = "SELECT * FROM trunk_states WHERE trunk_id = $1 AND registration_state = $2"
    found = await until(lambda: pbx.db.fetchrow(query, line, state), within, f"a trunk {state}")
    assert found is not None
    return found


async def account(pbx: Pbx, other: Carrier, user: str, **columns: object) -> UUID:
    """Insert a trunk with an account at the carrier; returns when it is registered."""
    other.accounts[user] = f"secret; of^{user}"
    row = {"username": user, "password": other.accounts[user], **columns}
    line = await trunk(pbx, other, trunk_type="register", **row)
    await other.registered()
    await in_state(pbx, line, "registered")
    return line


@pytest.mark.parametrize(
    ("transport", "user"), [("udp", "customer-7"), ("tcp", "customer 7@firm.example")]
)
async def test_a_row_registers_and_its_contact_is_called(
    pbx: Pbx, transport: str, user: str
) -> None:
    telekom = await carrier(pbx, transport=transport)
    (ben,) = await pbx.phones(1)
    did, caller = number(), number()
    await inbound(pbx, did, pbx.extensions[0].id)
    line = await account(pbx, telekom, user)
    row = await in_state(pbx, line, "registered")
    assert (row["last_answer"], row["current_calls"]) == ("accepted", 0)
    assert unquote(telekom.binding.user) == user
    assert telekom.binding.line
    uri = telekom.binding.uri
    call, incoming = await talk(telekom, ben, did, caller=caller, uri=uri)
    await hear_each_other(call, incoming)
    assert (await in_state(pbx, line, "registered"))["current_calls"] == 1
    await call.hangup()
    cdr = await pbx.cdr(caller)
    assert (cdr["trunk_id"], cdr["callee_number"]) == (line, did)
    await reaches(telekom, ben, did)


async def test_the_line_is_known_from_wherever_it_is_called(pbx: Pbx) -> None:
    """A carrier has more addresses than the one that took the registration."""
    telekom, elsewhere = await carrier(pbx), await carrier(pbx)
    (ben,) = await pbx.phones(1)
    did, caller = number(), number()
    await inbound(pbx, did, pbx.extensions[0].id)
    line = await account(pbx, telekom, "customer-8")
    await reaches(elsewhere, ben, did, caller=caller, uri=telekom.binding.uri)
    assert (await pbx.cdr(caller))["trunk_id"] == line
    stranger = await elsewhere.call(did)
    assert (await stranger.final()).code == 401
    forged = telekom.binding.uri.replace(telekom.binding.line, "forged")
    stranger = await elsewhere.call(did, uri=forged)
    assert (await stranger.final()).code == 401
    assert not ben.is_called


async def test_two_accounts_at_one_carrier_are_told_apart(pbx: Pbx) -> None:
    telekom, (ben,) = await carrier(pbx), await pbx.phones(1)
    did = number()
    await inbound(pbx, did, pbx.extensions[0].id)
    uris: dict[UUID, str] = {}
    for user in ("office", "home"):
        line = await account(pbx, telekom, user)
        uris[line] = contact(telekom, user)
    for line, uri in uris.items():
        caller = number()
        await reaches(telekom, ben, did, caller=caller, uri=uri)
        assert (await pbx.cdr(caller))["trunk_id"] == line


def contact(other: Carrier, user: str) -> str:
    return next(one.uri for one in other.bindings.values() if one.user == user)


async def test_a_refused_password_is_shown_and_the_right_one_counts(pbx: Pbx) -> None:
    """The calls and the registrations of other trunks do not notice."""
    arcor, (ben,) = await carrier(pbx), await pbx.phones(1)
    did, lines = number(), {}
    await inbound(pbx, did, pbx.extensions[0].id)
    await account(pbx, arcor, "other")
    call, incoming = await talk(arcor, ben, did, uri=arcor.binding.uri)
    for answer in (403, 401):
        telekom = await carrier(pbx, accounts={"customer": "right"})
        telekom.registrar.wrong_password = answer
        row = {"username": "main", "auth_username": "customer", "password": "wrong"}
        lines[await trunk(pbx, telekom, trunk_type="register", **row)] = telekom
    for line, telekom in lines.items():
        state = await in_state(pbx, line, "refused")
        assert state["last_answer"] == "refused or unreachable"
        assert state["next_attempt_at"]
        assert not telekom.bindings
    registers = len(arcor.registers)
    await pbx.db.execute("UPDATE trunks SET password = 'right' WHERE id = ANY($1)", [*lines])
    for line, telekom in lines.items():
        assert (await telekom.registered()).user == "main"
        await in_state(pbx, line, "registered")
    await hear_each_other(call, incoming)
    await call.hangup()
    assert len(arcor.registers) == registers


async def test_a_trunk_that_is_switched_off_says_good_bye(pbx: Pbx) -> None:
    telekom, (ben,) = await carrier(pbx), await pbx.phones(1)
    did, caller = number(), number()
    await inbound(pbx, did, pbx.extensions[0].id)
    line = await account(pbx, telekom, "customer-9")
    old = telekom.binding
    call, incoming = await talk(telekom, ben, did, caller=caller, uri=old.uri)
    await change(pbx, "trunks", line, status="inactive")
    await telekom.unregistered()
    await hear_each_other(call, incoming)
    query = "SELECT registration_state IS NULL FROM trunk_states WHERE trunk_id = $1"
    await until(lambda: pbx.db.fetchval(query, line), 5.0, "a trunk that does not register")
    await change(pbx, "trunks", line, status="active")
    await telekom.registered()
    await in_state(pbx, line, "registered")
    second, ringing = await rings(telekom, ben, did, uri=telekom.binding.uri)
    await second.hangup()
    await ringing.ended()
    await call.hangup()
    assert (await pbx.cdr(caller))["hangup_cause"] == "normal_clearing"


async def test_a_moved_host_registers_there_and_leaves_the_old_one(pbx: Pbx) -> None:
    old, new = await carrier(pbx), await carrier(pbx)
    line = await account(pbx, old, "customer-10")
    new.accounts.update(old.accounts)
    await change(pbx, "trunks", line, host=new.host, port=new.port)
    await new.registered()
    await old.unregistered()
    await in_state(pbx, line, "registered")
