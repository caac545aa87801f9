"""The next trunk may try when the trunk has failed, never when somebody has answered for it."""

import pytest

from stasis_app.rules.failover import next_may_try


@pytest.mark.parametrize(
    "sip", [401, 403, 407, 408, 480, 488, 500, 501, 502, 503, 504, 505, 513, 580]
)
@pytest.mark.parametrize("q850", [0, 1, 17, 19, 21, 34])
def test_the_trunk_has_failed(sip: int, q850: int) -> None:
    assert next_may_try(sip, q850, progressed=False)
    assert not next_may_try(sip, q850, progressed=True)


@pytest.mark.parametrize("sip", [200, 302, 404, 410, 484, 486, 487, 600, 603, 604, 607])
@pytest.mark.parametrize("q850", [0, 1, 17, 34, 38, 127])
def test_the_callee_or_the_network_has_spoken(sip: int, q850: int) -> None:
    assert not next_may_try(sip, q850, progressed=False)


@pytest.mark.parametrize(
    ("q850", "may"),
    [
        (0, False),  # lost: it may have been answered
        (3, True),  # no route: the host is not found
        (18, True),  # timer B: the host is dead
        (20, True),
        (27, True),
        (34, True),
        (38, True),
        (42, True),
        (44, True),
        (58, True),  # no codec in common
        (127, True),
        (1, False),  # unallocated
        (16, False),  # hung up
        (17, False),  # busy
        (19, False),  # no answer
        (21, False),  # declined
        (22, False),
        (26, False),  # answered elsewhere
        (28, False),
    ],
)
def test_without_a_sip_answer_the_cause_decides(q850: int, may: bool) -> None:
    assert next_may_try(0, q850, progressed=False) is may
    assert not next_may_try(0, q850, progressed=True)


@pytest.mark.parametrize("sip", [0, 302, 403, 404, 410, 480, 484, 487, 503, 603, 604, 607])
@pytest.mark.parametrize("q850", [0, 1, 16, 21, 28, 34, 127])
def test_an_emergency_call_believes_no_trunk_that_there_is_no_such_number(
    sip: int, q850: int
) -> None:
    assert next_may_try(sip, q850, progressed=False, urgent=True)
    assert not next_may_try(sip, q850, progressed=True, urgent=True)


@pytest.mark.parametrize("sip", [486, 600])
def test_an_emergency_call_has_reached_somebody_who_is_busy(sip: int) -> None:
    assert not next_may_try(sip, 17, progressed=False, urgent=True)
