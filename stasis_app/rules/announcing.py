"""What a waiting caller is told about the place and the wait, and when."""

import math
from dataclasses import dataclass
from datetime import datetime

from .estimate import spoken_minutes
from .queues import Queue

SOONEST = 15.0  # seconds; nobody wants to hear each step of a line that moves fast


@dataclass(frozen=True, slots=True)
class Told:
    """The place of a caller when the last announcement was made, and when that was."""

    position: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Word:
    """What is said; None: nothing about that. `minutes` 0: less than one."""

    position: int | None
    minutes: int | None


def next_word(
    queue: Queue, told: Told | None, position: int, wait: float | None, now: datetime
) -> Word | None:
    """Return what is due to be said (`told` None: for the first time); None: nothing yet.

    `wait` is the estimate in seconds. A word that says nothing counts as told, too.
    """
    if due_in(queue, told, position, now) > 0:
        return None
    return Word(
        position if queue.announces_position else None,
        spoken_minutes(wait) if queue.announces_wait else None,
    )


def due_in(queue: Queue, told: Told | None, position: int, now: datetime) -> float:
    """Return the seconds until something is to be said, if the place stays; infinite: never.

    A better place is said soon, the same or a worse one when `announce_seconds` are over (0: then
    never).
    """
    if not (queue.announces_position or queue.announces_wait):
        return math.inf
    if told is None:
        return 0.0
    pause = queue.announce_seconds if queue.announce_seconds > 0 else math.inf
    if queue.announces_position and position < told.position:
        pause = min(pause, SOONEST)
    return max(pause - (now - told.at).total_seconds(), 0.0)
