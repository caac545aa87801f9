"""Forwards that go round, and calls that go out only to come back."""

from collections.abc import Mapping
from functools import partial

import pytest

from stasis_app.rules.findings import WARNING

from .build import Row, extension_row, forwarding, inbound_row, queue_row, to_external, trunk_row
from .test_findings import DID, look, to, told


@pytest.mark.parametrize(
    ("forwards", "ways"),
    [
        ({"2001": "2001"}, ["2001 -> 2001"]),
        ({"2001": "2002", "2002": "20 01"}, ["2001 -> 2002 -> 2001"]),
        ({"2001": "2002", "2002": "2003", "2003": "2002"}, ["2002 -> 2003 -> 2002"]),
        (
            {"2001": "2002", "2002": "2001", "2003": "2004", "2004": "2003", "2005": "2001"},
            ["2001 -> 2002 -> 2001", "2003 -> 2004 -> 2003"],
        ),
        ({"2001": "2002", "2002": "2003", "2003": "0301234567"}, []),
        ({"2001": "2002", "2002": "1001"}, []),
    ],
)
def test_forwards_that_go_round(forwards: Mapping[str, str], ways: list[str]) -> None:
    rows = [extension_row(number, **to(other)) for number, other in forwards.items()]
    found = look(extensions=rows)
    assert [finding.problem for finding in found] == [
        f"unconditional forwards go round: {way}" for way in ways
    ]


BUSY, NO_ANSWER = partial(forwarding, "on_busy"), partial(forwarding, "on_no_answer")


@pytest.mark.parametrize(
    ("forwards", "way"),
    [
        ({"2001": BUSY("2002"), "2002": NO_ANSWER("2001")}, "2001 -> 2002 -> 2001"),
        ({"2001": NO_ANSWER("2001")}, "2001 -> 2001"),
        ({"2001": BUSY("2002"), "2002": to("2001")}, "2001 -> 2002 -> 2001"),
        (
            {"2001": {**BUSY("1001"), **NO_ANSWER("2002")}, "2002": BUSY("2001")},
            "2001 -> 2002 -> 2001",
        ),
        ({"2001": BUSY("2002"), "2002": {**to("1001"), **BUSY("2001")}}, None),  # always away
        ({"2001": BUSY("2002"), "2002": BUSY("1001")}, None),
        ({"2001": {**BUSY("2002"), **NO_ANSWER("2003")}, "2002": to("2003"), "2003": {}}, None),
    ],
)
def test_forwards_that_may_go_round(forwards: Mapping[str, Row], way: str | None) -> None:
    found = look(extensions=[extension_row(number, **row) for number, row in forwards.items()])
    expected = [(WARNING, "2001", f"forwards can go round: {way}")] if way else []
    assert told(found) == expected


def test_a_long_way_of_forwards_is_followed() -> None:
    last = 12000
    rows = [extension_row(str(at), **to(str(at + 1))) for at in range(10000, last)]
    assert look(extensions=[*rows, extension_row(str(last))]) == []


COMES_BACK = "it is a number of our own: the call goes out and comes back"


@pytest.mark.parametrize(
    ("number", "own"),
    [
        ("030 10000055", True),  # an exact rule
        ("0049 30 10000012", True),  # a block of numbers
        ("0301234567", False),  # only the rule for all
        ("0401234567", False),  # only a rule for a whole town
        ("0777", True),  # a trunk delivers it
        ("0778", False),
    ],
)
def test_an_outside_number_that_leads_back(number: str, own: bool) -> None:
    ranges = trunk_row(7, did_ranges=[{"start": "+49777"}])
    found = look(trunks=[ranges], extensions=[extension_row("2001", **BUSY(number))])
    expected = [(WARNING, "2001", f"forward to {number}: {COMES_BACK}")] if own else []
    assert told(found) == expected


def test_a_rule_that_leads_back() -> None:
    problem = f"external {DID}: {COMES_BACK}"
    row = inbound_row(7, "+4977", **to_external(DID))
    assert told(look(inbound_rules=[row])) == [(WARNING, "in7", f"destination: {problem}")]
    target = {"type": "external", "number": DID}
    assert told(look({"inbound.catch_all": target})) == [(WARNING, "inbound.catch_all", problem)]


def test_an_inactive_extension_ends_the_round() -> None:
    rows = [
        extension_row("2001", **to("2002")),
        extension_row("2002", status="inactive", **to("2001")),
    ]
    assert look(extensions=rows) == []


def test_a_queue_that_is_called_like_an_extension_is_no_round() -> None:
    rows = [extension_row("2001", **to("500"))]
    assert look(extensions=rows, queues=[queue_row(7, "500", name="2001")]) == []
