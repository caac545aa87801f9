"""What keys mean in a menu, beside a plain model of it, and where menus lead."""

from collections.abc import Mapping
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasis_app.rules.book import Book
from stasis_app.rules.menu import (
    Chosen,
    Dialled,
    Invalid,
    Reading,
    Wait,
    dialled_target,
    invalid_target,
    menu_target,
    read,
    timeout_target,
)
from stasis_app.rules.models import Destination, DestinationKind, MenuOption, Payer
from stasis_app.words import IvrAction

from .build import (
    Row,
    book,
    box_row,
    extension_row,
    menu_row,
    option_row,
    queue_row,
    to_external,
    to_row,
)

MENU = UUID(int=1)
MORE = "more"
NOTHING = "nothing"
PAID_BY_MENU = Payer(rule="ivr main")


def options(*keys: str) -> Mapping[str, MenuOption]:
    return {
        key: MenuOption(UUID(int=at), MENU, key, IvrAction.HANGUP, None, None)
        for at, key in enumerate(keys)
    }


def press(keys: str, known: Mapping[str, MenuOption], numbers: frozenset[str], ended: bool) -> str:
    """Return what the keys mean: `=keys` of an option, a number, MORE or NOTHING."""
    found = read(
        keys,
        known,
        numbers.__contains__,
        lambda prefix: any(len(one) > len(prefix) and one.startswith(prefix) for one in numbers),
        ended=ended,
    )
    match found:
        case Chosen(option):
            return f"={option.keys}"
        case Dialled(number):
            return number
        case Wait():
            return MORE
        case Invalid():
            return NOTHING


@pytest.mark.parametrize(
    ("keys", "known", "numbers", "now", "at_the_end"),
    [
        ("1", ["1", "2"], [], "=1", "=1"),
        ("3", ["1", "2"], [], NOTHING, NOTHING),
        ("1", ["1", "12"], [], MORE, "=1"),
        ("12", ["1", "12"], [], "=12", "=12"),
        ("13", ["1", "12"], [], NOTHING, NOTHING),
        ("1", ["12"], [], MORE, NOTHING),
        ("*", ["*", "0"], [], "=*", "=*"),
        ("#", ["#", "1"], [], "=#", "=#"),
        ("1#", ["1", "12"], [], "=1", "=1"),
        ("1#", ["1", "12", "1#"], [], "=1#", "=1#"),
        ("1#", ["12"], [], NOTHING, NOTHING),
        ("#", ["1"], [], NOTHING, NOTHING),
        ("##", ["#"], [], "=#", "=#"),
        ("#", ["#", "#1"], [], MORE, "=#"),
        ("*#", ["*", "*#"], [], "=*#", "=*#"),
        ("1001", [], ["1001", "1002"], "1001", "1001"),
        ("100", [], ["1001", "1002"], MORE, NOTHING),
        ("100", [], ["100", "1001"], MORE, "100"),
        ("100#", [], ["100", "1001"], "100", "100"),
        ("1003", [], ["1001", "1002"], NOTHING, NOTHING),
        ("1", ["1"], ["1001"], MORE, "=1"),
        ("1#", ["1"], ["1001"], "=1", "=1"),
        ("12", ["1"], ["1001"], NOTHING, NOTHING),  # not the option: more was meant
        ("10", ["10"], ["10"], "=10", "=10"),
        ("2", ["1"], ["1001"], NOTHING, NOTHING),
        ("*31", ["1"], ["1001"], NOTHING, NOTHING),
        ("", ["1"], [], MORE, NOTHING),
    ],
)
def test_keys(keys: str, known: list[str], numbers: list[str], now: str, at_the_end: str) -> None:
    told = [press(keys, options(*known), frozenset(numbers), ended) for ended in (False, True)]
    assert told == [now, at_the_end]


keys_of_a_phone = st.text("0123*#", min_size=1, max_size=2)
some_options = st.sets(keys_of_a_phone, max_size=6)
some_numbers = st.frozensets(st.text("0123*", min_size=1, max_size=4), max_size=6)


def naive(entry: str, known: set[str], numbers: frozenset[str]) -> tuple[str, int]:
    """Return what comes of keys pressed one by one, and how many of them it took.

    Go on as long as something longer may come. Then it is the option or the number that was
    pressed, or the one before a # that ended it.
    """
    for used in range(1, len(entry) + 1):
        pressed = entry[:used]
        goes_on = any(one[:used] == pressed and one != pressed for one in (*known, *numbers))
        if goes_on and used < len(entry):
            continue
        complete = [pressed, pressed[:-1]] if pressed[-1] == "#" and not goes_on else [pressed]
        for one in complete:
            if one in known:
                return f"={one}", used
            if one in numbers:
                return one, used
        return NOTHING, used
    return NOTHING, 0


@given(st.text("0123*#", min_size=1, max_size=6), some_options, some_numbers)
def test_keys_pressed_one_by_one(entry: str, known: set[str], numbers: frozenset[str]) -> None:
    """After the last key of `entry` no more comes: the timer between keys runs out."""
    by_keys = options(*known)
    for used in range(1, len(entry) + 1):
        told = press(entry[:used], by_keys, numbers, False)
        if told != MORE:
            break
    else:
        told = press(entry, by_keys, numbers, True)
    assert (told, used) == naive(entry, known, numbers)


@given(st.text("0123*#", max_size=6), some_options, some_numbers)
def test_when_no_more_comes_nothing_waits(
    entry: str, known: set[str], numbers: frozenset[str]
) -> None:
    assert press(entry, options(*known), numbers, True) != MORE


