"""What the keys pressed in a menu mean, and where a menu leads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .book import Book
from .inbound import NOTHING_ASKED, resolve, sends_on
from .models import Asked, Destination, DestinationKind, Menu, MenuOption, Target

KEYS = "0123456789*#"
COMMIT = "#"


@dataclass(frozen=True, slots=True)
class Chosen:
    option: MenuOption


@dataclass(frozen=True, slots=True)
class Dialled:
    """The number of an extension."""

    number: str


@dataclass(frozen=True, slots=True)
class Wait:
    """More keys may come."""


@dataclass(frozen=True, slots=True)
class Invalid:
    """The keys mean nothing."""


Reading = Chosen | Dialled | Wait | Invalid


def read(
    digits: str,
    options: Mapping[str, MenuOption],
    dials: Callable[[str], bool],
    begins: Callable[[str], bool],
    *,
    ended: bool,
) -> Reading:
    """Return what the keys so far mean; `ended`: no more will come, the inter-digit timer ran out.

    `dials` tells whether a number can be dialled, `begins` whether a longer one begins so. What
    could become something longer waits. An option wins over a number. `#` ends the entry at once,
    unless it is part of something itself.
    """
    option = options.get(digits)
    longer = begins(digits) or any(
        len(keys) > len(digits) and keys.startswith(digits) for keys in options
    )
    if longer and not ended:
        return Wait()
    if option:
        return Chosen(option)
    if dials(digits):
        return Dialled(digits)
    if digits.endswith(COMMIT) and not longer:
        return read(digits.removesuffix(COMMIT), options, dials, begins, ended=True)
    return Invalid()


def menu_target(book: Book, menu: Menu, option: MenuOption, called: str = "") -> Destination | None:
    """Return where an option leads; None for hangup, repeat, and what is missing.

    The menu pays for an outside number, as an inbound rule does. `called` is the number from
    outside that led to the menu.
    """
    return _resolve(book, menu, option.target, called, option.asked, by_hand=True)


def timeout_target(book: Book, menu: Menu, called: str = "") -> Destination | None:
    """Return where a caller goes who has pressed nothing too often; None: the call ends."""
    return _resolve(book, menu, menu.on_timeout, called)


def invalid_target(book: Book, menu: Menu, called: str = "") -> Destination | None:
    """Return where a caller goes who has pressed wrong keys too often; None: the call ends."""
    return _resolve(book, menu, menu.on_invalid, called)


def dialled_target(menu: Menu, number: str) -> Destination:
    """Return where a caller goes who has dialled an extension in the menu."""
    return Destination(
        DestinationKind.EXTENSION, number, by_hand=True, language=menu.language or ""
    )


def _resolve(
    book: Book,
    menu: Menu,
    target: Target | None,
    called: str,
    asked: Asked = NOTHING_ASKED,
    *,
    by_hand: bool = False,
) -> Destination | None:
    if target is None:
        return None
    payer = sends_on(f"ivr {menu.name}", called)
    return resolve(book, target, payer, menu.language or "", by_hand=by_hand, asked=asked)
