"""A row that can't be used in full is used as far as it can, and says what is wrong."""

import json
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Interface
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasis_app.rules import inbound, rows
from stasis_app.rules.columns import RowError
from stasis_app.rules.did import DidRange
from stasis_app.rules.models import Target, User
from stasis_app.rules.times import DEFAULT_ZONE
from stasis_app.words import (
    BlacklistType,
    CallerIdMode,
    ExtensionStatus,
    ExtensionType,
    ForwardedCallerId,
    Role,
    TargetType,
    TrunkStatus,
    TrunkType,
)

from .build import (
    NOW,
    PLAIN,
    ROW,
    Row,
    blacklist_row,
    book,
    extension,
    inbound_row,
    named_row,
    outbound_row,
    profile_row,
    trunk_row,
    user_row,
)

ONE = UUID(int=1)


def test_a_plain_row() -> None:
    assert rows.extension(ROW) == PLAIN


@pytest.mark.parametrize(
    ("columns", "fields"),
    [
        ({"extension_type": "webrtc"}, {"type": ExtensionType.WEBRTC}),
        ({"status": "inactive"}, {"status": ExtensionStatus.INACTIVE}),
        ({"deleted_at": datetime(2026, 1, 1, tzinfo=UTC)}, {"deleted": True}),
        ({"display_name": None}, {"display_name": ""}),
        ({"dnd_enabled": None}, {"dnd": False}),
        ({"dnd_enabled": True}, {"dnd": True}),
        ({"max_concurrent_calls": None}, {"max_concurrent_calls": None}),
        ({"forward_on_no_answer_timeout": None}, {"ring_seconds": 20.0}),
        ({"forward_on_no_answer_timeout": 1}, {"ring_seconds": 1.0}),
        ({"forward_on_no_answer_timeout": 600}, {"ring_seconds": 600.0}),
        ({"user_id": ONE}, {"user": ONE}),
        ({"allow_international": False}, {"allow_international": False}),
        ({"allow_international": None}, {"allow_international": True}),  # the column's default
        ({"allow_mobile": False}, {"allow_mobile": False}),
        ({"outbound_caller_id": "+493010"}, {"outbound_caller_id": "+493010"}),
        ({"outbound_caller_id": " "}, {"outbound_caller_id": None}),
        ({"outbound_calls_per_minute": 0}, {"outbound_calls_per_minute": 0}),
        ({"max_concurrent_outbound_calls": 0}, {"max_concurrent_outbound_calls": 0}),
        ({"voicemail_enabled": True}, {"voicemail": True}),
        ({"voicemail_enabled": None}, {"voicemail": False}),  # no box is made then
    ],
)
def test_columns(columns: dict[str, Any], fields: dict[str, Any]) -> None:
    assert rows.extension({**ROW, **columns}) == extension(**fields)


@pytest.mark.parametrize("kind", ["unconditional", "on_busy", "on_no_answer"])
@pytest.mark.parametrize(
    ("enabled", "destination", "forward", "problems"),
    [
        (True, "1003", "1003", 0),
        (True, " 1003\n", "1003", 0),
        (False, "1003", None, 0),
        (None, "1003", None, 0),
        (False, None, None, 0),
        (True, None, None, 1),
        (True, "", None, 1),
        (True, "  ", None, 1),
    ],
)
def test_forwards(
    kind: str, enabled: bool | None, destination: str | None, forward: str | None, problems: int
) -> None:
    columns = {f"forward_{kind}_enabled": enabled, f"forward_{kind}_destination": destination}
    found = rows.extension({**ROW, **columns})
    assert getattr(found, f"forward_{kind}") == forward
    assert len(found.problems) == problems
    assert all(f"forward_{kind}_destination" in problem for problem in found.problems)


