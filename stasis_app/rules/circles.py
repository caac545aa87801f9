"""Ways that lead back to where they began."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

K = TypeVar("K")


def circles(starts: Iterable[K], following: Callable[[K], Iterable[K]]) -> Iterator[list[K] | None]:
    """Go down every way once, and return the circles; None for a step that found none.

    Each start and each place is asked once where it leads, so this costs what the ways are many.
    """
    done: set[K] = set()
    for start in starts:
        yield None
        yield from _from(start, following, done)


def _from(
    start: K, following: Callable[[K], Iterable[K]], done: set[K]
) -> Iterator[list[K] | None]:
    """Go down every way from `start` that is not `done`; the path is the way so far."""
    path: dict[K, None] = {}
    ways = [iter((start,))]
    while ways:
        place = next(ways[-1], None)
        if place is None:
            ways.pop()
            done.update(path.popitem()[:1] if path else ())
        elif place in path:
            places = list(path)
            yield places[places.index(place) :]
        elif place not in done:
            yield None
            path[place] = None
            ways.append(iter(tuple(following(place))))
