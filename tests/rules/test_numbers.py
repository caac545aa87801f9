"""What a dialled number means."""

import pytest

from stasis_app.rules.models import DestinationKind
from stasis_app.rules.numbers import dialled, meaning
from stasis_app.words import ExtensionStatus

from .build import extension


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        ("1002", "1002"),
        ("10 02", "1002"),
        ("(030) 12-34.5/6", "030123456"),
        ("+49 30 1234", "+49301234"),
        ("*21*1002#", "*21*1002#"),
        ("\t", ""),
        ("", ""),
    ],
)
def test_marks_between_digits_mean_nothing(raw: str, number: str) -> None:
    assert dialled(raw) == number


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ("1002", DestinationKind.EXTENSION),
        ("10-02", DestinationKind.EXTENSION),
        ("1003", DestinationKind.NOWHERE),  # deleted
        ("1004", DestinationKind.EXTENSION),  # inactive: its own flow says so
        ("1999", DestinationKind.NOWHERE),
        ("", DestinationKind.NOWHERE),
    ],
)
def test_what_a_number_means(raw: str, kind: DestinationKind) -> None:
    rows = [
        extension(),
        extension(number="1003", deleted=True),
        extension(number="1004", status=ExtensionStatus.INACTIVE),
    ]
    destination = meaning(raw, {row.number: row for row in rows}.get)
    assert destination.kind is kind
    assert destination.number == dialled(raw)


@pytest.mark.parametrize("number", ["front-desk", "10.01", "lobby_1", "+4930"])
def test_an_extension_is_found_by_the_number_it_has(number: str) -> None:
    """Any number that `ps_endpoints` lets a phone register with can be called."""
    row = extension(number=number)
    destination = meaning(number, {number: row}.get)
    assert (destination.kind, destination.number) == (DestinationKind.EXTENSION, number)
