"""What happens in calls from outside: hold, offers that come late, codecs, several phones."""

import pytest

from .conversation import hear_each_other
from .incoming import number, reaches, talk
from .outside import carrier, inbound, trunk
from .pbx import Pbx


async def test_hold_from_either_side(pbx: Pbx) -> None:
    telekom, (ben,) = await carrier(pbx), await pbx.phones(1)
    did, caller = number(), number()
    await inbound(pbx, did, pbx.extensions[0].id)
    await trunk(pbx, telekom)
    call, incoming = await talk(telekom, ben, did, caller=caller)
    for side in (call, incoming):
        await side.hold()
        await pbx.in_state(caller, "held")
        await side.resume()
        await pbx.in_state(caller, "answered")
    await hear_each_other(call, incoming)
    await call.hangup()


async def test_an_invite_without_an_offer(pbx: Pbx) -> None:
    telekom, (ben,) = await carrier(pbx), await pbx.phones(1)
    did = number()
    await inbound(pbx, did, pbx.extensions[0].id)
    await trunk(pbx, telekom)
    call, incoming = await talk(telekom, ben, did, sdp=None)
    await hear_each_other(call, incoming)
    await call.hangup()


@pytest.mark.parametrize("codecs", [["pcma"], ["pcma", "pcmu"]], ids=str)
async def test_the_trunks_codecs_in_their_order(pbx: Pbx, codecs: list[str]) -> None:
    telekom, (ben,) = await carrier(pbx), await pbx.phones(1)
    did = number()
    await inbound(pbx, did, pbx.extensions[0].id)
    await trunk(pbx, telekom, codec_preferences=codecs)
    call, incoming = await talk(telekom, ben, did)
    assert call.remote_media
    assert call.remote_media.names[0].lower() == codecs[0]
    await hear_each_other(call, incoming)
    await call.hangup()


async def test_all_phones_of_an_extension_ring(pbx: Pbx) -> None:
    telekom, extension = await carrier(pbx), await pbx.extension()
    desk, mobile = [await pbx.phone(extension) for _ in range(2)]
    did, caller = number(), number()
    await inbound(pbx, did, extension.id)
    await trunk(pbx, telekom)
    call = await telekom.call(did, caller=caller, name="Otto")
    ringing = [await phone.expect_invite() for phone in (desk, mobile)]
    for incoming in ringing:
        incoming.ring()
        assert (incoming.caller_name, incoming.caller_number) == ("Otto", caller)
    await call.ringing()
    await ringing[1].answer()
    await call.answered()
    await ringing[0].ended()
    assert "Call completed elsewhere" in (ringing[0].reason or "")
    await hear_each_other(call, ringing[1])
    await call.hangup()


async def test_a_carrier_asks_whether_we_are_there(pbx: Pbx) -> None:
    telekom, other = await carrier(pbx), await carrier(pbx)
    await trunk(pbx, telekom)
    assert (await telekom.request("OPTIONS", f"sip:{telekom.domain}")).code == 200
    answer = await other.request("OPTIONS", f"sip:{other.domain}", authorized=False)
    assert answer.code == 401


async def test_the_caller_gives_up(pbx: Pbx) -> None:
    telekom, (ben,) = await carrier(pbx), await pbx.phones(1)
    did, caller = number(), number()
    await inbound(pbx, did, pbx.extensions[0].id)
    await trunk(pbx, telekom)
    await reaches(telekom, ben, did, caller=caller)
    assert (await pbx.cdr(caller))["hangup_cause"] == "cancel"
