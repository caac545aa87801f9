"""Causes are decided, never defaulted."""

from datetime import UTC, datetime

import pytest

from stasis_app.ari.events import Destroyed
from stasis_app.call import causes
from stasis_app.words import HangupCause

AT = datetime(2026, 1, 1, tzinfo=UTC)


def end(cause: int, sip: int = 0) -> Destroyed:
    return Destroyed(AT, "leg", cause, sip)


def test_every_word_has_an_answer_for_the_caller() -> None:
    assert set(causes.ANSWER_TO_CALLER) == set(HangupCause)
    assert all(1 <= cause <= 127 for cause in causes.ANSWER_TO_CALLER.values())


@pytest.mark.parametrize(
    ("q850", "sip", "cause"),
    [
        (17, 486, HangupCause.BUSY),
        (17, 600, HangupCause.BUSY),
        (21, 603, HangupCause.REJECTED),
        (21, 403, HangupCause.REJECTED),
        (19, 480, HangupCause.UNAVAILABLE),
        (1, 404, HangupCause.UNAVAILABLE),
        (18, 408, HangupCause.UNAVAILABLE),
        (58, 488, HangupCause.NOT_ACCEPTABLE),
        (38, 500, HangupCause.FAILURE),
        (38, 503, HangupCause.CONGESTION),
        (1, 604, HangupCause.UNAVAILABLE),
        (58, 606, HangupCause.NOT_ACCEPTABLE),
        (127, 607, HangupCause.REJECTED),
        (127, 608, HangupCause.REJECTED),
        (127, 699, HangupCause.REJECTED),
        (127, 700, HangupCause.FAILURE),
        (38, 599, HangupCause.FAILURE),
        (19, 0, HangupCause.NO_ANSWER),
        (17, 0, HangupCause.BUSY),
        (20, 0, HangupCause.UNAVAILABLE),
        (44, 0, HangupCause.MEDIA_TIMEOUT),
        (0, 0, HangupCause.NO_ANSWER),
        (999, 0, HangupCause.FAILURE),
        (17, 401, HangupCause.BUSY),
    ],
)
def test_what_the_end_of_a_leg_means(q850: int, sip: int, cause: HangupCause) -> None:
    assert causes.of_leg(end(q850, sip)) is cause


@pytest.mark.parametrize(
    ("q850", "cause"),
    [
        (16, HangupCause.NORMAL_CLEARING),
        (0, HangupCause.NORMAL_CLEARING),
        (17, HangupCause.NORMAL_CLEARING),
        (44, HangupCause.MEDIA_TIMEOUT),
    ],
)
def test_the_end_of_an_answered_call(q850: int, cause: HangupCause) -> None:
    assert causes.of_answered(end(q850)) is cause


@pytest.mark.parametrize(
    ("q850", "sip", "cause"),
    [
        (1, 404, HangupCause.UNALLOCATED_NUMBER),
        (22, 410, HangupCause.NUMBER_CHANGED),
        (28, 484, HangupCause.INVALID_NUMBER),
        (1, 604, HangupCause.UNALLOCATED_NUMBER),
        (17, 486, HangupCause.BUSY),
        (21, 603, HangupCause.REJECTED),
        (58, 606, HangupCause.NOT_ACCEPTABLE),
        (127, 607, HangupCause.REJECTED),
        (127, 608, HangupCause.REJECTED),
        (19, 480, HangupCause.UNAVAILABLE),
        (58, 488, HangupCause.NOT_ACCEPTABLE),
        (21, 401, HangupCause.CONGESTION),
        (21, 403, HangupCause.CONGESTION),
        (21, 407, HangupCause.CONGESTION),
        (18, 408, HangupCause.CONGESTION),
        (38, 500, HangupCause.CONGESTION),
        (34, 503, HangupCause.CONGESTION),
        (44, 0, HangupCause.MEDIA_TIMEOUT),
    ],
)
def test_what_the_end_of_a_leg_over_a_trunk_means(q850: int, sip: int, cause: HangupCause) -> None:
    """What a carrier says of us or of itself is no word about who was called."""
    assert causes.of_carrier(end(q850, sip)) is cause
