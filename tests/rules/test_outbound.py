"""Which way a call goes out, and for whom."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from stasis_app.rules.considered import Considered
from stasis_app.rules.dialling import meaning
from stasis_app.rules.models import DestinationKind, Payer, Refuse
from stasis_app.rules.outbound import NO_RULE, NO_TRUNK, Outcome, Route, chain, decide, emergency
from stasis_app.words import HangupCause

from .build import ANNA, ANY, NOW, Row, call, exchange, outbound_row, trunk_row, user_row

FORBIDDEN, INVALID = HangupCause.FORBIDDEN, HangupCause.INVALID_NUMBER
RULE = Payer(rule="in1", diverted=("+493055", "unconditional"))


def over(outcome: Outcome) -> list[str]:
    assert isinstance(outcome, Route)
    return [trunk.name for trunk in outcome.trunks]


# which rule


@pytest.mark.parametrize(
    ("rules", "number", "taken"),
    [
        ([("A", "^0", {}), ("B", "^00", {})], "00442079460018", "A"),
        ([("A", "^0", {}), ("B", "^00", {"priority": 1})], "00442079460018", "B"),
        ([("A", "^0", {"priority": None}), ("B", "^0", {"priority": 101})], "030123456", "A"),
        ([("B", "^0", {}), ("A", "^0", {})], "030123456", "A"),
        ([("A", "^0", {"status": "inactive"}), ("B", "30", {})], "030123456", "B"),
        ([("A", "^0$", {}), ("B", "^0[0-9]{8}$", {})], "030123456", "B"),
        ([("A", "0(?=3)", {}), ("B", "^0", {})], "030123456", "B"),  # no look-ahead in RE2
        ([("A", "^[+]49", {})], "030123456", "A"),  # read as E.164
        ([("A", "^0", {})], "+4930123456", "A"),  # read as one dials here
        ([("A", "^0030", {})], "+30 2101234567", "A"),
        ([("A", "^[+]49", {"priority": 1}), ("B", "^030", {})], "030123456", "B"),  # as dialled
        ([("A", "^0", {}), ("B", "^[+]49", {})], "030 12-34/56", "A"),
        ([("A", "^1[0-9]{2}$", {})], "115", "A"),
        ([("A", "^0", {})], "12345", None),
        ([], "030123456", None),
    ],
)
def test_which_rule_takes_the_call(
    rules: Sequence[tuple[str, str, Row]], number: str, taken: str | None
) -> None:
    rows = [outbound_row(at, like, name=name, **row) for at, (name, like, row) in enumerate(rules)]
    for order in (rows, rows[::-1]):
        decision = decide(exchange(order), number, ANNA)
        assert decision.rule == taken
        assert isinstance(decision.outcome, Route) or decision.outcome == NO_RULE


def test_a_rule_that_refuses_leaves_the_call_to_the_next_and_the_first_reason_is_told() -> None:
    rules = [
        outbound_row(1, "^0", allowed_for_roles=["admin"], priority=1),
        outbound_row(2, "^0", strip_digits=40, priority=2),
        outbound_row(3, "^0", trunk_id=UUID(int=9), priority=3),
    ]
    refusals = (
        Considered("out1", "role"),
        Considered("out2", "leaves_no_number"),
        Considered("out3", "no_trunk"),
    )
    refused = decide(exchange(rules), "030123456", ANNA)
    assert refused.outcome == Refuse(FORBIDDEN, "role")
    assert refused.considered == refusals
    taken = decide(exchange([*rules, outbound_row(4, "^0", priority=4)]), "030123456", ANNA)
    assert taken.considered == (*refusals, Considered("out4", "matches", taken=True))


# who pays


@pytest.mark.parametrize(
    ("role", "roles", "told"),
    [
        ("user", ["user"], "030123456"),
        ("agent", ["admin", "supervisor"], "role"),
        ("admin", ["admin", "supervisor"], "030123456"),
        ("admin", ["Admin"], "role"),
        ("admin", [], "role"),
        ("agent", None, "030123456"),
        (None, ["user"], "030123456"),  # an extension without a user
        (None, ["agent"], "role"),
    ],
)
def test_the_role_of_the_extensions_user(
    role: str | None, roles: list[str] | None, told: str
) -> None:
    rules = [outbound_row(1, "^0", allowed_for_roles=roles)]
    users = [user_row(1, role=role or "admin")]
    owner = {"user_id": UUID(int=1) if role else None}
    assert call(exchange(rules, owner, users=users), "030123456") == told


@pytest.mark.parametrize(
    ("owner", "user", "reason"),
    [
        ({"status": "inactive"}, {}, "extension_inactive"),
        ({"deleted_at": NOW}, {}, "extension_inactive"),
        ({}, {"status": "suspended"}, "user_inactive"),
        ({}, {"status": "inactive"}, "user_inactive"),
        ({}, {"deleted_at": NOW}, "user_inactive"),
    ],
)
def test_who_can_not_call_out(owner: Row, user: Row, reason: str) -> None:
    made = exchange([ANY], {"user_id": UUID(int=1), **owner}, users=[user_row(1, **user)])
    testing = Payer(extension="1001", trunk=UUID(int=1))
    forward = Payer(extension="1001", diverted=("1001", "busy"))
    for payer in (ANNA, testing, forward):
        assert decide(made, "030123456", payer).outcome == Refuse(FORBIDDEN, reason)
    assert call(made, "030123456", RULE) == "030123456"


@pytest.mark.parametrize("payer", [Payer(), Payer(extension="1009"), Payer(extension="")])
def test_nobody_pays_for_nobody(payer: Payer) -> None:
    assert call(exchange([ANY]), "030123456", payer) == "extension_inactive"


# what may be sent


@pytest.mark.parametrize(
    ("strip", "prepend", "number", "told"),
    [
        (0, None, "030123456", "030123456"),
        (None, None, "030123456", "030123456"),
        (1, "+49", "030123456", "+4930123456"),
        (1, " 0049 ", "030123456", "004930123456"),
        (8, None, "030123456", "6"),
        (9, None, "030123456", "leaves_no_number"),
        (9, "0", "030123456", "leaves_no_number"),
        (2**31 - 1, None, "030123456", "leaves_no_number"),
        (0, "1" * 20, "0" * 20, "1" * 20 + "0" * 20),
        (0, "1" * 20, "0" * 21, "leaves_no_number"),
        (0, "0", "+4930123456", "leaves_no_number"),
        (1, "0", "+4930123456", "04930123456"),
        (0, "+", "+4930123456", "leaves_no_number"),
        (0, "00x", "030123456", "leaves_no_number"),
        (0, "00/", "030123456", "leaves_no_number"),
        (0, "x@y", "030123456", "leaves_no_number"),
        (0, "PJSIP/1&", "030123456", "leaves_no_number"),
    ],
)
def test_strip_and_prepend(strip: int | None, prepend: str | None, number: str, told: str) -> None:
    rules = [outbound_row(1, "", number_pattern="^", strip_digits=strip, prepend=prepend)]
    assert call(exchange(rules), number) == told


@pytest.mark.parametrize(
    "number",
    [
        "",
        " ",
        "+",
        "++49301234",
        "0+49301234",
        "abc",
        "030x",
        "030@192.0.2.1",
        "030&PJSIP1",
        "030,30",
        "030;ext=1",
        "030\n",
        "030\x00",
        "030%41",
        "${EXTEN}",
        "*" * 41,
        "0" * 41,
        "0" * 200,
        "\u0660\u0663\u0660\u0661",
        "\uff10\uff13\uff10",
        "\u00b2\u00b3",
    ],
)
def test_what_never_reaches_a_dial_string(number: str) -> None:
    made = exchange([ANY], trunks=[trunk_row(1, test_code="1")])
    assert call(made, number) == "no_outbound_rule"
    assert call(made, number, RULE) == "no_outbound_rule"
    testing = Payer(extension="1001", trunk=UUID(int=1))
    assert decide(made, number, testing).outcome == Refuse(INVALID, "leaves_no_number")


# over which trunks


def trunks(*rows: tuple[int, int | None, str]) -> list[Row]:
    """Return trunks by place, place of the backup, and status."""
    return [
        trunk_row(place, backup_trunk_id=UUID(int=backup) if backup else None, status=status)
        for place, backup, status in rows
    ]


@pytest.mark.parametrize(
    ("rows", "ways"),
    [
        (trunks((1, None, "active")), ["trunk1"]),
        (trunks((1, 2, "active"), (2, 3, "active"), (3, None, "active")), [1, 2, 3]),
        (trunks((1, 2, "inactive"), (2, 3, "testing"), (3, None, "active")), [3]),
        (trunks((1, 2, "active"), (2, 3, "inactive"), (3, None, "active")), [1, 3]),
        (trunks((1, 1, "active")), [1]),
        (trunks((1, 2, "active"), (2, 1, "active")), [1, 2]),
        (trunks((1, 2, "active"), (2, 3, "active"), (3, 2, "active")), [1, 2, 3]),
        (trunks((1, 9, "active")), [1]),
        (trunks((1, 2, "testing"), (2, None, "inactive")), []),
        (trunks((2, None, "active")), []),
        ([{**trunk_row(1), "deleted_at": NOW, "backup_trunk_id": UUID(int=2)}, trunk_row(2)], [2]),
        ([trunk_row(1, uri=None, backup_trunk_id=UUID(int=2)), trunk_row(2)], [2]),
        ([trunk_row(1, did_ranges="[1]")], [1]),
    ],
)
def test_a_trunk_and_its_backups(rows: list[Row], ways: list[Any]) -> None:
    made = exchange([ANY], trunks=rows)
    outcome = decide(made, "030123456", ANNA).outcome
    names = [way if isinstance(way, str) else f"trunk{way}" for way in ways]
    assert (over(outcome) if names else outcome) == (names or NO_TRUNK)
    assert len(set(chain(made, UUID(int=1)))) == len(list(chain(made, UUID(int=1))))


def test_a_rule_without_a_trunk_leaves_the_call_to_the_next() -> None:
    rules = [outbound_row(1, "^0", trunk_id=UUID(int=9)), outbound_row(2, "^0")]
    assert decide(exchange(rules), "030123456", ANNA).rule == "out2"


# emergency


EMERGENCY_TRUNKS = [
    trunk_row(1, name="c"),
    trunk_row(2, name="a"),
    trunk_row(3, name="b", status="testing"),
    trunk_row(4, name="d", status="inactive"),
    trunk_row(5, name="e", deleted_at=NOW),
    trunk_row(6, name="f", backup_trunk_id=UUID(int=3)),
    trunk_row(7, name="g", uri=None),
]


@pytest.mark.parametrize(
    ("rules", "ways"),
    [
        ([], "acfb"),
        ([outbound_row(1, "^112$")], "cafb"),
        ([outbound_row(1, "^0")], "acfb"),
        ([outbound_row(1, "^112$", trunk_id=UUID(int=6)), outbound_row(2, "^11")], "fcab"),
        ([outbound_row(1, "^112$", trunk_id=UUID(int=3))], "acfb"),  # in test: at last
        ([outbound_row(1, "^112$", trunk_id=UUID(int=4))], "acfb"),
        ([outbound_row(1, "^112$", trunk_id=UUID(int=9))], "acfb"),
        ([outbound_row(1, "^112$", strip_digits=3, prepend="0")], "cafb"),
        ([outbound_row(1, "^112$", allowed_for_roles=[])], "cafb"),
    ],
)
def test_any_trunk_will_do_for_an_emergency_call(rules: list[Row], ways: str) -> None:
    outcome = emergency(exchange(rules, trunks=EMERGENCY_TRUNKS), "112").outcome
    assert isinstance(outcome, Route)
    assert (outcome.number, outcome.emergency, outcome.rule) == ("112", True, None)
    assert "".join(over(outcome)) == ways


def test_an_emergency_call_over_everything() -> None:
    """Nobody asks who dials: the extension and its user are not even looked at."""
    made = exchange(
        [], {"status": "inactive", "user_id": UUID(int=1)}, users=[user_row(1, status="suspended")]
    )
    destination = meaning(made, "1-1-2", ANNA, by_hand=True)
    assert destination.kind is DestinationKind.EMERGENCY
    assert over(emergency(made, destination.number).outcome) == ["trunk1", "trunk2"]


def test_without_a_trunk_there_is_no_emergency_call() -> None:
    assert emergency(exchange([], trunks=[trunk_row(1, status="inactive")]), "112").outcome == (
        NO_TRUNK
    )


# a trunk in test


def test_a_test_of_a_trunk_that_is_gone() -> None:
    assert decide(exchange([]), "030", Payer(extension="1001", trunk=UUID(int=9))).outcome == (
        NO_TRUNK
    )
