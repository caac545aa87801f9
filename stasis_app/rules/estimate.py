"""How long a caller will wait, by how long those waited who were answered last."""

import math
from collections import deque

REMEMBERED = 20
FEWEST = 5
MINUTE = 60.0
MOST_MINUTES = 60


class Estimate:
    """The waits of one queue's last answered calls, also of those that were answered at once."""

    def __init__(self) -> None:
        self._per_place: deque[float] = deque(maxlen=REMEMBERED)

    def learn(self, position: int, seconds: float) -> None:
        """Note a call that was answered: its place when it entered (1 is the head), its wait."""
        self._per_place.append(max(seconds, 0.0) / max(position, 1))

    def seconds(self, position: int) -> float | None:
        """Return how long a call waits from this place; None: too few were answered to say.

        That is the mean time that a place took, times the places.
        """
        if len(self._per_place) < FEWEST:
            return None
        return sum(self._per_place) / len(self._per_place) * position


def spoken_minutes(seconds: float | None) -> int | None:
    """Return the whole minutes to say, rounded up, so that most are surprised by less.

    0: less than a minute. None: nothing is said, as it is not known, or above an hour, where
    minutes are no comfort.
    """
    if seconds is None or not seconds <= MOST_MINUTES * MINUTE:
        return None
    return 0 if seconds < MINUTE else math.ceil(seconds / MINUTE)
