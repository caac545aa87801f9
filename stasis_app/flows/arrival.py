"""A phone dials: who is it, may it call, and what does the number mean?"""

from stasis_app.call.call import Call
from stasis_app.rules.models import Extension
from stasis_app.rules.numbers import meaning
from stasis_app.words import ExtensionStatus, HangupCause

from .destination import follow


async def from_phone(call: Call, caller: Extension | None, number: str) -> None:
    """Tell the story of a call from the phone of `caller` to `number`."""
    if caller is None or caller.deleted or caller.status is not ExtensionStatus.ACTIVE:
        await call.refuse(HangupCause.FORBIDDEN, reason="caller_inactive")
        return
    exchange = call.exchange
    limit = caller.max_concurrent_calls
    if limit is not None and exchange.engaged[caller.id] >= limit:
        await call.refuse(HangupCause.CONGESTION, reason="caller_limit", limit=limit)
        return
    with exchange.engage(caller.id):
        await follow(call, meaning(number, exchange.directory.extension))
