"""Where a call from outside goes."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasis_app.rules.book import Book
from stasis_app.rules.considered import Considered, Decision
from stasis_app.rules.inbound import UNKNOWN, Incoming, Outcome, decide, deliverer, resolve
from stasis_app.rules.models import Destination, DestinationKind, Payer, Refuse, Target
from stasis_app.words import HangupCause, TargetType

from .build import (
    LATER,
    NOW,
    PAST,
    Row,
    blacklist_row,
    book,
    box_row,
    extension_row,
    inbound_row,
    menu_row,
    named_row,
    profile_row,
    queue_row,
    to_extension,
    to_external,
    to_row,
    trunk_row,
)

DID = "+493010000055"
CALLER = "+4989123456"
TRUNKS = [trunk_row(1), trunk_row(2, status="testing"), trunk_row(3, status="inactive")]
EXTENSIONS = [extension_row(number) for number in ("1001", "1002", "1003")]
PROFILES = [profile_row(1), profile_row(2, end="10:00"), profile_row(3, override="closed")]
OPEN: Row = {"time_profile_id": UUID(int=1)}
CLOSED: Row = {"time_profile_id": UUID(int=2)}
ON_TRUNK: Row = {"trunk_id": UUID(int=1)}
REFUSED = HangupCause.REJECTED


def exchange(
    rules: Sequence[Row], settings: Mapping[str, Any] | None = None, **more: Sequence[Row]
) -> Book:
    tables = {"trunks": TRUNKS, "extensions": EXTENSIONS, "time_profiles": PROFILES}
    return book(settings, inbound_rules=rules, **{**tables, **more})


def arrive(
    made: Book, did: str = DID, caller: str = CALLER, trunk: int = 1, at: Any = NOW
) -> Decision[Outcome]:
    return decide(made, Incoming(made.trunks.items[UUID(int=trunk)], did, caller, at))


def to(number: str) -> Destination:
    return Destination(DestinationKind.EXTENSION, number)


# which rule


@pytest.mark.parametrize(
    ("rules", "taken"),
    [
        ([("A", "+493010000055", {}), ("B", "+4930100000XX", {"priority": 1})], "A"),
        ([("A", "+4930.", {"priority": 1}), ("B", "+4930100000XX", {})], "B"),
        ([("A", "+493010000.", {"priority": 1}), ("B", "+493010000055.", {})], "A"),
        ([("A", ".", {"priority": 1}), ("B", "+49.", {})], "B"),
        ([("A", "+4930100000X5", {"priority": 2}), ("B", "+49301000005X", {"priority": 9})], "B"),
        ([("A", "+4930100000X5", {"priority": 2}), ("B", "+4930100000XX", {"priority": 1})], "B"),
        ([("A", DID, {}), ("B", DID, {"priority": 99})], "B"),
        ([("A", DID, {"priority": None}), ("B", DID, {"priority": 101})], "A"),
        ([("A", DID, {}), ("B", DID, ON_TRUNK)], "B"),
        ([("A", DID, {"priority": 1}), ("B", DID, ON_TRUNK)], "A"),
        ([("A", DID, {}), ("B", DID, {"caller_id_pattern": "^[+]49"})], "B"),
        ([("A", DID, {"caller_id_pattern": "^[+]49"}), ("B", DID, ON_TRUNK)], "B"),
        ([("B", DID, {}), ("A", DID, {})], "A"),
        ([("A", DID, {"status": "inactive"}), ("B", ".", {})], "B"),
        ([("A", DID, {"trunk_id": UUID(int=2)}), ("B", ".", {})], "B"),
        ([("A", DID, {"trunk_id": UUID(int=9)}), ("B", ".", {})], "B"),
        ([("A", DID, {"caller_id_pattern": "^[+]43"}), ("B", ".", {})], "B"),
        ([("A", DID, CLOSED), ("B", ".", {})], "B"),
        ([("A", DID, {"destination_id": UUID(int=9)}), ("B", ".", {})], "B"),
        ([("A", DID, {"caller_id_pattern": "("}), ("B", ".", {})], "B"),
        ([("A", "+4930[", {}), ("B", ".", {})], "B"),
        ([("A", "+493010000056", {})], None),
        ([], None),
    ],
)
def test_which_rule_takes_the_call(
    rules: Sequence[tuple[str, str, Row]], taken: str | None
) -> None:
    rows = [inbound_row(at, did, name=name, **row) for at, (name, did, row) in enumerate(rules)]
    for order in (rows, rows[::-1]):
        decision = arrive(exchange(order))
        assert decision.rule == taken
        assert decision.outcome == (to("1001") if taken else UNKNOWN)


WAYS = ("+493010000055", "00493010000055", "493010000055", "03010000055", "030 100000-55")


@pytest.mark.parametrize("delivered", WAYS)
@pytest.mark.parametrize("pattern", [*WAYS, "+4930100000XX", "030100000[5-6]5", "0049301.", "+49!"])
def test_a_number_meets_its_rule_in_whatever_form_it_comes(delivered: str, pattern: str) -> None:
    made = exchange([inbound_row(1, pattern), inbound_row(2, ".")])
    assert arrive(made, delivered).rule == "in1"


def test_a_name_is_called_too() -> None:
    made = exchange([inbound_row(1, "front-desk"), inbound_row(2, ".")])
    assert arrive(made, "front-desk").rule == "in1"
    assert arrive(made, "s").rule == "in2"
    assert arrive(made, "").rule == "in2"


# who calls


@pytest.mark.parametrize(
    ("pattern", "caller", "takes"),
    [
        ("^[+]49", "+4989123456", True),
        ("^[+]49", "004989123456", True),
        ("^[+]49", "089123456", True),
        ("^[+]49", "4989123456", True),
        ("^[+]49", "+4389123456", False),
        ("^089", "089123456", True),
        ("3456$", "+4989123456", True),
        ("89", "+4989123456", True),  # found anywhere
        ("^anonymous$", "anonymous", True),
        ("^anonymous$", "Restricted", True),
        ("^anonymous$", "", True),
        ("^[+]49", "", False),
        ("^$", "", False),
        ("(?i)ALICE", "alice", True),
        ("(a+)+$", "a" * 5000 + "b", False),
        (" ", CALLER, True),  # no pattern at all
    ],
)
def test_a_rule_for_callers(pattern: str, caller: str, takes: bool) -> None:
    made = exchange([inbound_row(1, DID, caller_id_pattern=pattern)])
    assert (arrive(made, caller=caller).rule == "in1") is takes


BLOCKED = [
    blacklist_row(1, "089 123456"),
    blacklist_row(2, "+43*"),
    blacklist_row(3, "+4940123", expires_at=NOW),
    blacklist_row(4, "anonymous"),
    blacklist_row(5, "+33*", expires_at=LATER),
]


@pytest.mark.parametrize(
    ("caller", "blocked"),
    [
        ("+4989123456", True),
        ("089123456", True),
        ("004989123456", True),
        ("4989123456", True),
        ("+49891234567", False),
        ("+431234567", True),
        ("00431234567", True),
        ("+4940123", False),
        ("+33123456789", True),
        ("anonymous", True),
        ("", True),
        ("Unavailable", True),
    ],
)
def test_the_black_list_is_asked_first(caller: str, blocked: bool) -> None:
    rules = [inbound_row(1, DID), inbound_row(2, ".")]
    made = exchange(rules, {"inbound.white_list": ["+4989123456"]}, blacklist=BLOCKED)
    decision = arrive(made, caller=caller)
    assert decision.outcome == (Refuse(REFUSED, "blacklist") if blocked else to("1001"))
    assert bool(decision.considered) is not blocked


# what a trunk may deliver

RANGES = [
    {"start": "+493010000000", "end": "+493010000099"},
    {"start": "0301000077"},
]


@pytest.mark.parametrize(
    ("did", "may"),
    [
        ("+493010000000", True),
        ("03010000099", True),
        ("00493010000055", True),
        ("493010000055", True),
        ("+49301000077", True),
        ("+493010000100", False),
        ("+4930100000", False),
        ("+49301000005", False),
        ("55", False),
        ("s", False),
        ("", False),
    ],
)
def test_the_ranges_of_a_trunk_say_what_it_may_deliver(did: str, may: bool) -> None:
    settings = {"inbound.catch_all": {"type": "extension", "number": "1002"}}
    trunks = [trunk_row(1, did_ranges=RANGES), trunk_row(2), trunk_row(3, did_ranges=[])]
    made = exchange([inbound_row(1, ".")], settings, trunks=trunks)
    refused = Refuse(HangupCause.UNALLOCATED_NUMBER, "not_in_did_ranges")
    assert arrive(made, did).outcome == (to("1001") if may else refused)
    assert arrive(made, did, trunk=2).rule == arrive(made, did, trunk=3).rule == "in1"


# when

FALLBACK = to_extension("1002", "fallback_destination")


@pytest.mark.parametrize(
    ("columns", "caller", "number"),
    [
        (OPEN, CALLER, "1001"),
        ({**OPEN, **FALLBACK}, CALLER, "1001"),
        (CLOSED, CALLER, None),
        ({**CLOSED, **FALLBACK}, CALLER, "1002"),
        ({**FALLBACK, "time_profile_id": UUID(int=3)}, CALLER, "1002"),  # by hand
        (FALLBACK, CALLER, "1001"),  # without a profile it is always open
        ({"time_profile_id": UUID(int=9)}, CALLER, "1001"),
        ({**CLOSED, **FALLBACK}, "+4930777", "1001"),
        ({**CLOSED, **FALLBACK}, "030777", "1001"),
        (CLOSED, "0049 30 777", "1001"),
        (CLOSED, "+49307778", None),
        ({**CLOSED, **FALLBACK, "fallback_destination_id": UUID(int=9)}, CALLER, None),
        ({**CLOSED, **to_extension("1009"), **FALLBACK}, CALLER, "1002"),
    ],
)
def test_closed_hours(columns: Row, caller: str, number: str | None) -> None:
    made = exchange([inbound_row(1, DID, **columns)], {"inbound.white_list": ["+4930777"]})
    assert arrive(made, caller=caller).outcome == (to(number) if number else UNKNOWN)


def test_it_counts_when_the_call_began() -> None:
    made = exchange([inbound_row(1, DID, **CLOSED)])
    assert arrive(made, at=PAST).rule is None
    before = PAST.replace(hour=8, minute=59)
    assert arrive(made, at=before).outcome == to("1001")


# where to


@pytest.mark.parametrize(
    ("columns", "destination"),
    [
        (to_extension("1002"), to("1002")),
        (
            {**to_extension("1002"), "destination_id": None, "destination_number": "1003"},
            to("1003"),
        ),
        (
            to_external(" 030 777 "),
            Destination(
                DestinationKind.OUTSIDE,
                "030 777",
                Payer(rule="in1", diverted=(DID, "unconditional")),
            ),
        ),
        (
            to_row("queue", 7),
            Destination(
                DestinationKind.QUEUE,
                "queue sales",
                Payer(rule="in1", diverted=(DID, "unconditional")),
                id=UUID(int=7),
            ),
        ),
        (
            to_row("queue", 11),  # paused: it says so itself
            Destination(
                DestinationKind.QUEUE,
                "queue queue11",
                Payer(rule="in1", diverted=(DID, "unconditional")),
                id=UUID(int=11),
            ),
        ),
        (to_row("queue", 8), None),
        (to_row("queue", 10), None),
        (
            {"destination_type": "ivr", "destination_id": UUID(int=7)},
            Destination(
                DestinationKind.IVR,
                "ivr menu",
                Payer(rule="in1", diverted=(DID, "unconditional")),
                id=UUID(int=7),
            ),
        ),
        (
            {"destination_type": "voicemail", "destination_id": UUID(int=7)},
            Destination(DestinationKind.VOICEMAIL, "1004", id=UUID(int=7)),
        ),
        (
            {"destination_type": "voicemail", "destination_id": UUID(int=1004)},
            Destination(DestinationKind.VOICEMAIL, "1004", id=UUID(int=7)),
        ),
        (
            {
                "destination_type": "voicemail",
                "destination_id": None,
                "destination_number": "1004",
            },
            Destination(DestinationKind.VOICEMAIL, "1004", id=UUID(int=7)),
        ),
        (
            {"destination_type": "conference", "destination_id": UUID(int=7)},
            Destination(DestinationKind.UNBUILT, "conference board"),
        ),
        (to_extension("1009"), None),
        ({**to_extension("1009"), "destination_number": "1003"}, None),  # the id counts
        ({"destination_type": "queue", "destination_id": UUID(int=9)}, None),
        ({"destination_type": "conference", "destination_id": UUID(int=8)}, None),
        ({"destination_type": "ivr", "destination_id": UUID(int=8)}, None),
        ({"destination_type": "voicemail", "destination_id": UUID(int=8)}, None),  # switched off
        ({"destination_type": "voicemail", "destination_id": UUID(int=1003)}, None),
    ],
)
def test_destinations(columns: Row, destination: Destination | None) -> None:
    made = exchange(
        [inbound_row(1, DID, **columns)],
        queues=[
            queue_row(7, name="sales"),
            queue_row(8, status="inactive"),
            queue_row(10, deleted=True),
            queue_row(11, status="paused"),
        ],
        extensions=[*EXTENSIONS, extension_row("1004", voicemail_enabled=True)],
        ivr_menus=[menu_row(7, name="menu")],
        voicemail_boxes=[box_row(7, "1004"), box_row(8, "1003")],
        conferences=[named_row(7, name="board")],
    )
    assert arrive(made).outcome == (destination or UNKNOWN)


@pytest.mark.parametrize(
    ("columns", "language"),
    [
        ({**to_extension("1002"), "language": " de "}, "de"),
        ({**to_row("ivr", 7), "language": "de"}, "de"),
        ({**to_row("ivr", 8), "language": "de"}, "en-GB"),  # the menu's own
        ({**to_row("ivr", 8)}, "en-GB"),
        ({**CLOSED, **to_row("ivr", 7, "fallback_destination"), "language": "de"}, "de"),
        (to_extension("1002"), ""),
    ],
)
def test_the_language_of_a_rule(columns: Row, language: str) -> None:
    menus = [menu_row(7), menu_row(8, language="en-GB")]
    outcome = arrive(exchange([inbound_row(1, DID, **columns)], ivr_menus=menus)).outcome
    assert isinstance(outcome, Destination)
    assert outcome.language == language


def test_a_deleted_extension_is_none_and_an_inactive_one_is() -> None:
    extensions = [
        extension_row("1001", deleted_at=PAST),
        extension_row("1002", status="inactive"),
    ]
    rules = [inbound_row(1, DID), inbound_row(2, "+49.", **to_extension("1002"))]
    decision = arrive(exchange(rules, extensions=extensions))
    assert decision.outcome == to("1002")
    assert decision.considered == (
        Considered("in1", "matches, but its extension is missing"),
        Considered("in2", "matches", taken=True),
    )


def test_why_each_rule_was_passed_over_is_told_in_order() -> None:
    rules = [
        inbound_row(1, DID, trunk_id=UUID(int=2)),
        inbound_row(2, DID, caller_id_pattern="^[+]43", priority=101),
        inbound_row(3, DID, priority=102, **CLOSED),
        inbound_row(4, DID, priority=103, **CLOSED, **FALLBACK),
        inbound_row(5, DID, priority=104),
    ]
    assert arrive(exchange(rules)).considered == (
        Considered("in1", "is for trunk trunk2"),
        Considered("in2", "wants a caller like ^[+]43"),
        Considered("in3", "is closed and has no fallback"),
        Considered("in4", "is closed: fallback", taken=True),
    )


@pytest.mark.parametrize(
    ("catch_all", "outcome"),
    [
        (None, UNKNOWN),
        ({"type": "extension", "number": "1002"}, to("1002")),
        ({"type": "extension", "number": "1009"}, UNKNOWN),
        ({"type": "queue", "id": str(UUID(int=9))}, UNKNOWN),
        ("1002", UNKNOWN),
        (
            {"type": "external", "number": "030777"},
            Destination(
                DestinationKind.OUTSIDE,
                "030777",
                Payer(rule="inbound.catch_all", diverted=(DID, "unconditional")),
            ),
        ),
    ],
)
def test_the_catch_all_takes_what_no_rule_takes(catch_all: object, outcome: Outcome) -> None:
    rules = [inbound_row(1, DID, **CLOSED)]
    decision = arrive(exchange(rules, {"inbound.catch_all": catch_all}))
    assert decision.outcome == outcome
    assert decision.rule is None
    assert len(decision.considered) == 1


def test_without_a_rule_the_number_does_not_exist() -> None:
    assert arrive(exchange([])) == Decision(
        Refuse(HangupCause.UNALLOCATED_NUMBER, "no_inbound_rule")
    )


def test_a_target_by_a_number_that_is_no_extension() -> None:
    assert resolve(exchange([]), Target(TargetType.EXTENSION, number="1009"), Payer()) is None


# never odd

dids = st.sampled_from([DID, "03010000055", "055", "s", ""]) | st.text(max_size=60)
numbers = st.sampled_from([CALLER, "089123456", "anonymous", ""]) | st.text(max_size=60)
rules = st.builds(
    inbound_row,
    st.integers(1, 5),
    st.sampled_from([DID, "+4930100000XX", "+4930.", "03010000055", ".", "s", "055"]),
    priority=st.none() | st.integers(1, 3),
    trunk_id=st.sampled_from([None, UUID(int=1), UUID(int=2), UUID(int=9)]),
    caller_id_pattern=st.sampled_from([None, "^[+]49", "anonymous"]),
    time_profile_id=st.sampled_from([None, UUID(int=1), UUID(int=2), UUID(int=9)]),
    destination_id=st.sampled_from([UUID(int=1001), UUID(int=9)]),
    status=st.sampled_from(["active", "inactive"]),
)


@given(st.lists(rules), dids, numbers)
def test_there_is_always_an_outcome_and_at_most_one_rule_takes_the_call(
    rows: list[Row], did: str, caller: str
) -> None:
    decision = arrive(exchange(rows), did, caller)
    taken = [one for one in decision.considered if one.taken]
    assert taken == list(decision.considered[-1:]) or not taken
    assert (decision.outcome == UNKNOWN) is not bool(taken)
    assert decision.outcome in (UNKNOWN, to("1001"))


@given(st.lists(rules, max_size=8))
def test_the_form_of_the_number_makes_no_difference(rows: list[Row]) -> None:
    made = exchange(rows)
    first, *others = (arrive(made, way) for way in WAYS)
    assert all(other == first for other in others)


@pytest.mark.parametrize(
    ("screened", "blocked"), [("+4989123456", True), ("004312", True), ("+4940123", False)]
)
def test_a_number_that_is_withheld_is_looked_for_on_the_black_list(
    screened: str, blocked: bool
) -> None:
    made = exchange([inbound_row(1, DID)], blacklist=BLOCKED[:3])
    call = Incoming(made.trunks.items[UUID(int=1)], DID, "anonymous", NOW, screened)
    assert decide(made, call).outcome == (Refuse(REFUSED, "blacklist") if blocked else to("1001"))


def test_a_number_that_is_withheld_meets_no_rule_and_no_white_list() -> None:
    rules = [
        inbound_row(1, DID, caller_id_pattern="49"),
        inbound_row(2, DID, **CLOSED),
    ]
    made = exchange(rules, {"inbound.white_list": ["+4989123456"]})
    call = Incoming(made.trunks.items[UUID(int=1)], DID, "anonymous", NOW, "+4989123456")
    assert decide(made, call).outcome == UNKNOWN


def test_of_two_trunks_to_one_host_the_call_is_that_ones_whose_number_it_is() -> None:
    ranges = [f'[{{"start": "+4930100000{digit}"}}]' for digit in "12"]
    trunks = [trunk_row(place, did_ranges=text) for place, text in enumerate(ranges, 1)]
    known = book(trunks=[{**row, "host": "192.0.2.1"} for row in trunks])
    first, second = known.trunks.items.values()
    assert deliverer(known, first, "+49301000001") is first
    assert deliverer(known, first, "0301000002") is second
    assert deliverer(known, first, "+49309999999") is first
