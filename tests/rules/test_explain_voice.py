"""`pbx explain` of menus, mailboxes and the codes that belong to them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from stasis_app.rules.book import Book
from stasis_app.rules.explain import Question, explain

from .build import (
    NOW,
    Row,
    book,
    box_row,
    extension_row,
    forwarding,
    inbound_row,
    media_row,
    menu_row,
    option_row,
    outbound_row,
    queue_row,
    to_extension,
    to_external,
    to_row,
    trunk_row,
    user_row,
)

CARLA = "+4989123456"
VOICEMAIL: Row = {"voicemail_enabled": True}
WELCOME, GREETING = UUID(int=1), UUID(int=2)
SUB = [
    "menu sub plays a sentence that asks for a number, then waits 5 s for a key",
    "the number of an extension: that extension",
    "no key: extension 1001",
    "other keys: 030777 outside, paid for by ivr sub",
]


def exchange(settings: Mapping[str, Any] | None = None) -> Book:
    return book(
        settings,
        users=[user_row(1, role="admin"), user_row(2, language="en-GB")],
        extensions=[
            extension_row("1001", **VOICEMAIL, user_id=UUID(int=1)),
            extension_row("1002", **VOICEMAIL, user_id=UUID(int=2), dnd_enabled=True),
            extension_row("1003", **forwarding("unconditional", "*951002")),
            extension_row("1004", **VOICEMAIL, **forwarding("on_busy", "1001")),
            extension_row("1005", **forwarding("unconditional", "2000")),
        ],
        trunks=[trunk_row(1)],
        inbound_rules=[
            inbound_row(1, "+4930", **to_row("ivr", 1)),
            inbound_row(2, "+4931", language="en", **to_row("voicemail", 1)),
            inbound_row(3, "+4932", **to_row("ivr", 2)),
        ],
        outbound_rules=[outbound_row(1, "^0")],
        ivr_menus=[
            menu_row(
                1, name="main", welcome_prompt_id=WELCOME, **to_row("ivr", 2, "timeout_destination")
            ),
            menu_row(
                2,
                name="sub",
                extension_number="2000",
                direct_dial=True,
                max_retries=0,
                **to_extension("1001", "timeout_destination"),
                **to_external("030777", "invalid_destination"),
            ),
        ],
        ivr_menu_options=[
            option_row(1, 1, "2", action="ivr", destination_id=UUID(int=2)),
            option_row(2, 1, "1"),
            option_row(3, 1, "3", action="voicemail"),
            option_row(4, 1, "4", action="external", destination_number="030 777"),
            option_row(5, 1, "5", destination_number="1009"),
            option_row(6, 1, "6", action="queue", destination_id=UUID(int=7)),
            option_row(7, 1, "*", action="repeat"),
            option_row(8, 1, "#", action="hangup"),
        ],
        voicemail_boxes=[
            box_row(1, "1001", greeting_prompt_id=GREETING),
            box_row(2, "1002", operator_number="030 777"),
            box_row(4, "1004"),
        ],
        media_files=[
            media_row(1, name="Welcome", record_code="42"),
            media_row(2, "greeting", name="Anna"),
        ],
        queues=[queue_row(7, "500", name="sales")],
    )


def ask(to: str, caller: str, settings: Mapping[str, Any] | None = None) -> list[str]:
    return list(explain(exchange(settings), Question(to, caller, NOW)))


@pytest.mark.parametrize(
    ("to", "lines"),
    [
        (
            "+4930",
            [
                "menu main plays media file Welcome, then waits 5 s for a key",
                "key #: hangup",
                "key *: repeat",
                "key 1: extension 1001",
                "key 2: menu sub",
                "key 3: the mailbox of 1001",
                "key 4: 030 777 outside, paid for by ivr main",
                "key 5: its extension is missing",
                "key 6: queue sales",
                "no key: 3 more times, then menu sub",
                "other keys: 3 more times, then menu sub",
            ],
        ),
        ("+4931", ["a message for extension 1001, after media file Anna in en"]),
        ("+4932", SUB),
    ],
)
def test_a_call_from_outside(to: str, lines: list[str]) -> None:
    found = ask(to, CARLA)
    assert found[2].endswith("matches -> taken")
    assert found[3:] == lines


OPERATOR = "key 0: 030777 outside, paid for by 1002"


@pytest.mark.parametrize(
    ("to", "caller", "lines"),
    [
        (
            "1001",
            "1002",
            [
                "extension 1001 rings for 30 s on 0 phone(s)",
                "then, or without a phone, it goes to its mailbox",
                "when it is busy it goes to its mailbox",
            ],
        ),
        (
            "1004",
            "1002",
            [
                "extension 1004 rings for 30 s on 0 phone(s)",
                "then, or without a phone, it goes to its mailbox",
                "when it is busy it goes to 1001",
            ],
        ),
        (
            "1002",
            "1001",
            [
                "extension 1002 does not ring (dnd)",
                "a message for extension 1002 (dnd), after a sentence in en",
                OPERATOR,
            ],
        ),
        (
            "1003",
            "1001",
            [
                "extension 1003 forwards to *951002 (unconditional)",
                "a message for extension 1002 (unconditional), after a sentence in en",
                OPERATOR,
            ],
        ),
        ("2000", "1001", SUB),
        ("1005", "1001", ["extension 1005 forwards to 2000 (unconditional)", *SUB]),
        ("*951001", "1002", ["a message for extension 1001, after media file Anna in de"]),
        ("*951003", "1002", ["refused: nobody has the number *951003 (unallocated_number)"]),
        ("1001", "1001", ["the own mailbox, without PIN"]),
        ("*97", "1001", ["the own mailbox, without PIN"]),
        ("*97", "1003", ["extension 1003 has no mailbox"]),
        ("*98", "1003", ["the mailbox of a number that is asked for, with its PIN"]),
        ("*981001", "1003", ["the mailbox of 1001, with its PIN"]),
        ("*981009", "1003", ["the mailbox of 1009, with its PIN"]),
        ("*77", "1001", ["a new prompt is recorded"]),
        ("*7742", "1001", ["media file Welcome is recorded anew"]),
        (
            "*7743",
            "1001",
            ["refused: no media file has the code 43 (unallocated_number)"],
        ),
        ("*7742", "1002", ["refused: media.record_roles (forbidden)"]),
    ],
)
def test_a_call_from_inside(to: str, caller: str, lines: list[str]) -> None:
    assert ask(to, caller) == [f"{caller} is an extension: a call from inside", *lines]


def test_a_menu_without_a_prompt() -> None:
    made = book(
        extensions=[extension_row("1001")],
        ivr_menus=[menu_row(1, name="main", extension_number="2000")],
    )
    found = list(explain(made, Question("2000", "1001", NOW)))
    assert "menu main plays a tone, then waits 5 s for a key" in found


def test_the_own_mailbox_with_a_pin() -> None:
    found = ask("*97", "1001", {"voicemail.pin_at_own_phone": True})
    assert found[1:] == ["the own mailbox, with its PIN"]
