"""Numbers and times in words: written out by hand, and read back by a reader of its own."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasis_app.rules.spoken import (
    LARGEST_NUMBER,
    Language,
    digits,
    duration,
    language,
    moment,
    number,
    sounds,
)

DE, EN = Language.DE, Language.EN
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 25, 10, 0, tzinfo=BERLIN)  # a Wednesday


def words(said: tuple[str, ...], tongue: Language) -> str:
    """The names of the sound files, of which those in `digits/` lose it."""
    prefix = f"sound:{tongue}/"
    assert all(uri.startswith(prefix) for uri in said)
    return " ".join(uri.removeprefix(prefix).removeprefix("digits/") for uri in said)


@pytest.mark.parametrize("raw", ["de", "DE", "de-DE", "de_AT", "de-CH-1996", " de "])
def test_german_in_all_its_forms(raw: str) -> None:
    assert language(raw) is DE


@pytest.mark.parametrize("raw", ["en", "en-GB", "fr", "den", "deu", "german", "", " ", "-de", None])
def test_everything_else_is_english(raw: str | None) -> None:
    assert language(raw) is EN


def test_a_uri_names_the_directory_of_the_language() -> None:
    assert sounds(["vm-intro", "digits/1"], DE) == ("sound:de/vm-intro", "sound:de/digits/1")


@pytest.mark.parametrize("tongue", Language)
def test_digits_one_by_one(tongue: Language) -> None:
    assert words(digits("1020*#", tongue), tongue) == "1 0 2 0 star pound"


@pytest.mark.parametrize("text", ["", "anonymous", "+", "²", "٣"])
def test_what_is_on_no_keypad_is_not_said(text: str) -> None:
    assert digits(text, DE) == ()


NUMBERS = [
    (0, "0", "0"),
    (1, "1", "1"),
    (2, "2", "2"),
    (10, "10", "10"),
    (11, "11", "11"),
    (12, "12", "12"),
    (16, "16", "16"),
    (19, "19", "19"),
    (20, "20", "20"),
    (21, "1-and 20", "20 1"),
    (30, "30", "30"),
    (68, "8-and 60", "60 8"),
    (99, "9-and 90", "90 9"),
    (100, "ein hundred", "1 hundred"),
    (101, "ein hundred 1", "1 hundred 1"),
    (117, "ein hundred 17", "1 hundred 17"),
    (136, "ein hundred 6-and 30", "1 hundred 30 6"),
    (200, "2 hundred", "2 hundred"),
    (999, "9 hundred 9-and 90", "9 hundred 90 9"),
    (1000, "ein thousand", "1 thousand"),
    (1001, "ein thousand 1", "1 thousand 1"),
    (1100, "ein thousand ein hundred", "1 thousand 1 hundred"),
    (2026, "2 thousand 6-and 20", "2 thousand 20 6"),
    (21_000, "1-and 20 thousand", "20 1 thousand"),
    (101_000, "ein hundred ein thousand", "1 hundred 1 thousand"),
    (1_000_000, "1F million", "1 million"),
    (1_000_001, "1F million 1", "1 million 1"),
    (2_000_000, "2 millions", "2 million"),
    (21_000_000, "1-and 20 millions", "20 1 million"),
    (101_000_000, "ein hundred 1F millions", "1 hundred 1 million"),
    (
        999_999_999,
        "9 hundred 9-and 90 millions 9 hundred 9-and 90 thousand 9 hundred 9-and 90",
        "9 hundred 90 9 million 9 hundred 90 9 thousand 9 hundred 90 9",
    ),
]


@pytest.mark.parametrize(("count", "german", "english"), NUMBERS)
def test_numbers(count: int, german: str, english: str) -> None:
    assert words(number(count, DE), DE) == german
    assert words(number(count, EN), EN) == english


@pytest.mark.parametrize(
    ("count", "german"),
    [
        (1, "1F"),
        (2, "2"),
        (11, "11"),
        (21, "1-and 20"),
        (100, "ein hundred"),
        (101, "ein hundred 1F"),
        (1001, "ein thousand 1F"),
        (1_001_001, "1F million ein thousand 1F"),
    ],
)
def test_only_the_last_one_is_feminine(count: int, german: str) -> None:
    assert words(number(count, DE, feminine=True), DE) == german


@pytest.mark.parametrize("count", [-1, LARGEST_NUMBER + 1])
def test_numbers_that_cannot_be_said(count: int) -> None:
    with pytest.raises(ValueError, match="no number"):
        number(count, EN)


MULTIPLES = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "millions": 1_000_000}
ONES = {"ein": 1, "1F": 1}


def read(said: str) -> int:
    """Read a number from its words, as a listener adds it up; 0 is said alone."""
    if said == "0":
        return 0
    total = group = 0
    for word in said.split():
        if word == "hundred":
            group *= 100
        elif word in MULTIPLES:
            total, group = total + group * MULTIPLES[word], 0
        else:
            value = ONES.get(word) or int(word.removesuffix("-and"))
            assert value, said
            group += value
    return total + group


@given(count=st.integers(0, LARGEST_NUMBER), feminine=st.booleans())
def test_who_listens_hears_the_number(count: int, feminine: bool) -> None:
    for tongue in Language:
        assert read(words(number(count, tongue, feminine=feminine), tongue)) == count


@given(count=st.integers(0, LARGEST_NUMBER), feminine=st.booleans())
def test_german_speaks_in_groups_of_three(count: int, feminine: bool) -> None:
    said = words(number(count, DE, feminine=feminine), DE).split()
    assert all(following[0] in "23456789" for word, following in pairs(said) if "-and" in word)
    assert "1" not in said[:-1]
    assert ("million" in said) == (count // 1_000_000 == 1)


def pairs(said: list[str]) -> list[tuple[str, str]]:
    return list(zip(said, [*said[1:], "nothing"], strict=True))


TIMES = [
    ((0, 0), "0 oclock", "12 oclock a-m"),
    ((0, 5), "0 oclock 5", "12 oh 5 a-m"),
    ((1, 0), "ein oclock", "1 oclock a-m"),
    ((1, 1), "ein oclock 1", "1 oh 1 a-m"),
    ((9, 10), "9 oclock 10", "9 10 a-m"),
    ((11, 59), "11 oclock 9-and 50", "11 50 9 a-m"),
    ((12, 0), "12 oclock", "12 oclock p-m"),
    ((12, 30), "12 oclock 30", "12 30 p-m"),
    ((13, 9), "13 oclock 9", "1 oh 9 p-m"),
    ((20, 20), "20 oclock 20", "8 20 p-m"),
    ((21, 21), "1-and 20 oclock 1-and 20", "9 20 1 p-m"),
    ((23, 59), "3-and 20 oclock 9-and 50", "11 50 9 p-m"),
]


@pytest.mark.parametrize(("time", "german", "english"), TIMES)
def test_times(time: tuple[int, int], german: str, english: str) -> None:
    at = NOW.replace(hour=time[0], minute=time[1])
    assert words(moment(at, NOW, DE), DE) == f"today at {german}"
    assert words(moment(at, NOW, EN), EN) == f"today at {english}"


DAYS = [
    ((2026, 11, 25), "today", "today"),
    ((2026, 11, 24), "yesterday", "yesterday"),
    ((2026, 11, 23), "day-1", "day-1"),
    ((2026, 11, 22), "day-0", "day-0"),
    ((2026, 11, 19), "day-4", "day-4"),
    ((2026, 11, 18), "day-3 h-18 mon-10", "day-3 mon-10 h-18"),
    ((2026, 10, 21), "day-3 1-and h-20 mon-9", "day-3 mon-9 20 h-1"),
    ((2026, 3, 31), "day-2 1-and h-30 mon-2", "day-2 mon-2 30 h-1"),
    ((2026, 1, 1), "day-4 h-1 mon-0", "day-4 mon-0 h-1"),
    ((2026, 1, 20), "day-2 h-20 mon-0", "day-2 mon-0 h-20"),
    ((2026, 1, 30), "day-5 h-30 mon-0", "day-5 mon-0 h-30"),
    (
        (2025, 12, 29),
        "day-1 9-and h-20 mon-11 2 thousand 5-and 20",
        "day-1 mon-11 20 h-9 2 thousand 20 5",
    ),
    # a clock that is ahead
    ((2026, 11, 26), "day-4 6-and h-20 mon-10", "day-4 mon-10 20 h-6"),
]


@pytest.mark.parametrize(("day", "german", "english"), DAYS)
def test_days(day: tuple[int, int, int], german: str, english: str) -> None:
    at = datetime(*day, 14, 0, tzinfo=BERLIN)
    assert words(moment(at, NOW, DE), DE) == f"{german} at 14 oclock"
    assert words(moment(at, NOW, EN), EN) == f"{english} at 2 oclock p-m"


def test_the_day_is_that_of_who_listens() -> None:
    at = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)  # half past midnight in Berlin
    assert words(moment(at, NOW, DE), DE) == "today at 0 oclock 30"
    assert words(moment(at, NOW.astimezone(UTC), DE), DE) == "yesterday at 3-and 20 oclock 30"


def test_yesterday_is_a_date_not_24_hours() -> None:
    now = datetime(2026, 10, 26, 0, 5, tzinfo=BERLIN)  # the day before had 25 hours
    assert words(moment(now - timedelta(minutes=10), now, DE), DE).startswith("yesterday")
    assert words(moment(now.replace(day=25, hour=0), now, DE), DE).startswith("yesterday")


@given(hour=st.integers(0, 23), minute=st.integers(0, 59))
def test_who_listens_hears_the_time(hour: int, minute: int) -> None:
    at = NOW.replace(hour=hour, minute=minute)
    german = words(moment(at, NOW, DE), DE).removeprefix("today at ")
    hours, _, minutes = german.partition(" oclock")
    assert (read(hours), read(minutes.strip() or "0")) == (hour, minute)
    english = words(moment(at, NOW, EN), EN).removeprefix("today at ").split()
    noon = 12 if english[-1] == "p-m" else 0
    spoken = [word for word in english[1:-1] if word not in {"oh", "oclock"}]
    assert int(english[0]) % 12 + noon == hour
    assert read(" ".join(spoken) or "0") == minute


DURATIONS = [
    (0.0, "0 seconds", "0 seconds"),
    (0.6, "queue-less-than 2 seconds", "1 second"),
    (2.4, "2 seconds", "2 seconds"),
    (60.0, "60 seconds", "1 minute"),
    (61.0, "1-and 60 seconds", "1 minute 1 second"),
    (119.6, "2 minutes", "2 minutes"),
    (121.0, "2 minutes", "2 minutes 1 second"),
    (150.0, "2 minutes 30 seconds", "2 minutes 30 seconds"),
    (3600.0, "60 minutes", "60 minutes"),
    (-1.0, "0 seconds", "0 seconds"),
]


@pytest.mark.parametrize(("seconds", "german", "english"), DURATIONS)
def test_durations(seconds: float, german: str, english: str) -> None:
    assert words(duration(seconds, DE), DE) == german
    assert words(duration(seconds, EN), EN) == english


@given(seconds=st.integers(2, 100_000))
def test_a_german_duration_is_right_but_for_one_second(seconds: int) -> None:
    minutes, _, rest = words(duration(seconds, DE), DE).rpartition("minutes")
    said = read(minutes.strip() or "0") * 60 + read(rest.removesuffix("seconds").strip() or "0")
    assert said in {seconds, seconds - 1}
