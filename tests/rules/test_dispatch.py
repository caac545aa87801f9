"""Which waiting call is offered to which free agent: rule by rule."""

from datetime import datetime
from uuid import UUID

import pytest

from stasis_app.rules.dispatch import Dispatch, Seat, Waiting

from .build import NOW
from .floor import ANNA, BERT, CARL, SALES, SUPPORT, call, caller, floor, free, seat


def decided(dispatch: Dispatch, now: datetime = NOW) -> list[tuple[UUID, tuple[UUID, ...]]]:
    return [(match.call, match.agents) for match in dispatch.matches(now)]


# one agent becomes free


@pytest.mark.parametrize(
    ("waiting", "first"),
    [
        ([caller(1, 10), caller(2, 20)], 2),  # who has waited longest
        ([caller(1, 10), caller(2, 10)], 1),  # who came first
        ([caller(1, 10, priority=1), caller(2, 600)], 1),  # who is more urgent
        ([caller(1, 10, priority=-1), caller(2, 5)], 2),
        ([caller(1, 20, "x"), caller(2, 10)], 2),  # the agent does not know x
        ([caller(1, 20, "ax"), caller(2, 10, "ab")], 2),
        ([caller(1, 10, "ab"), caller(2, 20, "a")], 2),  # skills are no priority
        ([caller(1, 10), caller(2, 20, queue=SUPPORT)], 2),  # over both queues
        ([caller(1, 20), caller(2, 10, queue=SUPPORT)], 1),
        ([caller(1, 99), caller(2, 10, priority=1, queue=SUPPORT)], 2),
        ([caller(1, 20, "x"), caller(2, 10, queue=SUPPORT)], 2),
    ],
)
def test_the_best_call_for_an_agent(waiting: list[Waiting], first: int) -> None:
    dispatch = floor(*waiting)
    assert decided(dispatch) == []
    free(dispatch, seat(ANNA, skills="ab"), seat(ANNA, queue=SUPPORT))
    assert decided(dispatch) == [(call(first), (ANNA,))]
    assert decided(dispatch) == []  # he is occupied, in all queues


@pytest.mark.parametrize(
    ("weight", "waited", "first"),
    [
        (1.0, 19, 1),
        (1.0, 21, 2),
        (3.0, 6, 1),
        (3.0, 7, 2),
        (0.5, 39, 1),
        (0.5, 41, 2),
        (2.0, 10, 1),
    ],
)
def test_the_weight_of_a_queue_counts_by_the_time_waited(
    weight: float, waited: float, first: int
) -> None:
    dispatch = floor(caller(1, 20), caller(2, waited, queue=SUPPORT), weights=(1, weight))
    assert decided(dispatch) == []
    free(dispatch, seat(ANNA), seat(ANNA, queue=SUPPORT))
    assert decided(dispatch)[0][0] == call(first)


def test_a_heavy_queue_that_the_agent_does_not_serve_takes_nothing_from_him() -> None:
    dispatch = floor(caller(1, 1), caller(2, 100, queue=SUPPORT), weights=(1, 50))
    free(dispatch, seat(ANNA))
    assert decided(dispatch) == [(call(1), (ANNA,))]


def test_urgency_comes_before_weight() -> None:
    dispatch = floor(caller(1, 1, priority=1), caller(2, 100, queue=SUPPORT), weights=(1, 50))
    free(dispatch, seat(ANNA), seat(ANNA, queue=SUPPORT))
    assert decided(dispatch) == [(call(1), (ANNA,))]


def test_a_changed_weight_counts_at_once() -> None:
    dispatch = floor(caller(1, 20), caller(2, 10, queue=SUPPORT))
    dispatch.queue(SUPPORT, weight=3.0)
    free(dispatch, seat(ANNA), seat(ANNA, queue=SUPPORT))
    assert decided(dispatch) == [(call(2), (ANNA,))]


# one call comes


