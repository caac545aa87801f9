"""Feature codes: what a person dials to have something done (docs/dial-codes.md)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from stasis_app.words import Role

from .book import Book
from .models import Extension, Trunk
from .times import Override

ANONYMOUS = re.compile(r"\*31[*#]?(\+?[0-9]+)", re.ASCII)
OVERRIDE = re.compile(r"\*28([0-9]+)(?:\*([012]))?", re.ASCII)
TEST = re.compile(r"\*89([0-9]+)\*(\+?[0-9*#]+)", re.ASCII)

OVERRIDES = {"0": Override.AUTOMATIC, "1": Override.OPEN, "2": Override.CLOSED}


@dataclass(frozen=True, slots=True)
class CallAnonymously:
    """*31<number>: the number is not shown to who is called."""

    number: str


@dataclass(frozen=True, slots=True)
class OverrideProfile:
    """*28<code>: a time profile is opened or closed by hand; `value` None turns it over."""

    code: str
    value: Override | None


@dataclass(frozen=True, slots=True)
class TryTrunk:
    """*89<code>*<number>: a call through one trunk, whatever the rules say."""

    code: str
    number: str


FeatureCode = CallAnonymously | OverrideProfile | TryTrunk


def feature_code(number: str) -> FeatureCode | None:
    """Return what a dialled number asks for; None if it is no feature code."""
    if found := ANONYMOUS.fullmatch(number):
        return CallAnonymously(found[1])
    if found := OVERRIDE.fullmatch(number):
        return OverrideProfile(found[1], OVERRIDES.get(found[2] or ""))
    if found := TEST.fullmatch(number):
        return TryTrunk(found[1], found[2])
    return None


def turned_over(present: Override, *, is_open: bool) -> Override:
    """Return the override after the key was pressed: back to the plan, or against it."""
    if present is not Override.AUTOMATIC:
        return Override.AUTOMATIC
    return Override.CLOSED if is_open else Override.OPEN


def may(book: Book, extension: Extension | None, key: str, default: Sequence[Role]) -> bool:
    """Return whether the role of the extension's user is among those that a setting names."""
    user = book.user_of(extension)
    return user is not None and user.active and user.role in book.settings.roles(key, default)


def may_override(book: Book, extension: Extension | None) -> bool:
    roles = (Role.ADMIN, Role.SUPERVISOR)
    return may(book, extension, "time_profiles.override_roles", roles)


def may_try_trunks(book: Book, extension: Extension | None) -> bool:
    return may(book, extension, "trunks.test_roles", (Role.ADMIN,))


def trunk_to_try(book: Book, code: str) -> Trunk | None:
    """Return the trunk with this `test_code`, if Asterisk knows it."""
    found = (trunk for trunk in book.trunks.items.values() if trunk.test_code == code)
    return next((trunk for trunk in found if trunk.present), None)
