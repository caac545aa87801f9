"""Mailboxes: what greets, what is worth keeping, what a PIN may be, where 0 leads."""

import re
from dataclasses import replace
from uuid import UUID

from .book import Book
from .dialling import meaning
from .forwarding import Reason
from .models import Box, Destination, DestinationKind, Payer

PIN = re.compile(r"[0-9]{4,20}", re.ASCII)
BUSY = (Reason.BUSY, Reason.DND)

MOST_MESSAGES = 100

NO_PIN = "missing"
NOT_DIGITS = "not_4_to_20_digits"
THE_NUMBER = "is_the_number"
ALL_ALIKE = "all_alike"


def greeting(box: Box, reason: str) -> UUID | None:
    """Return the media file that greets; None: the exchange does, with the box's name prompt."""
    busy = box.busy_greeting if reason in BUSY else None
    return box.temporary_greeting or busy or box.greeting


def worth_keeping(seconds: float, talking: float | None, least: float) -> bool:
    """Return whether a message is long enough, and not just silence (`talking` None: unknown)."""
    return seconds >= least and (talking is None or talking > 0)


def pin_problem(pin: str, number: str) -> str | None:
    """Return why this can't be the PIN of the extension `number`; None if it can."""
    if not PIN.fullmatch(pin):
        return NOT_DIGITS
    if pin == number:
        return THE_NUMBER
    return ALL_ALIKE if len(set(pin)) == 1 else None


def most_messages(book: Book, box: Box) -> float:
    """Return how many messages the box holds."""
    if box.max_messages is not None:
        return box.max_messages
    return book.number("voicemail.max_messages", MOST_MESSAGES)


def operator(book: Book, box: Box, reason: str = "") -> Destination | None:
    """Return where 0 leads during the greeting: the extension pays, or the setting.

    None: nowhere, so 0 is no key.
    """
    payer = Payer(rule="voicemail.operator")
    if box.operator:
        diverted = (box.number, reason or Reason.UNCONDITIONAL)
        payer = Payer(extension=box.number, diverted=diverted)
    number = box.operator or book.settings.operator
    found = meaning(book, number, payer) if number else None
    if found is None or found.kind is DestinationKind.NOWHERE:
        return None
    return replace(found, by_hand=True)