@pytest.mark.parametrize(
    ("seats", "agent"),
    [
        ([seat(ANNA, 5), seat(BERT, 3)], BERT),
        ([seat(ANNA, 3), seat(BERT, 3)], ANNA),  # by number
        ([seat(ANNA, 5, group=(1, 0)), seat(BERT, 3, group=(1, 1))], ANNA),  # penalty
        ([seat(ANNA, 5, group=(1, 9)), seat(BERT, 3, group=(2, 0))], ANNA),  # priority
        ([seat(ANNA, 5, "ab"), seat(BERT, 3, "b")], ANNA),  # skills
        ([seat(ANNA, 5, "ab"), seat(BERT, 3, "ac"), seat(CARL, 4, "abc")], BERT),
        ([seat(ANNA, 5, "a"), seat(BERT, 3, "a", queue=SUPPORT)], ANNA),
        ([seat(ANNA, float("-inf"), "a"), seat(BERT, 3, "a")], ANNA),  # he was never asked
    ],
)
def test_the_best_agent_for_a_call(seats: list[Seat], agent: UUID) -> None:
    dispatch = floor()
    free(dispatch, *seats)
    assert decided(dispatch) == []
    skills = "" if not seats[0].skills else "a"
    dispatch.join(caller(1, skills=skills))
    assert decided(dispatch) == [(call(1), (agent,))]


def test_an_agent_who_is_free_anew_has_his_new_rank_and_queues() -> None:
    dispatch = floor()
    free(dispatch, seat(ANNA, 1), seat(BERT, 2))
    free(dispatch, seat(ANNA, 3), seat(ANNA, queue=SUPPORT))
    dispatch.join(caller(1))
    assert decided(dispatch) == [(call(1), (BERT,))]
    free(dispatch, seat(ANNA, queue=SUPPORT))
    dispatch.join(caller(2))
    assert decided(dispatch) == []


# many of both


def test_everything_that_can_be_decided_is_decided_at_once() -> None:
    dispatch = floor(caller(1, 40, "x"), caller(2, 30), caller(3, 20), caller(4, 10))
    free(dispatch, seat(ANNA, 2), seat(BERT, 1), seat(CARL, 3, "x"))
    assert decided(dispatch) == [(call(1), (CARL,)), (call(2), (BERT,)), (call(3), (ANNA,))]


def test_the_best_call_has_the_choice() -> None:
    dispatch = floor(caller(1, 10, "x"), caller(2, 20))
    free(dispatch, seat(ANNA, 1, "x"), seat(BERT, 2))
    assert decided(dispatch) == [(call(2), (ANNA,))]  # although only Anna could serve the first


def test_who_is_less_urgent_and_fits_is_not_held_up() -> None:
    dispatch = floor(*(caller(n, 100 - n, "x") for n in range(50)), caller(50))
    free(dispatch, seat(ANNA))
    assert decided(dispatch) == [(call(50), (ANNA,))]


@pytest.mark.parametrize(
    ("seats", "agents"),
    [
        ([seat(ANNA, 2), seat(BERT, 1)], (BERT, ANNA)),
        ([seat(ANNA, 2), seat(BERT, 1, group=(1, 1))], (ANNA,)),
        ([seat(ANNA, 2, group=(3, 1)), seat(BERT, 1, group=(3, 1))], (BERT, ANNA)),
        ([seat(ANNA, group=(0, 5)), seat(BERT, group=(0, 5)), seat(CARL)], (ANNA, BERT)),
        ([seat(ANNA, 1, "a"), seat(BERT, 2, "ab"), seat(CARL, 3)], (ANNA, BERT, CARL)),
    ],
)
def test_all_of_the_best_group_ring(seats: list[Seat], agents: tuple[UUID, ...]) -> None:
    dispatch = floor(ring_all=True)
    free(dispatch, *seats)
    dispatch.join(caller(1))
    dispatch.join(caller(2))
    assert decided(dispatch)[0] == (call(1), agents)


def test_all_who_have_the_skills_ring() -> None:
    dispatch = floor(caller(1, skills="a"), ring_all=True)
    free(dispatch, seat(ANNA, 1, "a"), seat(BERT, 2), seat(CARL, 3, "ab"))
    assert decided(dispatch) == [(call(1), (ANNA, CARL))]


def test_whom_the_first_call_lets_ring_the_second_does_not() -> None:
    dispatch = floor(caller(1, 10), caller(2, 20), ring_all=True)
    free(dispatch, seat(ANNA), seat(BERT), seat(CARL, group=(2, 0)))
    assert decided(dispatch) == [(call(2), (ANNA, BERT)), (call(1), (CARL,))]


# refusals


def test_a_call_is_not_offered_to_who_has_refused_it_but_the_next_one_is() -> None:
    dispatch = floor(caller(1, 20), caller(2, 10))
    dispatch.refuse(call(1), ANNA)
    free(dispatch, seat(ANNA))
    assert decided(dispatch) == [(call(2), (ANNA,))]
    free(dispatch, seat(BERT))
    assert decided(dispatch) == [(call(1), (BERT,))]


