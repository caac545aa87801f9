"""Numbers on a list: whole or by their beginning, in any form."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stasis_app.rules.did import PatternError
from stasis_app.rules.number_lists import NumberList
from stasis_app.rules.numbers import forms, is_anonymous


def listed(*values: str, country: str = "DE") -> NumberList[str]:
    """Return a list whose items are the values themselves."""
    made: NumberList[str] = NumberList(country)
    for value in values:
        made.add(value, value)
    return made


def find(made: NumberList[str], number: str, country: str = "DE") -> str | None:
    return made.find(forms(number, country))


ALL_WAYS = ("+4930123{}", "004930123{}", "030123{}", "4930123{}", "(030) 123-{}")


@pytest.mark.parametrize("value", [*ALL_WAYS, "+49 (0)30 123/{}"])
@pytest.mark.parametrize("way", ALL_WAYS)
def test_all_ways_to_write_a_number_meet(value: str, way: str) -> None:
    exact, prefix, other = value.format("45"), value.format("4*"), value.format("4.")
    assert find(listed(exact), way.format("45")) == exact
    assert find(listed(exact), way.format("456")) is None
    assert find(listed(exact), way.format("4")) is None
    for one in (prefix, other):
        assert find(listed(one), way.format("45")) == one
        assert find(listed(one), way.format("4")) == one
        assert find(listed(one), way.format("55")) is None


@pytest.mark.parametrize(
    ("values", "number", "country", "expected"),
    [
        ([], "+4930123", "DE", None),
        (["0190*"], "0190123456", "DE", "0190*"),
        (["0190*"], "+49190123456", "DE", "0190*"),
        (["0190*"], "+44190123456", "DE", None),
        (["+44*"], "00442079460018", "DE", "+44*"),
        (["+44*"], "442079460018", "DE", "+44*"),
        (["0044*"], "+442079460018", "DE", "0044*"),
        (["+4930123", "+49301*", "+493012*", "+49*"], "+4930123", "DE", "+4930123"),
        (["+49*", "+493012*", "+49301*"], "+4930123", "DE", "+493012*"),
        (["+49*", "03012*", "+49301*"], "+4930123", "DE", "03012*"),
        (["+4930123*", "+4930123"], "+4930123", "DE", "+4930123"),
        (["1001"], "1001", "DE", "1001"),
        (["1001"], "+491001", "DE", None),
        (["10*"], "1001", "DE", "10*"),
        (["00*"], "+4930123", "DE", None),  # who sends +49… is not a foreigner
        (["00*"], "004930123", "DE", "00*"),
        (["0*"], "+4930123", "DE", None),
        (["sipvicious"], "sipvicious", "DE", "sipvicious"),
        (["sipvicious"], "SIPVICIOUS", "DE", None),
        (["front-desk"], "front-desk", "DE", "front-desk"),
        (["front*"], "front-desk", "DE", "front*"),
        (["anonymous"], "anonymous", "DE", "anonymous"),
        (["anonymous"], "Restricted", "DE", "anonymous"),
        (["anonymous"], "", "DE", "anonymous"),
        (["Anonymous"], "unknown", "DE", "Anonymous"),
        (["private number"], "anonymous", "DE", "private number"),
        (["anonymous"], "+4930123", "DE", None),
        (["anonymous"], "1001", "DE", None),
        (["+4930123"], "anonymous", "DE", None),
        (["2125551234"], "+12125551234", "US", "2125551234"),
        (["1-900-*"], "+19005551234", "US", "1-900-*"),
        (["900*"], "9005551234", "US", "900*"),
        (["900*"], "+19005551234", "US", "900*"),
        (["212*"], "+212512345678", "US", None),  # Morocco is no part of New York
        (["612345678"], "+34612345678", "ES", "612345678"),
        (["+4930123"], "+4930123", "XX", "+4930123"),
    ],
)
def test_find(values: list[str], number: str, country: str, expected: str | None) -> None:
    assert find(listed(*values, country=country), number, country) == expected
    assert find(listed(*values[::-1], country=country), number, country) == expected


def test_without_any_form_nothing_is_found() -> None:
    assert listed("anonymous", "+49*").find(()) is None


def test_a_form_of_any_length_is_looked_up() -> None:
    made = listed("+49*")
    assert made.find(["+49" + "1" * 1_000_000]) == "+49*"
    assert made.find(["1" * 1_000_000]) is None


def test_the_first_of_several_is_found_until_it_is_removed() -> None:
    made = listed("+4930123", "030123", "+4930*", "030*")
    assert find(made, "+4930123") == "+4930123"
    made.remove("004930123", "+4930123")
    assert find(made, "+4930123") == "030123"
    made.remove("030123", "030123")
    assert find(made, "+4930123") == "+4930*"
    made.remove("030.", "+4930*")
    assert find(made, "+4930123") == "030*"
    made.remove("030*", "030*")
    assert find(made, "+4930123") is None
    assert not made._exact
    assert not made._prefixes


def test_removing_what_is_not_there() -> None:
    made = listed("+4930123")
    made.remove("+4930123", "another")
    made.remove("+4930124", "+4930123")
    made.remove("+4930123*", "+4930123")
    assert find(made, "+4930123") == "+4930123"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "names no number"),
        (" ", "names no number"),
        ("*", "names no number"),
        (".", "names no number"),
        ("+*", "names no number"),
        ("+", "names no number"),
        ("-", "names no number"),
        ("+49*30", "only '.*' or '.' at the end"),
        ("*30", "only '.*' or '.' at the end"),
        ("+4930[12]", "only '.*' or '.' at the end"),
        ("[12]*", "only '.*' or '.' at the end"),
        ("+4930X", "only '.*' or '.' at the end"),
        ("030123XX", "only '.*' or '.' at the end"),
        ("0ZX*", "only '.*' or '.' at the end"),
        ("+4930 Berlin", "only '.*' or '.' at the end"),
        ("++4930", "only '.*' or '.' at the end"),
        ("49+30", "only '.*' or '.' at the end"),
        ("1" * 51, "more than 50"),
    ],
)
def test_values_that_cannot_be_used(value: str, reason: str) -> None:
    made = listed()
    for change in (made.add, made.remove):
        with pytest.raises(PatternError, match=reason):
            change(value, value)
    assert find(made, "+4930123") is None


values = st.builds(
    "{}{}{}".format,
    st.sampled_from(["+49", "0049", "0", "", "+44", "49", "1"]),
    st.text("013", min_size=1, max_size=5),
    st.sampled_from(["", "*", "."]),
)
sent = st.builds(
    "{}{}".format,
    st.sampled_from(["+49", "0049", "0", "", "+44", "49", "1", "anonymous"]),
    st.text("013", max_size=6),
)


@given(st.lists(values | st.just("anonymous"), max_size=12), sent, st.data())
@settings(max_examples=300)
def test_as_a_search_through_all_finds(entries: list[str], number: str, data: Any) -> None:
    """The whole number first, else the longest prefix: each entry asked by itself."""
    removed = data.draw(st.lists(st.sampled_from(entries), unique=True)) if entries else []
    made = listed(*entries)
    for value in removed:
        for _ in range(entries.count(value)):
            made.remove(value, value)
    left = [value for value in entries if value not in removed]
    hits = [value for value in left if find(listed(value), number) == value]
    found = find(made, number)
    assert (found in hits) if hits else found is None
    exact = [value for value in hits if value[-1] not in "*."]
    assert not exact or found in exact
    if is_anonymous(number):
        assert hits == ["anonymous"] * left.count("anonymous")
