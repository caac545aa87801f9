"""Entering a story where a process that is gone has left it."""

from collections.abc import Awaitable, Callable

from stasis_app.call.arrival import Arrival
from stasis_app.call.call import REFUSAL, Call
from stasis_app.call.present import Present
from stasis_app.rules.models import Destination, Position
from stasis_app.words import HangupCause

from . import codes, extension, outside
from .arrival import begin
from .destination import follow

ARRIVAL = "arrival"

Reentry = Callable[[Call, Position, Present], Awaitable[Destination | None]]

STEPS: dict[str, Reentry] = {
    extension.STEP: extension.ring_again,
    outside.STEP: outside.go_on,
    codes.STEP: codes.write_again,
}


async def resume(call: Call, position: Position, asterisk: Present) -> None:
    """Continue an adopted call. A call that stood at its arrival begins anew."""
    exchange = call.exchange
    if position.step == REFUSAL:
        await call.refuse(HangupCause(position.arguments["cause"]))
        return
    if position.step == ARRIVAL:
        arguments = position.arguments
        await begin(call, Arrival(call.origin, arguments["endpoint"], arguments["number"]))
        return
    with exchange.engaged.hold(call.origin.extension or call.origin.trunk):
        await follow(call, await STEPS[position.step](call, position, asterisk))
