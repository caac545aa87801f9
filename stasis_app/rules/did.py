"""DIDs: patterns as Asterisk users know them, their order, and the ranges a trunk may deliver."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from .numbers import DIGITS, MARKS, bare, canonical, international

T = TypeVar("T")

WILDCARDS = {"X": DIGITS, "Z": DIGITS - {"0"}, "N": DIGITS - {"0", "1"}}
FURTHER = {".": 1, "!": 0}
LONGEST_PATTERN = 50
# a literal can grow by '+' and a calling code
LONGEST_LITERAL = LONGEST_PATTERN + 4

NAME = re.compile(r"[^_+\[\]][^+\[\]]*")
CHARACTER_CLASS = re.compile(r"\[([^\[\]]*)\]")
CLASS_ITEM = re.compile(r"([0-9])(?:-([0-9]))?")


class PatternError(ValueError):
    """A pattern, range or list entry from a row cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class DidPattern:
    """`literal`, then a character of each of `classes`, then `further` or more digits.

    `literal` is in E.164 where the pattern tells it. `further` None: nothing may follow.
    """

    raw: str
    literal: str
    classes: tuple[frozenset[str], ...] = ()
    further: int | None = None

    @property
    def exact(self) -> bool:
        return not self.classes and self.further is None

    @property
    def takes_all(self) -> bool:
        """Tell whether it is a catch-all: '.', '!' or 'X.'. Those take names and nothing too."""
        return not self.literal and self.further is not None and self.classes in ((), (DIGITS,))

    @property
    def specificity(self) -> tuple[bool, int]:
        """A key to sort by: exact numbers first, then by length of the literal part."""
        return not self.exact, -len(self.literal)

    def matches(self, form: str) -> bool:
        """Tell whether it matches one form of a number (see `numbers.forms`)."""
        if self.takes_all:
            return True
        middle = len(self.literal) + len(self.classes)
        places, rest = form[len(self.literal) : middle], form[middle:]
        return (
            form.startswith(self.literal)
            and len(places) == len(self.classes)
            and all(one in allowed for one, allowed in zip(places, self.classes, strict=True))
            and (not rest if self.further is None else len(rest) >= self.further)
            and DIGITS.issuperset(rest)
        )


def did_pattern(raw: str, country: str) -> DidPattern:
    """Return the pattern that a row means; raise PatternError if it can't be one.

    Digits and '+', X = 0-9, Z = 1-9, N = 2-9, classes as [15-7], and at the end '.' for one or
    more further digits or '!' for any number of them; '_' before it, lower case, and separators
    make no difference. Anything with other characters is a name that a carrier calls us by.
    """
    text = raw.strip()
    if not text:
        raise PatternError("is empty")
    if len(text) > LONGEST_PATTERN:
        raise PatternError(f"has more than {LONGEST_PATTERN} characters")
    if _is_name(text):
        return DidPattern(raw, _name(text))
    body = text.removeprefix("_").rstrip()
    further = FURTHER.get(body[-1:])
    places = list(_places(body if further is None else body[:-1]))
    if further is None and not any(DIGITS.intersection(place) for place in places):
        raise PatternError(f"'{text}' has no digit")
    return _from_places(raw, places, further, country)


def covers(wider: DidPattern, narrower: DidPattern) -> bool:
    """Tell whether every number of `narrower` is one of `wider`; False when unsure."""
    if wider.takes_all:
        return True
    if narrower.takes_all or wider.exact:
        return wider.literal == narrower.literal and narrower.exact
    if narrower.exact:
        return wider.matches(narrower.literal)
    if wider.further is None and narrower.further is not None:
        return False
    theirs, ours = _all_places(narrower), _all_places(wider)
    least = len(theirs) + (narrower.further or 0)
    if least < len(ours) + (wider.further or 0):
        return False
    if wider.further is None and len(theirs) != len(ours):
        return False
    theirs += [DIGITS] * (least - len(theirs))
    ours += [DIGITS] * (least - len(ours))
    return all(place <= other for place, other in zip(theirs, ours, strict=True))


_Bucket = dict[DidPattern, list[tuple[int, T]]]


class DidIndex(Generic[T]):
    """Items by DID pattern. The cost of a look-up does not grow with their number."""

    def __init__(self) -> None:
        self._exact: dict[str, _Bucket[T]] = {}
        self._patterns: dict[str, _Bucket[T]] = {}
        self._added = 0

    def add(self, pattern: DidPattern, item: T) -> None:
        bucket = self._side(pattern).setdefault(pattern.literal, {})
        self._added += 1
        bucket.setdefault(pattern, []).append((self._added, item))

    def remove(self, pattern: DidPattern, item: T) -> None:
        """Remove an item; one that is not there is none to remove."""
        side = self._side(pattern)
        bucket = side.get(pattern.literal, {})
        entries = bucket.get(pattern, [])
        at = next((at for at, (_, other) in enumerate(entries) if other == item), None)
        if at is None:
            return
        del entries[at]
        if not entries:
            del bucket[pattern]
        if not bucket:
            del side[pattern.literal]

    def find(self, forms: Sequence[str]) -> list[tuple[DidPattern, T]]:
        """Return what matches any of the forms: most specific first, then as they were added."""
        found: dict[DidPattern, list[tuple[int, T]]] = {}
        for form in forms:
            found.update(self._exact.get(form, {}))
            for bucket in self._buckets(form):
                found.update((one, bucket[one]) for one in bucket if one.matches(form))
        entries = [
            (pattern.specificity, order, pattern, item)
            for pattern, items in found.items()
            for order, item in items
        ]
        entries.sort(key=lambda entry: entry[:2])
        return [(pattern, item) for _, _, pattern, item in entries]

    def _side(self, pattern: DidPattern) -> dict[str, _Bucket[T]]:
        return self._exact if pattern.exact else self._patterns

    def _buckets(self, form: str) -> Iterator[_Bucket[T]]:
        for length in range(min(len(form), LONGEST_LITERAL) + 1):
            bucket = self._patterns.get(form[:length])
            if bucket:
                yield bucket


