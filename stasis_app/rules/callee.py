"""A call for an extension, decided with all that the book knows: its row, its user's hours."""

from datetime import datetime
from uuid import UUID

from . import forwarding
from .book import Book
from .dialling import meaning
from .forwarding import Forward, Verdict
from .inbound import caller_forms
from .models import Destination, Extension, Payer

RING_SECONDS = 30.0


def decide(
    book: Book, callee: Extension, *, caller: UUID | None, number: str, at: datetime, engaged: int
) -> Verdict:
    """Decide before any phone rings; `caller` is the extension that calls, `number` what is shown.

    `engaged` counts the extension's calls without this one.
    """
    return forwarding.on_arrival(
        callee,
        caller=caller,
        engaged=engaged,
        default_ring_seconds=book.number("calls.default_ring_seconds", RING_SECONDS),
        closed=is_closed(book, callee, number, at),
    )


def is_closed(book: Book, callee: Extension, number: str, at: datetime) -> bool:
    """Return whether the time profile of the extension's user keeps this caller out."""
    user = book.user_of(callee)
    if user is None or not book.is_closed(user.time_profile, at):
        return False
    return not book.is_welcome(caller_forms(book, number))


def onward(book: Book, number: str, forward: Forward) -> Destination:
    """Return where the extension `number` sends a call on to: it pays for what that costs."""
    payer = Payer(extension=number, diverted=(number, forward.reason))
    return meaning(book, forward.number, payer)
