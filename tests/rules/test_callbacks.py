"""Whom a queue may call back."""

from typing import Any
from uuid import UUID

import pytest

from stasis_app.rules.book import Book
from stasis_app.rules.callbacks import own_number, reserved_seconds, ring_seconds, route
from stasis_app.rules.caller_id import CallerId
from stasis_app.rules.models import Refuse
from stasis_app.rules.outbound import Route

from .build import book as book_of
from .build import extension_row, outbound_row, queue_row, trunk_row

EVERYTHING = "^[0-9+]"


def book(pattern: str = EVERYTHING, settings: dict[str, Any] | None = None, **rule: Any) -> Book:
    return book_of(
        extensions=[extension_row("1001")],
        trunks=[trunk_row(1)],
        outbound_rules=[outbound_row(1, pattern, **rule)],
        queues=[queue_row(9)],
        settings=settings,
    )


def number(book: Book, caller: str, private: bool = False) -> str | None:
    queue = book.queues.items[UUID(int=9)]
    return own_number(book, queue, CallerId(caller, private=private), None)


@pytest.mark.parametrize(
    ("caller", "called"),
    [
        ("+493023125000", True),
        ("03023125000", True),
        ("+4917139200001", True),
        ("017139200001", True),
        ("+442079460018", False),
        ("00442079460018", False),
        ("+881612345678", False),
        ("+499001234567", False),
        ("09001234567", False),
        ("01801234567", False),
        ("+4990012345678", False),
        ("0118123", False),
        ("11833", False),
        ("112", False),
        ("110", False),
        ("", False),
        ("anonymous", False),
        ("anna", False),
        ("03023125000#", False),
        ("03023125000*1", False),
        ("+", False),
        ("1001", False),
    ],
)
def test_numbers(caller: str, called: bool) -> None:
    assert number(book(), caller) == (caller if called else None)


def test_who_withholds_the_number() -> None:
    assert number(book(), "03023125000", private=True) is None


def test_an_extension_is_called_inside() -> None:
    found = book()
    queue, extension = found.queues.items[UUID(int=9)], found.extension("1001")
    assert own_number(found, queue, CallerId("1001"), extension) == "1001"


def test_abroad_if_it_is_allowed() -> None:
    allowed = book(settings={"queues.callback_abroad": True})
    assert number(allowed, "+442079460018") == "+442079460018"
    assert number(allowed, "+449098790000") is None, "dear numbers there are not"
    assert number(book(settings={"queues.callback_abroad": "yes"}), "+442079460018") is None


def test_without_a_way_out() -> None:
    assert number(book("^00"), "03023125000") is None


def test_what_is_sent_must_not_lead_abroad() -> None:
    found = book("^0", strip_digits=1, prepend="0044")
    queue = found.queues.items[UUID(int=9)]
    assert isinstance(route(found, queue, "02079460018"), Refuse)


def test_the_queue_pays() -> None:
    """No role and no right of an extension is asked."""
    found = book(allowed_for_roles=["admin"])
    outcome = route(found, found.queues.items[UUID(int=9)], "+493023125000")
    assert isinstance(outcome, Route)
    assert outcome.number in ("+493023125000", "03023125000")


@pytest.mark.parametrize(
    ("setting", "most", "seconds"),
    [(None, 120, 45), (20, 120, 20), (0, 120, 5), (300, 120, 120), (45, 10, 10)],
)
def test_seconds(setting: float | None, most: float, seconds: float) -> None:
    settings = {} if setting is None else {"queues.callback_ring_seconds": setting}
    found = book(settings=settings)
    assert ring_seconds(found, most) == seconds
    assert reserved_seconds(found, most) > seconds + 16
