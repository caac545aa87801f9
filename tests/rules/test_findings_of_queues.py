"""Queues that can not work, or hardly as they are meant."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from stasis_app.rules.findings import ERROR, WARNING, Finding, findings

from .build import (
    Row,
    book,
    extension_row,
    inbound_row,
    member_row,
    menu_row,
    option_row,
    outbound_row,
    queue_row,
    to_external,
    to_overflow,
    to_row,
)
from .test_findings import NO_BOX, look, told

EXIT = "exit_destination"
SPEECH, MUSIC = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("columns", "severity", "problem"),
    [
        (
            to_overflow("voicemail", 2),
            ERROR,
            f"overflow_destination: voicemail {UUID(int=2)} {NO_BOX}",
        ),
        (
            to_overflow("voicemail", number="1001"),
            ERROR,
            f"overflow_destination: voicemail 1001 {NO_BOX}",
        ),
        (
            to_overflow("ivr", 9),
            ERROR,
            f"overflow_destination: ivr {UUID(int=9)} does not exist",
        ),
        (
            to_overflow("external", number="7"),
            ERROR,
            "overflow_destination: external 7: it may not be called (no_outbound_rule)",
        ),
        (
            to_overflow("voicemail"),
            ERROR,
            "overflow_action voicemail without overflow_destination_id: the call ends there",
        ),
        (
            {"exit_key": "0", **to_row("queue", 9, EXIT)},
            ERROR,
            f"exit_destination: queue {UUID(int=9)} does not exist",
        ),
        (
            {"exit_key": "0", **to_row("queue", 1, EXIT)},
            ERROR,
            f"exit_destination: queue {UUID(int=1)} is inactive",
        ),
        (
            {"exit_key": "0", **to_external("+493010000055", EXIT)},
            WARNING,
            "exit_destination: external +493010000055: it is a number of our own: the call goes "
            "out and comes back",
        ),
        (
            {"exit_key": "0"},
            ERROR,
            "exit_key without exit_destination_type: it does nothing",
        ),
        ({"max_queue_size": 0}, WARNING, "max_queue_size is not more than 0: no caller is let in"),
        ({"ring_seconds": 0}, ERROR, "ring_seconds 0 is not in 1..600: 20 counts"),
        ({"music": str(SPEECH)}, ERROR, "music_on_hold_id: media1 is not of type moh"),
        (
            {"welcome_prompt_id": MUSIC},
            WARNING,
            "welcome_prompt_id: Soft is music on hold, not an announcement",
        ),
        (
            {"agent_prompt_id": MUSIC},
            WARNING,
            "agent_prompt_id: Soft is music on hold, not an announcement",
        ),
    ],
)
def test_a_queue(columns: Row, severity: str, problem: str) -> None:
    assert look(queues=[queue_row(7, **columns)]) == [
        Finding("queues", UUID(int=7), "queue7", severity, problem)
    ]
    assert look(queues=[queue_row(7, **columns, status="inactive")]) == []
    assert look(queues=[queue_row(7, **columns, deleted=True)]) == []


NOBODY = (WARNING, "queue9", "has no members whose extension is active: nobody answers")


@pytest.mark.parametrize(
    ("numbers", "found"),
    [
        ([], [NOBODY]),
        (
            ["1004"],
            [NOBODY, (WARNING, "queue9: 1004", "the extension is inactive: it gets no calls")],
        ),
        (
            ["1005", "1001"],
            [(WARNING, "queue9: 1005", "the extension does not exist: it gets no calls")],
        ),
        (
            ["1001", "1099"],
            [
                (
                    WARNING,
                    f"queue9: {UUID(int=1099)}",
                    "the extension does not exist: it gets no calls",
                )
            ],
        ),
        (
            ["1001", "2001"],
            [
                (
                    WARNING,
                    "queue9: 2001",
                    "the extension is virtual and has no phone: it gets no calls",
                )
            ],
        ),
    ],
)
def test_members(numbers: Sequence[str], found: list[tuple[str, str, str]]) -> None:
    members = [member_row(50 + at, 9, number) for at, number in enumerate(numbers)]
    virtual = [extension_row("2001", extension_type="virtual")]
    assert told(look(extensions=virtual, queues=[queue_row(9)], queue_members=members)) == found
    inactive = [queue_row(9, status="inactive")]
    assert look(extensions=virtual, queues=inactive, queue_members=members) == []


@pytest.mark.parametrize(
    "rules",
    [
        [],
        [outbound_row(1, "^0", status="inactive")],
        [outbound_row(1, "^0", trunk_id=UUID(int=99))],
    ],
)
def test_a_call_back_without_a_way_out(rules: Sequence[Row]) -> None:
    made = book(
        extensions=[extension_row("1001")],
        outbound_rules=rules,
        queues=[queue_row(9, callback_enabled=True)],
        queue_members=[member_row(1, 9, "1001")],
    )
    problem = "callback_enabled, but no outbound rule has an active trunk: nobody is called"
    found = [one for one in findings(made) if one and one.table == "queues"]
    assert told(found) == [(ERROR, "queue9", problem)]


def way(severity: str, problem: str) -> list[tuple[str, str, str]]:
    return [(severity, "queue7", problem)]


@pytest.mark.parametrize(
    ("menu", "found"),
    [
        (
            to_row("queue", 7, "timeout_destination"),
            way(WARNING, "calls that nobody takes go round: queue7 -> menu7 -> queue7"),
        ),
        (
            to_row("queue", 7, "invalid_destination"),
            way(WARNING, "calls that nobody takes go round: queue7 -> menu7 -> queue7"),
        ),
        (to_row("queue", 8, "timeout_destination"), []),
        ({}, []),
    ],
)
def test_a_queue_whose_callers_come_back(menu: Row, found: list[tuple[str, str, str]]) -> None:
    queues = [queue_row(7, **to_overflow("ivr", 7)), queue_row(8)]
    assert told(look(queues=queues, ivr_menus=[menu_row(7, **menu)])) == found


def test_two_queues_that_hand_on_to_each_other() -> None:
    queues = [queue_row(at, **to_overflow("ivr", at)) for at in (7, 8)]
    menus = [
        menu_row(at, **to_row("queue", other, "timeout_destination"))
        for at, other in ((7, 8), (8, 7))
    ]
    problem = "calls that nobody takes go round: queue7 -> menu7 -> queue8 -> menu8 -> queue7"
    assert told(look(queues=queues, ivr_menus=menus)) == way(WARNING, problem)


def test_menus_that_go_round_are_told_once() -> None:
    menu = menu_row(7, **to_row("ivr", 7, "timeout_destination"))
    found = look(queues=[queue_row(7, **to_overflow("ivr", 7))], ivr_menus=[menu])
    assert [finding.table for finding in found] == ["ivr_menus"]


@pytest.mark.parametrize(
    ("skills", "relax", "members", "missing"),
    [
        (["English"], None, [["german"], ["french", "ENGLISH"]], False),
        (["english", "french"], None, [["english"], ["french"]], True),
        (["english"], 30, [["german"]], False),
        ([], None, [["german"]], False),
        (None, None, [None], False),
        (["english"], None, [None], True),
    ],
)
def test_skills_that_nobody_has(
    skills: list[str] | None,
    relax: int | None,
    members: Sequence[list[str] | None],
    missing: bool,
) -> None:
    rule = inbound_row(7, "+4977", **to_row("queue", 9), queue_skills=skills)
    key = {"action": "queue", "destination_id": UUID(int=9), "queue_skills": skills}
    found = look(
        inbound_rules=[rule],
        ivr_menu_options=[option_row(7, 1, "9", **key)],
        queues=[queue_row(9, skill_relax_seconds=relax)],
        queue_members=[
            member_row(50 + at, 9, f"100{at}", skills=has) for at, has in enumerate(members, 1)
        ],
    )
    problem = f"queue_skills: nobody in queue queue9 has all of {', '.join(skills or ())}"
    expected = [(WARNING, name, problem) for name in ("in7", "main: key 9")]
    assert told(found) == (expected if missing else [])
