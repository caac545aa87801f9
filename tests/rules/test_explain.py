"""`pbx explain` tells what the code that routes calls does."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasis_app.rules import inbound, outbound
from stasis_app.rules.book import Book
from stasis_app.rules.dialling import meaning
from stasis_app.rules.explain import Question, Unexplained, explain
from stasis_app.rules.inbound import Incoming
from stasis_app.rules.models import Contact, DestinationKind, Payer, Refuse

from .build import (
    LATER,
    NOW,
    blacklist_row,
    book,
    extension_row,
    forwarding,
    inbound_row,
    named_row,
    outbound_row,
    profile_row,
    to_extension,
    to_external,
    to_row,
    trunk_row,
    user_row,
)

DID = "+493010000055"
ANNA = "+4989123456"
UNCONDITIONAL = "unconditional"
SUNDAY = datetime.fromisoformat("2026-11-29T10:00:00+00:00")


def exchange(settings: Mapping[str, Any] | None = None) -> Book:
    made = book(
        settings,
        users=[user_row(1, time_profile_id=UUID(int=1))],
        extensions=[
            extension_row("1001", **forwarding("on_no_answer", "1002")),
            extension_row("1002", **forwarding(UNCONDITIONAL, "030 1234567")),
            extension_row("1003", user_id=UUID(int=1), **forwarding("on_busy", "1001")),
            extension_row("1004", status="inactive"),
            extension_row("1005", **forwarding(UNCONDITIONAL, "1006")),
            extension_row("1006", **forwarding(UNCONDITIONAL, "1005")),
            extension_row("1007", deleted_at=NOW),
            extension_row("1008", allow_international=False, dnd_enabled=True),
        ],
        trunks=[
            trunk_row(1, backup_trunk_id=UUID(int=2)),
            trunk_row(2, did_ranges=[{"start": DID}]),
            trunk_row(3, status="inactive"),
            trunk_row(4, default_caller_id=None, status="testing"),
        ],
        inbound_rules=[
            inbound_row(1, DID, trunk_id=UUID(int=1)),
            inbound_row(2, "+4930100000XX", **to_extension("1003")),
            inbound_row(3, "+4940", **to_external("030777")),
            inbound_row(4, "+4941", **to_row("conference", 7)),
            inbound_row(5, "+4942", **to_extension("1009")),
        ],
        outbound_rules=[
            outbound_row(1, "^00", priority=1, allowed_for_roles=["admin"]),
            outbound_row(2, "^0", max_duration_seconds=3600, caller_id_mode="trunk"),
        ],
        time_profiles=[profile_row(1)],
        blacklist=[blacklist_row(1, "+4477*")],
        conferences=[named_row(7, "500", name="board")],
    )
    made.contacts_of[UUID(int=1001)] = [Contact("sip:a@192.0.2.9", LATER)]
    return made


def ask(
    to: str,
    caller: str,
    trunk: str | None = None,
    at: datetime = NOW,
    settings: Mapping[str, Any] | None = None,
) -> list[str]:
    return list(explain(exchange(settings), Question(to, caller, at, trunk)))


OUT = [
    "an outside call, paid for by 1002",
    "outbound rule out2: matches -> taken",
    "dialled 0301234567 over trunk trunk1, showing +49301000001",
    "then, if that fails, 0301234567 over trunk trunk2, showing +49301000002",
    "cut after 3600 s",
]


@pytest.mark.parametrize(
    ("to", "lines"),
    [
        (
            "1001",
            [
                "extension 1001 rings for 20 s on 1 phone(s)",
                "then, or without a phone, it goes to 1002",
            ],
        ),
        ("1002", ["extension 1002 forwards to 030 1234567 (unconditional)", *OUT]),
        (
            "1003",
            [
                "extension 1003 rings for 30 s on 0 phone(s)",
                "when it is busy it goes to 1001",
            ],
        ),
        ("1004", ["refused: inactive (unavailable)"]),
        ("1008", ["refused: own_number (busy)"]),
        (
            "1007",
            ["an outside call, paid for by 1008", "refused: no_outbound_rule (unallocated_number)"],
        ),
        ("500", ["board: an announcement, then refused (not_implemented)"]),
        ("alice", ["refused: nobody has the number alice (unallocated_number)"]),
        (
            "004420 79460018",
            [
                "an outside call, paid for by 1008",
                "outbound rule out1: role",
                "outbound rule out2: international",
                "refused: role (forbidden)",
            ],
        ),
        (
            "112",
            [
                "an emergency number: no limit counts",
                "dialled 112 over trunk trunk1, showing +49301000001",
                "then, if that fails, 112 over trunk trunk2, showing +49301000002",
                "then, if that fails, 112 over trunk trunk4, showing 1008",
            ],
        ),
        (
            "*31030777",
            [
                "a call to 030777 that shows no number",
                "an outside call, paid for by 1008",
                "outbound rule out2: matches -> taken",
                "dialled 030777 over trunk trunk1, showing +49301000001 withheld",
                "then, if that fails, 030777 over trunk trunk2, showing +49301000002 withheld",
                "cut after 3600 s",
            ],
        ),
        ("*287", ["refused: no time profile has the code 7 (unallocated_number)"]),
        ("*897*030777", ["refused: no trunk has the test_code 7 (unallocated_number)"]),
    ],
)
def test_a_call_from_inside(to: str, lines: list[str]) -> None:
    assert ask(to, "1008") == ["1008 is an extension: a call from inside", *lines]


@pytest.mark.parametrize(
    ("to", "caller", "trunk", "lines"),
    [
        (
            "030 100000-55",
            ANNA,
            "trunk1",
            [
                "inbound rule in1: matches -> taken",
                "extension 1001 rings for 20 s on 1 phone(s)",
                "then, or without a phone, it goes to 1002",
            ],
        ),
        (
            "030 100000-55",
            ANNA,
            None,  # the trunk that may deliver it
            [
                "inbound rule in1: is for trunk trunk1",
                "inbound rule in2: matches -> taken",
                "extension 1003 rings for 30 s on 0 phone(s)",
                "when it is busy it goes to 1001",
            ],
        ),
        ("+4930", "+447712345", "trunk1", ["refused: blacklist (rejected)"]),
        ("+4930", ANNA, "trunk2", ["refused: not_in_did_ranges (unallocated_number)"]),
        ("+4930", ANNA, "trunk1", ["refused: no_inbound_rule (unallocated_number)"]),
        (
            "+4942",
            ANNA,
            "trunk1",
            [
                "inbound rule in5: matches, but its extension is missing",
                "refused: no_inbound_rule (unallocated_number)",
            ],
        ),
        (
            "+4941",
            ANNA,
            "trunk1",
            [
                "inbound rule in4: matches -> taken",
                "conference board: an announcement, then refused (not_implemented)",
            ],
        ),
        (
            "+4940",
            "anonymous",
            "trunk1",
            [
                "inbound rule in3: matches -> taken",
                "an outside call, paid for by in3",
                "outbound rule out2: matches -> taken",
                "dialled 030777 over trunk trunk1, showing +49301000001 withheld",
                "then, if that fails, 030777 over trunk trunk2, showing +49301000002 withheld",
                "cut after 3600 s",
            ],
        ),
    ],
)
def test_a_call_from_outside(to: str, caller: str, trunk: str | None, lines: list[str]) -> None:
    found = ask(to, caller, trunk)
    assert found[0] == f"a call from outside over trunk {trunk or 'trunk2'}"
    assert found[1].startswith("the number is looked for as +49")
    assert found[2:] == lines


def test_the_id_of_a_trunk_will_do() -> None:
    assert ask(DID, ANNA, str(UUID(int=1))) == ask(DID, ANNA, "trunk1")


def test_a_trunk_that_is_inactive_delivers_nothing() -> None:
    found = ask(DID, ANNA, "trunk3")
    assert found == [
        "a call from outside over trunk trunk3",
        "refused: trunk_inactive (forbidden)",
    ]


def test_a_caller_who_is_inactive() -> None:
    first = "1004 is an extension: a call from inside"
    assert ask("1001", "1004") == [first, "refused: caller_inactive (forbidden)"]
    assert ask("112", "1004")[1] == "an emergency number: no limit counts"


def test_with_a_trunk_an_extensions_number_is_a_caller_outside() -> None:
    assert ask(DID, "1001", "trunk1")[0] == "a call from outside over trunk trunk1"
    assert ask(DID, "1007")[0] == "a call from outside over trunk trunk2"


def test_closed_hours_of_the_extensions_user() -> None:
    assert ask("1003", "1001", at=SUNDAY)[1:] == ["refused: closed (unavailable)"]
    welcome = ask("1003", "1001", at=SUNDAY, settings={"inbound.white_list": ["1001"]})
    assert welcome[1] == "extension 1003 rings for 30 s on 0 phone(s)"


def test_the_catch_all() -> None:
    settings = {"inbound.catch_all": {"type": "extension", "number": "1002"}}
    assert ask("+4942", ANNA, "trunk1", settings=settings)[2:] == [
        "inbound rule in5: matches, but its extension is missing",
        "no rule takes it: inbound.catch_all does",
        "extension 1002 forwards to 030 1234567 (unconditional)",
        *OUT,
    ]


def test_forwards_that_go_round_end() -> None:
    found = ask("1005", "1001", settings={"calls.max_hops": 3})
    assert found[-1] == "refused: the forwards go round (loop_detected)"
    assert len(found) == 1 + 4 + 1


@pytest.mark.parametrize(("trunk", "caller"), [("nowhere", ANNA), ("nowhere", "1001")])
def test_a_trunk_that_does_not_exist(trunk: str, caller: str) -> None:
    with pytest.raises(Unexplained, match="no trunk nowhere"):
        ask(DID, caller, trunk)


def test_a_caller_outside_without_any_trunk() -> None:
    with pytest.raises(Unexplained, match="is no extension"):
        list(explain(book(), Question(DID, ANNA, NOW)))


# it agrees with what decides

asked = st.sampled_from([DID, "03010000077", "+4940", "+4941", "+4942", "+4930"]) | st.text(
    max_size=9
)
callers = st.sampled_from([ANNA, "anonymous", "+447712345", ""])


@given(asked, callers, st.sampled_from(["trunk1", "trunk2", "trunk4"]))
def test_it_tells_what_is_decided_about_a_call_from_outside(
    to: str, caller: str, trunk: str
) -> None:
    made = exchange()
    lines = list(explain(made, Question(to, caller, NOW, trunk)))
    known = next(one for one in made.trunks.items.values() if one.name == trunk)
    decision = inbound.decide(made, Incoming(known, to, caller, NOW))
    told = [line for line in lines if line.startswith("inbound rule ")]
    assert told == [
        f"inbound rule {one.rule}: {one.why}{' -> taken' if one.taken else ''}"
        for one in decision.considered
    ]
    if isinstance(decision.outcome, Refuse):
        assert lines[-1] == f"refused: {decision.outcome.reason} ({decision.outcome.cause})"


numbers = st.text("0123456789*#+", max_size=16) | st.sampled_from(["030123", "0044 20 79460018"])


@given(numbers, st.sampled_from(["1001", "1008"]))
def test_it_tells_what_is_decided_about_a_call_to_the_outside(to: str, caller: str) -> None:
    made = exchange()
    lines = list(explain(made, Question(to, caller, NOW)))
    destination = meaning(made, to, Payer(extension=caller), by_hand=True)
    if destination.kind is not DestinationKind.OUTSIDE:
        return
    decision = outbound.decide(made, destination.number, destination.payer)
    assert len([line for line in lines if line.startswith("outbound rule ")]) == len(
        decision.considered
    )
    route = decision.outcome
    if isinstance(route, Refuse):
        assert lines[-1] == f"refused: {route.reason} ({route.cause})"
    else:
        ways = [line for line in lines if f" {route.number} over trunk " in line]
        assert len(ways) == len(route.trunks)
