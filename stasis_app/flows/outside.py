"""A call goes out: over the first trunk that takes it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from stasis_app.call import causes
from stasis_app.call.call import Call
from stasis_app.call.line import Line
from stasis_app.call.present import Present
from stasis_app.call.ringing import Phone, Ringing
from stasis_app.call.trunk_leg import identity, is_in_hand, is_silent
from stasis_app.rules import outbound
from stasis_app.rules.caller_id import CallerId, caller_id
from stasis_app.rules.considered import Decision
from stasis_app.rules.failover import next_may_try
from stasis_app.rules.models import Destination, DestinationKind, Position, Refuse, Trunk
from stasis_app.rules.outbound import Route
from stasis_app.words import HangupCause, Moment

from .talk import talk_until, talked_unwatched, was_over
from .way import Way

STEP = "outside"

RING_SECONDS = 120.0
SILENT_SECONDS = 4.0
REST_SECONDS = 30.0
LEAST_SECONDS = 1.0


class Failure(NamedTuple):
    """Why nobody was reached, and whether the next trunk may try."""

    cause: HangupCause
    next_may_try: bool
    reason: str = "outside"


NO_TRUNK_LEFT = Failure(HangupCause.CONGESTION, next_may_try=True)
GOES_ROUND = Failure(HangupCause.LOOP_DETECTED, next_may_try=False, reason="diverted_by_us")


async def outside(call: Call, destination: Destination) -> None:
    """Call a number of the public network with the rights of who pays for it.

    An emergency number is called whatever limit there is, and over any trunk.
    """
    over = exceeded(call, destination)
    if over:
        await call.refuse(HangupCause.CONGESTION, number=destination.number, reason=over)
        return
    await go_out(call, destination)


async def go_on(call: Call, position: Position, asterisk: Present) -> None:
    """Enter the story where a process that is gone has left it, dialling or talking.

    A leg that the carrier has not heard of is dialled anew.
    """
    way = Way.of(position.arguments)
    legs = [Phone(leg, "") for leg in position.legs]
    bridge = position.bridge or call.new_id()
    ringing = Ringing(call, way.dialled, bridge, legs, causes.of_carrier)
    with call.exchange.engaged.hold(way.trunk), call.exchange.calling_out.hold(owner(call, way)):
        async with ringing:
            ringing.adopt(asterisk)
            if was_over(call, ringing):
                return
            if await is_in_hand(ringing, asterisk):
                spent = (datetime.now(UTC) - position.since).total_seconds()
                failure = await until_over(call, way, ringing, max(ring_seconds(call) - spent, 0.0))
            else:
                failure = NO_TRUNK_LEFT
                way = replace(way, tried=way.tried[:-1])
    if failure and failure.next_may_try:
        await go_out(call, way.destination, way.tried)
    elif failure:
        await call.refuse(failure.cause, number=way.destination.number, reason=failure.reason)


async def go_out(call: Call, destination: Destination, tried: Sequence[UUID] = ()) -> None:
    """Try the trunks of the route that are left, one after the other."""
    decision = decide(call, destination)
    route = decision.outcome
    if isinstance(route, Refuse):
        await call.refuse(route.cause, number=destination.number, reason=route.reason)
        return
    call.journal.note(Moment.ROUTED, rule=decision.rule, to=route.number)
    failure = NO_TRUNK_LEFT
    for trunk in in_order(call, route, tried):
        full = None if route.emergency else exceeds(call, trunk)
        if full:
            call.journal.note(Moment.TRUNK_SKIPPED, trunk=trunk.name, reason=full)
            continue
        tried = (*tried, trunk.id)
        limit = route.rule.max_seconds if route.rule else None
        way = Way(destination, route.number, trunk.id, tried, limit)
        outcome = await attempt(call, way, trunk, route)
        if outcome is None:
            return
        failure = outcome
        if not failure.next_may_try:
            break
    await call.refuse(failure.cause, number=destination.number, reason=failure.reason)


async def attempt(call: Call, way: Way, trunk: Trunk, route: Route) -> Failure | None:
    """Call over one trunk; None when a conversation was had."""
    exchange = call.exchange
    shown = shown_by(call, way, trunk, route)
    if goes_round(call, shown):
        return GOES_ROUND
    leg = Phone(call.new_id(), f"PJSIP/{way.dialled}@{trunk.endpoint}", identity(shown))
    ringing = Ringing(call, way.dialled, call.new_id(), [leg], causes.of_carrier)
    stand(call, way, ringing)
    call.goes_out(trunk.id)
    call.journal.note(Moment.DIALLED_OUT, trunk=trunk.name, number=way.dialled)
    with exchange.engaged.hold(trunk.id), exchange.calling_out.hold(owner(call, way)):
        async with ringing:
            await ringing.dial()
            if await is_silent(ringing, at_least(call, "trunks.silent_seconds", SILENT_SECONDS)):
                rest = exchange.book.number("trunks.rest_seconds", REST_SECONDS)
                exchange.rest(trunk.id, rest)
                call.journal.note(Moment.LEG_FAILED, number=way.dialled, reason="silent")
                return Failure(HangupCause.CONGESTION, next_may_try=True)
            return await until_over(call, way, ringing, ring_seconds(call))


def shown_by(call: Call, way: Way, trunk: Trunk, route: Route) -> CallerId:
    book, origin = call.exchange.book, call.origin
    caller = book.extensions.get(origin.extension) if origin.extension else None
    payer = way.destination.payer
    return caller_id(book, route.rule, trunk, payer, origin.identity, caller=caller)


def goes_round(call: Call, shown: CallerId) -> bool:
    """Return whether the number that we would name in Diversion has sent us the call already."""
    if shown.diversion is None or not call.origin.diverted_by:
        return False
    forms = call.exchange.book.forms
    return not set(forms(shown.diversion[0])).isdisjoint(forms(call.origin.diverted_by))


async def until_over(call: Call, way: Way, ringing: Ringing, seconds: float) -> Failure | None:
    outcome = await ringing.outcome(seconds)
    if talked_unwatched(call, ringing):
        return None
    if isinstance(outcome, HangupCause):
        urgent = way.destination.kind is DestinationKind.EMERGENCY
        return failure_of(ringing, outcome, urgent=urgent)
    if way.max_seconds and way.cut_at is None:
        way = replace(way, cut_at=datetime.now(UTC) + timedelta(seconds=way.max_seconds))
    stand(call, way, ringing, outcome)
    await ringing.connect(outcome)
    await talk_until(call, outcome, way.cut_at)
    return None


def failure_of(ringing: Ringing, cause: HangupCause, *, urgent: bool) -> Failure:
    """Without an end of its own the leg was never made (the trunk's fault), or rang in vain."""
    end = ringing.end
    if not ringing.dialled:
        return Failure(HangupCause.CONGESTION, next_may_try=True)
    if end is None:
        in_vain = cause is HangupCause.NO_ANSWER
        may_try = not ringing.reached and (urgent or not in_vain)
        return Failure(cause if in_vain else HangupCause.CONGESTION, may_try)
    progressed = ringing.reached
    may_try = next_may_try(end.tech_cause, end.cause, progressed=progressed, urgent=urgent)
    return Failure(cause, may_try)


def stand(call: Call, way: Way, ringing: Ringing, winner: Line | None = None) -> None:
    legs = [winner.id] if winner else [phone.channel for phone in ringing.phones]
    call.stands(STEP, way.arguments(), bridge=ringing.bridge.id, legs=legs)


def decide(call: Call, destination: Destination) -> Decision[outbound.Outcome]:
    book = call.exchange.book
    if destination.kind is DestinationKind.EMERGENCY:
        return outbound.emergency(book, destination.number)
    return outbound.decide(book, destination.number, destination.payer)


def in_order(call: Call, route: Route, tried: Sequence[UUID]) -> Iterator[Trunk]:
    """Go through the trunks that were not tried; those that were silent just now come last."""
    left = [trunk for trunk in route.trunks if trunk.id not in tried]
    yield from sorted(left, key=lambda trunk: call.exchange.rests(trunk.id))


def exceeded(call: Call, destination: Destination) -> str | None:
    """Return the cap of the paying extension that one more outside call would exceed."""
    exchange = call.exchange
    payer = exchange.book.owner(destination.payer)
    if payer is None or destination.kind is DestinationKind.EMERGENCY:
        return None
    at_once = capped(call, payer.max_concurrent_outbound_calls, "toll.extension_calls_at_once")
    if at_once is not None and exchange.calling_out[payer.id] >= at_once:
        return "outbound_calls_at_once"
    pace = capped(call, payer.outbound_calls_per_minute, "toll.extension_calls_per_minute")
    return None if exchange.admits(payer.id, pace) else "outbound_calls_per_minute"


def exceeds(call: Call, trunk: Trunk) -> str | None:
    """Return the cap of the trunk that one more call would exceed."""
    exchange = call.exchange
    limit = trunk.max_concurrent_calls
    if limit is not None and exchange.engaged[trunk.id] >= limit:
        return "max_concurrent_calls"
    pace = capped(call, trunk.outbound_calls_per_minute, "toll.trunk_calls_per_minute")
    return None if exchange.admits(trunk.id, pace) else "outbound_calls_per_minute"


def capped(call: Call, own: int | None, key: str) -> float | None:
    """Return the row's own cap, else that of the setting; None is no cap."""
    return call.exchange.book.settings.limit(key) if own is None else own


def owner(call: Call, way: Way) -> UUID | None:
    found = call.exchange.book.owner(way.destination.payer)
    return found.id if found else None


def ring_seconds(call: Call) -> float:
    return at_least(call, "outbound.ring_seconds", RING_SECONDS)


def at_least(call: Call, key: str, default: float) -> float:
    """Return a setting in seconds; with less than one nobody could be called at all."""
    return max(call.exchange.book.number(key, default), LEAST_SECONDS)
