"""What an admin is told: why a call goes where it goes, and what is wrong with the rows."""

import json
import sys
from typing import Any
from uuid import UUID

import pytest

from tests.support.until import until

from .incoming import no_problem, number, problem, reaches
from .outside import carrier, inbound, outbound, setting, trunk
from .pbx import Pbx, run

WEEKDAYS = json.dumps({"mon": [{"start": "09:00", "end": "17:00"}]})


async def pbx_says(pbx: Pbx, *words: str) -> tuple[int, str]:
    """Run `pbx` for the stack of the test; return its exit code and what it said."""
    command, *rest = words
    return await run(sys.executable, "-m", "stasis_app", command, "--state", str(pbx.state), *rest)


async def test_explain_tells_what_a_call_lives_through(pbx: Pbx) -> None:
    """The rule that takes it, and why each before it did not; then the call does so."""
    telekom, (ben,) = await carrier(pbx), await pbx.phones(1)
    other, extension, did = await carrier(pbx), pbx.extensions[0].id, f"{number()[:-1]}1"
    caller, monday = number(), "2026-11-23T08:59:59+01:00"
    hours = await pbx.insert("time_profiles", name=f"hours {did}", schedule=WEEKDAYS)
    await trunk(pbx, telekom, name=f"telekom {did}")
    far = await trunk(pbx, other, name=f"far {did}")
    await inbound(pbx, did, extension, name="first", trunk_id=far)
    await inbound(pbx, did, extension, name="second", caller_id_pattern="^[+]4989")
    await inbound(pbx, did, extension, name="third", time_profile_id=hours, priority=101)
    await inbound(pbx, f"{did[:-1]}X", extension, name="fourth")
    question = ("--to", did.replace("+49", "0"), "--from", caller, "--trunk", f"telekom {did}")
    code, said = await pbx_says(pbx, "explain", *question, "--at", monday)
    assert code == 0, said
    assert said.splitlines()[:1] == [f"a call from outside over trunk telekom {did}"]
    assert said.splitlines()[2:] == [
        f"inbound rule first: is for trunk far {did}",
        "inbound rule second: wants a caller like ^[+]4989",
        "inbound rule third: is closed and has no fallback",
        "inbound rule fourth: matches -> taken",
        f"extension {ben.number} rings for 30 s on 1 phone(s)",
    ]
    await pbx.db.execute("UPDATE time_profiles SET override = 'closed' WHERE id = $1", hours)
    await pbx.settled()
    await reaches(telekom, ben, did, caller=caller)
    cdr = await pbx.cdr(caller)
    details = "SELECT details ->> 'rule' FROM call_events WHERE call_id = $1 AND event = 'routed'"
    assert await pbx.db.fetchval(details, cdr["call_id"]) == "fourth"


async def test_explain_a_refusal_and_a_question_without_sense(pbx: Pbx) -> None:
    telekom, did, blocked = await carrier(pbx), number(), number()
    await trunk(pbx, telekom, name=f"of {did}")
    await pbx.insert("blacklist", entry_type="phone_number", value=blocked)
    question = ("explain", "--trunk", f"of {did}", "--to", did, "--from")
    code, said = await pbx_says(pbx, *question, blocked)
    assert (code, said.splitlines()[-1]) == (0, "refused: blacklist (rejected)")
    code, said = await pbx_says(pbx, *question, "1", "--trunk", "none such")
    assert (code, said) == (1, "pbx: there is no trunk none such\n")
    code, said = await pbx_says(pbx, *question, "1", "--at", "yesterday")
    assert (code, "--at" in said, "Traceback" in said) == (2, True, False), said


async def test_explain_a_call_out(pbx: Pbx) -> None:
    arcor, (anna,) = await carrier(pbx), await pbx.phones(1)
    cell = number().replace("+49", "0")
    line = await trunk(pbx, arcor, name=f"arcor {cell}", default_caller_id="+4930230000")
    row = {"name": "cells", "caller_id_mode": "trunk", "prepend": "9", "priority": 1}
    await outbound(pbx, f"^{cell}$", line, **row)
    code, said = await pbx_says(pbx, "explain", "--to", cell, "--from", anna.number)
    assert code == 0
    assert "outbound rule cells: matches -> taken" in said
    assert f"dialled 9{cell} over trunk arcor {cell}, showing +4930230000" in said


