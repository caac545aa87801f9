"""Circles are found, whatever the ways look like."""

from collections.abc import Mapping, Set

from hypothesis import given
from hypothesis import strategies as st

from stasis_app.rules.circles import circles

Ways = Mapping[int, Set[int]]
ways_of_few = st.dictionaries(st.integers(0, 6), st.sets(st.integers(0, 6), max_size=3))


def comes_back(ways: Ways, start: int) -> bool:
    seen: set[int] = set()
    ahead = set(ways.get(start, ()))
    while ahead:
        place = ahead.pop()
        seen.add(place)
        ahead |= set(ways.get(place, ())) - seen
    return start in seen


@given(ways_of_few)
def test_what_is_found_goes_round_and_nothing_is_missed(ways: Ways) -> None:
    found = [one for one in circles(ways, lambda place: ways.get(place, ())) if one]
    for circle in found:
        assert len(set(circle)) == len(circle)
        for place, following in zip(circle, [*circle[1:], circle[0]], strict=True):
            assert following in ways[place]
    assert bool(found) is any(comes_back(ways, start) for start in ways)


@given(ways_of_few)
def test_each_place_is_asked_once(ways: Ways) -> None:
    asked: list[int] = []

    def following(place: int) -> Set[int]:
        asked.append(place)
        return ways.get(place, frozenset())

    for _ in circles(ways, following):
        assert len(set(asked)) == len(asked)
