"""Whom a queue calls back, and over which trunks. A false caller id must not cost money."""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import phonenumbers
from phonenumbers import PhoneNumberType

from stasis_app.words import HangupCause

from .book import Book
from .caller_id import CallerId
from .inbound import sends_on
from .models import Extension, Payer, Refuse
from .numbers import parse
from .outbound import ABROAD, Outcome, decide
from .queues import Queue
from .toll import Toll, toll

CALLS_ABROAD = "queues.callback_abroad"
RING_SECONDS, LEAST_RING_SECONDS = 45.0, 5.0
ACCEPT_SECONDS = 8.0
TIMES_ASKED = 2
SPOKEN_SECONDS = 15.0
"""So long the sentence may be that asks whether the call is accepted."""

DIGITS = re.compile(r"\+?[0-9]+", re.ASCII)
USUAL_TYPES = frozenset(
    (
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
        PhoneNumberType.VOIP,
    )
)
DEAR = Refuse(HangupCause.FORBIDDEN, "callback_dear")
NO_NUMBER = Refuse(HangupCause.INVALID_NUMBER, "callback_no_number")


@dataclass(frozen=True, slots=True)
class Callback:
    """A row of `queue_callbacks` that waits. `language` is what the rules on the way said."""

    id: UUID
    queue: UUID
    number: str
    name: str
    language: str
    priority: int
    skills: tuple[str, ...]
    joined_at: datetime
    attempts: int
    next_try_at: datetime


def payer(queue: Queue) -> Payer:
    """Return who pays: the queue, as for any number in its row."""
    return sends_on(f"queue {queue.name}", "")


def own_number(
    book: Book, queue: Queue, caller: CallerId, extension: Extension | None
) -> str | None:
    """Return the number at which a caller can be called back; None: not at all.

    That of an `extension` is dialled inside. Nobody outside can have one.
    """
    if extension:
        return extension.number
    if caller.private or book.extension(caller.number):
        return None
    return None if isinstance(route(book, queue, caller.number), Refuse) else caller.number


def route(book: Book, queue: Queue, number: str) -> Outcome:
    """Return the way out to somebody outside who wants to be called back."""
    refusal = _refused(book, number)
    if refusal:
        return refusal
    found = decide(book, number, payer(queue)).outcome
    if isinstance(found, Refuse):
        return found
    return DEAR if _is_dear(book, found.number) else found


def _refused(book: Book, number: str) -> Refuse | None:
    """No short number, none that costs more than usual, none abroad unless it is allowed."""
    country = book.settings.country
    if not DIGITS.fullmatch(number) or toll(number, country) is Toll.UNKNOWN:
        return NO_NUMBER
    parsed = parse(number, country)
    if parsed is None or phonenumbers.number_type(parsed) not in USUAL_TYPES:
        return DEAR
    return DEAR if _is_dear(book, number) else None


def _is_dear(book: Book, number: str) -> bool:
    return toll(number, book.settings.country) in ABROAD and not book.settings.flag(CALLS_ABROAD)


def ring_seconds(book: Book, most: float) -> float:
    """Return how long it rings at who is called back: an agent waits for it meanwhile."""
    found = book.number("queues.callback_ring_seconds", RING_SECONDS)
    return min(max(found, LEAST_RING_SECONDS), most)


def reserved_seconds(book: Book, most: float) -> float:
    """Return how long it may take until who is called back has accepted the call."""
    asked = TIMES_ASKED * (SPOKEN_SECONDS + ACCEPT_SECONDS)
    return ring_seconds(book, most) + asked
