"""What a dialled number means, and what only a person can dial."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasis_app.rules.book import Book
from stasis_app.rules.dialling import meaning, withholds
from stasis_app.rules.models import DestinationKind, Payer
from stasis_app.rules.outbound import DIALABLE

from .build import NOW, book, extension_row, named_row

EXTENSION, OUTSIDE = DestinationKind.EXTENSION, DestinationKind.OUTSIDE
EMERGENCY, CODE = DestinationKind.EMERGENCY, DestinationKind.CODE
UNBUILT, NOWHERE = DestinationKind.UNBUILT, DestinationKind.NOWHERE
PAYER = Payer(extension="1001", diverted=("1001", "busy"))


def exchange(emergency: Sequence[str] = ("112", "110")) -> Book:
    extensions = [
        extension_row("1001"),
        extension_row("1002", status="inactive"),
        extension_row("1003", deleted_at=NOW),
        extension_row("10-05"),
        extension_row("1-12"),
        extension_row("110"),
        extension_row("*287"),
    ]
    queues = [
        named_row(1, "500", name="sales"),
        named_row(2, "501", active=False),
        named_row(3, "1001"),
        named_row(4, "112"),
    ]
    conferences = [named_row(1, "500"), named_row(2, "600", name="board")]
    return book(
        {"numbers.emergency": list(emergency)},
        extensions=extensions,
        queues=queues,
        conferences=conferences,
    )


@pytest.mark.parametrize(
    ("raw", "by_hand", "by_row"),
    [
        ("1001", (EXTENSION, "1001"), (EXTENSION, "1001")),
        ("10 01", (EXTENSION, "1001"), (EXTENSION, "1001")),
        ("1002", (EXTENSION, "1002"), (EXTENSION, "1002")),
        ("1003", (OUTSIDE, "1003"), (OUTSIDE, "1003")),  # deleted
        ("10-05", (EXTENSION, "10-05"), (EXTENSION, "10-05")),
        ("112", (EMERGENCY, "112"), (UNBUILT, "named4")),
        ("1 1 2", (EMERGENCY, "112"), (UNBUILT, "named4")),
        ("1-12", (EMERGENCY, "112"), (EXTENSION, "1-12")),
        ("110", (EMERGENCY, "110"), (EXTENSION, "110")),
        ("+112", (OUTSIDE, "+112"), (OUTSIDE, "+112")),
        ("500", (UNBUILT, "sales"), (UNBUILT, "sales")),
        ("600", (UNBUILT, "board"), (UNBUILT, "board")),
        ("501", (OUTSIDE, "501"), (OUTSIDE, "501")),  # inactive
        ("*287", (EXTENSION, "*287"), (EXTENSION, "*287")),
        ("*288", (CODE, "*288"), (OUTSIDE, "*288")),
        ("*31030 1", (CODE, "*310301"), (OUTSIDE, "*310301")),
        ("*31112", (EMERGENCY, "112"), (OUTSIDE, "*31112")),
        ("*31-1 10", (EMERGENCY, "110"), (OUTSIDE, "*31110")),
        ("*99", (OUTSIDE, "*99"), (OUTSIDE, "*99")),
        ("030/12 34-5", (OUTSIDE, "03012345"), (OUTSIDE, "03012345")),
        ("+49 (30) 1.2", (OUTSIDE, "+493012"), (OUTSIDE, "+493012")),
        ("", (NOWHERE, ""), (NOWHERE, "")),
        (" -", (NOWHERE, " -"), (NOWHERE, " -")),
        ("+", (NOWHERE, "+"), (NOWHERE, "+")),
        ("alice", (NOWHERE, "alice"), (NOWHERE, "alice")),
        ("030x", (NOWHERE, "030x"), (NOWHERE, "030x")),
        ("030@evil.example", (NOWHERE, "030@evil.example"), (NOWHERE, "030@evil.example")),
        ("030&PJSIP", (NOWHERE, "030&PJSIP"), (NOWHERE, "030&PJSIP")),
        ("030,30", (NOWHERE, "030,30"), (NOWHERE, "030,30")),
        ("030;x", (NOWHERE, "030;x"), (NOWHERE, "030;x")),
        ("030\n", (NOWHERE, "030\n"), (NOWHERE, "030\n")),
        ("\u0660\u0663\u0660", (NOWHERE, "\u0660\u0663\u0660"), (NOWHERE, "\u0660\u0663\u0660")),
        ("0" * 41, (NOWHERE, "0" * 41), (NOWHERE, "0" * 41)),
    ],
)
def test_meaning(
    raw: str, by_hand: tuple[DestinationKind, str], by_row: tuple[DestinationKind, str]
) -> None:
    made = exchange()
    for dialled, expected in ((True, by_hand), (False, by_row)):
        found = meaning(made, raw, PAYER, by_hand=dialled)
        assert (found.kind, found.number) == expected
        assert found.payer is PAYER


def test_emergency_numbers_are_those_of_the_settings() -> None:
    found = meaning(exchange(["999"]), "999", PAYER, by_hand=True)
    assert found.kind is EMERGENCY
    assert meaning(exchange(["999"]), "112", PAYER, by_hand=True).kind is UNBUILT


@given(st.text() | st.text("0123456789*#+ -/@&,;x", max_size=50), st.booleans())
def test_what_goes_out_can_be_dialled(raw: str, by_hand: bool) -> None:
    found = meaning(exchange(), raw, PAYER, by_hand=by_hand)
    if found.kind in (OUTSIDE, EMERGENCY):
        assert DIALABLE.fullmatch(found.number)
    if not by_hand:
        assert found.kind not in (EMERGENCY, CODE)


@pytest.mark.parametrize("number", ["*310301", "*31 1001", "*31#0301", "*31112"])
def test_who_dials_the_code_stays_unknown(number: str) -> None:
    assert withholds(number)
    assert not withholds(number.removeprefix("*31"))
