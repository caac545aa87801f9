"""Entering a story where a process that is gone has left it."""

from collections.abc import Awaitable, Callable

from stasis_app.call.call import REFUSAL, Call
from stasis_app.call.present import Present
from stasis_app.rules.models import Destination, Position
from stasis_app.words import HangupCause

from . import extension
from .arrival import from_phone
from .destination import follow

ARRIVAL = "arrival"

Reentry = Callable[[Call, Position, Present], Awaitable[Destination | None]]

STEPS: dict[str, Reentry] = {extension.STEP: extension.ring_again}


async def resume(call: Call, position: Position, asterisk: Present) -> None:
    """Continue an adopted call. A call that stood at its arrival begins anew."""
    exchange = call.exchange
    if position.step == REFUSAL:
        await call.refuse(HangupCause(position.arguments["cause"]))
        return
    if position.step == ARRIVAL:
        caller = exchange.directory.extension(position.arguments["caller"])
        await from_phone(call, caller, position.arguments["number"])
        return
    with exchange.engage(call.caller_extension):
        await follow(call, await STEPS[position.step](call, position, asterisk))
