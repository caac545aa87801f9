"""What a decision costs with few rows and with many: `python -m bench.lookups`.

It prints its figures as lines of JSON. A process of its own, as the application is one.
"""

import gc
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any
from uuid import UUID

from phonenumbers import PhoneMetadata

from stasis_app.rules import inbound, mirrored, outbound
from stasis_app.rules.book import Book
from stasis_app.rules.columns import Row
from stasis_app.rules.considered import Decision
from stasis_app.rules.models import Refuse
from tests.rules.build import NOW

from . import company
from .company import LARGE, SMALL, VARYING, Size
from .report import Figure, show

PART = "rules"
ASKED = 200  # calls that are decided again and again
ROUNDS = 50
FRESH, FRESH_ROUNDS = 100, 20
EDITS = 20
MOST_RATIO = 1.5

Decide = Callable[[], Decision[Any]]


@dataclass(frozen=True)
class Calls:
    """Calls of one direction in one book; `make` decides one, for a rule and a number.

    `fresh` are rules whose numbers the calls in the other book do not use.
    """

    make: Callable[[int, int], Decide]
    rules: int
    fresh: Sequence[int]

    def warm(self) -> list[Decide]:
        """Return calls over all rules, always the same."""
        step = max(self.rules // ASKED, 1)
        return [self.make(number * step % self.rules, number) for number in range(ASKED)]

    def cold(self, numbers: Iterable[int]) -> list[Decide]:
        """Return calls with numbers that were not seen before."""
        places = [(number // VARYING + number) % len(self.fresh) for number in numbers]
        return [self.make(self.fresh[p], n) for p, n in zip(places, numbers, strict=True)]


def main() -> None:
    PhoneMetadata.load_all()
    small, _ = _filled(SMALL)
    large, seconds = _filled(LARGE)
    gc.freeze()  # as the application does
    figures = [
        *_compare(
            "inbound", _inbound(small, SMALL, 0), _inbound(large, LARGE, SMALL.inbound_rules)
        ),
        *_compare("outbound", _outbound(small, SMALL), _outbound(large, LARGE)),
        *_filling(seconds),
        *_slices(large),
    ]
    show(figures)


def _filled(size: Size) -> tuple[Book, dict[str, float]]:
    """Return a book, and the seconds that filling each of its tables took."""
    book, seconds = Book(), {}
    for table, rows in company.rows(size).items():
        started = time.perf_counter()
        book.shelf(table).put(rows)
        seconds[table] = time.perf_counter() - started
    return book, seconds


def _inbound(book: Book, size: Size, first: int) -> Calls:
    trunk = book.trunks.items[UUID(int=1)]

    def make(place: int, number: int) -> Decide:
        return partial(inbound.decide, book, company.incoming(trunk, place, number))

    return Calls(make, size.inbound_rules, range(first, size.inbound_rules, 2))


def _outbound(book: Book, size: Size) -> Calls:
    def make(place: int, number: int) -> Decide:
        return partial(outbound.decide, book, *company.outgoing(size, place, number))

    return Calls(make, size.outbound_rules, range(size.outbound_rules))


def _compare(name: str, small: Calls, large: Calls) -> Iterator[Figure]:
    """Decide in turn with few and with many rows."""
    few, many = small.warm(), large.warm()
    if any(isinstance(decide().outcome, Refuse) for decide in (*few, *many)):
        raise RuntimeError(f"an {name} call was refused")
    warm = [(_cost(few), _cost(many)) for _ in range(ROUNDS)]
    numbers = itertools.count(VARYING)
    cold = [
        tuple(_cost(c.cold(list(itertools.islice(numbers, FRESH)))) for c in (small, large))
        for _ in range(FRESH_ROUNDS)
    ]
    for kind, costs, most in (("warm", warm, MOST_RATIO), ("cold", cold, None)):
        least, greatest = (median(cost) for cost in zip(*costs, strict=True))
        yield Figure(PART, f"{name}, {kind}, few rows", least, "us")
        yield Figure(PART, f"{name}, {kind}, many rows", greatest, "us")
        yield Figure(PART, f"{name}, {kind}, many to few", greatest / least, "x", None, most)


def _cost(calls: Sequence[Decide]) -> float:
    """Return the microseconds that a decision takes."""
    started = time.perf_counter()
    for decide in calls:
        decide()
    return (time.perf_counter() - started) / len(calls) * 1e6


def _filling(seconds: dict[str, float]) -> Iterator[Figure]:
    for table, spent in seconds.items():
        yield Figure(PART, f"to fill {table}", spent, "s")
    yield Figure(PART, "to fill the book", sum(seconds.values()), "s")


def _slices(book: Book) -> Iterator[Figure]:
    """Look at what is done in one piece while all calls wait."""
    rule = company.rows(SMALL)["outbound_rules"][0]
    changed = [_milliseconds(partial(_change, book, rule)) for _ in range(EDITS)]
    yield Figure(PART, "outbound, first call after a rule has changed", median(changed), "ms")
    emergency = [_milliseconds(partial(outbound.emergency, book, "112")) for _ in range(EDITS)]
    yield Figure(PART, "outbound, emergency call", median(emergency), "ms")
    told = [_milliseconds(partial(_what_asterisk_is_told, book)) for _ in range(EDITS)]
    yield Figure(PART, "what Asterisk is told, after each change", median(told), "ms")


def _what_asterisk_is_told(book: Book) -> None:
    """Do what clocks/mirror.py does between two requests."""
    mirrored.host_names(book)
    mirrored.objects(book, {})
    mirrored.global_variables(book)
    mirrored.lamps(book)
    mirrored.denied(book, NOW)


def _change(book: Book, rule: Row) -> None:
    book.outbound_rules.forget([rule["id"]])
    book.outbound_rules.put([rule])
    number, payer = company.outgoing(LARGE, 0, 0)
    outbound.decide(book, number, payer)


def _milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
