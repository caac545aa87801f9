"""Keys between a carrier and a phone, in each way that `trunks.dtmf_mode` knows."""

import asyncio
from typing import get_args

from tests.support.callee import IncomingCall
from tests.support.caller import OutgoingCall
from tests.support.keypad import DtmfMode

from .conversation import hear_each_other
from .incoming import number, talk
from .outside import carrier, inbound, trunk
from .pbx import Pbx

KEYS = "05*#"
MODES = get_args(DtmfMode)


async def keys_pass(call: OutgoingCall, incoming: IncomingCall, mode: DtmfMode) -> None:
    """Press keys outside and at the phone; each side gets them in its own way and in no other."""
    await call.press(KEYS, by=mode)
    await incoming.receives(KEYS, by="rfc2833")
    await incoming.press(KEYS)
    await call.receives(KEYS, by=mode)
    assert [call.digits_by(other) for other in MODES if other != mode] == ["", ""]
    assert [incoming.digits_by(other) for other in ("info", "inband")] == ["", ""]


async def test_keys_from_outside_and_back(pbx: Pbx) -> None:
    calls = []
    for mode in MODES:
        telekom = await carrier(pbx, telephone_event=mode == "rfc2833")
        (ben,) = await pbx.phones(1)
        did = number()
        await inbound(pbx, did, pbx.extensions[-1].id)
        await trunk(pbx, telekom, dtmf_mode=mode)
        call, incoming = await talk(telekom, ben, did)
        await hear_each_other(call, incoming)
        call.say(0)
        incoming.say(0)
        calls.append((call, incoming, mode))
    await asyncio.gather(*(keys_pass(*one) for one in calls))
    for call, _, _ in calls:
        await call.hangup()