@pytest.mark.parametrize("seconds", [0, -1, 601, -(2**31), 2**31 - 1])
def test_a_timeout_that_makes_no_sense(seconds: int) -> None:
    found = rows.extension({**ROW, "forward_on_no_answer_timeout": seconds})
    assert found.ring_seconds == rows.RING_SECONDS
    assert found.problems == (f"forward_on_no_answer_timeout {seconds} is not in 1..600",)


@pytest.mark.parametrize(
    ("columns", "role", "active", "profile"),
    [
        ({}, Role.USER, True, None),
        ({"role": "admin", "time_profile_id": ONE}, Role.ADMIN, True, ONE),
        ({"status": "suspended"}, Role.USER, False, None),
        ({"status": "inactive"}, Role.USER, False, None),
        ({"deleted_at": NOW}, Role.USER, False, None),
    ],
)
def test_a_user(columns: Row, role: Role, active: bool, profile: UUID | None) -> None:
    assert rows.user(user_row(7, **columns)) == User(
        UUID(int=7), role, active, profile, language="de-DE", timezone="Europe/Berlin"
    )


def test_a_user_who_says_nothing_of_language_and_zone() -> None:
    made = rows.user(user_row(7, language=None, timezone=None))
    assert (made.language, made.timezone) == ("", "Europe/Berlin")


@pytest.mark.parametrize(
    ("columns", "fields"),
    [
        ({}, {"name": "trunk7", "active": True, "present": True, "did_ranges": ()}),
        ({"trunk_type": "register"}, {"type": TrunkType.REGISTER}),
        ({"status": "testing"}, {"status": TrunkStatus.TESTING, "active": False, "present": True}),
        ({"status": "inactive"}, {"active": False, "present": False}),
        ({"deleted_at": NOW}, {"deleted": True, "active": False, "present": False}),
        ({"uri": None}, {"uri": None, "active": False, "present": False}),
        ({"host": " [2001:db8::1] "}, {"host": "2001:db8::1"}),
        ({"username": "  "}, {"username": None}),
        ({"default_caller_id": " +4930 "}, {"default_caller_id": "+4930"}),
        ({"forwarded_caller_id": "original"}, {"forwarded_caller_id": ForwardedCallerId.ORIGINAL}),
        ({"test_code": "7"}, {"test_code": "7"}),
        ({"allowed_ips": []}, {"allowed_ips": ()}),
        (
            {"allowed_ips": [IPv4Address("192.0.2.1"), IPv4Interface("192.0.2.7/28")]},
            {"allowed_ips": ("192.0.2.1", "192.0.2.7/28")},
        ),
        (
            {"did_ranges": json.dumps([{"start": "030100000", "end": "030100099"}])},
            {"did_ranges": (DidRange("+4930100000", "+4930100099"),)},
        ),
    ],
)
def test_a_trunk(columns: Row, fields: dict[str, Any]) -> None:
    made = rows.trunk(trunk_row(7, **columns), "DE")
    assert {name: getattr(made, name) for name in fields} == fields
    assert made.endpoint == f"trunk-{UUID(int=7)}"


@pytest.mark.parametrize("ranges", ['"x"', "{}", "[1]", '[{"start": "x"}]', '[{"end": "030"}]'])
def test_a_trunk_that_might_deliver_anything_is_left_out(ranges: str) -> None:
    found = rows.trunk(trunk_row(7, did_ranges=ranges), "DE")
    [problem] = found.problems
    assert problem.startswith("did_ranges: ")
    assert found.present
    assert not inbound.delivers(found, ["+49301000001", "none"])


NUMBER: Row = {"destination_id": None, "destination_number": " 1001 "}


