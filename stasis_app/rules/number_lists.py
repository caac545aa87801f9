"""Lists of phone numbers, whole or by their beginning: the blacklist and the white list."""

import re
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

from .did import LONGEST_PATTERN, PatternError
from .numbers import DIGITS, bare, canonical, international, is_anonymous

T = TypeVar("T")

WILDCARDS = ("*", ".")
ANONYMOUS = "anonymous"
# what looks like a pattern of another kind would never match, which nobody would notice
PATTERN = re.compile(r"(?=.*[0-9])[+0-9XNZxnz]*|.*[*\[\]].*|\+.*", re.DOTALL)
# a prefix can grow by '+' and a calling code
LONGEST_PREFIX = LONGEST_PATTERN + 4


class NumberList(Generic[T]):
    """Items by number, or by a prefix such as '+4930123*'. The cost does not grow with the list."""

    def __init__(self, country: str) -> None:
        self._country = country
        self._exact: dict[str, list[T]] = {}
        self._prefixes: dict[str, list[T]] = {}

    def add(self, value: str, item: T) -> None:
        """Add an item under a value in any form; raise PatternError for what can't be one.

        A number; a prefix that ends in '*' or '.'; a name; or 'anonymous' for callers who withhold
        their number. '*' alone, which would be everybody, is refused.
        """
        side, key = self._place(value)
        side.setdefault(key, []).append(item)

    def remove(self, value: str, item: T) -> None:
        """Remove an item; one that is not there is none to remove."""
        side, key = self._place(value)
        items = side.get(key, [])
        if item in items:
            items.remove(item)
        if not items:
            side.pop(key, None)

    def find(self, forms: Sequence[str]) -> T | None:
        """Return the item for a number in all its forms: the whole number, or the longest prefix.

        Of several under the same value the one that was added first.
        """
        for form in forms:
            key = ANONYMOUS if is_anonymous(form) else form
            if key in self._exact:
                return self._exact[key][0]
        longest = max(
            (prefix for form in forms for prefix in self._known(form)), key=len, default=""
        )
        return self._prefixes[longest][0] if longest else None

    def _known(self, form: str) -> Iterator[str]:
        """Go through the prefixes of a form that are listed, longest first."""
        for length in range(min(len(form), LONGEST_PREFIX), 0, -1):
            if form[:length] in self._prefixes:
                yield form[:length]

    def _place(self, value: str) -> tuple[dict[str, list[T]], str]:
        text = value.strip()
        if len(text) > LONGEST_PATTERN:
            raise PatternError(f"has more than {LONGEST_PATTERN} characters")
        number = bare(text.rstrip("".join(WILDCARDS)))
        if not number.removeprefix("+"):
            raise PatternError(f"'{text}' names no number")
        if not DIGITS.issuperset(number.removeprefix("+")) and PATTERN.fullmatch(number):
            raise PatternError(f"'{text}': only '*' or '.' at the end stands for further digits")
        if text.endswith(WILDCARDS):
            return self._prefixes, international(number, self._country, DIGITS)
        if is_anonymous(number):
            return self._exact, ANONYMOUS
        return self._exact, canonical(number, self._country)