@given(some_options, some_numbers)
def test_whatever_is_there_can_be_reached(known: set[str], numbers: frozenset[str]) -> None:
    by_keys = options(*known)
    for keys in known:
        assert press(keys, by_keys, numbers, True) == f"={keys}"
    for number in numbers - known:
        assert press(number, by_keys, numbers, True) == number


# where it leads


def exchange(*rows: Row, **columns: object) -> Book:
    return book(
        extensions=[
            extension_row("1001", voicemail_enabled=True),
            extension_row("1002"),
            extension_row("1003", status="inactive", voicemail_enabled=True),
        ],
        ivr_menus=[menu_row(1, name="main", **columns), menu_row(2, name="sub", language="en")],
        ivr_menu_options=rows or [option_row(1, 1)],
        voicemail_boxes=[box_row(1, "1001"), box_row(3, "1003")],
        queues=[queue_row(7, name="sales")],
    )


@pytest.mark.parametrize(
    ("columns", "destination"),
    [
        ({}, Destination(DestinationKind.EXTENSION, "1001")),
        ({"destination_number": "1009"}, None),
        (
            {"action": "ivr", "destination_id": UUID(int=2)},
            Destination(DestinationKind.IVR, "ivr sub", PAID_BY_MENU, id=UUID(int=2)),
        ),
        (
            {"action": "ivr", "destination_id": UUID(int=1)},
            Destination(DestinationKind.IVR, "ivr main", PAID_BY_MENU, id=UUID(int=1)),
        ),
        ({"action": "ivr", "destination_id": UUID(int=9)}, None),
        (
            {"action": "voicemail", "destination_id": UUID(int=1)},
            Destination(DestinationKind.VOICEMAIL, "1001", id=UUID(int=1)),
        ),
        (
            {"action": "voicemail", "destination_id": UUID(int=1001)},  # the extension's id
            Destination(DestinationKind.VOICEMAIL, "1001", id=UUID(int=1)),
        ),
        (
            {"action": "voicemail"},  # by the extension's number
            Destination(DestinationKind.VOICEMAIL, "1001", id=UUID(int=1)),
        ),
        ({"action": "voicemail", "destination_number": "1002"}, None),
        ({"action": "voicemail", "destination_id": UUID(int=3)}, None),  # inactive
        (
            {"action": "queue", "destination_id": UUID(int=7)},
            Destination(DestinationKind.QUEUE, "queue sales", PAID_BY_MENU, id=UUID(int=7)),
        ),
        ({"action": "queue", "destination_id": UUID(int=8)}, None),
        (
            {"action": "external", "destination_number": " 030 777 "},
            Destination(DestinationKind.OUTSIDE, "030 777", PAID_BY_MENU),
        ),
        ({"action": "hangup", "destination_number": None}, None),
        ({"action": "repeat", "destination_number": None}, None),
    ],
)
@pytest.mark.parametrize("language", [None, "de"])
def test_an_option(columns: Row, destination: Destination | None, language: str | None) -> None:
    made = exchange(option_row(5, 1, **columns), language=language)
    menu, option = made.ivr_menus.items[MENU], made.ivr_menu_options.items[UUID(int=5)]
    found = menu_target(made, menu, option)
    if destination is None:
        assert found is None
        return
    assert found
    assert found.by_hand
    own = "en" if found.id == UUID(int=2) else language or ""
    assert found.language == own
    assert (found.kind, found.number, found.id) == (
        destination.kind,
        destination.number,
        destination.id,
    )
    assert found.payer == destination.payer


@pytest.mark.parametrize(
    ("columns", "timeout", "invalid"),
    [
        ({}, None, None),
        ({"timeout_destination_type": None}, None, None),
        (to_row("ivr", 2, "timeout_destination"), "ivr sub", "ivr sub"),
        (
            {**to_row("ivr", 2, "timeout_destination"), "invalid_destination_type": "hangup"},
            "ivr sub",
            None,
        ),
        (
            {
                **to_row("voicemail", 1, "timeout_destination"),
                **to_row("extension", 1002, "invalid_destination"),
            },
            "1001",
            "1002",
        ),
        (to_row("extension", 1009, "timeout_destination"), None, None),
        (to_external("030777", "invalid_destination"), None, "030777"),
    ],
)
def test_the_ways_out(columns: Row, timeout: str | None, invalid: str | None) -> None:
    made = exchange(**columns)
    menu = made.ivr_menus.items[MENU]
    ways = timeout_target(made, menu, "+4930"), invalid_target(made, menu, "+4930")
    assert [way and way.number for way in ways] == [timeout, invalid]
    for way in ways:
        if way:
            assert not way.by_hand
        if way and way.kind in (DestinationKind.OUTSIDE, DestinationKind.IVR):
            assert way.payer == Payer(rule="ivr main", diverted=("+4930", "unconditional"))


def test_an_extension_that_is_dialled() -> None:
    menu = exchange(language="de").ivr_menus.items[MENU]
    assert dialled_target(menu, "1002") == Destination(
        DestinationKind.EXTENSION, "1002", by_hand=True, language="de"
    )


def test_only_active_extensions_are_dialled() -> None:
    extensions = exchange().extensions

    def dial(number: str) -> Reading:
        return read(number, {}, extensions.dials, extensions.begins, ended=False)

    assert dial("1002") == Dialled("1002")
    assert dial("100") == Wait()
    assert dial("1003") == Invalid()
    assert dial("*971001") == Invalid()
    assert dial("0") == Invalid()
