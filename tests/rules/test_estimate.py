"""How long a caller will wait, and how that is said."""

import math

import pytest

from stasis_app.rules.estimate import FEWEST, REMEMBERED, Estimate, spoken_minutes


def learned(*waits: tuple[int, float]) -> Estimate:
    estimate = Estimate()
    for position, seconds in waits:
        estimate.learn(position, seconds)
    return estimate


@pytest.mark.parametrize("calls", range(FEWEST))
def test_nothing_is_known_after_a_few_calls(calls: int) -> None:
    assert learned(*[(1, 10.0)] * calls).seconds(1) is None


@pytest.mark.parametrize(
    ("waits", "position", "seconds"),
    [
        ([(1, 30.0)] * 5, 1, 30.0),
        ([(1, 30.0)] * 5, 4, 120.0),
        ([(3, 90.0)] * 5, 1, 30.0),  # a place took 30 s
        ([(1, 10.0), (2, 40.0), (3, 90.0), (4, 160.0), (5, 250.0)], 2, 60.0),
        ([(1, 0.0)] * 4 + [(1, 50.0)], 1, 10.0),  # those answered at once count
        ([(1, 0.0)] * 5, 7, 0.0),
        ([(1, -0.5)] * 5, 1, 0.0),  # a clock that was set back
        ([(0, 20.0)] * 5, 1, 20.0),
    ],
)
def test_the_mean_time_of_a_place_times_the_places(
    waits: list[tuple[int, float]], position: int, seconds: float
) -> None:
    assert learned(*waits).seconds(position) == pytest.approx(seconds)


def test_only_the_last_calls_count() -> None:
    estimate = learned(*[(1, 1000.0)] * 50, *[(1, 10.0)] * (REMEMBERED - 1))
    assert estimate.seconds(1) == pytest.approx((1000 + 10 * (REMEMBERED - 1)) / REMEMBERED)
    estimate.learn(1, 10.0)
    assert estimate.seconds(1) == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("seconds", "minutes"),
    [
        (0.0, 0),
        (59.9, 0),
        (60.0, 1),
        (60.1, 2),
        (119.0, 2),
        (120.0, 2),
        (3541.0, 60),
        (3600.0, 60),
        (3600.1, None),
        (math.inf, None),
        (math.nan, None),
        (None, None),
    ],
)
def test_minutes_are_rounded_up(seconds: float | None, minutes: int | None) -> None:
    assert spoken_minutes(seconds) == minutes
