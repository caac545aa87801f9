"""A better place is told soon, the rest from time to time."""

import math
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from stasis_app.rules.announcing import Told, Word, due_in, next_word
from stasis_app.rules.queues import Queue
from stasis_app.words import OverflowAction, QueueStatus, QueueStrategy

from .build import NOW

QUEUE = Queue(
    id=UUID(int=1),
    name="support",
    number="800",
    status=QueueStatus.ACTIVE,
    strategy=QueueStrategy.LONGEST_IDLE,
    threshold_seconds=20.0,
    max_wait_seconds=None,
    max_size=None,
    wrap_up_seconds=10.0,
    ring_seconds=20.0,
    weight=1.0,
    music="default",
    welcome=None,
    announces_position=True,
    announces_wait=True,
    announce_seconds=30.0,
    overflow_action=OverflowAction.HANGUP,
    overflow=None,
)
NEVER_AGAIN = replace(QUEUE, announce_seconds=0.0)
OFTEN = replace(QUEUE, announce_seconds=5.0)
WAIT_ONLY = replace(QUEUE, announces_position=False)
SILENT = replace(WAIT_ONLY, announces_wait=False)


def told(position: int, ago: float) -> Told:
    return Told(position, NOW - timedelta(seconds=ago))


@pytest.mark.parametrize(
    ("queue", "last", "position", "seconds"),
    [
        (QUEUE, None, 5, 0.0),
        (QUEUE, told(5, 0.0), 5, 30.0),
        (QUEUE, told(5, 29.0), 5, 1.0),
        (QUEUE, told(5, 30.0), 5, 0.0),
        (QUEUE, told(5, 0.0), 4, 15.0),
        (QUEUE, told(5, 14.0), 4, 1.0),
        (QUEUE, told(5, 15.0), 4, 0.0),
        (QUEUE, told(5, 100.0), 4, 0.0),
        (QUEUE, told(5, 15.0), 6, 15.0),  # somebody more urgent came
        (QUEUE, told(5, 30.0), 6, 0.0),
        (OFTEN, told(5, 5.0), 4, 0.0),
        (OFTEN, told(5, 4.0), 5, 1.0),
        (NEVER_AGAIN, None, 5, 0.0),
        (NEVER_AGAIN, told(5, 15.0), 4, 0.0),
        (NEVER_AGAIN, told(5, 1000.0), 5, math.inf),
        (NEVER_AGAIN, told(5, 1000.0), 6, math.inf),
        (WAIT_ONLY, None, 5, 0.0),
        (WAIT_ONLY, told(5, 20.0), 4, 10.0),
        (WAIT_ONLY, told(5, 30.0), 4, 0.0),
        (SILENT, None, 5, math.inf),
        (SILENT, told(5, 1000.0), 4, math.inf),
    ],
)
def test_when_something_is_due(
    queue: Queue, last: Told | None, position: int, seconds: float
) -> None:
    assert due_in(queue, last, position, NOW) == pytest.approx(seconds)
    assert (next_word(queue, last, position, None, NOW) is not None) is (seconds == 0)


@pytest.mark.parametrize(
    ("queue", "wait", "word"),
    [
        (QUEUE, 90.0, Word(5, 2)),
        (QUEUE, 10.0, Word(5, 0)),
        (QUEUE, None, Word(5, None)),
        (QUEUE, 7200.0, Word(5, None)),
        (replace(QUEUE, announces_wait=False), 90.0, Word(5, None)),
        (WAIT_ONLY, 90.0, Word(None, 2)),
        (WAIT_ONLY, None, Word(None, None)),
    ],
)
def test_what_is_said(queue: Queue, wait: float | None, word: Word) -> None:
    assert next_word(queue, None, 5, wait, NOW) == word