@pytest.mark.parametrize(
    ("columns", "fields"),
    [
        ({}, {"name": "in7", "active": True, "priority": 100, "trunk": None, "fallback": None}),
        ({"status": "inactive"}, {"active": False}),
        ({"priority": None}, {"priority": 100}),
        ({"priority": 0}, {"priority": 0}),
        ({"priority": -5}, {"priority": -5}),
        ({"caller_id_pattern": "  "}, {"caller_pattern": None}),
        ({"trunk_id": ONE, "time_profile_id": ONE}, {"trunk": ONE, "time_profile": ONE}),
        (NUMBER, {"target": Target(TargetType.EXTENSION, number="1001")}),
        ({"destination_number": "x"}, {"target": Target(TargetType.EXTENSION, UUID(int=1001))}),
        (
            {"destination_type": "external", "destination_number": "030"},
            {"target": Target(TargetType.EXTERNAL, number="030")},
        ),
        (
            {"fallback_destination_type": "queue", "fallback_destination_id": ONE},
            {"fallback": Target(TargetType.QUEUE, ONE)},
        ),
        ({"fallback_destination_type": ""}, {"fallback": None}),
    ],
)
def test_an_inbound_rule(columns: Row, fields: dict[str, Any]) -> None:
    made = rows.inbound_rule(inbound_row(7, "030100000", **columns), "DE")
    assert {name: getattr(made, name) for name in fields} == fields
    assert made.pattern.literal == "+4930100000"


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"did_pattern": ""}, "did_pattern: is empty"),
        ({"did_pattern": "+49[5-1]"}, "did_pattern: '[5-1]': 5-1 is empty"),
        ({"did_pattern": "49+30"}, "did_pattern: '49+30': '+' can only stand at the beginning"),
        ({"caller_id_pattern": "(?<=4)9"}, "caller_id_pattern '(?<=4)9': "),
        ({"caller_id_pattern": "(49"}, "caller_id_pattern '(49': "),
        ({"caller_id_pattern": r"(4)\1"}, r"caller_id_pattern '(4)\1': "),
        ({"destination_type": None}, "has no destination"),
        ({"destination_type": "pager"}, "destination_type 'pager' is not one of extension, "),
        ({"destination_id": None}, "destination_type extension without destination_id"),
        (
            {**NUMBER, "destination_type": "queue"},
            "destination_type queue without destination_id",
        ),
        (
            {"destination_type": "external", "destination_number": " "},
            "destination_type external without destination_number",
        ),
        (
            {"fallback_destination_type": "pager"},
            "fallback_destination_type 'pager' is not one of ",
        ),
        (
            {"fallback_destination_type": "ivr"},
            "fallback_destination_type ivr without fallback_destination_id",
        ),
    ],
)
def test_an_inbound_rule_that_can_not_be_used(columns: Row, problem: str) -> None:
    with pytest.raises(RowError) as error:
        rows.inbound_rule({**inbound_row(7, "030"), **columns}, "DE")
    assert error.value.name == "in7"
    assert str(error.value).startswith(problem)


@pytest.mark.parametrize(
    ("columns", "fields"),
    [
        ({}, {"strip": 0, "prepend": "", "max_seconds": None, "roles": frozenset(Role)}),
        ({"status": "inactive"}, {"active": False}),
        ({"priority": None}, {"priority": 100}),
        ({"priority": 0}, {"priority": 0}),
        ({"strip_digits": None}, {"strip": 0}),
        ({"strip_digits": 3, "prepend": " 00 "}, {"strip": 3, "prepend": "00"}),
        ({"caller_id_mode": None}, {"caller_id_mode": CallerIdMode.EXTENSION}),
        ({"custom_caller_id": " "}, {"custom_caller_id": None}),
        ({"allowed_for_roles": None}, {"roles": frozenset(Role)}),
        ({"allowed_for_roles": []}, {"roles": frozenset()}),
        ({"max_duration_seconds": 60}, {"max_seconds": 60.0}),
        ({"max_duration_seconds": 0}, {"max_seconds": 0.0}),
        ({"max_duration_seconds": -5}, {"max_seconds": 0.0}),
    ],
)
def test_an_outbound_rule(columns: Row, fields: dict[str, Any]) -> None:
    made = rows.outbound_rule(outbound_row(7, "^0", **columns))
    assert {name: getattr(made, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("", "has no number_pattern"),
        (None, "has no number_pattern"),
        ("[0-9", "number_pattern '[0-9': missing ]"),
        ("(", "number_pattern '(': missing )"),
        ("+49", "number_pattern '+49': no argument for repetition operator"),
        ("0(?!0)", "number_pattern '0(?!0)': invalid perl operator"),
        (r"(0)\1", r"number_pattern '(0)\1': invalid escape sequence"),
        ("0{2000}", "number_pattern '0{2000}': invalid repetition size: {2000}"),
        ("((0{100}){100}){100}", "number_pattern '((0{100}){100}){100}': invalid repetition size"),
        (r"\pL{100}", r"number_pattern '\pL{100}': pattern too large"),
    ],
)
def test_a_regex_that_can_not_be_used(pattern: str | None, problem: str) -> None:
    with pytest.raises(RowError) as error:
        rows.outbound_rule(outbound_row(7, "", number_pattern=pattern))
    assert error.value.name == "out7"
    assert str(error.value).startswith(problem)


