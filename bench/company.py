"""A company of any size: as rows of the book, as rows of Postgres, and calls that it routes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from stasis_app.rules.inbound import Incoming
from stasis_app.rules.models import Payer, Trunk
from tests.rules.build import (
    NOW,
    Row,
    extension_row,
    inbound_row,
    outbound_row,
    to_extension,
    trunk_row,
)

FIRST_EXTENSION = 100_000
FIRST_BLOCK = 10_000
FIRST_AREA = 2_000
VARYING = 1_000  # numbers that a rule for a block takes
FORWARDING = 10  # one extension of so many forwards to a number outside

WRITTEN: Mapping[str, Sequence[str]] = {
    "trunks": ("id", "name", "trunk_type", "host"),
    "inbound_rules": ("id", "name", "did_pattern", "destination_type", "destination_id"),
    "outbound_rules": ("id", "name", "number_pattern", "trunk_id"),
    "extensions": (
        "id",
        "number",
        "sip_password",
        "display_name",
        "forward_on_no_answer_enabled",
        "forward_on_no_answer_destination",
    ),
}
"""The columns that are written into Postgres; what they refer to comes first."""


@dataclass(frozen=True)
class Size:
    """How many rows the tables have."""

    inbound_rules: int
    outbound_rules: int
    extensions: int
    trunks: int


SMALL = Size(inbound_rules=10, outbound_rules=10, extensions=10, trunks=2)
LARGE = Size(inbound_rules=10_000, outbound_rules=1_000, extensions=100_000, trunks=1_000)


def rows(size: Size) -> Mapping[str, list[Row]]:
    """Return what Postgres gives for each table."""
    return {
        "extensions": [_extension(place) for place in range(size.extensions)],
        "trunks": [_trunk(1 + place) for place in range(size.trunks)],
        "inbound_rules": [_inbound_rule(size, place) for place in range(size.inbound_rules)],
        "outbound_rules": [_outbound_rule(size, place) for place in range(size.outbound_rules)],
    }


def records(size: Size) -> Iterable[tuple[str, Sequence[str], list[tuple[object, ...]]]]:
    """Return table, columns and rows to write into Postgres."""
    made = rows(size)
    for table, columns in WRITTEN.items():
        yield table, columns, [tuple(row[column] for column in columns) for row in made[table]]


def extension(place: int) -> str:
    return str(FIRST_EXTENSION + place)


def answers(size: Size, place: int) -> str:
    """Return the extension that the inbound rule at `place` leads to."""
    return extension(place % size.extensions)


def incoming(trunk: Trunk, place: int, number: int) -> Incoming:
    """Return a call for the inbound rule at `place`; `number` tells it from others."""
    last = 1 if place % 2 else number % VARYING
    did = f"030{FIRST_BLOCK + place}{last:03}"
    return Incoming(trunk, did, f"+4940{1_000_000 + number}", NOW)


def outgoing(size: Size, place: int, number: int) -> tuple[str, Payer]:
    """Return a dialled number that the outbound rule at `place` takes, and who dials it."""
    return _outside(place, number), Payer(extension=extension(number % size.extensions))


def _outside(place: int, number: int) -> str:
    return f"0{FIRST_AREA + place}{number:06}"


def _extension(place: int) -> Row:
    number = None if place % FORWARDING else _outside(place % SMALL.outbound_rules, place)
    return {
        **extension_row(extension(place)),
        "sip_password": "bench",
        "forward_on_no_answer_enabled": number is not None,
        "forward_on_no_answer_destination": number,
    }


def _trunk(number: int) -> Row:
    host = f"10.0.{number // 256}.{number % 256}"
    return trunk_row(number, host=host, uri=f"sip:{host}:5060")


def _inbound_rule(size: Size, place: int) -> Row:
    """Take a whole number or a block of them, in turn."""
    pattern = f"+4930{FIRST_BLOCK + place}{'001' if place % 2 else 'XXX'}"
    return inbound_row(1 + place, pattern, **to_extension(answers(size, place)))


def _outbound_rule(size: Size, place: int) -> Row:
    trunk = UUID(int=1 + place % size.trunks)
    return outbound_row(1 + place, f"^0{FIRST_AREA + place}", trunk_id=trunk)
