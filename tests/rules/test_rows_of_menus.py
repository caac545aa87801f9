"""Rows of menus, keys, boxes and media: what can't be used is named, and the rest works."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from stasis_app.rules import rows_of_menus as rows
from stasis_app.rules.columns import RowError
from stasis_app.rules.models import Box, MailboxCounts, Media, Menu, MenuOption, Target
from stasis_app.words import IvrAction, TargetType

from .build import Row, box_row, counts_row, media_row, menu_row, option_row, to_external, to_row

TIMEOUT, INVALID = "timeout_destination", "invalid_destination"
TO_MENU = Target(TargetType.IVR, UUID(int=8))
TO_EXTENSION = Target(TargetType.EXTENSION, UUID(int=9))


def test_a_menu() -> None:
    row = menu_row(
        7,
        name="main",
        welcome_prompt_id=UUID(int=1),
        digit_timeout_seconds=7,
        inter_digit_seconds=Decimal("1.5"),
        max_retries=0,
        invalid_prompt_id=UUID(int=2),
        timeout_prompt_id=UUID(int=3),
        direct_dial=True,
        language=" de ",
        extension_number=" 2000 ",
        **to_row("ivr", 8, TIMEOUT),
        **to_row("extension", 9, INVALID),
    )
    assert rows.menu(row) == Menu(
        id=UUID(int=7),
        name="main",
        welcome=UUID(int=1),
        digit_seconds=7.0,
        inter_digit_seconds=1.5,
        max_retries=0,
        invalid_prompt=UUID(int=2),
        timeout_prompt=UUID(int=3),
        on_timeout=TO_MENU,
        on_invalid=TO_EXTENSION,
        direct_dial=True,
        language="de",
        number="2000",
    )


def test_what_a_menu_does_not_say() -> None:
    columns = (
        "digit_timeout_seconds",
        "inter_digit_seconds",
        "max_retries",
        "direct_dial",
        "timeout_destination_type",
    )
    made = rows.menu(menu_row(7, **dict.fromkeys(columns)))
    assert (made.digit_seconds, made.inter_digit_seconds, made.max_retries) == (5.0, 2.0, 3)
    assert (made.on_timeout, made.on_invalid, made.hangs_up) == (None, None, False)
    assert not made.direct_dial
    assert not made.problems


@pytest.mark.parametrize(
    ("columns", "on_timeout", "on_invalid", "hangs_up"),
    [
        ({}, None, None, True),
        (to_row("ivr", 8, TIMEOUT), TO_MENU, TO_MENU, False),
        (
            {**to_row("ivr", 8, TIMEOUT), "invalid_destination_type": "hangup"},
            TO_MENU,
            None,
            False,
        ),
        (to_row("extension", 9, INVALID), None, TO_EXTENSION, True),
        (
            {**to_external(" 030 1 ", TIMEOUT), "invalid_destination_type": ""},
            Target(TargetType.EXTERNAL, number="030 1"),
            Target(TargetType.EXTERNAL, number="030 1"),
            False,
        ),
        (
            {
                "timeout_destination_type": "extension",
                "timeout_destination_number": "1001",
                "invalid_destination_type": "voicemail",
                "invalid_destination_number": "1001",
            },
            Target(TargetType.EXTENSION, number="1001"),
            Target(TargetType.VOICEMAIL, number="1001"),
            False,
        ),
    ],
)
def test_ways_out(
    columns: Row, on_timeout: Target | None, on_invalid: Target | None, hangs_up: bool
) -> None:
    made = rows.menu(menu_row(7, **columns))
    assert (made.on_timeout, made.on_invalid, made.hangs_up) == (on_timeout, on_invalid, hangs_up)
    assert not made.problems


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"digit_timeout_seconds": 0}, "digit_timeout_seconds 0 is not in 1..120: 5 counts"),
        ({"digit_timeout_seconds": 121}, "digit_timeout_seconds 121 is not in 1..120: 5 counts"),
        ({"inter_digit_seconds": Decimal(0)}, "inter_digit_seconds 0 is not in 0.2..60: 2 counts"),
        ({"max_retries": -1}, "max_retries -1 is not in 0..20: 3 counts"),
        ({"max_retries": 21}, "max_retries 21 is not in 0..20: 3 counts"),
        (
            {"timeout_destination_type": "pager"},
            "timeout_destination_type 'pager' is not one of extension, queue, ivr, voicemail, "
            "conference, external: the call ends there",
        ),
        (
            {"timeout_destination_type": "ivr"},
            "timeout_destination_type ivr without timeout_destination_id: the call ends there",
        ),
        (
            {"invalid_destination_type": "external"},
            "invalid_destination_type external without invalid_destination_number: "
            "the call ends there",
        ),
    ],
)
def test_a_menu_that_works_but_for_one_thing(columns: Row, problem: str) -> None:
    made = rows.menu(menu_row(7, **columns))
    assert made.problems == (problem,)
    plain = rows.menu(menu_row(7))
    assert (made.digit_seconds, made.inter_digit_seconds, made.max_retries, made.on_timeout) == (
        plain.digit_seconds,
        plain.inter_digit_seconds,
        plain.max_retries,
        None,
    )


@pytest.mark.parametrize("keys", ["0", "9", "*", "#", "12", "1*", "##"])
def test_keys(keys: str) -> None:
    made = rows.menu_option(option_row(5, 7, keys, pre_transfer_prompt_id=UUID(int=3)))
    assert made == MenuOption(
        id=UUID(int=5),
        menu=UUID(int=7),
        keys=keys,
        action=IvrAction.EXTENSION,
        target=Target(TargetType.EXTENSION, number="1001"),
        pre_transfer_prompt=UUID(int=3),
    )


@pytest.mark.parametrize("keys", ["", " ", "1 ", "a", "A1", "\u0661", "1\n"])
def test_keys_that_no_phone_has(keys: str) -> None:
    problem = "is not one or two of 0-9, \\* and #"
    with pytest.raises(RowError, match=problem) as error:
        rows.menu_option(option_row(5, 7, keys))
    assert error.value.name == f"key {keys}"


@pytest.mark.parametrize(
    ("columns", "target"),
    [
        ({"action": "ivr", "destination_id": UUID(int=8)}, TO_MENU),
        ({"destination_id": UUID(int=9)}, TO_EXTENSION),  # the id counts
        ({"action": "voicemail"}, Target(TargetType.VOICEMAIL, number="1001")),
        (
            {"action": "external", "destination_id": UUID(int=8)},
            Target(TargetType.EXTERNAL, number="1001"),
        ),
        ({"action": "hangup", "destination_number": None}, None),
        ({"action": "repeat", "destination_number": " "}, None),
    ],
)
def test_where_keys_lead(columns: Row, target: Target | None) -> None:
    made = rows.menu_option(option_row(5, 7, **columns))
    assert made.target == target
    assert not made.problems


@pytest.mark.parametrize("action", ["hangup", "repeat"])
@pytest.mark.parametrize(
    "columns", [{}, {"destination_number": None, "destination_id": UUID(int=9)}]
)
def test_a_destination_that_is_never_reached(action: str, columns: Row) -> None:
    made = rows.menu_option(option_row(5, 7, action=action, **columns))
    assert made.target is None
    assert made.problems == (f"action {action} leads nowhere: its destination is passed over",)


@pytest.mark.parametrize(
    ("action", "column"),
    [
        ("extension", "id"),
        ("queue", "id"),
        ("ivr", "id"),
        ("voicemail", "id"),
        ("external", "number"),
    ],
)
def test_an_option_without_a_destination(action: str, column: str) -> None:
    row = option_row(5, 7, action=action, destination_number=" ")
    with pytest.raises(RowError, match=f"^action {action} without destination_{column}$"):
        rows.menu_option(row)


def test_a_box() -> None:
    row = box_row(
        7,
        "1001",
        greeting_prompt_id=UUID(int=1),
        busy_greeting_prompt_id=UUID(int=2),
        temporary_greeting_prompt_id=UUID(int=3),
        name_prompt_id=UUID(int=4),
        operator_number=" 1002 ",
        max_messages=5,
        mails=True,
        email_address="anna@example.org",
        pin_flaw="missing",
    )
    assert rows.box(row) == Box(
        id=UUID(int=7),
        extension=UUID(int=1001),
        number="1001",
        name="1001",
        active=True,
        greeting=UUID(int=1),
        busy_greeting=UUID(int=2),
        temporary_greeting=UUID(int=3),
        name_prompt=UUID(int=4),
        operator="1002",
        max_messages=5,
        mails=True,
        address="anna@example.org",
        pin_flaw="missing",
    )


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (
            rows.mailbox_counts(counts_row(7, "1001", 2, 3)),
            MailboxCounts(UUID(int=7), "1001", 2, 3),
        ),
        (rows.media(media_row(7, "moh")), Media(UUID(int=7), "media7", "moh", None)),
        (
            rows.media(media_row(7, record_code=" 42 ")),
            Media(UUID(int=7), "media7", "prompt", "42"),
        ),
    ],
)
def test_plain_rows(made: Any, expected: Any) -> None:
    assert made == expected
