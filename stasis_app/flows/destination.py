"""The loop that follows a call from destination to destination."""

from collections.abc import Awaitable, Callable

from stasis_app.call.call import Call
from stasis_app.rules.models import Destination, DestinationKind
from stasis_app.words import HangupCause

from .extension import extension

Flow = Callable[[Call, str], Awaitable[Destination | None]]

DEFAULT_MAX_HOPS = 10


async def nowhere(call: Call, number: str) -> None:
    await call.refuse(HangupCause.UNALLOCATED_NUMBER, number=number)


FLOWS: dict[DestinationKind, Flow] = {
    DestinationKind.EXTENSION: extension,
    DestinationKind.NOWHERE: nowhere,
}


async def follow(call: Call, destination: Destination | None) -> None:
    """Go through destinations until one keeps the call; a cycle ends at the hop limit.

    The first destination is no hop: `calls.max_hops` counts the forwards after it.
    """
    most = call.exchange.directory.number("calls.max_hops", DEFAULT_MAX_HOPS)
    while destination:
        if call.hops > most:
            await call.refuse(HangupCause.LOOP_DETECTED, number=destination.number)
            return
        call.hops += 1
        destination = await FLOWS[destination.kind](call, destination.number)
