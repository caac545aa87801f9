"""What the tests of refusals have in common."""

import random
from collections import Counter

from tests.support.caller import OutgoingCall
from tests.support.dialog import OFFER
from tests.support.sip import RawPhone
from tests.support.sipmessage import Headers
from tests.support.until import until

from .conversation import talk
from .pbx import Pbx

JITTER = random.Random(2)  # noqa: S311 - moments, not secrets


async def dial(
    phone: RawPhone,
    to: str,
    *,
    local: str = "",
    call_id: str = "",
    sdp: str | None = OFFER,
    headers: Headers = (),
) -> OutgoingCall:
    """Call a number or URI with a From or a Call-ID that a phone would not choose."""
    uri = to if to.startswith(("sip:", "tel:")) else f"sip:{to}@{phone.domain}"
    call = OutgoingCall(phone, uri, local or phone.local_address(), authorized=True)
    call.call_id = call_id or call.call_id
    phone.calls[call.call_id if call.call_id not in phone.calls else call.local] = call
    await call.start(sdp, headers)
    return call


async def the_next_call_works(pbx: Pbx) -> None:
    call, incoming = await talk(*await pbx.phones(2))
    await call.hangup()
    await incoming.ended()


async def causes(pbx: Pbx, caller: str, calls: int) -> dict[str, int]:
    """Return how often each cause is in the caller's `cdr` rows, once every call is over."""
    query = "SELECT hangup_cause FROM cdr WHERE caller_number = $1"

    async def all_over() -> bool:
        return await pbx.row(caller) is None and len(await pbx.db.fetch(query, caller)) >= calls

    await until(all_over, 8.0, f"{calls} cdr rows of {caller}")
    return dict(Counter(row["hangup_cause"] for row in await pbx.db.fetch(query, caller)))
