"""The outbound rules, asked all at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasis_app.rules.book import Book

from .build import Row, exchange, outbound_row

patterns = st.sampled_from(
    ["^0", "^00", "0$", "[0-9]{6}", "^[+]49", ".*5.*5", "(a+)+$", "^(0|1)*$", "", "#", "("]
) | st.from_regex(r"\A\^?[0-9]{0,4}(\.|\[2-5\]|[0-9]\+|X)?\$?\Z")
many_rules = st.lists(
    st.builds(
        outbound_row,
        st.integers(1, 2000),
        patterns,
        priority=st.integers(1, 3),
        name=st.sampled_from("abc"),
        status=st.sampled_from(["active", "active", "inactive"]),
    ),
    max_size=40,
)


def naive(made: Book, number: str) -> list[str]:
    rules = [rule for rule in made.outbound_rules.items.values() if rule.active]
    rules.sort(key=lambda rule: (rule.priority, rule.name, str(rule.id)))
    return [str(rule.id) for rule in rules if rule.pattern.search(number)]


def found(made: Book, number: str) -> list[str]:
    return [str(rule.id) for rule in made.outbound_rules.matching(number)]


@given(many_rules, st.text("0123456789+*#", max_size=20), st.text())
def test_all_rules_at_once_are_as_good_as_one_after_the_other(
    rules: list[Row], number: str, text: str
) -> None:
    made = exchange(rules)
    assert found(made, number) == naive(made, number)
    assert found(made, text) == naive(made, text)


HEAVY = {
    "plain": "^0{place}",
    "wild": "{place:03d}.*{digit}",
    "counted": "[0-9]{{{digit},}}{place}|[0-9]{{1,9}}{digit}$",
    "catastrophic": "^(([0-9]+)+)+{place}$",
    "too large for one automaton": "[0-9]{{200}}{place}|[0-9]{{1,200}}{digit}$",
}


@pytest.mark.parametrize("kind", HEAVY)
def test_a_thousand_rules(kind: str) -> None:
    rows = [
        outbound_row(place, HEAVY[kind].format(place=place, digit=place % 10), priority=place % 7)
        for place in range(1000)
    ]
    made = exchange(rows)
    assert not made.outbound_rules.broken
    for number in ("0" * 40, "0123456789" * 4, "030123456", "+49301234567", "7", ""):
        assert found(made, number) == naive(made, number)


@pytest.mark.parametrize("pattern", ["(a+)+$", "^(0|00|000)*x$", "(.*)*1", "^(([0-9]+)*)*$"])
def test_a_regex_that_would_never_end_elsewhere_ends(pattern: str) -> None:
    made = exchange([outbound_row(1, pattern), outbound_row(2, "^0")])
    assert [rule.name for rule in made.outbound_rules.matching("0" * 100_000)][-1] == "out2"
