"""Two phones in conversation: the beginning of most stories."""

from tests.support.callee import IncomingCall
from tests.support.caller import OutgoingCall
from tests.support.sip import RawPhone
from tests.support.webrtc import WebRtcCall


async def talk(caller: RawPhone, callee: RawPhone) -> tuple[OutgoingCall, IncomingCall]:
    call = await caller.invite(callee.number)
    incoming = await callee.expect_invite()
    await incoming.answer()
    await call.answered()
    await incoming.answered()
    return call, incoming


async def hear_each_other(call: OutgoingCall | WebRtcCall, incoming: IncomingCall) -> None:
    call.say(440)
    incoming.say(660)
    await incoming.hears(440)
    await call.hears(660)
