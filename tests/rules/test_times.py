"""Opening hours: the plan, holidays, both changes of the clock, and what is set by hand."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stasis_app.rules.times import (
    DAYS,
    Override,
    ProfileError,
    TimeProfile,
    is_empty,
    is_open,
    next_change,
    time_profile,
    zone_of,
)

ID = UUID(int=7)
BERLIN = "Europe/Berlin"
OFFICE = {day: [{"start": "09:00", "end": "17:00"}] for day in DAYS[:5]} | {
    "saturday": [],
    "sunday": [],
}


def profile(
    schedule: object,
    *,
    zone: str = BERLIN,
    holidays: Iterable[date] = (),
    override: Override = Override.AUTOMATIC,
) -> TimeProfile:
    return time_profile("Office", zone, schedule, holidays, override, id=ID, code="1")


def plan(**days: str) -> dict[str, Any]:
    """Return a schedule: `monday="09:00-17:00 18:00-20:00"`."""
    return {
        day: [dict(zip(("start", "end"), span.split("-"), strict=True)) for span in spans.split()]
        for day, spans in days.items()
    }


def local(text: str, zone: str = BERLIN, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        (BERLIN, BERLIN),
        (" Europe/Berlin ", BERLIN),
        ("Mars/Olympus", "UTC"),
        ("../../etc/passwd", "UTC"),
        ("Europe", "UTC"),
        ("", "UTC"),
        (None, "UTC"),
    ],
)
def test_the_zone_of_a_user(name: str | None, zone: str) -> None:
    assert zone_of(name) == ZoneInfo(zone)


def test_what_is_passed_through() -> None:
    made = profile(OFFICE, holidays=[date(2026, 12, 25)], override=Override.OPEN)
    assert (made.id, made.code, made.name) == (ID, "1", "Office")
    assert made.zone == ZoneInfo(BERLIN)
    assert made.holidays == {date(2026, 12, 25)}
    assert made.override is Override.OPEN
    assert hash(made) == hash(
        profile(OFFICE, holidays=[date(2026, 12, 25)], override=made.override)
    )


# 2026-11-23 is a Monday
@pytest.mark.parametrize(
    ("schedule", "at", "expected"),
    [
        (OFFICE, "2026-11-23T08:59:59.999999", False),
        (OFFICE, "2026-11-23T09:00:00", True),
        (OFFICE, "2026-11-23T16:59:59.999999", True),
        (OFFICE, "2026-11-23T17:00:00", False),
        (OFFICE, "2026-11-28T12:00:00", False),
        (plan(monday="09:00-12:00 13:00-17:00"), "2026-11-23T12:00:00", False),
        (plan(monday="09:00-12:00 13:00-17:00"), "2026-11-23T13:00:00", True),
        (plan(monday="09:00-12:00 12:00-17:00"), "2026-11-23T12:00:00", True),
        (plan(monday="09:00-13:00 11:00-17:00"), "2026-11-23T13:00:00", True),
        (plan(monday="09:00:30-09:01"), "2026-11-23T09:00:29", False),
        (plan(monday="09:00:30-09:01"), "2026-11-23T09:00:30", True),
        (plan(monday="9:00-17:00"), "2026-11-23T09:00:00", True),
        (plan(monday="20:00-24:00"), "2026-11-23T23:59:59.999999", True),
        (plan(monday="20:00-24:00"), "2026-11-24T00:00:00", False),
        (plan(monday="20:00-24:00:00"), "2026-11-23T23:59:59", True),
        (plan(monday="00:00-24:00"), "2026-11-23T00:00:00", True),
        (plan(monday="00:00-00:00"), "2026-11-23T00:00:00", True),
        (plan(monday="00:00-00:00"), "2026-11-23T23:59:59", True),
        (plan(monday="00:00-00:00"), "2026-11-24T00:00:00", False),
        (plan(monday="09:00-09:00"), "2026-11-23T08:59:59", False),
        (plan(monday="09:00-09:00"), "2026-11-24T08:59:59", True),
        (plan(monday="09:00-09:00"), "2026-11-24T09:00:00", False),
        (plan(monday="22:00-06:00"), "2026-11-23T05:00:00", False),
        (plan(monday="22:00-06:00"), "2026-11-23T22:00:00", True),
        (plan(monday="22:00-06:00"), "2026-11-24T05:59:59", True),
        (plan(monday="22:00-06:00"), "2026-11-24T06:00:00", False),
        (plan(sunday="22:00-06:00"), "2026-11-23T05:59:59", True),  # from Sunday into Monday
        (plan(MONDAY="09:00-17:00"), "2026-11-23T12:00:00", True),
        (plan(Mon="09:00-17:00"), "2026-11-23T12:00:00", True),
        (plan(sun="09:00-17:00"), "2026-11-29T12:00:00", True),
        ({"monday": None}, "2026-11-23T12:00:00", False),
        ({}, "2026-11-23T12:00:00", False),
    ],
)
def test_the_plan(schedule: object, at: str, expected: bool) -> None:
    made = profile(schedule)
    assert is_open(made, local(at)) is expected
    assert is_open(made, local(at).astimezone(UTC)) is expected


@pytest.mark.parametrize(
    ("zone", "at", "expected"),
    [
        (BERLIN, "2026-11-23T08:00:00+00:00", True),
        (BERLIN, "2026-07-06T07:00:00+00:00", True),  # summer time
        (BERLIN, "2026-07-06T06:59:59+00:00", False),
        ("America/New_York", "2026-11-23T13:59:59+00:00", False),
        ("America/New_York", "2026-11-23T14:00:00+00:00", True),
        ("Asia/Kolkata", "2026-11-23T03:30:00+00:00", True),
        ("Pacific/Auckland", "2026-11-22T20:00:00+00:00", True),  # is Monday there
        ("UTC", "2026-11-23T09:00:00+00:00", True),
        (" Europe/Berlin ", "2026-11-23T08:00:00+00:00", True),
    ],
)
def test_the_wall_clock_of_its_own_zone(zone: str, at: str, expected: bool) -> None:
    assert is_open(profile(OFFICE, zone=zone), datetime.fromisoformat(at)) is expected


@pytest.mark.parametrize(
    ("schedule", "at", "expected"),
    [
        (OFFICE, "2026-12-24T12:00:00", True),
        (OFFICE, "2026-12-25T12:00:00", False),
        (OFFICE, "2026-12-28T12:00:00", True),
        (plan(thursday="22:00-06:00"), "2026-12-24T23:59:59", True),
        (plan(thursday="22:00-06:00"), "2026-12-25T00:00:00", False),  # spills into the holiday
        (plan(friday="22:00-06:00"), "2026-12-25T23:00:00", False),
        (plan(friday="22:00-06:00"), "2026-12-26T05:00:00", True),  # a holiday ends at midnight
    ],
)
def test_holidays(schedule: object, at: str, expected: bool) -> None:
    assert is_open(profile(schedule, holidays=[date(2026, 12, 25)]), local(at)) is expected


def test_a_holiday_is_a_date_of_the_place() -> None:
    made = profile(
        plan(friday="00:00-24:00", saturday="00:00-24:00"),
        zone="Pacific/Auckland",
        holidays=[date(2026, 12, 25)],
    )
    assert not is_open(made, datetime(2026, 12, 24, 11, 0, tzinfo=UTC))
    assert is_open(made, datetime(2026, 12, 25, 11, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("override", "expected"), [(Override.OPEN, True), (Override.CLOSED, False)]
)
@pytest.mark.parametrize(
    "at", ["2026-11-23T12:00:00", "2026-11-29T12:00:00", "2026-12-25T12:00:00"]
)
def test_what_is_set_by_hand_comes_first(override: Override, expected: bool, at: str) -> None:
    made = profile(OFFICE, holidays=[date(2026, 12, 25)], override=override)
    assert is_open(made, local(at)) is expected
    assert next_change(made, local(at)) is None


def test_an_instant_needs_a_zone() -> None:
    for override in Override:
        with pytest.raises(ValueError, match="without a zone"):
            is_open(profile(OFFICE, override=override), datetime(2026, 11, 23, 12, 0))  # noqa: DTZ001


# Europe/Berlin: 2026-03-29 02:00 -> 03:00 (01:00 UTC), 2026-10-25 03:00 -> 02:00 (01:00 UTC)
@pytest.mark.parametrize(
    ("spans", "at", "expected"),
    [
        ("02:30-05:00", "2026-03-29T00:59:59+00:00", False),
        ("02:30-05:00", "2026-03-29T01:00:00+00:00", True),  # 03:00: 02:30 has been passed
        ("02:30-05:00", "2026-03-29T03:00:00+00:00", False),
        ("01:00-02:30", "2026-03-29T00:59:59+00:00", True),
        ("01:00-02:30", "2026-03-29T01:00:00+00:00", False),
        ("02:00-03:00", "2026-03-29T00:59:59+00:00", False),  # never on that day
        ("02:00-03:00", "2026-03-29T01:00:00+00:00", False),
        ("02:15-02:45", "2026-10-25T00:14:59+00:00", False),
        ("02:15-02:45", "2026-10-25T00:15:00+00:00", True),
        ("02:15-02:45", "2026-10-25T00:45:00+00:00", False),
        ("02:15-02:45", "2026-10-25T01:15:00+00:00", True),  # a second time
        ("02:15-02:45", "2026-10-25T01:45:00+00:00", False),
        ("00:00-24:00", "2026-10-24T22:00:00+00:00", True),
        ("00:00-24:00", "2026-10-25T22:59:59+00:00", True),  # a day of 25 hours
        ("00:00-24:00", "2026-10-25T23:00:00+00:00", False),
    ],
)
def test_changes_of_the_clock(spans: str, at: str, expected: bool) -> None:
    assert is_open(profile(plan(sunday=spans)), datetime.fromisoformat(at)) is expected


@pytest.mark.parametrize(
    ("schedule", "at", "then"),
    [
        (OFFICE, "2026-11-23T08:00:00", "2026-11-23T09:00:00"),
        (OFFICE, "2026-11-23T09:00:00", "2026-11-23T17:00:00"),
        (OFFICE, "2026-11-23T16:59:59.5", "2026-11-23T17:00:00"),
        (OFFICE, "2026-11-27T17:00:00", "2026-11-30T09:00:00"),
        (OFFICE, "2026-12-24T17:00:00", "2026-12-28T09:00:00"),  # over the holiday
        (plan(thursday="22:00-06:00"), "2026-12-24T23:00:00", "2026-12-25T00:00:00"),
        (plan(monday="09:00-12:00 12:00-17:00"), "2026-11-23T10:00:00", "2026-11-23T17:00:00"),
        (plan(monday="20:00-24:00"), "2026-11-23T21:00:00", "2026-11-24T00:00:00"),
        (plan(monday="22:00-06:00"), "2026-11-23T23:00:00", "2026-11-24T06:00:00"),
        (plan(monday="09:00-17:00"), "2026-11-23T17:00:00", "2026-11-30T09:00:00"),
        (plan(friday="09:00-17:00"), "2026-12-18T17:00:00", None),  # the next one is a holiday
        (plan(friday="09:00-17:00"), "2026-12-24T17:00:01", "2027-01-01T09:00:00"),
        (plan(sunday="02:30-05:00"), "2026-03-29T00:00:00", "2026-03-29T03:00:00"),
        ({day: [{"start": "00:00", "end": "24:00"}] for day in DAYS}, "2026-11-23T12:00:00", None),
        ({}, "2026-11-23T12:00:00", None),
    ],
)
def test_next_change(schedule: object, at: str, then: str | None) -> None:
    made = profile(schedule, holidays=[date(2026, 12, 25)])
    found = next_change(made, local(at))
    assert found == (local(then) if then else None)
    assert found is None or found.tzinfo is UTC


def test_next_change_when_an_hour_is_lived_through_twice() -> None:
    made = profile(plan(sunday="02:15-02:45"))
    at, seen = datetime(2026, 10, 24, 20, 0, tzinfo=UTC), []
    for _ in range(4):
        found = next_change(made, at)
        assert found
        seen.append(f"{found:%d. %H:%M}")
        at = found
    assert seen == ["25. 00:15", "25. 00:45", "25. 01:15", "25. 01:45"]


def test_next_change_when_the_clock_itself_opens() -> None:
    """01:59:59 goes to 03:00, and 02:59:59 back to 02:00, which is open for a second time."""
    assert next_change(profile(plan(sunday="02:00-02:59")), local("2026-10-25T00:00")) == datetime(
        2026, 10, 25, 0, 0, tzinfo=UTC
    )
    second = next_change(profile(plan(sunday="02:00-02:59")), local("2026-10-25T02:59"))
    assert second == datetime(2026, 10, 25, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ({}, True),
        ({day: [] for day in DAYS}, True),
        ({"monday": None}, True),
        (OFFICE, False),
        (plan(sunday="00:00-00:01"), False),
    ],
)
@pytest.mark.parametrize("override", Override)
def test_is_empty(schedule: object, expected: bool, override: Override) -> None:
    assert is_empty(profile(schedule, override=override)) is expected


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (None, ["schedule"]),
        ([], ["schedule"]),
        ("monday", ["schedule"]),
        ({"montag": []}, ["montag"]),
        ({"": []}, ["''"]),
        ({1: []}, ["'1'"]),
        ({"monday": [], "Mon": []}, ["monday", "twice"]),
        ({"monday": {}}, ["monday"]),
        ({"monday": "09:00-17:00"}, ["monday"]),
        ({"tuesday": [{"start": "09:00", "end": "10:00"}, 5]}, ["tuesday", "span 2"]),
        ({"monday": [{"start": "09:00"}]}, ["monday", "span 1"]),
        ({"monday": [{"start": "09:00", "end": "10:00", "note": ""}]}, ["monday", "span 1"]),
        (plan(monday="09:00-25:00"), ["monday", "span 1", "end", "25:00"]),
        (plan(monday="09:60-10:00"), ["monday", "start", "09:60"]),
        (plan(monday="09:00-24:00:01"), ["monday", "end", "24:00:01"]),
        (plan(monday="24:00-10:00"), ["monday", "start", "24:00"]),
        (plan(monday="9-17"), ["monday", "'9'"]),
        (plan(monday="09.00-17.00"), ["09.00"]),
        (plan(monday="\u0660\u0669:00-17:00"), ["start"]),
        ({"monday": [{"start": 9, "end": 17}]}, ["start", "9"]),
        ({"monday": [{"start": None, "end": "17:00"}]}, ["start", "None"]),
    ],
)
def test_a_plan_that_cannot_be_used(schedule: object, words: list[str]) -> None:
    with pytest.raises(ProfileError) as raised:
        profile(schedule)
    assert all(word in str(raised.value) for word in words), str(raised.value)


@pytest.mark.parametrize(
    "zone",
    ["", "Berlin", "Europe/Bonn", "Europe", "../etc/passwd", "/etc/passwd", "a\0b", "ü", "MEZ"],
)
def test_a_zone_that_is_not_known(zone: str) -> None:
    with pytest.raises(ProfileError, match="timezone"):
        profile(OFFICE, zone=zone)


@pytest.mark.parametrize("day", [None, "2026-12-25", datetime(2026, 12, 25, tzinfo=UTC)])
def test_a_holiday_that_is_no_date(day: Any) -> None:
    with pytest.raises(ProfileError, match="holiday"):
        profile(OFFICE, holidays=[date(2026, 12, 26), day])


ZONES = (BERLIN, "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC")
ZONE = st.sampled_from(ZONES)
clocks = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
spans = st.fixed_dictionaries({"start": clocks, "end": clocks | st.just("24:00")})
schedules = st.dictionaries(st.sampled_from(DAYS), st.lists(spans, max_size=3))
# around the changes of the clock in 2026: Berlin, New York, Lord Howe, and any other day
ANCHORS = [
    date(2026, month, day)
    for month, day in [(3, 29), (10, 25), (3, 8), (11, 1), (4, 5), (10, 4), (6, 10)]
]
instants = st.builds(
    lambda day, minutes: (
        datetime.combine(day, datetime.min.time(), UTC) + timedelta(minutes=minutes)
    ),
    st.sampled_from(ANCHORS),
    st.integers(-2 * 1440, 2 * 1440),
)
near = st.lists(
    st.sampled_from(ANCHORS) | st.dates(date(2026, 3, 1), date(2026, 11, 30)), max_size=4
)


class Reference:
    """The plan as a set of wall minutes, filled by walking each span minute by minute."""

    def __init__(self, zone: str, schedule: dict[str, Any], holidays: list[date]) -> None:
        self.zone, self.holidays = ZoneInfo(zone), holidays
        self.open: set[tuple[int, int]] = set()
        for name, day_spans in schedule.items():
            for span in day_spans:
                self._walk(DAYS.index(name) * 1440, span["start"], span["end"])

    def _walk(self, midnight: int, start: str, end: str) -> None:
        begin, stop = (int(text[:2]) * 60 + int(text[3:]) for text in (start, end))
        for minute in range(begin, stop if stop > begin else stop + 1440):
            self.open.add(divmod((midnight + minute) % (7 * 1440), 1440))

    def is_open(self, at: datetime) -> bool:
        wall = at.astimezone(self.zone)
        minute = (wall.weekday(), wall.hour * 60 + wall.minute)
        return minute in self.open and wall.date() not in self.holidays


@given(ZONE, schedules, near, instants, st.integers(0, 59))
@settings(max_examples=400)
def test_as_counted_minute_by_minute(
    zone: str, schedule: dict[str, Any], holidays: list[date], at: datetime, seconds: int
) -> None:
    made = profile(schedule, zone=zone, holidays=holidays)
    reference = Reference(zone, schedule, holidays)
    for minutes in range(0, 300, 15):
        then = at + timedelta(minutes=minutes, seconds=seconds)
        assert is_open(made, then) is reference.is_open(then)


@given(ZONE, schedules, near, instants)
@settings(max_examples=60, deadline=None)
def test_the_next_change_as_counted_minute_by_minute(
    zone: str, schedule: dict[str, Any], holidays: list[date], at: datetime
) -> None:
    reference = Reference(zone, schedule, holidays)
    minutes = (at + timedelta(minutes=one) for one in range(1, 8 * 1440 + 1))
    before = reference.is_open(at)
    expected = next((one for one in minutes if reference.is_open(one) is not before), None)
    assert next_change(profile(schedule, zone=zone, holidays=holidays), at) == expected
