"""Entering a story where a process that is gone has left it."""

from collections.abc import Awaitable, Callable

from stasis_app.call.call import Call
from stasis_app.call.exchange import Present
from stasis_app.call.journal import Position
from stasis_app.rules.models import Destination
from stasis_app.rules.numbers import meaning

from . import extension
from .destination import follow

ARRIVAL = "arrival"

Reentry = Callable[[Call, Position, Present], Awaitable[Destination | None]]

STEPS: dict[str, Reentry] = {extension.STEP: extension.ring_again}


async def resume(call: Call, position: Position, asterisk: Present) -> None:
    """Continue an adopted call. A call that stood at its arrival begins anew."""
    exchange = call.exchange
    caller = call.caller_extension
    if position.step == ARRIVAL:
        destination = meaning(position.arguments["number"], exchange.directory.extension)
        story = follow(call, destination)
    else:
        story = _continue(call, position, asterisk)
    if caller is None:
        await story
        return
    with exchange.engage(caller):
        await story


async def _continue(call: Call, position: Position, asterisk: Present) -> None:
    await follow(call, await STEPS[position.step](call, position, asterisk))
