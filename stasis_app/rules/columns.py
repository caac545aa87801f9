"""Columns of a row: texts, numbers, targets, expressions, and what is said of unusable ones."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

import re2

from stasis_app.words import TargetType

from .models import Asked, Pattern, Target

REGEX_BYTES = 1 << 14
BY_NUMBER = (TargetType.EXTENSION, TargetType.VOICEMAIL)


class Row(Protocol):
    """A database row: values by column name."""

    def __getitem__(self, column: str, /) -> Any: ...


class RowError(Exception):
    """The row can't be used. `name` is what people call it."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(problem)
        self.name = name


class Bounds(NamedTuple):
    """What a number in a row may be, and what counts if it is not."""

    least: float
    most: float
    default: float


def aware(at: datetime) -> datetime:
    """Return a time with its zone: asyncpg gives infinity as one without."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def text(value: str | None) -> str | None:
    return (value or "").strip() or None


def within(row: Row, column: str, bounds: Bounds, problems: list[str]) -> float:
    """Return a number of a row; the default for NULL, and with a problem for what is no such."""
    value = row[column]
    if value is None:
        return bounds.default
    # a NUMERIC may be NaN, which as a Decimal can't be compared
    if not bounds.least <= float(value) <= bounds.most:
        allowed = f"{bounds.least:g}..{bounds.most:g}"
        problems.append(f"{column} {value} is not in {allowed}: {bounds.default:g} counts")
        return bounds.default
    return float(value)


def skills(values: Iterable[object] | None) -> tuple[str, ...]:
    """Return the names of skills as they are compared, each once, in their order."""
    named = (value.strip().lower() for value in _flat(values or ()))
    return tuple(dict.fromkeys(name for name in named if name))


def _flat(values: Iterable[object]) -> Iterator[str]:
    """Go through the texts of an array; in SQL one may have any number of dimensions."""
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from _flat(value)


def asked(row: Row) -> Asked:
    """Return what `queue_priority` and `queue_skills` of a row want of a queue."""
    wanted = row["queue_skills"]
    return Asked(row["queue_priority"], None if wanted is None else skills(wanted))


def from_json(value: object) -> object:
    return json.loads(value) if isinstance(value, str) else value


def target(row: Row, column: str) -> Target | None:
    """Return the target in `<column>_type`, `_id` and `_number`. Raises RowError."""
    kind = row[f"{column}_type"]
    if not kind:
        return None
    if kind not in list(TargetType):
        raise RowError(row["name"], f"{column}_type '{kind}' is not one of {', '.join(TargetType)}")
    return target_of(row, TargetType(kind), column, f"{column}_type {kind}")


def target_of(row: Row, kind: TargetType, column: str, what: str) -> Target:
    """Return the target of this kind in `<column>_id` and `_number`. Raises RowError."""
    identity, number = row[f"{column}_id"], text(row[f"{column}_number"])
    if kind is TargetType.EXTERNAL:
        identity = None
        if not number:
            raise RowError(row["name"], f"{what} without {column}_number")
    elif identity is None and not (kind in BY_NUMBER and number):
        raise RowError(row["name"], f"{what} without {column}_id")
    return Target(kind, identity, None if identity else number)


def regex(row: Row, column: str) -> Pattern | None:
    """Return a row's regular expression in RE2's syntax, whose search costs linear time."""
    pattern = text(row[column])
    if pattern is None:
        return None
    options = re2.Options()
    options.max_mem = REGEX_BYTES
    options.log_errors = False
    try:
        compiled: Pattern = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else "not understood"
        reason = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
        raise RowError(row["name"], f"{column} '{pattern}': {reason}") from None
    return compiled