async def broken(pbx: Pbx) -> dict[str, tuple[str, UUID, str, dict[str, Any]]]:
    """Insert rows that can't be used; return table, id, what is said, and what mends them."""
    made: dict[str, tuple[str, UUID, str, dict[str, Any]]] = {}
    one, other = await pbx.extension(), await pbx.extension()
    rule = await inbound(pbx, number(), one.id, caller_id_pattern="(030")
    made["regex"] = ("inbound_rules", rule, "caller_id_pattern '(030'", {"caller_id_pattern": None})
    rule = await inbound(pbx, "+49 30 ABC+", one.id)
    made["pattern"] = ("inbound_rules", rule, "did_pattern", {"did_pattern": number()})
    rule = await inbound(pbx, number(), UUID(int=7))
    made["dangling"] = ("inbound_rules", rule, "does not exist", {"destination_id": one.id})
    await pbx.change(
        one,
        forward_unconditional_enabled=True,
        forward_unconditional_destination=other.number,
    )
    await pbx.change(
        other, forward_unconditional_enabled=True, forward_unconditional_destination=one.number
    )
    made["loop"] = ("extensions", one.id, "go round", {"forward_unconditional_enabled": False})
    hours = await pbx.insert("time_profiles", name=f"never {number()}", schedule='{"mon": []}')
    made["empty"] = ("time_profiles", hours, "never open", {"schedule": WEEKDAYS})
    wide = f"{number()[:-2]}"
    await inbound(pbx, f"{wide}XX", one.id, priority=1)
    rule = await inbound(pbx, f"{wide}ZN", one.id, priority=2)
    made["shadowed"] = ("inbound_rules", rule, "never reached", {"priority": 0})
    queue_row = {"extension_number": one.number, "overflow_action": "hangup"}
    queue = await pbx.insert("queues", name=f"q {number()}", **queue_row)
    await pbx.insert("queue_members", queue_id=queue, extension_id=one.id)
    made["twice"] = ("queues", queue, "is an extension too", {"extension_number": None})
    trunk_row = {"trunk_type": "register", "host": "127.9.9.9", "status": "testing"}
    line = await pbx.insert("trunks", name=f"no account {number()}", **trunk_row)
    made["account"] = ("trunks", line, "without username or password", {"status": "inactive"})
    return made


async def test_problems_are_listed_and_gone_when_mended(pbx: Pbx) -> None:
    rows = await broken(pbx)
    for table, row, says, _ in rows.values():
        assert says in await problem(pbx, row), table
    code, said = await pbx_says(pbx, "check")
    assert code == 1
    for table, _, says, _ in rows.values():
        assert any(table in line and says in line for line in said.splitlines()), (table, said)
    for table, row, _, mends in rows.values():
        changes = ", ".join(f"{name} = ${place}" for place, name in enumerate(mends, 2))
        await pbx.db.execute(f"UPDATE {table} SET {changes} WHERE id = $1", row, *mends.values())
    for _, row, _, _ in rows.values():
        await no_problem(pbx, row)


async def test_check_is_content_with_warnings(pbx: Pbx) -> None:
    code, said = await pbx_says(pbx, "check")
    assert (code, said) == (0, "no problems\n")
    await pbx.insert("time_profiles", name=f"never {number()}", schedule="{}")
    code, said = await pbx_says(pbx, "check")
    assert (code, said.startswith("warning: time_profiles never")) == (0, True)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("inbound.catch_all", {"type": "extension", "number": "no such"}),
        ("inbound.white_list", "everybody"),
        ("numbers.country", "Atlantis"),
    ],
)
async def test_a_setting_that_cannot_be_used(pbx: Pbx, key: str, value: object) -> None:
    query = "SELECT problem FROM config_problems WHERE row_name = $1"
    await setting(pbx, key, value)
    await until(lambda: pbx.db.fetchval(query, key), 3.0, "a problem of a setting")
