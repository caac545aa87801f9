"""What a dialled number means."""

from .book import Book
from .codes import CallAnonymously, Direct, FeatureCode, OpenMailbox, Record, feature_code
from .inbound import to_menu, to_queue
from .models import Destination, DestinationKind, Extension, MailboxVisit, Payer
from .numbers import dialled
from .outbound import DIALABLE

OWN_BOX = "voicemail"


def meaning(book: Book, raw: str, payer: Payer, *, by_hand: bool = False) -> Destination:
    """Return the destination that `raw` stands for; NOWHERE when it can't be a number.

    What a person dials may be an emergency number or a feature code; of those a row may hold
    `*95<number>` alone, and the word `voicemail` for the box of who pays. Whoever dials the own
    number opens the own mailbox.
    An extension's number is looked for as it was dialled first: a row may have a dash in it.
    """
    number = dialled(raw)
    help_at = emergency_number(book, raw) if by_hand else None
    if help_at:
        return Destination(DestinationKind.EMERGENCY, help_at, payer)
    for form in (raw, number):
        found = book.extension(form)
        if found and not found.deleted:
            return _extension(book, found, payer, by_hand=by_hand)
    named = _named(book, number, payer)
    if named:
        return named
    asked = feature_code(number)
    if isinstance(asked, Direct):
        return _message_for(book, book.extension(asked.number), raw, payer)
    if asked and by_hand:
        return _code(book, asked, number, payer)
    if is_own_box(raw) and not by_hand:
        return _message_for(book, book.owner(payer), raw, payer)
    if DIALABLE.fullmatch(number):
        return Destination(DestinationKind.OUTSIDE, number, payer)
    return Destination(DestinationKind.NOWHERE, raw, payer)


def is_own_box(raw: str) -> bool:
    """Return whether a row says `voicemail` instead of a number."""
    return raw.strip().lower() == OWN_BOX


def emergency_number(book: Book, raw: str) -> str | None:
    """Return the emergency number that a person dials, be it with the code to stay unknown."""
    asked = feature_code(dialled(raw))
    number = asked.number if isinstance(asked, CallAnonymously) else dialled(raw)
    return number if number in book.settings.emergency_numbers else None


def withholds(raw: str) -> bool:
    """Return whether a person dials with the code that keeps the own number back."""
    return isinstance(feature_code(dialled(raw)), CallAnonymously)


def _extension(book: Book, found: Extension, payer: Payer, *, by_hand: bool) -> Destination:
    if by_hand and found.number == payer.extension and book.box_of(found):
        return _mailbox(book, found.number, payer, MailboxVisit.OWN)
    return Destination(DestinationKind.EXTENSION, found.number, payer)


def _named(book: Book, number: str, payer: Payer) -> Destination | None:
    """Return the queue, conference or menu that has this number, in this order."""
    queue = book.queues.at(number)
    if queue and queue.active:
        return to_queue(queue, payer)
    found = book.conferences.at(number)
    if found and found.active:
        return Destination(DestinationKind.UNBUILT, found.name, payer)
    menu = book.ivr_menus.at(number)
    return to_menu(menu, payer) if menu else None


def _message_for(book: Book, owner: Extension | None, raw: str, payer: Payer) -> Destination:
    """A message is left for `owner`; a forward says why."""
    box = book.box_of(owner)
    if owner is None or box is None:
        return Destination(DestinationKind.NOWHERE, raw, payer)
    reason = payer.diverted[1] if payer.diverted else ""
    return Destination(DestinationKind.VOICEMAIL, owner.number, payer, id=box.id, reason=reason)


def _code(book: Book, asked: FeatureCode, number: str, payer: Payer) -> Destination:
    if isinstance(asked, Record):
        media = book.media_files.at(asked.code)
        identity = media.id if media else None
        return Destination(DestinationKind.RECORD_PROMPT, asked.code, payer, id=identity)
    if isinstance(asked, OpenMailbox) and asked.own:
        return _mailbox(book, payer.extension or "", payer, MailboxVisit.OWN)
    if isinstance(asked, OpenMailbox):
        return _mailbox(book, asked.number, payer, MailboxVisit.ANY)
    return Destination(DestinationKind.CODE, number, payer)


def _mailbox(book: Book, number: str, payer: Payer, visit: MailboxVisit) -> Destination:
    """Who opens the box of a number that has none is told so no sooner than after the PIN."""
    box = book.box_of(book.extension(number))
    identity = box.id if box else None
    return Destination(DestinationKind.MAILBOX, number, payer, id=identity, reason=visit)
