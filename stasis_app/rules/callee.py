"""A call for an extension, decided with all that the book knows: its row, its user's hours."""

from datetime import datetime
from uuid import UUID

from stasis_app.words import HangupCause

from . import forwarding
from .book import Book
from .dialling import meaning
from .forwarding import Forward, LeaveMessage, NoRing, Verdict
from .inbound import caller_forms
from .models import Destination, DestinationKind, Extension, Payer
from .spoken import Language, language

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
        voicemail=book.box_of(callee) is not None,
    )


def after_failure(book: Book, callee: Extension, cause: HangupCause) -> NoRing:
    """Decide after the phones have failed together for this cause."""
    voicemail = book.box_of(callee) is not None
    return forwarding.on_failure(callee, cause, voicemail=voicemail)


def is_closed(book: Book, callee: Extension, number: str, at: datetime) -> bool:
    """Return whether the time profile of the extension's user keeps this caller out."""
    user = book.user_of(callee)
    if user is None or not book.is_closed(user.time_profile, at):
        return False
    return not book.is_welcome(caller_forms(book, number))


def onward(book: Book, number: str, verdict: Forward | LeaveMessage) -> Destination:
    """Return where the extension `number` sends a call on to: it pays for what that costs."""
    payer = Payer(extension=number, diverted=(number, verdict.reason))
    if isinstance(verdict, Forward):
        return meaning(book, verdict.number, payer)
    box = book.box_of(book.extension(number))
    kind = DestinationKind.VOICEMAIL if box else DestinationKind.NOWHERE
    return Destination(kind, number, payer, id=box.id if box else None, reason=verdict.reason)


def spoken(book: Book, said: str, callee: Extension | None = None) -> Language:
    """Return what a caller hears sentences in: the language of the rule or menu (`said`).

    Else that of the called extension's user, else that of the setting.
    """
    user = book.user_of(callee)
    own = said.strip() or (user.language.strip() if user else "")
    return language(own) if own else book.settings.language
