"""`pbx explain` of queues, and of what their agents dial."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from stasis_app.rules.explain import Question, explain
from stasis_app.rules.models import Contact

from .build import (
    LATER,
    NOW,
    Row,
    book,
    box_row,
    extension_row,
    forwarding,
    inbound_row,
    media_row,
    member_row,
    presence_row,
    queue_row,
    to_external,
    to_overflow,
    to_row,
    trunk_row,
)

CARLA = "+4989123456"
SETTINGS = {"queues.break_reasons": {"1": "lunch"}}


def ask(
    to: str,
    caller: str = "1009",
    presences: Sequence[Row] = (),
    members: bool = True,
    **columns: object,
) -> list[str]:
    made = book(
        SETTINGS,
        trunks=[trunk_row(1)],
        extensions=[
            *(extension_row(f"100{at}", voicemail_enabled=True) for at in range(1, 4)),
            extension_row("1008", **forwarding("unconditional", "500")),
            extension_row("1009"),
        ],
        voicemail_boxes=[box_row(1, "1001")],
        media_files=[media_row(1)],
        inbound_rules=[
            inbound_row(
                1, "+4930", **to_row("queue", 7), queue_priority=5, queue_skills=["English", "vip"]
            )
        ],
        queues=[queue_row(7, "500", name="sales", **columns), queue_row(8, "501", name="help")],
        queue_members=[
            member_row(1, 7, "1001", priority=1),
            member_row(2, 7, "1002"),
            member_row(3, 7, "1003", priority=2),
        ]
        if members
        else [],
        agent_states=presences,
    )
    for number in (1001, 1002):
        made.contacts_of[UUID(int=number)] = [Contact("sip:a@192.0.2.9", LATER)]
    return list(explain(made, Question(to, caller, NOW)))[1:]


AGENTS = [
    "agent 1002: rings for 20 s",
    "agent 1001: rings for 20 s",
    "agent 1003: does not ring (unregistered)",
]
ENDS = "when 50 callers wait or 300 s have passed: the call ends"
PLAIN = ["queue sales (longest_idle), priority 0", *AGENTS, ENDS]


def test_a_queue_is_dialled() -> None:
    assert ask("500") == PLAIN


def test_a_forward_leads_to_a_queue() -> None:
    assert ask("1008") == ["extension 1008 forwards to 500 (unconditional)", *PLAIN]


def test_all_that_a_queue_can() -> None:
    columns: Row = {
        "strategy": "ring_all",
        "priority": 2,
        "welcome_prompt_id": UUID(int=1),
        "when_empty": "leave",
        "ring_seconds": 12,
        "exit_key": "0",
        **to_external("030 777", "exit_destination"),
        "callback_enabled": True,
        **to_overflow("voicemail", 1001),
    }
    presences = [presence_row(1, "1002", wanted="break"), presence_row(2, "1001", 8)]
    assert ask("500", presences=presences, **columns) == [
        "queue sales (ring_all), priority 2",
        "it plays media file media1",
        "agent 1002: does not ring (break)",
        "agent 1001: rings for 12 s",
        "agent 1003: does not ring (unregistered)",
        "when 50 callers wait or 300 s have passed or no agent is logged in: the mailbox of 1001",
        "key 0: 030 777 outside, paid for by queue sales",
        "key 1: the caller asks to be called back",
    ]


def test_what_a_rule_asks_for() -> None:
    assert ask("+4930", CARLA)[-5:] == [
        "queue sales (longest_idle), priority 5, asking for english, vip",
        *AGENTS,
        ENDS,
    ]


@pytest.mark.parametrize(
    ("columns", "members", "lines"),
    [
        ({"status": "paused"}, True, ["queue sales is paused: the call ends"]),
        ({"max_queue_size": 0}, True, ["queue sales is closed to all callers: the call ends"]),
        ({"when_empty": "leave"}, False, ["queue sales is without an agent: the call ends"]),
        (
            {"max_queue_size": None, "max_wait_time_seconds": None},
            False,
            ["queue sales (longest_idle), priority 0", "it has no agents"],
        ),
        (
            {"status": "paused", **to_overflow("external", number="030 777")},
            True,
            ["queue sales is paused: 030 777 outside, paid for by queue sales"],
        ),
    ],
)
def test_a_queue_that_takes_nobody(columns: Row, members: bool, lines: list[str]) -> None:
    assert ask("500", members=members, **columns) == lines


@pytest.mark.parametrize(
    ("number", "caller", "line"),
    [
        ("*45", "1001", "extension 1001 logs out of all queues"),
        ("*45501", "1001", "extension 1001 logs in to queue help"),
        ("*45*1001*500", "1001", "extension 1001 logs out of queue sales"),
        ("*45999", "1001", "refused: no queue has the number 999 (unallocated_number)"),
        (
            "*45*1001",
            "1009",
            "extension 1001 logs out of all queues, with the PIN of its mailbox",
        ),
        ("*46", "1001", "extension 1001 takes a break"),
        ("*461", "1001", "extension 1001 takes a break (lunch)"),
        ("*4677", "1001", "extension 1001 takes a break (77)"),
        ("*47", "1001", "the wrap-up of extension 1001 ends"),
        ("*45", "1009", "refused: extension 1009 is in no queue"),
        ("*47*1234", "1009", "refused: extension 1234 is in no queue"),
    ],
)
def test_codes(number: str, caller: str, line: str) -> None:
    presences = [presence_row(1, "1001", 8, wanted="offline")]
    assert ask(number, caller, presences) == [line]


@pytest.mark.parametrize(
    ("number", "line"),
    [
        ("*45", "extension 1001 logs out of all queues"),
        ("*46", "extension 1001 ends its break"),
        ("*461", "extension 1001 ends its break"),
        ("*462", "extension 1001 takes a break (2)"),
    ],
)
def test_codes_in_a_break(number: str, line: str) -> None:
    presences = [presence_row(1, "1001", wanted="break", wanted_reason="lunch")]
    assert ask(number, "1001", presences) == [line]
