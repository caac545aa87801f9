"""Time profiles: opening hours by the wall clock of a place."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

DEFAULT_ZONE = "Europe/Berlin"
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY_OF_WEEK = {name: day for day, full in enumerate(DAYS) for name in (full, full[:3])}
CLOCK = re.compile(r"([0-9]{1,2}):([0-5][0-9])(?::([0-5][0-9]))?", re.ASCII)
DAY_SECONDS = 24 * 60 * 60
ONE_DAY = timedelta(days=1)
# a week, and a day more for what a holiday shuts
HORIZON = timedelta(days=8)


class ProfileError(ValueError):
    """A time profile cannot be used; the text names the day, span or zone at fault."""


class Override(StrEnum):
    """What was set by hand: go by the plan, or be open or closed whatever it says."""

    AUTOMATIC = "automatic"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Span:
    """Seconds of the wall clock since midnight. An end not after the start is the next day's."""

    start: int
    end: int

    @property
    def overnight(self) -> bool:
        return self.end <= self.start


@dataclass(frozen=True, slots=True)
class TimeProfile:
    """A row of `time_profiles` that can be used. `week` has the spans that begin on each day."""

    id: UUID
    code: str | None
    name: str
    zone: ZoneInfo
    week: tuple[tuple[Span, ...], ...]
    holidays: frozenset[date]
    override: Override


def time_profile(
    name: str,
    timezone: str,
    schedule: object,
    holidays: Iterable[date],
    override: Override,
    *,
    id: UUID,
    code: str | None,
) -> TimeProfile:
    """Return the profile of a row; raise ProfileError if it can't be used.

    `schedule` is `{"monday": [{"start": "09:00", "end": "17:00"}, …], "tue": […], …}`: a day that
    is missing is closed, "24:00" can be an end, an end not after its start is on the next day
    (the same time: 24 hours).
    """
    days = tuple(holidays)
    if wrong := [day for day in days if type(day) is not date]:
        raise ProfileError(f"holiday {wrong[0]!r} is not a date")
    return TimeProfile(
        id, code, name, known_zone(timezone), _week(schedule), frozenset(days), override
    )


def is_open(profile: TimeProfile, at: datetime) -> bool:
    """Tell whether it is open at an aware instant.

    A holiday is a whole date of the place: what spills over into it is closed too. A wall time
    that occurs twice at the end of DST counts both times; one that is left out, when it is passed.
    """
    if at.tzinfo is None:
        raise ValueError("a time without a zone is no instant")
    if profile.override is not Override.AUTOMATIC:
        return profile.override is Override.OPEN
    local = at.astimezone(profile.zone)
    today = local.date()
    if today in profile.holidays:
        return False
    now = local.hour * 3600 + local.minute * 60 + local.second
    begun = any(
        span.start <= now and (span.overnight or now < span.end)
        for span in profile.week[today.weekday()]
    )
    return begun or any(
        span.overnight and now < span.end for span in profile.week[today.weekday() - 1]
    )


def next_change(profile: TimeProfile, at: datetime) -> datetime | None:
    """Return when (UTC) the answer of `is_open` changes after `at`; None: not within 8 days."""
    before = is_open(profile, at)
    if profile.override is not Override.AUTOMATIC:
        return None
    last = at + HORIZON
    instants = sorted({instant for instant in _turns(profile, at) if at < instant <= last})
    return next((instant for instant in instants if is_open(profile, instant) is not before), None)


def is_empty(profile: TimeProfile) -> bool:
    """Tell whether the plan is never open, whatever was set by hand."""
    return not any(profile.week)


def _turns(profile: TimeProfile, at: datetime) -> Iterator[datetime]:
    """Go through the instants from `at` on at which the answer may change.

    Clocks reach a time of the plan or midnight, or they are changed.
    """
    seconds = {0} | {
        edge % DAY_SECONDS
        for day in profile.week
        for span in day
        for edge in (span.start, span.end)
    }
    first = at.astimezone(profile.zone).date() - ONE_DAY
    for day in range(HORIZON.days + 3):
        today = first + day * ONE_DAY
        for second in seconds:
            wall = datetime.combine(today, time(), profile.zone) + timedelta(seconds=second)
            yield from (wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
        yield from _clock_changes(profile.zone, today)


def _clock_changes(zone: ZoneInfo, day: date) -> Iterator[datetime]:
    """Find the instant of a UTC day at which the zone changes its clocks, if there is one."""
    low = datetime.combine(day, time(), UTC)
    high = low + ONE_DAY
    offset = low.astimezone(zone).utcoffset()
    if high.astimezone(zone).utcoffset() == offset:
        return
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low).total_seconds() // 2)
        if middle.astimezone(zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    yield high


def zone_of(name: str | None) -> ZoneInfo:
    """Return a zone by its name; UTC for what is no name of one."""
    try:
        return known_zone(name or "UTC")
    except ProfileError:
        return ZoneInfo("UTC")


def known_zone(name: str) -> ZoneInfo:
    """Return a zone by its name; raise ProfileError if it is not known."""
    try:
        return ZoneInfo(name.strip())
    except (KeyError, ValueError, OSError):
        raise ProfileError(f"timezone '{name}' is not known") from None


def _week(schedule: object) -> tuple[tuple[Span, ...], ...]:
    if not isinstance(schedule, Mapping):
        raise ProfileError('schedule is not an object like {"monday": […]}')
    week: dict[int, tuple[Span, ...]] = {}
    for name, spans in schedule.items():
        day = DAY_OF_WEEK.get(str(name).strip().lower())
        if day is None:
            raise ProfileError(f"schedule: '{name}' is no day of the week")
        if day in week:
            raise ProfileError(f"schedule: {DAYS[day]} is there twice")
        week[day] = _spans(DAYS[day], spans)
    return tuple(week.get(day, ()) for day in range(len(DAYS)))


def _spans(day: str, spans: object) -> tuple[Span, ...]:
    if spans is None:
        return ()
    if not isinstance(spans, list):
        raise ProfileError(f'{day} is not a list of {{"start": …, "end": …}}')
    return tuple(_span(f"{day}, span {place}", span) for place, span in enumerate(spans, 1))


def _span(name: str, span: object) -> Span:
    if not isinstance(span, Mapping) or set(span) != {"start", "end"}:
        raise ProfileError(f'{name} is not {{"start": …, "end": …}}')
    start, end = _seconds(f"{name}: start", span["start"]), _seconds(f"{name}: end", span["end"])
    if start == DAY_SECONDS:
        raise ProfileError(f"{name}: start {span['start']} is only possible as an end")
    return Span(start, end)


def _seconds(name: str, value: object) -> int:
    """Return the seconds since midnight of HH:MM or HH:MM:SS."""
    found = CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    if found:
        hours, minutes, seconds = (int(part or 0) for part in found.groups())
        total = hours * 3600 + minutes * 60 + seconds
        if total <= DAY_SECONDS:
            return total
    raise ProfileError(f"{name} {value!r} is no time like 09:00")
