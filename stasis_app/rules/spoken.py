"""Numbers, digits and times as the exchange says them: ARI media URIs of Asterisk's sound files.

The grammar is that of Asterisk's main/say.c (22) for the sound sets asterisk-core-sounds-en and
asterisk-prompt-de. A URI names the language's directory, so one playback may mix languages.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum

LARGEST_NUMBER = 999_999_999
DAYS_WITH_WEEKDAY_ALONE = 6
# numbers above it that end in no 0 are said in two words, ordinals too
LAST_SINGLE_WORD = 20

SPOKEN_KEYS = {key: key for key in "0123456789"} | {"*": "star", "#": "pound"}


class Language(StrEnum):
    """A language that the exchange speaks: the directory of its sound files."""

    DE = "de"
    EN = "en"


def language(raw: str | None) -> Language:
    """`de`, `de-DE`, `de_AT` in any case: German. Everything else: English."""
    primary = (raw or "").strip().lower().replace("_", "-").partition("-")[0]
    return Language.DE if primary == Language.DE else Language.EN


def sounds(names: Iterable[str], tongue: Language) -> tuple[str, ...]:
    """Sound files of a language as ARI media URIs."""
    return tuple(f"sound:{tongue}/{name}" for name in names)


def digits(text: str, tongue: Language) -> tuple[str, ...]:
    """Return a number or code key by key. What is on no keypad is left out."""
    return _digits([SPOKEN_KEYS[key] for key in text if key in SPOKEN_KEYS], tongue)


def number(count: int, tongue: Language, *, feminine: bool = False) -> tuple[str, ...]:
    """Return a cardinal number from 0 to 999,999,999; feminine as in `eine Nachricht`.

    Raises ValueError for any other.
    """
    if not 0 <= count <= LARGEST_NUMBER:
        raise ValueError(f"no number to say: {count}")
    return _digits(_cardinal(count, tongue, feminine=feminine), tongue)


def moment(at: datetime, now: datetime, tongue: Language) -> tuple[str, ...]:
    """Return day and time of `at`, in the zone of `now`, which is that of who listens.

    `today at 2 oh 5 P.M.`, `gestern um 14 Uhr 5`.
    """
    local = at.astimezone(now.tzinfo)
    day = _day(local.date(), now.date(), tongue)
    time = _german_time(local) if tongue is Language.DE else _english_time(local)
    return _digits([*day, "at", *time], tongue)


def duration(seconds: float, tongue: Language) -> tuple[str, ...]:
    """Return minutes and seconds, without a part that is zero.

    German has the plurals only: 75 seconds stay seconds, 1 second is less than 2.
    """
    total = max(round(seconds), 0)
    if tongue is Language.DE and total == 1:
        return sounds(["queue-less-than"], tongue) + _amount(2, "second", tongue)
    minutes, rest = _plurals(total) if tongue is Language.DE else divmod(total, 60)
    said = _amount(minutes, "minute", tongue) if minutes else ()
    return said + (_amount(rest, "second", tongue) if rest or not minutes else ())


def _plurals(total: int) -> tuple[int, int]:
    minutes, rest = divmod(total, 60)
    if minutes == 1:
        return 0, total
    return (minutes, 0) if minutes and rest == 1 else (minutes, rest)


def _amount(count: int, unit: str, tongue: Language) -> tuple[str, ...]:
    return number(count, tongue) + sounds([unit if count == 1 else f"{unit}s"], tongue)


def _digits(words: Iterable[str], tongue: Language) -> tuple[str, ...]:
    return sounds((f"digits/{word}" for word in words), tongue)


def _cardinal(count: int, tongue: Language, *, feminine: bool = False) -> list[str]:
    return _german(count, feminine=feminine) if tongue is Language.DE else _english(count)


def _english(count: int) -> list[str]:
    """Return `one hundred twenty three`: without `and`, which the sound set lacks."""
    for size, word in ((1_000_000, "million"), (1000, "thousand"), (100, "hundred")):
        if count >= size:
            many, rest = divmod(count, size)
            return [*_english(many), word, *(_english(rest) if rest else [])]
    if count > LAST_SINGLE_WORD and count % 10:
        return [str(count - count % 10), str(count % 10)]
    return [str(count)]


def _german(count: int, *, feminine: bool = False) -> list[str]:
    """Return `ein hundert drei-und zwanzig`, where the last `eins` may be `eine`."""
    millions, below = divmod(count, 1_000_000)
    said = [*_german(millions, feminine=True), "millions"] if millions > 1 else []
    if millions == 1:
        said = ["1F", "million"]
    thousands, rest = divmod(below, 1000)
    if thousands:
        said += [*_german_multiplier(thousands), "thousand"]
    if rest or not count:
        said += _german_hundreds(rest, feminine=feminine)
    return said


def _german_multiplier(count: int) -> list[str]:
    """Return what stands before `tausend`: `ein`, `zwei`, `ein hundert ein`."""
    words = _german_hundreds(count, feminine=False)
    return [*words[:-1], "ein"] if words[-1] == "1" else words


def _german_hundreds(count: int, *, feminine: bool) -> list[str]:
    hundreds, rest = divmod(count, 100)
    said = []
    if hundreds:
        said = ["ein" if hundreds == 1 else str(hundreds), "hundred"]
    if rest == 1 and feminine:
        return [*said, "1F"]
    if rest > LAST_SINGLE_WORD and rest % 10:
        return [*said, f"{rest % 10}-and", str(rest - rest % 10)]
    return [*said, str(rest)] if rest or not hundreds else said


def _day(day: date, today: date, tongue: Language) -> list[str]:
    """Return today, yesterday, the weekday, or the date: with the year if it is another."""
    if day == today:
        return ["today"]
    if day == today - timedelta(days=1):
        return ["yesterday"]
    weekday = f"day-{day.isoweekday() % 7}"
    if timedelta(0) < today - day <= timedelta(days=DAYS_WITH_WEEKDAY_ALONE):
        return [weekday]
    year = [] if day.year == today.year else _cardinal(day.year, tongue)
    month, ordinal = f"mon-{day.month - 1}", _ordinal(day.day, tongue)
    if tongue is Language.DE:
        return [weekday, *ordinal, month, *year]
    return [weekday, month, *ordinal, *year]


def _ordinal(day: int, tongue: Language) -> list[str]:
    """Return the day of a month: `twenty first`, `ein-und zwanzigster`."""
    if day <= LAST_SINGLE_WORD or day % 10 == 0:
        return [f"h-{day}"]
    tens, ones = day - day % 10, day % 10
    return [f"{ones}-and", f"h-{tens}"] if tongue is Language.DE else [str(tens), f"h-{ones}"]


def _english_time(at: datetime) -> list[str]:
    """Return the 12-hour clock: `2 o'clock P.M.`, `2 oh 5 A.M.`, `12 thirty P.M.`."""
    minutes = _english(at.minute) if at.minute else ["oclock"]
    if at.minute and not at.minute // 10:
        minutes = ["oh", *minutes]
    return [str(at.hour % 12 or 12), *minutes, "p-m" if at.hour // 12 else "a-m"]


def _german_time(at: datetime) -> list[str]:
    """Return the 24-hour clock: `ein Uhr`, `14 Uhr 5`."""
    hour = ["ein"] if at.hour == 1 else _german(at.hour)
    return [*hour, "oclock", *(_german(at.minute) if at.minute else [])]
