"""A call arrives: who is it, may it come in, and where does it go?"""

from stasis_app.call.arrival import Arrival
from stasis_app.call.call import Call
from stasis_app.rules import inbound
from stasis_app.rules.dialling import meaning
from stasis_app.rules.inbound import Incoming
from stasis_app.rules.models import DestinationKind, Extension, Payer, Refuse, Trunk
from stasis_app.words import Direction, HangupCause, Moment

from .destination import follow


async def begin(call: Call, arrival: Arrival) -> None:
    """Tell the story of a call from its arrival."""
    book = call.exchange.book
    if arrival.origin.direction is Direction.INBOUND:
        await from_trunk(call, book.trunk_of(arrival.endpoint), arrival.number)
    else:
        caller = book.extension(arrival.endpoint)
        await from_phone(call, caller, arrival.number, arrival.user_agent)


async def from_phone(call: Call, caller: Extension | None, number: str, agent: str) -> None:
    """Tell the story of a call from the phone of `caller` to `number`.

    An emergency call goes through whatever stands against other calls.
    """
    exchange = call.exchange
    payer = Payer(extension=caller.number if caller else None)
    destination = meaning(exchange.book, number, payer, by_hand=True)
    if destination.kind is not DestinationKind.EMERGENCY:
        if caller is None or not caller.active:
            await call.refuse(HangupCause.FORBIDDEN, reason="caller_inactive")
            return
        if exchange.book.blacklist.user_agent(agent, call.began_at):
            await call.refuse(HangupCause.FORBIDDEN, reason="blacklist", user_agent=agent)
            return
        limit = caller.max_concurrent_calls
        if limit is not None and exchange.engaged[caller.id] >= limit:
            await call.refuse(HangupCause.CONGESTION, reason="caller_limit", limit=limit)
            return
    with exchange.engaged.hold(caller.id if caller else None):
        await follow(call, destination)


async def from_trunk(call: Call, trunk: Trunk | None, did: str) -> None:
    """Tell the story of a call that a carrier delivers for the number `did`."""
    exchange = call.exchange
    if trunk is None or not trunk.present:
        await call.refuse(HangupCause.FORBIDDEN, reason="trunk_inactive")
        return
    limit = trunk.max_concurrent_calls
    if limit is not None and exchange.engaged[trunk.id] >= limit:
        await call.refuse(HangupCause.CONGESTION, reason="trunk_limit", limit=limit)
        return
    origin = call.origin
    incoming = Incoming(trunk, did, origin.identity.number, call.began_at, origin.screened)
    decision = inbound.decide(exchange.book, incoming)
    with exchange.engaged.hold(trunk.id):
        if isinstance(decision.outcome, Refuse):
            await call.refuse(decision.outcome.cause, reason=decision.outcome.reason)
            return
        call.journal.note(Moment.ROUTED, rule=decision.rule, to=decision.outcome.number)
        await follow(call, decision.outcome)
