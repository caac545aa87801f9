"""Reaching who is to be called back: at an extension, or over the first trunk that takes it."""

from contextlib import ExitStack
from dataclasses import replace
from uuid import UUID

from stasis_app.call import causes
from stasis_app.call.exchange import Exchange
from stasis_app.call.outgoing import Outgoing, Reach
from stasis_app.call.ringing import Phone
from stasis_app.call.trunk_leg import identity, is_silent
from stasis_app.rules import callbacks as rules
from stasis_app.rules import queueing
from stasis_app.rules.caller_id import CallerId, caller_id
from stasis_app.rules.models import Extension, Refuse, Trunk
from stasis_app.rules.outbound import Route
from stasis_app.rules.queues import Queue
from stasis_app.words import HangupCause, Moment

from .callback_errand import STEP, Errand
from .extension import phones
from .outside import (
    NO_TRUNK_LEFT,
    REST_SECONDS,
    SILENT_SECONDS,
    Failure,
    at_least,
    exceeds,
    failure_of,
    in_order,
    ring_seconds,
)

__all__ = ["queue_of", "reach", "ring_seconds"]


async def reach(call: Outgoing, errand: Errand, occupied: ExitStack) -> Errand | HangupCause:
    """Dial until somebody answers; then the errand says over what, which `occupied` holds."""
    book, number = call.exchange.book, errand.wanted.number
    extension = book.extension(number)
    if extension:
        return await _inside(call, errand, extension, occupied)
    route = rules.route(book, queue_of(call.exchange, errand), number)
    if isinstance(route, Refuse):
        call.journal.note(Moment.REFUSED, cause=route.cause, reason=route.reason)
        return route.cause
    call.journal.note(Moment.ROUTED, rule=route.rule.name if route.rule else None, to=route.number)
    failure = NO_TRUNK_LEFT
    for trunk in in_order(call, route, ()):
        full = exceeds(call, trunk)
        if full:
            call.journal.note(Moment.TRUNK_SKIPPED, trunk=trunk.name, reason=full)
            continue
        tried = replace(errand, over=trunk.id)
        outcome = await _outside(call, tried, trunk, route, occupied)
        if outcome is None:
            return tried
        failure = outcome
        if not failure.next_may_try:
            break
    return failure.cause


def queue_of(exchange: Exchange, errand: Errand) -> Queue:
    """Return the queue of an errand, also one whose row has gone."""
    return queueing.queue_of(exchange.book, errand.wanted.queue)


async def _inside(
    call: Outgoing, errand: Errand, extension: Extension, occupied: ExitStack
) -> Errand | HangupCause:
    """Ring the phones of an extension. Its forwards are for other callers."""
    if not extension.active:
        return HangupCause.UNAVAILABLE
    book, queue = call.exchange.book, queue_of(call.exchange, errand)
    shows = identity(CallerId(queue.number or queue.name, queue.name))
    first, *others = phones(call, extension.number, book.contacts(extension.id))
    first = first._replace(channel=call.new_leg())
    legs = [phone._replace(variables=shows) for phone in (first, *others)]
    errand = replace(errand, over=extension.id)
    outcome = await _dial(call, errand, extension.id, Reach(call, extension.number, legs), occupied)
    return errand if outcome is None else outcome.cause


async def _outside(
    call: Outgoing, errand: Errand, trunk: Trunk, route: Route, occupied: ExitStack
) -> Failure | None:
    payer = rules.payer(queue_of(call.exchange, errand))
    shown = caller_id(call.exchange.book, route.rule, trunk, payer, CallerId(""))
    endpoint = f"PJSIP/{route.number}@{trunk.endpoint}"
    leg = Phone(call.new_leg(), endpoint, identity(shown))
    reaching = Reach(call, route.number, [leg], causes.of_carrier)
    call.goes_out(trunk.id)
    call.journal.note(Moment.DIALLED_OUT, trunk=trunk.name, number=route.number)
    return await _dial(call, errand, trunk.id, reaching, occupied, may_be_silent=False)


async def _dial(
    call: Outgoing,
    errand: Errand,
    owner: UUID,
    reaching: Reach,
    occupied: ExitStack,
    *,
    may_be_silent: bool = True,
) -> Failure | None:
    """Return None when somebody has answered, who occupies the trunk or extension from then on."""
    exchange = call.exchange
    call.stands(STEP, errand.arguments())
    with ExitStack() as busy:
        busy.enter_context(exchange.engaged.hold(owner))
        async with reaching:
            await reaching.dial()
            silent = at_least(call, "trunks.silent_seconds", SILENT_SECONDS)
            if not may_be_silent and await is_silent(reaching, silent):
                exchange.rest(owner, exchange.book.number("trunks.rest_seconds", REST_SECONDS))
                call.journal.note(Moment.LEG_FAILED, number=reaching.label, reason="silent")
                return NO_TRUNK_LEFT
            seconds = rules.ring_seconds(exchange.book, ring_seconds(call))
            outcome = await reaching.outcome(seconds)
            if isinstance(outcome, HangupCause):
                return failure_of(reaching, outcome, urgent=False)
        occupied.push(busy.pop_all())
    return None
