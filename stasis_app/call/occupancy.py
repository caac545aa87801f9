"""How many calls somebody has now, and how many they began of late."""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

MINUTE = 60.0


class Occupancy:
    """Counts calls by the extension or trunk that has them; `watchers` are told of each change."""

    def __init__(self) -> None:
        self._calls: Counter[UUID] = Counter()
        self.watchers: list[Callable[[UUID], None]] = []

    def __getitem__(self, owner: UUID) -> int:
        return self._calls[owner]

    def __len__(self) -> int:
        return len(self._calls)

    @contextmanager
    def hold(self, owner: UUID | None) -> Iterator[None]:
        """Count a call of the owner while the block lasts; None is nobody's."""
        if owner is None:
            yield
            return
        self._calls[owner] += 1
        self._tell(owner)
        try:
            yield
        finally:
            self._calls[owner] -= 1
            if not self._calls[owner]:
                del self._calls[owner]
            self._tell(owner)

    def _tell(self, owner: UUID) -> None:
        for watcher in self.watchers:
            watcher(owner)


class Pace:
    """Counts what began in the last minute, by who began it."""

    def __init__(self) -> None:
        self._begun: defaultdict[UUID, deque[float]] = defaultdict(deque)

    def admits(self, owner: UUID, most: float | None, now: float) -> bool:
        """Return whether one more may begin at `now` (seconds of a steady clock), and count it."""
        if most is None:
            return True
        begun = self._begun[owner]
        while begun and begun[0] <= now - MINUTE:
            begun.popleft()
        if len(begun) >= most:
            return False
        begun.append(now)
        return True
