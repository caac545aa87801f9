"""Lists that stay in order, and the skills by which calls and agents are kept apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasis_app.rules import ranked
from stasis_app.rules.ranked import Place, Ranked, Room

from .floor import ANNA, caller


@given(st.lists(st.integers(0, 40)))
def test_a_ranked_list_is_a_sorted_list(numbers: list[int]) -> None:
    """A number that is there already is taken away."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranked, "MOST_TOGETHER", 4)
        places: Ranked[Place] = Ranked()
        expected: list[Place] = []
        for number in numbers:
            place = caller(number).place
            if place in expected:
                assert places.number(place) == expected.index(place) + 1
                places.take(place)
                expected.remove(place)
            else:
                with pytest.raises(LookupError):
                    places.take(place)
                places.put(place)
                expected = sorted([*expected, place])
            assert list(places) == expected
            assert len(places) == len(expected)
            assert places.head == (expected[0] if expected else None)


def test_skills_that_come_and_go_are_forgotten() -> None:
    room = Room()
    kept = room.seat(frozenset("a"), (1, 0, 0.0, "", ANNA))
    for n in range(5 * ranked.MOST_GROUPS):
        assert list(room.line(frozenset("a")).staffed) == [kept]
        room.line(frozenset((str(n),)))
        room.pool(frozenset(("a", str(n))))
    assert len(room.lines) + len(room.pools) <= ranked.MOST_GROUPS
    assert room.pools[frozenset("a")] is kept
