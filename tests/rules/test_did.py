"""DID patterns: what they mean, which comes first, and how they are found among many."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stasis_app.rules.did import (
    DidIndex,
    DidPattern,
    DidRange,
    PatternError,
    covers,
    did_pattern,
    did_ranges,
)
from stasis_app.rules.numbers import forms

ALL_WAYS = ("+4930100000{}", "004930100000{}", "030100000{}", "4930100000{}", "030 100000-{}")


def pattern(raw: str, country: str = "DE") -> DidPattern:
    return did_pattern(raw, country)


def meets(raw: str, number: str, country: str = "DE") -> bool:
    made = pattern(raw, country)
    return any(made.matches(form) for form in forms(number, country))


@pytest.mark.parametrize(
    ("raw", "literal", "exact"),
    [
        ("+49301000000", "+49301000000", True),
        ("0049301000000", "+49301000000", True),
        ("0301000000", "+49301000000", True),
        ("(030) 100 00-00", "+49301000000", True),
        ("+49 (0)30 1000000", "+49301000000", True),
        (" _+49301000000 ", "+49301000000", True),
        ("+4930100000[5]", "+49301000005", True),
        ("+4930100000X", "+4930100000", False),
        ("030100000X", "+4930100000", False),
        ("030 100 000-x", "+4930100000", False),
        ("_030100000X", "+4930100000", False),
        ("00493010X", "+493010", False),
        ("+49(0)3010X", "+493010", False),
        ("+4930[12]X", "+4930", False),
        ("+49 30 .", "+4930", False),
        ("030!", "+4930", False),
        ("0Z.", "+49", False),
        ("0[1-9].", "+49", False),
        ("0X.", "0", False),
        ("0.", "0", False),
        ("00.", "00", False),
        ("00X.", "00", False),
        ("+.", "+", False),
        ("4930100000X", "4930100000", False),
        ("X.", "", False),
        ("_x.", "", False),
        (".", "", False),
        ("!", "", False),
        ("ZXX", "", False),
        ("100", "100", True),
        ("10-01", "1001", True),
        ("s", "s", True),
        ("S", "S", True),
        ("front-desk", "frontdesk", True),
        ("john.doe", "johndoe", True),
        ("1234567e0", "1234567e0", True),
        ("*98", "*98", True),
    ],
)
def test_the_literal_part(raw: str, literal: str, exact: bool) -> None:
    made = pattern(raw)
    assert (made.raw, made.literal, made.exact) == (raw, literal, exact)


@pytest.mark.parametrize(
    ("raw", "country", "literal"),
    [
        ("011493010X", "US", "+493010"),
        ("1212555X", "US", "+1212555"),
        ("1NXXNXXXXXX", "US", "+1"),
        ("1XXX", "US", "1"),
        ("2125551234", "US", "+12125551234"),
        ("212555123X", "US", "212555123"),
        ("0049301X", "US", "0049301"),
        ("612345678", "ES", "+34612345678"),
        ("89161X", "RU", "+79161"),
        ("0301X", "XX", "0301"),
    ],
)
def test_the_literal_part_in_other_countries(raw: str, country: str, literal: str) -> None:
    assert pattern(raw, country).literal == literal


@pytest.mark.parametrize("raw", ["+4930100000X", "030100000X", "004930100000X", "4930100000X"])
@pytest.mark.parametrize("way", ALL_WAYS)
def test_all_ways_to_write_a_number_meet(raw: str, way: str) -> None:
    assert meets(raw, way.format(7))
    assert not meets(raw, way.format(77))
    assert not meets(raw, way.format(""))


@pytest.mark.parametrize("raw", ["+49301000007", "0301000007", "0049301000007", "49301000007"])
@pytest.mark.parametrize("way", ALL_WAYS)
def test_all_ways_to_write_an_exact_number_meet(raw: str, way: str) -> None:
    assert meets(raw, way.format(7))
    assert not meets(raw, way.format(8))


@pytest.mark.parametrize(
    ("raw", "yes", "no"),
    [
        ("+49301X", ["+493010", "+493019"], ["+49301", "+4930100", "+49301a", "x+493010"]),
        ("+49301Z", ["+493011", "+493019"], ["+493010"]),
        ("+49301N", ["+493012", "+493019"], ["+493010", "+493011"]),
        ("+49301n", ["+493012"], ["+493011"]),
        ("+49301[15-7]", ["+493011", "+493015", "+493016", "+493017"], ["+493014", "+493018"]),
        ("+49301.", ["+493010", "+49301234567"], ["+49301", "+49301a", "+493012\n"]),
        ("+49301!", ["+49301", "+493010", "+49301234567"], ["+4930", "+49301a", "+49301\n"]),
        ("+49301X.", ["+4930112", "+49301123"], ["+493011"]),
        ("XXX", ["000", "123"], ["", "12", "1234", "+12", "abc", "\u0661\u0662\u0663"]),
        ("NXX", ["200"], ["100"]),
        ("[1]XX", ["100"], ["200"]),
        ("X.", ["", "s", "1", "+49301234", "anonymous", "a\nb"], []),
        (".", ["", "s", "1", "+49301234"], []),
        ("!", ["", "s", "1", "+49301234"], []),
        ("X!", ["", "s", "1"], []),
        ("[0-9].", ["s"], []),
        ("XX.", ["123"], ["12", "s", "+4930"]),
        ("Z.", ["12"], ["1", "01", "s"]),
        ("+.", ["+4", "+4930"], ["+", "4930"]),
        ("s", ["s"], ["S", "", "ss"]),
        ("100", ["100"], ["1000", "10"]),
    ],
)
def test_what_a_pattern_matches(raw: str, yes: list[str], no: list[str]) -> None:
    made = pattern(raw)
    assert [form for form in yes if not made.matches(form)] == []
    assert [form for form in no if made.matches(form)] == []


def test_american_patterns_in_america() -> None:
    for raw in ("NXXNXXXXXX", "1NXXNXXXXXX", "+1NXXNXXXXXX", "2125551234", "212555XXXX"):
        for number in ("+12125551234", "12125551234", "2125551234", "(212) 555-1234"):
            assert meets(raw, number, "US"), (raw, number)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "empty"),
        (" \t", "empty"),
        ("_", "no digit"),
        ("+", "no digit"),
        ("-", "no digit"),
        ("[12", "not closed"),
        ("+4930[12", "not closed"),
        ("+4930[1[2]]", "not closed"),
        ("+4930]", "']' is no digit"),
        ("+4930[]", "allows no digit"),
        ("+4930[ab]", "not made of digits"),
        ("+4930[1-]", "not made of digits"),
        ("+4930[-5]", "not made of digits"),
        ("+4930[7-5]", "7-5 is empty"),
        ("+49.30", "only stand at the end"),
        ("1.2X", "only stand at the end"),
        ("+4930..", "only stand at the end"),
        ("+4930!X", "only stand at the end"),
        ("49+30", "only stand at the beginning"),
        ("++4930", "only stand at the beginning"),
        ("+4930Y", "'Y' is no digit"),
        ("+4930*", r"'\*' is no digit"),
        ("4930*", "at the end is for numbers only"),
        ("_abc", "'a' is no digit"),
        ("desk.", "at the end is for numbers only"),
        ("desk!", "at the end is for numbers only"),
        ("1" * 51, "more than 50"),
        ("a" * 51, "more than 50"),
    ],
)
def test_what_is_no_pattern(raw: str, reason: str) -> None:
    with pytest.raises(PatternError, match=reason):
        pattern(raw)


def test_fifty_characters_are_not_too_many() -> None:
    assert pattern("+" + "1" * 49).exact
    assert pattern(" " + "1" * 50 + " ").exact


def test_patterns_can_be_keys() -> None:
    assert {pattern("+4930[12]X"): 1}[pattern("+4930[12]X")] == 1
    assert pattern("+4930X") != pattern("+4930Z")


def test_specificity() -> None:
    in_order = ["+49301000001", "+4930100000X", "+493010000.", "0301000!", "0Z.", "1X", "X."]
    made = [pattern(raw) for raw in in_order]
    made.reverse()
    assert [one.raw for one in sorted(made, key=lambda one: one.specificity)] == in_order
    assert pattern("100").specificity < pattern("+4930100000000X").specificity
    assert pattern("+4930X").specificity == pattern("+4930[12]XX.").specificity


COUNTRIES = st.sampled_from(["DE", "US", "GB", "FR", "IT", "ES", "RU", "HU", "JP", "BR", "XX"])
PREFIXES = st.sampled_from(
    ["", "+", "+49", "+490", "0", "00", "0049", "49", "1", "+1", "011", "8", "06"]
)
digits = st.text("0123456789", max_size=10)
numbers = st.builds(str.__add__, PREFIXES, digits).filter(lambda text: text not in ("", "+"))


@st.composite
def patterns_for(draw: st.DrawFn, number: str) -> str:
    """Return a pattern that an Asterisk user would say matches the number."""
    places = []
    for digit in number:
        fitting = [digit]
        if digit != "+":
            fitting += ["X", "x", f"[{digit}]", f"[0-{digit}]", f"[{digit}-9]"]
            fitting += ["Z"] if digit > "0" else []
            fitting += ["N"] if digit > "1" else []
        places.append(draw(st.sampled_from(fitting) if draw(st.booleans()) else st.just(digit)))
    least = 2 if number.startswith("+") else 1
    keep = draw(st.integers(min(least, len(number)), len(number)))
    end = "" if keep == len(number) else draw(st.sampled_from([".", "!"]))
    raw = draw(st.sampled_from(["", "_"])) + "".join(places[:keep]) + end
    return raw if len(raw) <= 50 else f"_{number}"


@given(numbers.flatmap(lambda number: st.tuples(st.just(number), patterns_for(number))), COUNTRIES)
@settings(max_examples=200)
def test_what_matches_as_it_is_written_matches(pair: tuple[str, str], country: str) -> None:
    """Whatever prefixes mean in a country: the number as the carrier sends it meets the row."""
    number, raw = pair
    assume(not number.startswith("00490"))  # '(0)' is for people, its place is not counted
    assert meets(raw, number, country)


@given(st.text(max_size=60) | st.text("0123456789+XNZ[]-.!_*s", max_size=60), COUNTRIES)
def test_any_text_is_a_pattern_or_an_error(raw: str, country: str) -> None:
    try:
        made = did_pattern(raw, country)
    except PatternError:
        return
    assert made.raw == raw
    assert made.exact is (made.specificity[0] is False)
    assert made.matches(made.literal) or not made.exact


@st.composite
def usable_patterns(draw: st.DrawFn) -> DidPattern:
    prefix = draw(st.sampled_from(["", "+4930", "030", "1", "12", "2"]))
    middle = draw(
        st.text("012NXZ", max_size=3) | st.sampled_from(["[1-3]", "[12]X", "X[0-4]", "[2-9]"])
    )
    end = draw(st.sampled_from(["", "", ".", "!"]))
    return pattern(prefix + middle + end or "s")


@given(st.lists(st.tuples(usable_patterns(), st.integers(0, 3)), max_size=25), numbers)
@settings(max_examples=200)
def test_the_index_finds_what_a_search_through_all_finds(
    rows: list[tuple[DidPattern, int]], number: str
) -> None:
    index: DidIndex[int] = DidIndex()
    for made, item in rows:
        index.add(made, item)
    called = forms(number, "DE")
    fitting = [row for row in rows if any(row[0].matches(form) for form in called)]
    assert index.find(called) == sorted(fitting, key=lambda row: row[0].specificity)


@given(st.lists(st.tuples(usable_patterns(), st.integers(0, 3)), max_size=25), st.data())
def test_what_is_removed_is_not_found(rows: list[tuple[DidPattern, int]], data: Any) -> None:
    index: DidIndex[int] = DidIndex()
    for made, item in rows:
        index.add(made, item)
    left = list(rows)
    for row in data.draw(st.permutations(rows)):
        index.remove(*row)
        left.remove(row)
        called = (*forms("+49301", "DE"), "12", "1", "s")
        assert len(index.find(called)) == sum(
            any(made.matches(form) for form in called) for made, _ in left
        )
    assert not index._exact
    assert not index._patterns


def find(index: DidIndex[str], number: str) -> list[str]:
    return [item for _, item in index.find(forms(number, "DE"))]


def test_the_order_of_what_is_found() -> None:
    index: DidIndex[str] = DidIndex()
    for raw, item in [
        ("X.", "all"),
        ("+4930100000X", "ten, first"),
        ("030100000Z", "ten, second"),
        ("+49301000001", "one, first"),
        ("0301000001", "one, second"),
        ("+4930.", "city"),
        ("+4940.", "other city"),
    ]:
        index.add(pattern(raw), item)
    expected = ["one, first", "one, second", "ten, first", "ten, second", "city", "all"]
    for way in ALL_WAYS:
        assert find(index, way.format(1)) == expected
    assert find(index, "+4940123") == ["other city", "all"]
    assert find(index, "s") == ["all"]
    assert find(index, "") == ["all"]
    assert index.find(()) == []


def test_removing_leaves_the_others() -> None:
    index: DidIndex[str] = DidIndex()
    for item in ("a", "b", "a"):
        index.add(pattern("030100000X"), item)
    index.remove(pattern("+4930100000X"), "a")  # the same numbers, but another row
    index.remove(pattern("030100000X"), "c")
    index.remove(pattern("1001"), "a")
    assert find(index, "+49301000001") == ["a", "b", "a"]
    index.remove(pattern("030100000X"), "a")
    assert find(index, "+49301000001") == ["b", "a"]


def test_a_form_of_any_length_is_looked_up() -> None:
    index: DidIndex[str] = DidIndex()
    index.add(pattern("+" + "1" * 48 + "."), "long")
    index.add(pattern("0" + "3" * 48 + "."), "longer")
    assert index.find(["1" * 1_000_000]) == []
    assert [item for _, item in index.find(["+" + "1" * 1000])] == ["long"]
    assert [item for _, item in index.find(["+49" + "3" * 1000])] == ["longer"]


@pytest.mark.parametrize(
    ("wider", "narrower", "expected"),
    [
        ("X.", "+49301", True),
        ("X.", "s", True),
        (".", "X.", True),
        ("X.", "!", True),
        ("XX.", "X.", False),
        ("+49301", "+49301", True),
        ("+49301", "049301", False),
        ("+49301234", "0301234", True),
        ("+49301234", "+4930123X", False),
        ("+4930123X", "+49301234", True),
        ("+4930123X", "0301234", True),
        ("+4930123X", "+49301235X", False),
        ("+4930123X", "+4930123Z", True),
        ("+4930123Z", "+4930123X", False),
        ("+4930123Z", "+4930123N", True),
        ("+4930123N", "+4930123[2-5]", True),
        ("+4930123[2-5]", "+4930123[26]", False),
        ("+4930123XX", "+49301234X", True),
        ("+4930.", "+4930123X", True),
        ("+4930.", "+4930X", True),
        ("+4930.", "+4930", False),
        ("+4930!", "+4930", True),
        ("+4930!", "+4930.", True),
        ("+4930.", "+4930!", False),
        ("+4930.", "+4930X!", True),
        ("+4930X!", "+4930.", True),
        ("+4930Z!", "+4930.", False),
        ("+4930XX.", "+4930.", False),
        ("+4930X.", "+4930XX!", True),
        ("+4930X", "+4930X!", False),
        ("+4930XX", "+4930X", False),
        ("+49.", "+4930.", True),
        ("+4930.", "+49.", False),
        ("+.", "+4930X", True),
        ("Z.", "+4930X", False),
        ("XXX", "100", True),
        ("XXX", "s", False),
        ("s", "s", True),
        ("s", "X.", False),
    ],
)
def test_covers(wider: str, narrower: str, expected: bool) -> None:
    assert covers(pattern(wider), pattern(narrower)) is expected


@st.composite
def numbers_of(draw: st.DrawFn, made: DidPattern) -> str:
    text = made.literal + "".join(draw(st.sampled_from(sorted(one))) for one in made.classes)
    if made.further is None:
        return text
    return text + draw(st.text("0123456789", min_size=made.further, max_size=made.further + 4))


@given(usable_patterns(), usable_patterns(), st.data())
@settings(max_examples=200)
def test_what_is_covered_is_matched(wider: DidPattern, narrower: DidPattern, data: Any) -> None:
    assert covers(wider, wider)
    number = data.draw(numbers_of(narrower))
    assert narrower.matches(number)
    if covers(wider, narrower):
        assert wider.matches(number)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, []),
        ([], []),
        (
            [{"start": "+49301000000", "end": "+49301000099"}],
            [DidRange("+49301000000", "+49301000099")],
        ),
        (
            [{"start": "030 1000000", "end": "0049 (0)30 1000099"}],
            [DidRange("+49301000000", "+49301000099")],
        ),
        ([{"start": "0301000000"}], [DidRange("+49301000000", "+49301000000")]),
        ([{"start": "0301000000", "end": None}], [DidRange("+49301000000", "+49301000000")]),
        (
            [{"start": "100", "end": "199"}, {"start": "+49301000000"}],
            [DidRange("100", "199"), DidRange("+49301000000", "+49301000000")],
        ),
    ],
)
def test_did_ranges(value: object, expected: Sequence[DidRange]) -> None:
    assert did_ranges(value, "DE") == tuple(expected)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({}, ["list"]),
        ("+4930", ["list"]),
        ({"start": "+49301000000"}, ["list"]),
        (["+49301000000"], ["entry 1"]),
        ([None], ["entry 1"]),
        ([{"start": "+49301000000"}, {}], ["entry 2", "start is missing"]),
        ([{"end": "+49301000000"}], ["entry 1", "start is missing"]),
        ([{"start": "+49301000000", "stop": "1"}], ["entry 1"]),
        ([{"start": 49301000000}], ["entry 1", "start is not a string"]),
        ([{"start": "+49301000000", "end": 9}], ["entry 1", "end is not a string"]),
        ([{"start": ""}], ["entry 1", "start ''"]),
        ([{"start": "+"}], ["entry 1", "start '+'"]),
        ([{"start": "+4930X"}], ["entry 1", "start '+4930X'", "no number"]),
        ([{"start": "+49301", "end": "s"}], ["entry 1", "end 's'", "no number"]),
        ([{"start": "1" * 51}], ["entry 1", "no number"]),
        ([{"start": "\u0661\u0662"}], ["entry 1", "no number"]),
        ([{"start": "+49301000099", "end": "+49301000000"}], ["entry 1", "start is after end"]),
        ([{"start": "+49301000000", "end": "+4930100009"}], ["entry 1", "equal length"]),
        ([{"start": "+49301000000", "end": "493010000990"}], ["entry 1", "equal length"]),
    ],
)
def test_ranges_that_cannot_be_used(value: object, words: list[str]) -> None:
    with pytest.raises(PatternError) as raised:
        did_ranges(value, "DE")
    assert all(word in str(raised.value) for word in words), str(raised.value)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+49301000000", True),
        ("0301000050", True),
        ("49301000099", True),
        ("0049301000099", True),
        ("+49301000100", False),
        ("+49300999999", False),
        ("+493010000000", False),
        ("+4930100000", False),
        ("100", False),
        ("s", False),
        ("", False),
        ("+4930100000a", False),
    ],
)
def test_what_a_trunk_may_deliver(number: str, expected: bool) -> None:
    (made,) = did_ranges([{"start": "+49301000000", "end": "0301000099"}], "DE")
    assert any(made.contains(form) for form in forms(number, "DE")) is expected


@given(st.integers(0, 9999), st.integers(0, 9999), st.integers(0, 9999))
def test_a_range_goes_by_the_value(start: int, end: int, number: int) -> None:
    start, end = sorted((start, end))
    (made,) = did_ranges([{"start": f"+4930{start:04}", "end": f"+4930{end:04}"}], "DE")
    assert made.contains(f"+4930{number:04}") is (start <= number <= end)
    assert not made.contains(f"4930{number:05}")
