"""Queues with calls and agents in a few words."""

from datetime import timedelta
from uuid import UUID

from stasis_app.rules.dispatch import Dispatch, Seat, Waiting

from .build import NOW

SALES, SUPPORT = UUID(int=1), UUID(int=2)
ANNA, BERT, CARL = (UUID(int=100 + n) for n in range(3))


def call(n: int) -> UUID:
    return UUID(int=1000 + n)


def caller(
    n: int, waited: float = 0, skills: str = "", priority: int = 0, queue: UUID = SALES
) -> Waiting:
    return Waiting(call(n), queue, priority, NOW - timedelta(seconds=waited), n, tuple(skills))


def seat(
    agent: UUID,
    turn: float = 0,
    skills: str = "",
    group: tuple[int, int] = (1, 0),
    queue: UUID = SALES,
) -> Seat:
    return Seat(agent, queue, frozenset(skills), (*group, turn, str(agent.int)))


def floor(
    *waiting: Waiting, ring_all: bool = False, weights: tuple[float, float] = (1, 1)
) -> Dispatch:
    dispatch = Dispatch()
    for queue, weight in zip((SALES, SUPPORT), weights, strict=True):
        dispatch.queue(queue, weight=weight, ring_all=ring_all)
    for one in waiting:
        dispatch.join(one)
    return dispatch


def free(dispatch: Dispatch, *seats: Seat) -> None:
    for agent in dict.fromkeys(one.extension for one in seats):
        dispatch.free(agent, [one for one in seats if one.extension == agent])
