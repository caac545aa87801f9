"""What is wrong with a configuration is found, and nothing else is."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasis_app.rules.findings import ERROR, WARNING, Finding, findings

from .build import (
    NOW,
    Row,
    blacklist_row,
    book,
    box_row,
    extension_row,
    filled,
    forwarding,
    inbound_row,
    media_row,
    member_row,
    menu_row,
    named_row,
    option_row,
    outbound_row,
    presence_row,
    profile_row,
    queue_row,
    to_extension,
    to_external,
    to_overflow,
    to_row,
    trunk_row,
    user_row,
)

DID = "+493010000055"
ACCOUNT: Row = {"username": "acct", "credentials": "mark"}
Tables = dict[str, Sequence[Row]]

NO_SENDER = "is no mail address in ASCII: mails come from pbx-x@localhost"

CLEAN: Tables = {
    "users": [user_row(1), user_row(2, status="suspended")],
    "extensions": [
        extension_row("1001", user_id=UUID(int=1), **forwarding("on_busy", "1002")),
        extension_row("1002", **forwarding("unconditional", "0301234567")),
        extension_row("1003", **forwarding("unconditional", "1001")),
        extension_row("1004", status="inactive", **forwarding("unconditional", "0301234567")),
        extension_row("1005", deleted_at=NOW, **forwarding("unconditional", "1005")),
        extension_row("1006", user_id=UUID(int=2)),
        extension_row(
            "1008",
            user_id=UUID(int=1),
            voicemail_enabled=True,
            **forwarding("on_busy", "voicemail"),
        ),
    ],
    "trunks": [
        trunk_row(1, trunk_type="register", **ACCOUNT, backup_trunk_id=UUID(int=2)),
        trunk_row(2, trunk_type="ip_auth", allowed_ips=["198.51.100.0/28"]),
        trunk_row(3, trunk_type="ip_auth", status="inactive"),
        trunk_row(4, trunk_type="register", deleted_at=NOW),
        trunk_row(5, status="testing", did_ranges=[{"start": DID}]),
    ],
    "inbound_rules": [
        inbound_row(1, DID),
        inbound_row(2, "+4930100000XX", **to_extension("1002")),
        inbound_row(3, ".", **to_external("030 1234567")),
        inbound_row(4, ".", status="inactive", **to_extension("1009")),
        inbound_row(
            5,
            "+4940.",
            time_profile_id=UUID(int=1),
            **to_extension("1001", "fallback_destination"),
        ),
    ],
    "outbound_rules": [
        outbound_row(1, "^00", priority=1),
        outbound_row(2, "^0", caller_id_mode="trunk"),
        outbound_row(3, "^0", status="inactive"),
        outbound_row(4, "^1", caller_id_mode="custom", custom_caller_id="+4930"),
    ],
    "time_profiles": [profile_row(1)],
    "blacklist": [blacklist_row(1, "+4930*"), blacklist_row(2, "192.0.2.77", "ip")],
    "queues": [
        queue_row(1, status="inactive", callback_key=None, callback_enabled=True),
        queue_row(2, "1001", deleted=True),
        queue_row(
            3,
            "600",
            callback_enabled=True,
            welcome_prompt_id=UUID(int=1),
            music=str(UUID(int=2)),
            exit_key="0",
            **to_row("voicemail", 1, "exit_destination"),
            **to_overflow("ivr", 2),
        ),
    ],
    # those of 7 and 8 are for what is added
    "queue_members": [
        member_row(1, 1, "1004"),
        *(member_row(at, at, "1001", skills=["English"]) for at in (3, 7, 8)),
    ],
    "agent_states": [presence_row(1, "1001")],
    "conferences": [named_row(3, active=False)],
    "media_files": [media_row(1), media_row(2, "moh", name="Soft")],
    "ivr_menus": [
        menu_row(1, name="main", welcome_prompt_id=UUID(int=1), language="de"),
        menu_row(2, name="bye"),
        menu_row(3, name="dial", direct_dial=True, timeout_destination_type=None),
        menu_row(4, name="sub", **to_row("ivr", 1, "timeout_destination")),
    ],
    "ivr_menu_options": [
        option_row(1, 1, "1"),
        option_row(2, 1, "*", action="repeat", destination_number=None),
        option_row(3, 1, "2", action="ivr", destination_id=UUID(int=4)),
        option_row(4, 4, "#", action="ivr", destination_id=UUID(int=1)),
        option_row(5, 4, "0", action="voicemail", destination_number="1008"),
        option_row(6, 3, "1", action="external", destination_number="030 777"),
    ],
    "voicemail_boxes": [
        box_row(1, "1008", operator_number="1001", mails=True),
        box_row(2, "1001", active=False, mails=True, email_address="anna", pin_flaw="all_alike"),
    ],
}
CLEAN_SETTINGS = {
    "calls.max_hops": 5,
    "inbound.catch_all": {"type": "extension", "number": "1001"},
    "inbound.white_list": ["+4930777"],
    "numbers.country": "DE",
    "numbers.emergency": ["112"],
    "media.default_moh": " soft",
    "media.language": "de",
    "voicemail.operator": "1001",
}


def look(settings: Any = None, **more: Any) -> list[Finding]:
    """Return what is found in the clean configuration with further rows."""
    tables = {table: [*CLEAN.get(table, ()), *more.get(table, ())] for table in {**CLEAN, **more}}
    made = filled(tables, {**CLEAN_SETTINGS, **(settings or {})})
    return [finding for finding in findings(made) if finding]


def told(found: Sequence[Finding]) -> list[tuple[str, str, str]]:
    return [(finding.severity, finding.name, finding.problem) for finding in found]


def test_a_clean_configuration() -> None:
    assert look() == []
    assert [finding for finding in findings(book()) if finding] == []


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("voicemail.silence_seconds", 2.5, "is less than 3 s: a pause ends the message"),
        ("voicemail.silence_seconds", 0, None),
        (
            "voicemail.min_seconds",
            181,
            "is more than voicemail.max_seconds: every message is too short",
        ),
        ("voicemail.min_seconds", 180, None),
        ("voicemail.silence_seconds", 3, None),
        ("mail.from", "nobody", NO_SENDER),
        ("mail.from", "jürgen@example.org", NO_SENDER),
        ("mail.from", 7, NO_SENDER),
        ("mail.from", "Telefon <pbx@münchen.example>", None),
        ("mail.from", None, None),
    ],
)
def test_a_setting_that_will_surprise_somebody(key: str, value: Any, problem: str | None) -> None:
    expected = [Finding("system_settings", None, key, WARNING, problem)] if problem else []
    assert look({key: value}) == expected


@pytest.mark.parametrize(
    ("table", "row", "name", "problem"),
    [
        ("outbound_rules", outbound_row(7, "0(?=1)"), "out7", "number_pattern '0(?=1)': "),
        ("outbound_rules", outbound_row(7, "(0"), "out7", "number_pattern '(0': "),
        ("outbound_rules", outbound_row(7, " "), "out7", "has no number_pattern"),
        ("outbound_rules", outbound_row(7, "^0", strip_digits=-1), "out7", "strip_digits -1"),
        (
            "inbound_rules",
            inbound_row(7, DID, caller_id_pattern="["),
            "in7",
            "caller_id_pattern '[",
        ),
        ("inbound_rules", inbound_row(7, "+49["), "in7", "did_pattern: "),
        ("inbound_rules", inbound_row(7, DID, destination_type=""), "in7", "has no destination"),
        ("inbound_rules", inbound_row(7, DID, **to_external(" ")), "in7", "destination_type exter"),
        ("time_profiles", profile_row(7, end="25:00"), "hours7", "monday, span 1: end"),
        ("time_profiles", profile_row(7, timezone="Mars"), "hours7", "timezone 'Mars'"),
        ("blacklist", blacklist_row(7, "*"), "*", "value: "),
        ("blacklist", blacklist_row(7, "192.0.2.300", "ip"), "192.0.2.300", "value: "),
    ],
)
def test_a_row_that_can_not_be_used(table: str, row: Row, name: str, problem: str) -> None:
    [finding] = look(**{table: [row]})
    assert (finding.table, finding.row, finding.severity) == (table, row["id"], ERROR)
    assert finding.name == name
    assert finding.problem.startswith(problem)


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"did_ranges": '["1"]'}, "did_ranges: entry 1"),
        ({"allowed_ips": ["0.0.0.0/0"]}, "allowed_ips 0.0.0.0/0 is too wide"),
    ],
)
def test_a_trunk_that_is_used_but_for_one_thing(columns: Row, problem: str) -> None:
    found = look(trunks=[trunk_row(7, **columns)])
    assert any(f.name == "trunk7" and f.problem.startswith(problem) for f in found)


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("calls.max_hops", "many", "is no number"),
        ("numbers.country", "XX", "is no ISO code of a country"),
        ("numbers.emergency", ["112", "x"], "has an entry that is not made of digits"),
        ("inbound.white_list", ["*"], "'*' names no number"),
        ("inbound.catch_all", 1, 'is not like {"type": "extension", "number": "1001"}'),
        (
            "inbound.catch_all",
            {"type": "extension", "number": "1009"},
            "extension 1009 does not exist",
        ),
        (
            "inbound.catch_all",
            {"type": "external", "number": "7"},
            "external 7: it may not be called (no_outbound_rule)",
        ),
        (
            "inbound.catch_all",
            {"type": "queue", "id": str(UUID(int=9))},
            f"queue {UUID(int=9)} does not exist",
        ),
        ("media.language", "fr", "is not one of de, en"),
        ("media.default_moh", "media1", "no media file of type moh has the name media1"),
        ("media.default_moh", True, "is neither null, false nor a name"),
        ("voicemail.operator", "alice", "nobody has this number"),
        ("voicemail.operator", "7777", "it may not be called (no_outbound_rule)"),
        ("voicemail.max_seconds", "long", "is no number"),
    ],
)
def test_a_setting(key: str, value: object, problem: str) -> None:
    assert look({key: value}) == [Finding("system_settings", None, key, ERROR, problem)]


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"uri": None}, "host and port can't be part of a SIP address"),
        (
            {"trunk_type": "register", "username": "a"},
            "trunk_type register without username or password",
        ),
        (
            {"trunk_type": "register", "credentials": "x"},
            "trunk_type register without username or password",
        ),
        ({"trunk_type": "ip_auth"}, "trunk_type ip_auth without allowed_ips: "),
        ({"backup_trunk_id": UUID(int=99)}, "backup_trunk_id is a trunk that can't be used"),
        ({"backup_trunk_id": UUID(int=7)}, "backup_trunk_id leads round in a circle"),
        (
            {"allowed_ips": ["198.51.100.7/28"]},
            "which of it and trunk trunk2 takes calls from 198.51.100.0/28 is left to chance",
        ),
    ],
)
def test_a_trunk(columns: Row, problem: str) -> None:
    [finding] = look(trunks=[trunk_row(7, **columns)])
    assert (finding.table, finding.row, finding.severity) == ("trunks", UUID(int=7), ERROR)
    assert finding.problem.startswith(problem)


def test_every_trunk_of_a_circle_is_named() -> None:
    rows = [
        trunk_row(at, backup_trunk_id=UUID(int=backup)) for at, backup in ((7, 8), (8, 7), (9, 8))
    ]
    assert [finding.name for finding in look(trunks=rows)] == ["trunk7", "trunk8", "trunk9"]


UNBUILT = "it is not built yet"
NO_BOX = "does not exist, or its extension takes no messages"


@pytest.mark.parametrize(
    ("columns", "severity", "problem"),
    [
        (to_extension("1009"), ERROR, f"destination: extension {UUID(int=1009)} does not exist"),
        (to_extension("1005"), ERROR, f"destination: extension {UUID(int=1005)} does not exist"),
        (
            {"destination_type": "queue"},
            ERROR,
            f"destination: queue {UUID(int=1001)} does not exist",
        ),
        (
            to_row("queue", 1),
            ERROR,
            f"destination: queue {UUID(int=1)} is inactive",
        ),
        (
            to_row("conference", 3),
            ERROR,
            f"destination: calls for a conference end with an announcement: {UNBUILT}",
        ),
        (
            to_external("030@x"),
            ERROR,
            "destination: external 030@x: it may not be called (no_outbound_rule)",
        ),
        (
            {"time_profile_id": UUID(int=1), **to_extension("1009", "fallback_destination")},
            ERROR,
            f"fallback: extension {UUID(int=1009)} does not exist",
        ),
        (
            to_extension("1002", "fallback_destination"),
            WARNING,
            "has a fallback, but no time profile: it is never used",
        ),
        (to_row("ivr", 9), ERROR, f"destination: ivr {UUID(int=9)} does not exist"),
        (
            to_row("voicemail", 2),
            ERROR,
            f"destination: voicemail {UUID(int=2)} {NO_BOX}",
        ),
        (
            {**to_row("voicemail", 2), "destination_id": None, "destination_number": "1001"},
            ERROR,
            f"destination: voicemail 1001 {NO_BOX}",
        ),
        ({"language": "fr-FR"}, WARNING, "language 'fr-FR' is not one of de, en: en is spoken"),
    ],
)
def test_an_inbound_rule(columns: Row, severity: str, problem: str) -> None:
    row = inbound_row(7, "+4977", **columns)
    assert look(inbound_rules=[row]) == [
        Finding("inbound_rules", UUID(int=7), "in7", severity, problem)
    ]


HOURS: Row = {"time_profile_id": UUID(int=1)}
FALLBACK = to_extension("1002", "fallback_destination")


@pytest.mark.parametrize(
    ("earlier", "later", "shadowed"),
    [
        (("+4977", {}), ("+4977", {"priority": 101}), True),
        (("+4977", {}), ("004977", {"priority": 101}), True),
        (("+4977XX", {}), ("+4977X1", {"priority": 101}), True),
        (("+4977.", {}), ("+4977XX", {"priority": 101}), True),
        (("+4977XX", {}), ("+4977.", {"priority": 101}), False),
        (("+4977XX", {}), ("+497711", {"priority": 101}), False),  # exact: it comes first
        (("+4977", {"status": "inactive"}), ("+4977", {"priority": 101}), False),
        (("+4977", {"trunk_id": UUID(int=1)}), ("+4977", {}), False),
        (
            ("+4977", {"trunk_id": UUID(int=1)}),
            ("+4977", {"trunk_id": UUID(int=1), "priority": 101}),
            True,
        ),
        (("+4977", {"priority": 1}), ("+4977", {"trunk_id": UUID(int=1)}), True),
        (("+4977", {"caller_id_pattern": "1"}), ("+4977", {"priority": 101}), False),
        (("+4977", {"priority": 1}), ("+4977", {"caller_id_pattern": "1"}), True),
        (("+4977", HOURS), ("+4977", {"priority": 101}), False),
        (("+4977", {**HOURS, **FALLBACK}), ("+4977", {"priority": 101}), True),
        (("+4977", {}), ("+4977", {**HOURS, "priority": 101}), True),
    ],
)
def test_a_rule_that_is_never_reached(
    earlier: tuple[str, Row], later: tuple[str, Row], shadowed: bool
) -> None:
    rows = [inbound_row(7, earlier[0], **earlier[1]), inbound_row(8, later[0], **later[1])]
    problem = "is never reached: rule in7 takes its calls"
    expected = [Finding("inbound_rules", UUID(int=8), "in8", WARNING, problem)]
    assert look(inbound_rules=rows) == (expected if shadowed else [])


def test_a_rule_without_a_destination_takes_nothing_from_others() -> None:
    rows = [inbound_row(7, "+4977", **to_extension("1009")), inbound_row(8, "+4977")]
    assert [finding.name for finding in look(inbound_rules=rows)] == ["in7"]


@pytest.mark.parametrize(
    ("columns", "severity", "problem"),
    [
        ({"trunk_id": UUID(int=5)}, ERROR, "no trunk of it is active"),
        ({"trunk_id": UUID(int=99)}, ERROR, "no trunk of it is active"),
        ({"caller_id_mode": "custom"}, ERROR, "caller_id_mode custom without custom_caller_id"),
        (
            {"caller_id_mode": "trunk", "trunk_id": UUID(int=7)},
            WARNING,
            "caller_id_mode trunk, but trunk trunk7 has no number",
        ),
        ({"prepend": "0x"}, WARNING, "prepend '0x' can't be dialled"),
        (
            {"allowed_for_roles": ["user", "boss", "chef"]},
            WARNING,
            "allowed_for_roles has boss, chef: there is no such role",
        ),
        (
            {"max_duration_seconds": 0},
            WARNING,
            "max_duration_seconds is not more than 0: calls are not cut",
        ),
        (
            {"max_duration_seconds": -1},
            WARNING,
            "max_duration_seconds is not more than 0: calls are not cut",
        ),
        (
            {"number_pattern": "^00"},
            WARNING,
            "is never reached: rule out1 has the same pattern",
        ),
    ],
)
def test_an_outbound_rule(columns: Row, severity: str, problem: str) -> None:
    row = outbound_row(7, "^7", **columns)
    found = look(outbound_rules=[row], trunks=[trunk_row(7, default_caller_id=None)])
    assert found == [Finding("outbound_rules", UUID(int=7), "out7", severity, problem)]


@pytest.mark.parametrize(
    ("earlier", "later", "shadowed"),
    [
        ({"allowed_for_roles": ["admin"]}, {"allowed_for_roles": ["user"]}, False),
        ({"allowed_for_roles": ["admin", "user"]}, {"allowed_for_roles": ["user"]}, True),
        ({"status": "inactive"}, {}, False),
        ({"trunk_id": UUID(int=5)}, {}, False),  # in test: the other rule is asked
    ],
)
def test_two_outbound_rules_with_one_pattern(earlier: Row, later: Row, shadowed: bool) -> None:
    rows = [outbound_row(7, "^7", **earlier), outbound_row(8, "^7", **later)]
    found = [finding.name for finding in look(outbound_rules=rows)]
    assert ("out8" in found) is shadowed


def test_a_profile_that_is_never_open() -> None:
    rows = [profile_row(7, schedule={}), profile_row(8, schedule={"monday": []}, override="open")]
    assert told(look(time_profiles=rows)) == [
        (WARNING, "hours7", "is never open"),
        (WARNING, "hours8", "is never open"),
    ]


@pytest.mark.parametrize(
    ("rows", "table", "name", "problem"),
    [
        (
            {"queues": [queue_row(7, "1001")]},
            "queues",
            "queue7",
            "number 1001 is an extension too, which takes the calls",
        ),
        (
            {"conferences": [named_row(7, "1004")]},
            "conferences",
            "named7",
            "number 1004 is an extension too, which takes the calls",
        ),
        (
            {"queues": [queue_row(7, "500")], "conferences": [named_row(8, "500")]},
            "conferences",
            "named8",
            "number 500 is a queue's too, which takes the calls",
        ),
        (
            {"ivr_menus": [menu_row(7, extension_number="1001")]},
            "ivr_menus",
            "menu7",
            "number 1001 is an extension too, which takes the calls",
        ),
        (
            {"queues": [queue_row(7, "500")], "ivr_menus": [menu_row(7, extension_number="500")]},
            "ivr_menus",
            "menu7",
            "number 500 is a queue's too, which takes the calls",
        ),
        (
            {
                "conferences": [named_row(7, "500")],
                "ivr_menus": [menu_row(7, extension_number="500")],
            },
            "ivr_menus",
            "menu7",
            "number 500 is a conference's too, which takes the calls",
        ),
        (
            {"ivr_menus": [menu_row(7, extension_number="112")]},
            "ivr_menus",
            "menu7",
            "number 112 is an emergency number: nobody can dial it",
        ),
        (
            {"ivr_menus": [menu_row(7, extension_number="*97")]},
            "ivr_menus",
            "menu7",
            "number *97 is a feature code too, which nobody can dial any more",
        ),
        (
            {"extensions": [extension_row("112")]},
            "extensions",
            "112",
            "number 112 is an emergency number: nobody can dial it",
        ),
        (
            {"queues": [queue_row(7, "112")]},
            "queues",
            "queue7",
            "number 112 is an emergency number: nobody can dial it",
        ),
        (
            {"extensions": [extension_row("*287")]},
            "extensions",
            "*287",
            "number *287 is a feature code too, which nobody can dial any more",
        ),
        (
            {"conferences": [named_row(7, "*287*1")]},
            "conferences",
            "named7",
            "number *287*1 is a feature code too, which nobody can dial any more",
        ),
        (
            {"extensions": [extension_row("*97")]},
            "extensions",
            "*97",
            "number *97 is a feature code too, which nobody can dial any more",
        ),
    ],
)
def test_a_number_that_is_used_twice(rows: Tables, table: str, name: str, problem: str) -> None:
    [finding] = look(**rows)
    assert (finding.table, finding.name, finding.severity) == (table, name, ERROR)
    assert finding.problem == problem


def test_a_number_that_was_used_before_is_free() -> None:
    queues = [queue_row(7, "1005"), queue_row(8, "500", status="inactive")]
    assert look(queues=queues, conferences=[named_row(9, "500")]) == []
    conferences = [named_row(9, "501", active=False)]
    menus = [menu_row(at, extension_number=str(number)) for at, number in ((7, 500), (8, 501))]
    assert look(queues=queues, conferences=conferences, ivr_menus=menus) == []
    assert look(ivr_menus=[menu_row(7, extension_number="1005")]) == []


def test_a_forward_to_a_menu() -> None:
    row = extension_row("1007", **forwarding("on_busy", "2000"))
    assert look(extensions=[row], ivr_menus=[menu_row(7, extension_number="2000")]) == []


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        (
            forwarding("on_busy", " "),
            "forward_on_busy_enabled without forward_on_busy_destination",
        ),
        ({"forward_on_no_answer_timeout": 0}, "forward_on_no_answer_timeout 0 is not in 1..600"),
        (forwarding("on_busy", "alice"), "forward to alice: nobody has this number"),
        (
            forwarding("on_no_answer", "7777"),
            "forward to 7777: it may not be called (no_outbound_rule)",
        ),
        (
            {**forwarding("unconditional", "0044 20 79460018"), "allow_international": False},
            "forward to 0044 20 79460018: it may not be called (international)",
        ),
        (
            {**forwarding("unconditional", "0301234567"), "user_id": UUID(int=2)},
            "forward to 0301234567: it may not be called (user_inactive)",
        ),
        (
            forwarding("on_busy", "voicemail"),
            "forward to voicemail: it has no mailbox",
        ),
        (
            forwarding("on_busy", "*951001"),
            "forward to *951001: nobody has this number",
        ),
        (
            forwarding("on_busy", "*287"),  # nobody is there to dial a code
            "forward to *287: it may not be called (no_outbound_rule)",
        ),
    ],
)
def test_an_extension(columns: Row, problem: str) -> None:
    row = extension_row("1007", **columns)
    assert look(extensions=[row]) == [Finding("extensions", row["id"], "1007", ERROR, problem)]


def to(number: str, *columns: Row) -> Row:
    return {
        key: value
        for row in (forwarding("unconditional", number), *columns)
        for key, value in row.items()
    }


# in slices, while rows change


def test_there_is_a_step_for_every_row() -> None:
    many: Tables = {
        "extensions": [
            extension_row("1001"),
            *(extension_row(str(3000 + at)) for at in range(100)),
        ],
        "inbound_rules": [inbound_row(100 + at, f"+4977{at:03d}") for at in range(100)],
        "outbound_rules": [outbound_row(100 + at, f"^7{at:03d}") for at in range(100)],
        "queues": [queue_row(100 + at, f"7{at:03d}") for at in range(100)],
        "queue_members": [member_row(100 + at, 100 + at, "1001") for at in range(100)],
        "ivr_menus": [menu_row(100 + at) for at in range(100)],
        "ivr_menu_options": [option_row(100 + at, 100) for at in range(100)],
        "voicemail_boxes": [box_row(100 + at, str(3000 + at)) for at in range(100)],
    }
    steps = list(findings(filled({**CLEAN, **many})))
    assert not any(steps)
    assert len(steps) > 800


BROKEN: Tables = {
    "extensions": [
        extension_row("2001", voicemail_enabled=True, **to("2002")),
        extension_row("2002", voicemail_enabled=True, **to("2001")),
        extension_row("2003", **to("alice")),
        extension_row("2004", **forwarding("on_busy", "")),
    ],
    "trunks": [
        trunk_row(7, trunk_type="ip_auth", backup_trunk_id=UUID(int=8)),
        trunk_row(8, trunk_type="ip_auth", backup_trunk_id=UUID(int=7)),
        trunk_row(9, trunk_type="ip_auth", uri=None),
    ],
    "inbound_rules": [inbound_row(at, ".", **to_extension("1009")) for at in (7, 8, 9)],
    "outbound_rules": [outbound_row(at, "^0", trunk_id=UUID(int=99)) for at in (7, 8, 9)],
    "time_profiles": [profile_row(at, schedule={}) for at in (7, 8)],
    "queues": [
        queue_row(7, "2001", callback_enabled=True, **to_overflow("ivr", 7)),
        queue_row(8, "2002", max_queue_size=0, **to_overflow("ivr", 9)),
    ],
    "queue_members": [member_row(7, 7, "2004"), member_row(8, 8, "1009")],
    "agent_states": [presence_row(7, "2004")],
    "blacklist": [blacklist_row(at, "*") for at in (7, 8)],
    "ivr_menus": [
        menu_row(7, **to_row("ivr", 8, "timeout_destination")),
        menu_row(8, **to_row("ivr", 7, "timeout_destination")),
    ],
    "ivr_menu_options": [option_row(7, 7, "x"), option_row(8, 7, destination_number="1009")],
    "voicemail_boxes": [box_row(at, f"200{at}", pin_flaw="all_alike") for at in (1, 2)],
}


@given(st.integers(0, 60), st.sampled_from(sorted(BROKEN)), st.booleans())
def test_rows_that_change_meanwhile_do_no_harm(after: int, table: str, gone: bool) -> None:
    made = filled(BROKEN)
    for step, _ in enumerate(findings(made)):
        if step == after:
            ids = [row["id"] for row in BROKEN[table]]
            made.shelf(table).forget(ids)
            made.shelf(table).put([] if gone else BROKEN[table])
    assert any(finding for finding in findings(made))


def test_a_setting_that_is_asked_meanwhile_does_no_harm() -> None:
    made = book({"calls.max_hops": "many", "mail.size": "many"})
    found = []
    for finding in findings(made):
        assert made.settings.limit("mail.size") is None
        found.append(finding)
    assert [finding.name for finding in found if finding] == ["calls.max_hops"]
