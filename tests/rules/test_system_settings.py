"""Settings: one that can't be used counts as its default, and is named."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasis_app.rules.models import Target
from stasis_app.rules.spoken import Language
from stasis_app.rules.system_settings import SystemSettings
from stasis_app.words import TargetType

QUEUE = UUID(int=7)
EMERGENCY = {"112", "110"}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("type"), inner),
    max_leaves=5,
)


def settings(key: str, value: object) -> SystemSettings:
    return SystemSettings({key: value})


@pytest.mark.parametrize(
    ("value", "number", "problem"),
    [
        (0, 0.0, None),
        (3, 3.0, None),
        (2.5, 2.5, None),
        (1e9, 1e9, None),
        (None, None, None),
        (-1, None, "is not in 0..1e9"),
        (10**400, None, "is not in 0..1e9"),
        (True, None, "is no number"),
        ("3", None, "is no number"),
        ([3], None, "is no number"),
    ],
)
def test_numbers(value: object, number: float | None, problem: str | None) -> None:
    made = settings("calls.max_hops", value)
    assert made.limit("calls.max_hops") == number
    assert made.number("calls.max_hops", 10.0) == (10.0 if number is None else number)
    assert made.problems.get("calls.max_hops") == problem
    assert SystemSettings({}).limit("calls.max_hops") is None


@pytest.mark.parametrize(
    ("value", "country", "named"),
    [
        ("DE", "DE", False),
        ("at", "AT", False),
        (None, "DE", False),
        ("Germany", "DE", True),
        ("XX", "DE", True),
        ("001", "DE", True),  # the world is no country
        ("", "DE", True),
        (49, "DE", True),
    ],
)
def test_the_country(value: object, country: str, named: bool) -> None:
    made = settings("numbers.country", value)
    assert made.country == country
    assert ("numbers.country" in made.problems) is named


@pytest.mark.parametrize(
    ("value", "numbers", "named"),
    [
        (None, EMERGENCY, False),
        (["112", "911"], {"112", "911"}, False),
        ([" 112 "], {"112"}, False),
        (["112", "112"], {"112"}, False),
        ([], set(), False),
        (["112", "police"], {"112"}, True),
        (["police"], EMERGENCY, True),
        (["+112", ""], EMERGENCY, True),
        (["\u0661\u0661\u0662", "110"], {"110"}, True),  # no phone dials Arabic digits
        ("112", EMERGENCY, True),
        ([112], EMERGENCY, True),
        ({"112": True}, EMERGENCY, True),
    ],
)
def test_emergency_numbers(value: object, numbers: set[str], named: bool) -> None:
    made = settings("numbers.emergency", value)
    assert made.emergency_numbers == numbers
    assert ("numbers.emergency" in made.problems) is named


@pytest.mark.parametrize(
    ("value", "welcome", "named"),
    [
        (None, [], False),
        (["+49301234567", "0171*"], ["+49301234567", "+491711"], False),
        (["*", "030 1234567"], ["+49301234567"], True),
        (["", "anonymous"], ["anonymous"], True),
        ("+49301234567", [], True),
    ],
)
def test_the_white_list(value: object, welcome: list[str], named: bool) -> None:
    made = settings("inbound.white_list", value)
    asked = ("+49301234567", "+491711", "anonymous")
    assert [one for one in asked if made.white_list.find([one])] == welcome
    assert ("inbound.white_list" in made.problems) is named


@pytest.mark.parametrize(
    ("value", "target"),
    [
        ({"type": "extension", "number": "1001"}, Target(TargetType.EXTENSION, number="1001")),
        ({"type": "extension", "number": 1001}, Target(TargetType.EXTENSION, number="1001")),
        ({"type": "external", "number": "030 1"}, Target(TargetType.EXTERNAL, number="030 1")),
        ({"type": "queue", "id": str(QUEUE)}, Target(TargetType.QUEUE, QUEUE)),
        ({"type": "ivr", "id": str(QUEUE), "note": "x"}, Target(TargetType.IVR, QUEUE)),
        ({"type": "voicemail", "id": str(QUEUE)}, Target(TargetType.VOICEMAIL, QUEUE)),
        ({"type": "voicemail", "number": "1001"}, Target(TargetType.VOICEMAIL, number="1001")),
    ],
)
def test_the_catch_all(value: object, target: Target) -> None:
    made = settings("inbound.catch_all", value)
    assert made.catch_all == target
    assert not made.problems


@pytest.mark.parametrize(
    "value",
    [
        "1001",
        1001,
        [],
        {},
        {"type": "extension"},
        {"type": "extension", "number": ""},
        {"type": "extension", "number": " "},
        {"type": "extension", "number": None},
        {"type": "external", "number": ["030"]},
        {"type": "external", "number": True},
        {"type": "pager", "number": "1"},
        {"type": [], "number": "1"},
        {"type": "queue"},
        {"type": "queue", "number": "500"},
        {"type": "queue", "id": "500"},
        {"type": "queue", "id": 500},
        {"type": "queue", "id": None},
        {"type": "queue", "id": [1]},
        {"type": "voicemail"},
        {"type": "voicemail", "number": ""},
        {"type": "ivr", "number": "1001"},
    ],
)
def test_a_catch_all_that_can_not_be_used(value: object) -> None:
    made = settings("inbound.catch_all", value)
    assert made.catch_all is None
    assert list(made.problems) == ["inbound.catch_all"]


@pytest.mark.parametrize(
    ("value", "roles", "named"),
    [
        (None, {"admin"}, False),
        (["agent", "user"], {"agent", "user"}, False),
        ([], set(), False),
        (["agent", "boss"], {"agent", "boss"}, True),
        ("agent", {"admin"}, True),
    ],
)
def test_roles(value: object, roles: set[str], named: bool) -> None:
    made = settings("trunks.test_roles", value)
    assert made.roles("trunks.test_roles", ["admin"]) == roles
    assert ("trunks.test_roles" in made.problems) is named


@pytest.mark.parametrize(
    ("value", "spoken", "named"),
    [
        (None, Language.EN, False),
        ("de", Language.DE, False),
        (" DE_at ", Language.DE, False),
        ("en-GB", Language.EN, False),
        ("fr", Language.EN, True),
        ("", Language.EN, True),
        ("den", Language.EN, True),
        (49, Language.EN, True),
    ],
)
def test_the_language(value: object, spoken: Language, named: bool) -> None:
    made = settings("media.language", value)
    assert made.language is spoken
    assert ("media.language" in made.problems) is named


@pytest.mark.parametrize(
    ("value", "operator", "named"),
    [
        (None, None, False),
        (" 1001 ", "1001", False),
        (1001, "1001", False),
        ("", None, False),
        (True, None, True),
        (["1001"], None, True),
        (1001.5, None, True),
    ],
)
def test_the_operator(value: object, operator: str | None, named: bool) -> None:
    made = settings("voicemail.operator", value)
    assert made.operator == operator
    assert ("voicemail.operator" in made.problems) is named


@pytest.mark.parametrize(
    ("value", "flag", "named"),
    [(None, False, False), (True, True, False), (False, False, False), ("true", False, True)],
)
def test_flags(value: object, flag: bool, named: bool) -> None:
    made = settings("voicemail.delete_unread", value)
    assert made.flag("voicemail.delete_unread") is flag
    assert ("voicemail.delete_unread" in made.problems) is named


@pytest.mark.parametrize(
    ("value", "word", "named"),
    [(None, "wav", False), ("MP3", "mp3", False), ("ogg", "wav", True), (3, "wav", True)],
)
def test_words(value: object, word: str, named: bool) -> None:
    made = settings("mail.audio_format", value)
    assert made.word("mail.audio_format", ("wav", "mp3"), "wav") == word
    assert ("mail.audio_format" in made.problems) is named


@pytest.mark.parametrize(
    ("value", "zone", "named"),
    [
        (None, "Europe/Berlin", False),
        (" America/New_York ", "America/New_York", False),
        ("Mars/Olympus", "Europe/Berlin", True),
        ("", "Europe/Berlin", True),
        ("../etc/passwd", "Europe/Berlin", True),
        (1, "Europe/Berlin", True),
        ({"zone": "UTC"}, "Europe/Berlin", True),
    ],
)
def test_where_a_day_of_agents_begins(value: object, zone: str, named: bool) -> None:
    made = settings("queues.timezone", value)
    assert made.queue_zone.key == zone
    assert ("queues.timezone" in made.problems) is named


@pytest.mark.parametrize(
    ("value", "reasons", "named"),
    [
        (None, {}, False),
        ({}, {}, False),
        ({"1": " lunch ", "22": "training"}, {"1": "lunch", "22": "training"}, False),
        ({"1": "lunch", "two": "tea"}, {"1": "lunch"}, True),
        ({"1": "lunch", "2": " "}, {"1": "lunch"}, True),
        ({"1": "lunch", "2": 3, "": "x"}, {"1": "lunch"}, True),
        ({"1": "x" * 100, "2": "x" * 101}, {"1": "x" * 100}, True),
        ({"\u0661": "lunch"}, {}, True),
        (["lunch"], {}, True),
        ("lunch", {}, True),
    ],
)
def test_the_reasons_for_a_break(value: object, reasons: dict[str, str], named: bool) -> None:
    made = settings("queues.break_reasons", value)
    assert made.break_reasons == reasons
    assert ("queues.break_reasons" in made.problems) is named


def test_a_check_looks_at_everything_that_calls_use() -> None:
    wrong: dict[str, Any] = dict.fromkeys(
        (
            "calls.max_hops",
            "inbound.catch_all",
            "inbound.white_list",
            "ivr.max_menus",
            "mail.audio_format",
            "mail.max_attachment_bytes",
            "media.language",
            "media.record_roles",
            "numbers.country",
            "numbers.emergency",
            "outbound.ring_seconds",
            "queues.break_reasons",
            "queues.callback_abroad",
            "queues.callback_retry_seconds",
            "queues.delay_busy_seconds",
            "queues.timezone",
            "time_profiles.override_roles",
            "toll.extension_calls_per_minute",
            "trunks.silent_seconds",
            "trunks.test_roles",
            "voicemail.callback_from_outside",
            "voicemail.delete_unread",
            "voicemail.max_seconds",
            "voicemail.pin_at_own_phone",
        ),
        "wrong",
    )
    fine = {"mail.from": "a@example.org", "voicemail.operator": "1001", "media.default_moh": "x"}
    assert SystemSettings({**wrong, **fine}).check().keys() == wrong.keys()
    numbers = {"mail.from": 1.5, "voicemail.operator": ["1001"]}
    assert SystemSettings(numbers).check().keys() == numbers.keys()


KEYS = (
    "numbers.country",
    "numbers.emergency",
    "inbound.white_list",
    "inbound.catch_all",
    "media.language",
    "voicemail.operator",
    "voicemail.delete_unread",
    "voicemail.max_seconds",
    "mail.audio_format",
    "queues.timezone",
    "queues.break_reasons",
)


@given(st.dictionaries(st.sampled_from([*KEYS, "trunks.test_roles", "calls.x"]), json_values))
def test_no_value_is_too_odd(values: dict[str, Any]) -> None:
    made = SystemSettings(values)
    problems = made.check()
    assert problems.keys() <= values.keys()
    assert len(made.country) == 2
    assert made.operator is None or made.operator.strip()
    assert all(number.isascii() and number.isdecimal() for number in made.emergency_numbers)
    assert made.catch_all is None or made.catch_all.id or made.catch_all.number
    assert made.queue_zone.key
    assert all(digits.isdecimal() and reason for digits, reason in made.break_reasons.items())
