"""A call from a carrier to a phone to a row: which rule takes it."""

import json
import uuid

from tests.support.sip import RawPhone

from .conversation import hear_each_other
from .incoming import noted, number, reaches, refused, rings
from .outside import carrier, change, inbound, setting, trunk
from .pbx import Pbx


async def phones(pbx: Pbx, amount: int) -> list[tuple[RawPhone, uuid.UUID]]:
    """Register phones; return them with the ids of their extensions."""
    registered = await pbx.phones(amount)
    return list(zip(registered, [one.id for one in pbx.extensions[-amount:]], strict=True))


async def test_from_a_carrier_to_a_phone_to_a_row(pbx: Pbx) -> None:
    telekom, extension = await carrier(pbx), await pbx.extension(display_name="Ben")
    ben, did, caller = await pbx.phone(extension), number(), number()
    line = await trunk(pbx, telekom)
    await inbound(pbx, did, extension.id, name="to Ben")
    call, incoming = await rings(telekom, ben, did, caller=caller, name="Anna Ärmel")
    assert (incoming.caller_name, incoming.caller_number) == ("Anna Ärmel", caller)
    await incoming.answer()
    await call.answered()
    await hear_each_other(call, incoming)
    live = await pbx.in_state(caller, "answered")
    assert (live["direction"], live["trunk_id"]) == ("inbound", line)
    await incoming.hangup()
    await call.ended()
    cdr = await pbx.cdr(caller)
    assert (cdr["direction"], cdr["trunk_id"]) == ("inbound", line)
    assert (cdr["caller_number"], cdr["callee_number"]) == (caller, did)
    assert (cdr["caller_name"], cdr["callee_name"]) == ("Anna Ärmel", "Ben")
    assert (cdr["caller_extension_id"], cdr["callee_extension_id"]) == (None, extension.id)
    assert cdr["hangup_cause"] == "normal_clearing"
    assert " ".join(await pbx.timeline(cdr["call_id"])) == (
        "arrived routed offered rang answered hung_up ended"
    )
    assert "to Ben" in (await noted(pbx, cdr, "routed"))["details"]


async def test_every_form_of_a_number_meets_one_rule(pbx: Pbx) -> None:
    telekom, ((ben, extension),) = await carrier(pbx), await phones(pbx, 1)
    await trunk(pbx, telekom)
    for row in ("+49", "0049", "0", "+49 (0)"):
        did = number()
        await inbound(pbx, did.replace("+49", row), extension)
        for prefix in ("+49", "0049", "49", "0"):
            sent, caller = did.replace("+49", prefix), number()
            await reaches(telekom, ben, sent, caller=caller)
            assert (await pbx.cdr(caller))["callee_number"] == sent


async def test_exact_before_pattern_before_shorter_pattern(pbx: Pbx) -> None:
    """A rule that is switched off between two calls leaves them to the next."""
    telekom, people = await carrier(pbx), await phones(pbx, 4)
    did = number()
    patterns = {f"{did[:-3]}.": 1, f"{did[:-2]}XN": 50, f"{did[:-2]}ZX": 70, f"{did[:-2]}22": 900}
    did = f"{did[:-2]}22"
    rules = [
        await inbound(pbx, pattern, extension, priority=priority)
        for (pattern, priority), (_, extension) in zip(patterns.items(), people, strict=True)
    ]
    await trunk(pbx, telekom)
    await reaches(telekom, people[3][0], did)
    await change(pbx, "inbound_rules", rules[3], status="inactive")
    await reaches(telekom, people[1][0], did)
    await reaches(telekom, people[2][0], f"{did[:-2]}21")
    await change(pbx, "inbound_rules", rules[1], status="inactive")
    await reaches(telekom, people[2][0], did)
    await change(pbx, "inbound_rules", rules[2], status="inactive")
    await reaches(telekom, people[0][0], did)
    await change(pbx, "inbound_rules", rules[0], status="inactive")
    assert (await refused(pbx, telekom, did, 404))["hangup_cause"] == "unallocated_number"


async def test_a_rule_for_one_trunk_and_one_for_all(pbx: Pbx) -> None:
    telekom, arcor = await carrier(pbx), await carrier(pbx)
    (anna, for_one), (ben, for_all) = await phones(pbx, 2)
    did, line = number(), await trunk(pbx, telekom)
    await trunk(pbx, arcor)
    await inbound(pbx, did, for_all)
    await inbound(pbx, did, for_one, trunk_id=line)
    await reaches(telekom, anna, did)
    await reaches(arcor, ben, did)


async def test_a_rule_for_some_callers(pbx: Pbx) -> None:
    telekom, ((anna, some), (ben, others)) = await carrier(pbx), await phones(pbx, 2)
    did = number()
    await inbound(pbx, did, some, caller_id_pattern="^[+]4989|^anonymous$")
    await inbound(pbx, did, others)
    await trunk(pbx, telekom)
    await reaches(telekom, anna, did, caller="+498923456")
    await reaches(telekom, anna, did, caller="08923456")
    await reaches(telekom, anna, did, caller="anonymous")
    await reaches(telekom, ben, did)


async def test_a_rule_that_is_edited_between_two_calls(pbx: Pbx) -> None:
    telekom, ((anna, first), (ben, second)) = await carrier(pbx), await phones(pbx, 2)
    did, other = number(), number()
    rule = await inbound(pbx, did, first)
    await trunk(pbx, telekom)
    call, incoming = await rings(telekom, anna, did)
    await change(pbx, "inbound_rules", rule, destination_id=second, did_pattern=other)
    await reaches(telekom, ben, other)
    await refused(pbx, telekom, did, 404)
    await incoming.answer()
    await call.answered()
    await call.hangup()


async def test_a_trunk_delivers_its_own_numbers_only(pbx: Pbx) -> None:
    telekom, ((ben, extension),) = await carrier(pbx), await phones(pbx, 1)
    did = f"{number()[:-2]}00"
    own = {"start": did.replace("+49", "0"), "end": f"{did[:-2]}49".replace("+49", "0")}
    await inbound(pbx, f"{did[:-2]}.", extension)
    await trunk(pbx, telekom, did_ranges=json.dumps([own]))
    await reaches(telekom, ben, f"{did[:-2]}49")
    await reaches(telekom, ben, f"{did[:-2]}00".replace("+49", "0049"))
    cdr = await refused(pbx, telekom, f"{did[:-2]}50", 404)
    assert cdr["hangup_cause"] == "unallocated_number"
    assert "not_in_did_ranges" in (await noted(pbx, cdr, "refused"))["details"]


async def test_without_a_rule_the_catch_all_takes_the_call(pbx: Pbx) -> None:
    telekom, ((ben, _),) = await carrier(pbx), await phones(pbx, 1)
    await trunk(pbx, telekom)
    cdr = await refused(pbx, telekom, number(), 404)
    assert "no_inbound_rule" in (await noted(pbx, cdr, "refused"))["details"]
    await setting(pbx, "inbound.catch_all", {"type": "extension", "number": ben.number})
    await reaches(telekom, ben, number())
    await reaches(telekom, ben, "zentrale")