@given(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=100))
def test_no_regex_is_too_odd(pattern: str) -> None:
    shelf = book(outbound_rules=[outbound_row(7, pattern)]).outbound_rules
    assert all("number_pattern" in str(error) for error in shelf.broken.values())
    for rule in shelf.items.values():
        assert rule.pattern.pattern == pattern.strip()
        assert shelf.matching("0301234567" * 100) in ([], [rule])


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"timezone": "Mars"}, "timezone 'Mars' is not known"),
        ({"schedule": "[]"}, "schedule is not an object"),
        ({"schedule": '{"someday": []}'}, "schedule: 'someday' is no day of the week"),
    ],
)
def test_a_profile_that_can_not_be_used(columns: Row, problem: str) -> None:
    with pytest.raises(RowError) as error:
        rows.time_profile(profile_row(7, **columns))
    assert error.value.name == "hours7"
    assert str(error.value).startswith(problem)


def test_a_profile() -> None:
    row = profile_row(7, override_code=" 12 ", timezone=None)
    made = rows.time_profile({**row, "schedule": json.dumps(row["schedule"])})
    assert made == rows.time_profile({**row, "timezone": DEFAULT_ZONE})
    assert (made.id, made.code, made.zone.key) == (UUID(int=7), "12", "Europe/Berlin")


@pytest.mark.parametrize(
    ("value", "kind"),
    [("+4930*", "phone_number"), ("192.0.2.0/24", "ip"), ("scanner 1.0", "user_agent")],
)
def test_an_entry_of_the_black_list(value: str, kind: str) -> None:
    made = rows.blacklist_entry(blacklist_row(7, f" {value} ", kind, expires_at=NOW), "DE")
    assert (made.value, made.type, made.expires_at) == (value, BlacklistType(kind), NOW)


@pytest.mark.parametrize("kind", ["phone_number", "ip", "user_agent"])
def test_an_empty_entry_would_be_everybody(kind: str) -> None:
    with pytest.raises(RowError, match="value is empty"):
        rows.blacklist_entry(blacklist_row(7, " ", kind), "DE")


@pytest.mark.parametrize("value", ["()", "»«", "( )"])
def test_a_user_agent_of_which_nothing_is_compared(value: str) -> None:
    with pytest.raises(RowError, match="value has none of the characters"):
        rows.blacklist_entry(blacklist_row(7, value, "user_agent"), "DE")


@pytest.mark.parametrize(
    ("language", "spoken"), [(None, None), ("", None), (" de-DE ", "de-DE"), ("fr", "fr")]
)
def test_the_language_of_a_rule(language: str | None, spoken: str | None) -> None:
    assert rows.inbound_rule(inbound_row(7, ".", language=language), "DE").language == spoken


def test_a_row_with_a_name() -> None:
    made = rows.named(named_row(7, " 500 ", active=False), "extension_number")
    assert (made.name, made.number, made.active) == ("named7", "500", False)
    assert rows.named(named_row(7), "extension_number").number is None
