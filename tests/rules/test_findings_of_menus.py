"""Menus and mailboxes that can not work, or hardly as they are meant."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from stasis_app.rules.findings import ERROR, WARNING, Finding
from stasis_app.rules.findings_of_boxes import MOST_ALIKE

from .build import Row, box_row, extension_row, menu_row, option_row, to_external, to_row, user_row
from .test_findings import NO_BOX, look, told

TIMEOUT, INVALID = "timeout_destination", "invalid_destination"
MUSIC = UUID(int=2)


def to_action(action: str, place: int) -> Row:
    return {"action": action, "destination_id": UUID(int=place)}


@pytest.mark.parametrize(
    ("columns", "severity", "problem"),
    [
        (
            {"timeout_destination_type": None},
            ERROR,
            "has neither keys nor a timeout destination: callers get nowhere",
        ),
        (
            to_row("extension", 1009, TIMEOUT),
            ERROR,
            f"timeout_destination: extension {UUID(int=1009)} does not exist",
        ),
        (
            to_row("voicemail", 2, INVALID),
            ERROR,
            f"invalid_destination: voicemail {UUID(int=2)} {NO_BOX}",
        ),
        (
            to_external("7", INVALID),
            ERROR,
            "invalid_destination: external 7: it may not be called (no_outbound_rule)",
        ),
        ({"max_retries": -1}, ERROR, "max_retries -1 is not in 0..20: 3 counts"),
        ({"language": "fr"}, WARNING, "language 'fr' is not one of de, en: en is spoken"),
        (
            {"welcome_prompt_id": MUSIC},
            WARNING,
            "welcome_prompt_id: Soft is music on hold, not an announcement",
        ),
        (
            {"timeout_prompt_id": MUSIC},
            WARNING,
            "timeout_prompt_id: Soft is music on hold, not an announcement",
        ),
    ],
)
def test_a_menu(columns: Row, severity: str, problem: str) -> None:
    assert look(ivr_menus=[menu_row(7, **columns)]) == [
        Finding("ivr_menus", UUID(int=7), "menu7", severity, problem)
    ]


def test_a_menu_with_a_key_needs_no_way_out() -> None:
    menu = menu_row(7, timeout_destination_type=None)
    assert look(ivr_menus=[menu], ivr_menu_options=[option_row(7, 7)]) == []


@pytest.mark.parametrize(
    ("columns", "severity", "problem"),
    [
        ({"destination_number": "1009"}, ERROR, "extension 1009 does not exist"),
        (to_action("ivr", 9), ERROR, f"ivr {UUID(int=9)} does not exist"),
        (
            to_action("queue", 1),
            ERROR,
            f"queue {UUID(int=1)} is inactive",
        ),
        ({"action": "voicemail"}, ERROR, f"voicemail 1001 {NO_BOX}"),
        (
            {"action": "external", "destination_number": "7"},
            ERROR,
            "external 7: it may not be called (no_outbound_rule)",
        ),
        (
            {"action": "hangup"},
            WARNING,
            "action hangup leads nowhere: its destination is passed over",
        ),
        (
            {"pre_transfer_prompt_id": MUSIC},
            WARNING,
            "pre_transfer_prompt_id: Soft is music on hold, not an announcement",
        ),
    ],
)
def test_a_key(columns: Row, severity: str, problem: str) -> None:
    row = option_row(7, 1, "9", **columns)
    assert look(ivr_menu_options=[row]) == [
        Finding("ivr_menu_options", UUID(int=7), "main: key 9", severity, problem)
    ]


@pytest.mark.parametrize(
    ("keys", "columns", "problem"),
    [
        ("A", {}, "dtmf_digit 'A' is not one or two of 0-9, * and #"),
        ("9", {"destination_number": None}, "action extension without destination_id"),
    ],
)
def test_a_key_that_can_not_be_used(keys: str, columns: Row, problem: str) -> None:
    row = option_row(7, 1, keys, **columns)
    assert look(ivr_menu_options=[row]) == [
        Finding("ivr_menu_options", UUID(int=7), f"key {keys}", ERROR, problem)
    ]


@pytest.mark.parametrize(("direct_dial", "found"), [(True, True), (False, False)])
def test_a_key_that_is_an_extension_too(direct_dial: bool, found: bool) -> None:
    told_of = look(
        extensions=[extension_row("10"), extension_row("12")],
        ivr_menus=[menu_row(7, direct_dial=direct_dial)],
        ivr_menu_options=[option_row(7, 7, "10"), option_row(8, 7, "1")],
    )
    problem = "extension 10 can't be dialled in this menu: the key comes first"
    assert told(told_of) == ([(WARNING, "menu7: key 10", problem)] if found else [])


@pytest.mark.parametrize(
    ("ways", "circles"),
    [
        ([(7, TIMEOUT, 7)], ["menu7 -> menu7"]),
        ([(7, TIMEOUT, 8), (8, TIMEOUT, 7)], ["menu7 -> menu8 -> menu7"]),
        ([(7, TIMEOUT, 8), (8, INVALID, 7)], ["menu7 -> menu8 -> menu7"]),
        ([(7, TIMEOUT, 8), (8, TIMEOUT, 9), (9, TIMEOUT, 8)], ["menu8 -> menu9 -> menu8"]),
        ([(7, TIMEOUT, 8), (8, TIMEOUT, 1)], []),
        ([(7, TIMEOUT, 8), (7, INVALID, 9), (8, TIMEOUT, 9)], []),
    ],
)
def test_menus_that_go_round(ways: Sequence[tuple[int, str, int]], circles: list[str]) -> None:
    rows = {place: menu_row(place) for place in (7, 8, 9)}
    for place, column, following in ways:
        rows[place].update(to_row("ivr", following, column))
    found = look(ivr_menus=list(rows.values()))
    assert [(one.severity, one.problem) for one in found] == [
        (ERROR, f"timeout and invalid destinations go round: {way}") for way in circles
    ]
    assert [one.name for one in found] == [way.split()[0] for way in circles]


def test_who_goes_round_by_key_does_so_by_will() -> None:
    rows = [option_row(7, 7, action="ivr", destination_id=UUID(int=7))]
    assert look(ivr_menus=[menu_row(7)], ivr_menu_options=rows) == []


# mailboxes

BOXED: Row = {"voicemail_enabled": True}
UNUSABLE: Row = {"pin_flaw": "all_alike", "mails": True, "email_address": "anna"}
NO_ADDRESS = "email_address is no mail address: nobody is told of messages"


@pytest.mark.parametrize(
    ("extension", "columns", "problems"),
    [
        ({}, {}, []),
        ({}, {"pin_flaw": "missing", "mails": True}, []),  # as it is made by itself
        (
            {},
            {"pin_flaw": "is_the_number"},
            [(WARNING, "its PIN is the number of the extension")],
        ),
        ({}, {"pin_flaw": "not_4_to_20_digits"}, [(WARNING, "its PIN is not 4 to 20 digits")]),
        ({}, {"pin_flaw": "all_alike"}, [(WARNING, "its PIN is one digit again and again")]),
        ({}, {"mails": True, "email_address": "anna"}, [(ERROR, NO_ADDRESS)]),
        ({}, {"mails": True, "email_address": "a<b@example.org"}, [(ERROR, NO_ADDRESS)]),
        ({}, {"mails": True, "email_address": "Anna <anna@example.org>"}, []),
        ({}, {"mails": False, "email_address": "anna"}, []),
        (
            {},
            {"operator_number": "alice"},
            [(ERROR, "operator_number alice: nobody has this number")],
        ),
        (
            {},
            {"operator_number": "7"},
            [(ERROR, "operator_number 7: it may not be called (no_outbound_rule)")],
        ),
        (
            {},
            {"busy_greeting_prompt_id": MUSIC},
            [
                (
                    WARNING,
                    "busy_greeting_prompt_id: Soft is music on hold, not an announcement",
                )
            ],
        ),
        ({"status": "inactive"}, UNUSABLE, []),
        ({"voicemail_enabled": False}, UNUSABLE, []),
        ({}, {"active": False, **UNUSABLE}, []),
    ],
)
def test_a_box(extension: Row, columns: Row, problems: list[tuple[str, str]]) -> None:
    found = look(
        extensions=[extension_row("2001", **{**BOXED, **extension})],
        voicemail_boxes=[box_row(7, "2001", **columns)],
    )
    assert found == [
        Finding("voicemail_boxes", UUID(int=7), "2001", severity, problem)
        for severity, problem in problems
    ]


@pytest.mark.parametrize(
    ("of_user", "of_box", "bad"),
    [
        ({"email": "ben"}, None, True),
        ({"email": "ben@example.org"}, None, False),
        ({"email": "ben"}, "ben@example.org", False),
        ({"email": "ben", "status": "inactive"}, None, False),
    ],
)
def test_mail_goes_to_the_user_if_the_box_has_no_address(
    of_user: Row, of_box: str | None, bad: bool
) -> None:
    found = look(
        users=[user_row(3, **of_user)],
        extensions=[extension_row("2001", **BOXED, user_id=UUID(int=3))],
        voicemail_boxes=[box_row(7, "2001", mails=True, email_address=of_box)],
    )
    problem = NO_ADDRESS.replace("email_address", "the email of its user")
    assert [finding.problem for finding in found] == [problem] * bad


def test_of_many_boxes_alike_some_are_named() -> None:
    numbers = [str(2000 + at) for at in range(MOST_ALIKE + 3)]
    found = look(
        extensions=[extension_row(number, **BOXED) for number in numbers],
        voicemail_boxes=[
            box_row(100 + at, number, pin_flaw="is_the_number") for at, number in enumerate(numbers)
        ],
    )
    *named, others = found
    assert [one.name for one in named] == numbers[:MOST_ALIKE]
    assert (others.row, others.name) == (None, "others")
    assert others.problem == "3 more: its PIN is the number of the extension"
