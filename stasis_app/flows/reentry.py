"""Entering a story where a process that is gone has left it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from stasis_app.call.arrival import Arrival
from stasis_app.call.call import ASKED, REFUSAL, SAID_LANGUAGE, Call
from stasis_app.call.exchange import Exchange
from stasis_app.call.journal import Journal
from stasis_app.call.present import Present
from stasis_app.rules.models import Asked, Destination, Position
from stasis_app.words import HangupCause

from . import (
    agent_codes,
    callback,
    codes,
    extension,
    ivr,
    mailbox,
    mailbox_visit,
    outside,
    queue,
    record_prompt,
    voicemail,
)
from .arrival import begin
from .destination import follow

ARRIVAL = "arrival"

Reentry = Callable[[Call, Position, Present], Awaitable[Destination | None]]

STEPS: dict[str, Reentry] = {
    extension.STEP: extension.ring_again,
    outside.STEP: outside.go_on,
    codes.STEP: codes.write_again,
    agent_codes.STEP: agent_codes.go_on,
    ivr.STEP: ivr.go_on,
    voicemail.STEP: voicemail.go_on,
    mailbox_visit.STEP: mailbox.go_on,
    record_prompt.STEP: record_prompt.go_on,
    queue.STEP: queue.go_on,
    callback.STEP: callback.go_on,
}


def place_of(arrival: Arrival) -> dict[str, Any]:
    """Return what `call_positions.arguments` holds of a call that stands at its arrival."""
    return {
        "number": arrival.number,
        "endpoint": arrival.endpoint,
        "user_agent": arrival.user_agent,
        "diverted_by": arrival.origin.diverted_by,
    }


def arrived_at(call: Call, place: Mapping[str, Any]) -> Arrival:
    """Read what `place_of` wrote; the channel's own arguments are not asked again."""
    call.origin = replace(call.origin, diverted_by=place["diverted_by"])
    return Arrival(call.origin, place["endpoint"], place["number"], place["user_agent"])


async def resume(call: Call, position: Position, asterisk: Present) -> None:
    """Continue an adopted call. A call that stood at its arrival begins anew."""
    exchange = call.exchange
    call.hush(position)
    call.speak(position.arguments.get(SAID_LANGUAGE, ""))
    priority, skills = position.arguments.get(ASKED, (None, None))
    call.asks(Asked(priority, None if skills is None else tuple(skills)))
    if position.step == REFUSAL:
        await call.refuse(HangupCause(position.arguments["cause"]))
        return
    if position.step == ARRIVAL:
        await begin(call, arrived_at(call, position.arguments))
        return
    with exchange.engaged.hold(call.origin.extension or call.origin.trunk):
        await follow(call, await STEPS[position.step](call, position, asterisk))


def waits(position: Position) -> bool:
    """Return whether a call stood in the line of a queue."""
    return position.step == queue.STEP and queue.waits(position)


def close_books(
    exchange: Exchange, journal: Journal, position: Position, at: datetime, *, cut_off: bool
) -> None:
    """Note what else is over of a call that ended while nobody was watching.

    It was `cut_off` if Asterisk has ended it.
    """
    if position.step == queue.STEP:
        queue.was_over(exchange, journal, position, at, cut_off=cut_off)
    elif position.step == callback.STEP:
        callback.was_over(exchange, journal, position)
