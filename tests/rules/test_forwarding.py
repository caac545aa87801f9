"""What happens to a call for an extension, in the order of the checks."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasis_app.rules.forwarding import (
    LONGEST_RING_SECONDS,
    Forward,
    LeaveMessage,
    Reason,
    Ring,
    Verdict,
    on_arrival,
    on_failure,
    worst,
)
from stasis_app.rules.models import Extension, Refuse
from stasis_app.words import ExtensionStatus, ExtensionType, HangupCause

from .build import CALLEE, CALLER, extension

INACTIVE = ExtensionStatus.INACTIVE
VIRTUAL = ExtensionType.VIRTUAL


def arrive(
    callee: Extension,
    engaged: int = 0,
    caller: Any = CALLER,
    *,
    closed: bool = False,
    voicemail: bool = False,
) -> Verdict:
    return on_arrival(
        callee,
        caller=caller,
        engaged=engaged,
        default_ring_seconds=30.0,
        closed=closed,
        voicemail=voicemail,
    )


@pytest.mark.parametrize(
    ("columns", "engaged", "verdict"),
    [
        ({}, 0, Ring(30.0)),
        ({}, 1, Ring(30.0)),
        ({}, 2, Refuse(HangupCause.BUSY, "busy")),
        ({"max_concurrent_calls": None}, 99, Ring(30.0)),
        ({"max_concurrent_calls": 0}, 0, Refuse(HangupCause.BUSY, "busy")),
        ({"ring_seconds": 7.0}, 0, Ring(30.0)),
        ({"ring_seconds": 7.0, "forward_on_no_answer": "1003"}, 0, Ring(7.0)),
        ({"dnd": True}, 0, Refuse(HangupCause.BUSY, "dnd")),
        ({"dnd": True, "forward_on_busy": "1003"}, 0, Forward("1003", Reason.DND)),
        ({"forward_on_busy": "1003"}, 2, Forward("1003", Reason.BUSY)),
        ({"type": VIRTUAL}, 0, Refuse(HangupCause.UNAVAILABLE, "phones")),
        (
            {"type": VIRTUAL, "forward_on_no_answer": "1003"},
            0,
            Forward("1003", Reason.UNAVAILABLE),
        ),
        ({"forward_unconditional": "1003"}, 0, Forward("1003", Reason.UNCONDITIONAL)),
        ({"status": INACTIVE}, 0, Refuse(HangupCause.UNAVAILABLE, "inactive")),
        ({"deleted": True}, 0, Refuse(HangupCause.UNALLOCATED_NUMBER, "deleted")),
    ],
)
def test_on_arrival(columns: dict[str, Any], engaged: int, verdict: Verdict) -> None:
    assert arrive(extension(**columns), engaged) == verdict


def test_own_number() -> None:
    assert arrive(extension(), caller=CALLEE) == Refuse(HangupCause.BUSY, "own_number")


@pytest.mark.parametrize(
    ("columns", "verdict"),
    [
        ({}, Refuse(HangupCause.UNAVAILABLE, "closed")),
        ({"forward_on_no_answer": "1003"}, Forward("1003", Reason.CLOSED)),
        ({"forward_on_busy": "1003"}, Refuse(HangupCause.UNAVAILABLE, "closed")),
        ({"dnd": True, "forward_on_busy": "1003"}, Refuse(HangupCause.UNAVAILABLE, "closed")),
        ({"max_concurrent_calls": 0}, Refuse(HangupCause.UNAVAILABLE, "closed")),
        ({"type": VIRTUAL, "forward_on_no_answer": "1003"}, Forward("1003", Reason.CLOSED)),
        ({"forward_unconditional": "1003"}, Forward("1003", Reason.UNCONDITIONAL)),
        ({"status": INACTIVE}, Refuse(HangupCause.UNAVAILABLE, "inactive")),
        ({"deleted": True}, Refuse(HangupCause.UNALLOCATED_NUMBER, "deleted")),
    ],
)
def test_closed_hours_of_the_user(columns: dict[str, Any], verdict: Verdict) -> None:
    assert arrive(extension(**columns), closed=True) == verdict


def test_one_does_not_call_oneself_in_closed_hours_either() -> None:
    callee = extension(forward_on_no_answer="1003")
    found = arrive(callee, caller=CALLEE, closed=True)
    assert found == Refuse(HangupCause.BUSY, "own_number")


IN_ORDER: list[tuple[dict[str, Any], Verdict]] = [
    ({"deleted": True}, Refuse(HangupCause.UNALLOCATED_NUMBER, "deleted")),
    ({"status": INACTIVE}, Refuse(HangupCause.UNAVAILABLE, "inactive")),
    ({"forward_unconditional": "1003"}, Forward("1003", Reason.UNCONDITIONAL)),
    ({"dnd": True}, Refuse(HangupCause.BUSY, "dnd")),
    ({"max_concurrent_calls": 0}, Refuse(HangupCause.BUSY, "busy")),
    ({"type": VIRTUAL}, Refuse(HangupCause.UNAVAILABLE, "phones")),
]


@pytest.mark.parametrize(("one", "other"), [*permutations(range(len(IN_ORDER)), 2)])
def test_the_first_check_in_the_issues_order_decides(one: int, other: int) -> None:
    callee = extension(**IN_ORDER[one][0], **IN_ORDER[other][0])
    assert arrive(callee) == IN_ORDER[min(one, other)][1]


@pytest.mark.parametrize(
    ("columns", "closed", "verdict"),
    [
        ({}, False, Ring(30.0)),
        ({"ring_seconds": 7.0}, False, Ring(30.0)),
        ({"dnd": True}, False, LeaveMessage(Reason.DND)),
        ({"max_concurrent_calls": 0}, False, LeaveMessage(Reason.BUSY)),
        ({"type": VIRTUAL}, False, LeaveMessage(Reason.UNAVAILABLE)),
        ({}, True, LeaveMessage(Reason.CLOSED)),
        ({"forward_on_busy": "1003"}, True, LeaveMessage(Reason.CLOSED)),
        ({"dnd": True, "forward_on_no_answer": "1003"}, False, LeaveMessage(Reason.DND)),
        # who has written down a forward wants it
        ({"dnd": True, "forward_on_busy": "1003"}, False, Forward("1003", Reason.DND)),
        ({"type": VIRTUAL, "forward_on_no_answer": "1"}, False, Forward("1", Reason.UNAVAILABLE)),
        ({"forward_on_no_answer": "1003"}, True, Forward("1003", Reason.CLOSED)),
        ({"forward_unconditional": "1003"}, True, Forward("1003", Reason.UNCONDITIONAL)),
        ({"status": INACTIVE}, False, Refuse(HangupCause.UNAVAILABLE, "inactive")),
        ({"deleted": True}, False, Refuse(HangupCause.UNALLOCATED_NUMBER, "deleted")),
    ],
)
def test_a_box_takes_what_no_forward_takes(
    columns: dict[str, Any], closed: bool, verdict: Verdict
) -> None:
    assert arrive(extension(**columns), closed=closed, voicemail=True) == verdict


def test_one_leaves_no_message_for_oneself() -> None:
    found = arrive(extension(dnd=True), caller=CALLEE, voicemail=True)
    assert found == Refuse(HangupCause.BUSY, "own_number")


numbers = st.none() | st.sampled_from(["1001", "1003"])
extensions = st.builds(
    extension,
    type=st.sampled_from(ExtensionType),
    status=st.sampled_from(ExtensionStatus),
    deleted=st.booleans(),
    dnd=st.booleans(),
    max_concurrent_calls=st.none() | st.integers(-(2**31), 2**31 - 1),
    forward_unconditional=numbers,
    forward_on_busy=numbers,
    forward_on_no_answer=numbers,
    ring_seconds=st.floats(allow_nan=False),
)


@given(
    extensions,
    st.sampled_from([None, CALLER, CALLEE]),
    st.integers(0, 100),
    st.floats(0, allow_nan=False),
    st.tuples(st.booleans(), st.booleans()),
)
def test_there_is_always_a_verdict(
    callee: Extension, caller: Any, engaged: int, default: float, ways: tuple[bool, bool]
) -> None:
    closed, voicemail = ways
    verdict = on_arrival(
        callee,
        caller=caller,
        engaged=engaged,
        default_ring_seconds=default,
        closed=closed,
        voicemail=voicemail,
    )
    if isinstance(verdict, Ring):
        assert not closed
        assert 1 <= verdict.seconds <= LONGEST_RING_SECONDS
        assert callee.status is ExtensionStatus.ACTIVE
        assert not any((callee.deleted, callee.dnd, callee.forward_unconditional))
    elif isinstance(verdict, Forward):
        forwards = (
            callee.forward_unconditional,
            callee.forward_on_busy,
            callee.forward_on_no_answer,
        )
        assert verdict.number in forwards
    elif isinstance(verdict, LeaveMessage):
        assert voicemail
        assert callee.active
    else:
        assert verdict.reason
        own = callee.id == caller
        assert own or not (voicemail and callee.active)


BUSY = {HangupCause.BUSY, HangupCause.REJECTED}


@pytest.mark.parametrize("cause", HangupCause)
def test_a_failure_takes_its_own_forward(cause: HangupCause) -> None:
    both = extension(forward_on_busy="1003", forward_on_no_answer="1004")
    verdict = on_failure(both, cause)
    assert isinstance(verdict, Forward)
    assert verdict.number == ("1003" if cause in BUSY else "1004")
    other = "forward_on_no_answer" if cause in BUSY else "forward_on_busy"
    assert on_failure(extension(**{other: "1003"}), cause) == Refuse(cause, "phones")


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (HangupCause.BUSY, Reason.BUSY),
        (HangupCause.REJECTED, Reason.BUSY),
        (HangupCause.NO_ANSWER, Reason.NO_ANSWER),
        (HangupCause.UNAVAILABLE, Reason.UNAVAILABLE),
        (HangupCause.CONGESTION, Reason.NO_ANSWER),
    ],
)
def test_the_box_takes_what_the_phones_did_not(cause: HangupCause, reason: Reason) -> None:
    assert on_failure(extension(), cause, voicemail=True) == LeaveMessage(reason)
    both = extension(forward_on_busy="1003", forward_on_no_answer="1003")
    assert on_failure(both, cause, voicemail=True) == Forward("1003", reason)


@pytest.mark.parametrize(
    ("causes", "cause"),
    [
        ([], HangupCause.UNAVAILABLE),
        (["unavailable"], HangupCause.UNAVAILABLE),
        (["unavailable", "failure"], HangupCause.FAILURE),
        (["busy", "unavailable"], HangupCause.BUSY),
        (["busy", "no_answer"], HangupCause.BUSY),
        (["no_answer", "failure"], HangupCause.NO_ANSWER),
        (["busy", "rejected", "no_answer"], HangupCause.REJECTED),
    ],
)
def test_what_phones_that_all_failed_say_together(causes: list[str], cause: HangupCause) -> None:
    assert worst([HangupCause(word) for word in causes]) is cause