def test_a_refusal_is_forgiven() -> None:
    dispatch = floor(caller(1))
    dispatch.refuse(call(1), ANNA)
    free(dispatch, seat(ANNA))
    assert decided(dispatch) == []
    dispatch.forgive(call(1), ANNA)
    assert decided(dispatch) == [(call(1), (ANNA,))]


@pytest.mark.parametrize("ring_all", [False, True])
def test_who_has_refused_is_no_better_than_the_others(ring_all: bool) -> None:
    dispatch = floor(caller(1), ring_all=ring_all)
    dispatch.refuse(call(1), ANNA)
    free(dispatch, seat(ANNA, group=(0, 0)), seat(BERT, group=(5, 0)))
    assert decided(dispatch) == [(call(1), (BERT,))]


def test_who_has_refused_does_not_ring_with_all() -> None:
    dispatch = floor(caller(1), ring_all=True)
    dispatch.refuse(call(1), BERT)
    free(dispatch, seat(ANNA), seat(BERT), seat(CARL))
    assert decided(dispatch) == [(call(1), (ANNA, CARL))]


# calls change


def test_a_call_that_asks_for_less_is_found() -> None:
    dispatch = floor(caller(1, skills="xy"))
    free(dispatch, seat(ANNA, skills="x"))
    assert decided(dispatch) == []
    dispatch.ask_less(call(1), ("x",))
    assert decided(dispatch) == [(call(1), (ANNA,))]


def test_a_call_that_is_offered_keeps_its_position_and_comes_back_there() -> None:
    dispatch = floor(caller(1, 30), caller(2, 20))
    free(dispatch, seat(ANNA))
    assert decided(dispatch) == [(call(1), (ANNA,))]
    assert [dispatch.position(call(n)) for n in (1, 2)] == [1, 2]
    assert dispatch.waiting(SALES) == 2
    dispatch.ask_less(call(1), ())  # while it is offered
    free(dispatch, seat(BERT))
    assert decided(dispatch) == [(call(2), (BERT,))]
    dispatch.resume(call(1))
    free(dispatch, seat(ANNA))
    assert decided(dispatch) == [(call(1), (ANNA,))]
    dispatch.leave(call(1))
    assert dispatch.position(call(2)) == 1
    assert dispatch.waiting(SALES) == 1


def test_who_joined_before_has_the_place_of_then() -> None:
    dispatch = floor(caller(1, 30), caller(2, 10))
    dispatch.join(caller(3, 20))
    assert [dispatch.position(call(n)) for n in (1, 2, 3)] == [1, 3, 2]


def test_a_call_is_in_one_queue() -> None:
    dispatch = floor(caller(1), caller(1, queue=SUPPORT))
    assert (dispatch.waiting(SALES), dispatch.waiting(SUPPORT)) == (0, 1)


def test_what_is_said_about_a_call_that_has_left_counts_for_nothing() -> None:
    dispatch = floor(caller(1))
    dispatch.leave(call(1))
    for say in (dispatch.leave, dispatch.hold, dispatch.resume):
        say(call(1))
    dispatch.ask_less(call(1), ())
    dispatch.refuse(call(1), ANNA)
    dispatch.forgive(call(1), ANNA)
    free(dispatch, seat(ANNA))
    assert decided(dispatch) == []
    with pytest.raises(KeyError):
        dispatch.position(call(1))


def test_a_queue_goes_and_its_calls_with_it() -> None:
    dispatch = floor(caller(1, 20), caller(2, 30), caller(3, queue=SUPPORT))
    dispatch.hold(call(1))
    free(dispatch, seat(BERT, queue=SUPPORT, skills="x"))
    assert decided(dispatch) == [(call(3), (BERT,))]
    free(dispatch, seat(ANNA), seat(ANNA, queue=SUPPORT))
    dispatch.drop(SALES)
    dispatch.drop(SALES)
    assert dispatch.waiting(SALES) == 0
    for gone in (1, 2):
        with pytest.raises(KeyError):
            dispatch.position(call(gone))
    assert decided(dispatch) == []
    dispatch.resume(call(3))
    assert decided(dispatch) == [(call(3), (ANNA,))]
    with pytest.raises(KeyError):
        dispatch.join(caller(1))