@dataclass(frozen=True, slots=True)
class DidRange:
    """The numbers from `start` to `end`, both included, of equal length and in the same form."""

    start: str
    end: str

    def contains(self, form: str) -> bool:
        digits = form.removeprefix("+")
        same_form = len(form) == len(self.start) and digits.isascii() and digits.isdigit()
        return same_form and self.start <= form <= self.end


NO_NUMBER = DidRange("none", "none")
"""Contains nothing."""


def did_ranges(value: object, country: str) -> tuple[DidRange, ...]:
    """Return the ranges of `trunks.did_ranges`: `[{"start": "+4930…00", "end": "+4930…99"}]`.

    NULL is an empty list. Without "end" an entry is one number. Raise PatternError for the rest.
    """
    if value is None:
        return ()
    if not isinstance(value, list):
        raise PatternError('is not a list of {"start": …, "end": …}')
    return tuple(_range(f"entry {place}", entry, country) for place, entry in enumerate(value, 1))


def _range(name: str, entry: object, country: str) -> DidRange:
    if not isinstance(entry, Mapping) or not set(entry) <= {"start", "end"}:
        raise PatternError(f'{name} is not {{"start": …, "end": …}}')
    start = _bound(name, "start", entry.get("start"), country)
    end = start if entry.get("end") is None else _bound(name, "end", entry["end"], country)
    if len(start) != len(end) or start.startswith("+") != end.startswith("+"):
        raise PatternError(f"{name}: start and end are not of equal length")
    if start > end:
        raise PatternError(f"{name}: start is after end")
    return DidRange(start, end)


def _bound(name: str, key: str, value: object, country: str) -> str:
    if not isinstance(value, str):
        raise PatternError(f"{name}: {key} is {'missing' if value is None else 'not a string'}")
    number = canonical(value, country)
    digits = number.removeprefix("+")
    if not digits.isascii() or not digits.isdigit() or len(digits) > LONGEST_PATTERN:
        raise PatternError(f"{name}: {key} '{value}' is no number")
    return number


def _is_name(text: str) -> bool:
    """Tell whether there is something in it that no pattern has."""
    if not NAME.fullmatch(text):
        return False
    return any(
        character not in DIGITS and character.upper() not in WILDCARDS and character not in FURTHER
        for character in text.translate(MARKS)
    )


def _name(text: str) -> str:
    if text[-1] in (*FURTHER, "*"):
        raise PatternError(f"'{text}': '{text[-1]}' at the end is for numbers only ('.' or '!')")
    return bare(text)


def _places(body: str) -> Iterator[frozenset[str]]:
    """Go through the characters that each place of the pattern allows."""
    at = 0
    while at < len(body):
        one = body[at]
        if one == "[":
            found = CHARACTER_CLASS.match(body, at)
            if not found:
                raise PatternError(f"'{body}': '[' is not closed")
            yield _character_class(found[1])
            at = found.end()
            continue
        if one == "+" and not body[:at].translate(MARKS):
            yield frozenset("+")
        elif one in DIGITS or one.upper() in WILDCARDS:
            yield WILDCARDS.get(one.upper(), frozenset(one))
        elif one in FURTHER or one == "+":
            where = "beginning" if one == "+" else "end"
            raise PatternError(f"'{body}': '{one}' can only stand at the {where}")
        elif one.translate(MARKS):
            raise PatternError(f"'{body}': '{one}' is no digit and no wildcard (X, Z, N, '.', '!')")
        at += 1


def _character_class(text: str) -> frozenset[str]:
    allowed: set[str] = set()
    at = 0
    while at < len(text):
        found = CLASS_ITEM.match(text, at)
        if not found:
            raise PatternError(f"'[{text}]' is not made of digits and ranges of digits")
        first, last = found[1], found[2] or found[1]
        if first > last:
            raise PatternError(f"'[{text}]': {first}-{last} is empty")
        allowed.update(str(digit) for digit in range(int(first), int(last) + 1))
        at = found.end()
    if not allowed:
        raise PatternError("'[]' allows no digit")
    return frozenset(allowed)


def _from_places(
    raw: str, places: list[frozenset[str]], further: int | None, country: str
) -> DidPattern:
    fixed = next((at for at, place in enumerate(places) if len(place) > 1), len(places))
    literal = "".join("".join(place) for place in places[:fixed])
    classes = tuple(places[fixed:])
    if not classes and further is None:
        return DidPattern(raw, canonical(literal, country))
    following = classes[0] if classes else DIGITS
    return DidPattern(raw, international(literal, country, following), classes, further)


def _all_places(pattern: DidPattern) -> list[frozenset[str]]:
    return [*(frozenset(one) for one in pattern.literal), *pattern.classes]
