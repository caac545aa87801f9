"""What a dialled number means."""

from .book import Book
from .codes import CallAnonymously, feature_code
from .models import Destination, DestinationKind, Payer
from .numbers import dialled
from .outbound import DIALABLE


def meaning(book: Book, raw: str, payer: Payer, *, by_hand: bool = False) -> Destination:
    """Return the destination that `raw` stands for; NOWHERE when it can't be a number.

    What a person dials may be an emergency number or a feature code, what a row holds may not.
    An extension's number is looked for as it was dialled first: a row may have a dash in it.
    """
    number = dialled(raw)
    help_at = emergency_number(book, raw) if by_hand else None
    if help_at:
        return Destination(DestinationKind.EMERGENCY, help_at, payer)
    for form in (raw, number):
        found = book.extension(form)
        if found and not found.deleted:
            return Destination(DestinationKind.EXTENSION, form, payer)
    for shelf in (book.queues, book.conferences):
        named = shelf.at(number)
        if named and named.active:
            return Destination(DestinationKind.UNBUILT, f"{named.name}", payer)
    if by_hand and feature_code(number):
        return Destination(DestinationKind.CODE, number, payer)
    if DIALABLE.fullmatch(number):
        return Destination(DestinationKind.OUTSIDE, number, payer)
    return Destination(DestinationKind.NOWHERE, raw, payer)


def emergency_number(book: Book, raw: str) -> str | None:
    """Return the emergency number that a person dials, be it with the code to stay unknown."""
    asked = feature_code(dialled(raw))
    number = asked.number if isinstance(asked, CallAnonymously) else dialled(raw)
    return number if number in book.settings.emergency_numbers else None


def withholds(raw: str) -> bool:
    """Return whether a person dials with the code that keeps the own number back."""
    return isinstance(feature_code(dialled(raw)), CallAnonymously)
