"""The loop that follows a call from destination to destination."""

from collections.abc import Awaitable, Callable

from stasis_app.call.call import Call
from stasis_app.rules.models import Destination, DestinationKind
from stasis_app.words import HangupCause

from .codes import code
from .extension import extension
from .ivr import ivr
from .mailbox import mailbox
from .outside import outside
from .queue import queue
from .record_prompt import record_prompt
from .voicemail import voicemail

Flow = Callable[[Call, Destination], Awaitable[Destination | None]]

DEFAULT_MAX_HOPS = 10


async def nowhere(call: Call, destination: Destination) -> None:
    await call.refuse(HangupCause.UNALLOCATED_NUMBER, number=destination.number)


async def unbuilt(call: Call, destination: Destination) -> None:
    """Conferences have no story yet."""
    await call.refuse(HangupCause.NOT_IMPLEMENTED, in_words=True, number=destination.number)


FLOWS: dict[DestinationKind, Flow] = {
    DestinationKind.EXTENSION: extension,
    DestinationKind.OUTSIDE: outside,
    DestinationKind.EMERGENCY: outside,
    DestinationKind.CODE: code,
    DestinationKind.IVR: ivr,
    DestinationKind.VOICEMAIL: voicemail,
    DestinationKind.MAILBOX: mailbox,
    DestinationKind.RECORD_PROMPT: record_prompt,
    DestinationKind.QUEUE: queue,
    DestinationKind.UNBUILT: unbuilt,
    DestinationKind.NOWHERE: nowhere,
}


def counts(destination: Destination) -> bool:
    """Return whether a destination is a hop: nobody has asked for it by hand."""
    return destination.kind is not DestinationKind.CODE and not destination.by_hand


async def follow(call: Call, destination: Destination | None) -> None:
    """Go through destinations until one keeps the call; a cycle ends at the hop limit.

    The first destination is no hop, nor where a code or a key leads: `calls.max_hops` counts what
    goes on by itself.
    """
    most = call.exchange.book.number("calls.max_hops", DEFAULT_MAX_HOPS)
    while destination:
        if call.hops > most:
            await call.refuse(HangupCause.LOOP_DETECTED, number=destination.number)
            return
        call.hops += counts(destination)
        call.speak(destination.language)
        call.asks(destination.asked)
        destination = await FLOWS[destination.kind](call, destination)
