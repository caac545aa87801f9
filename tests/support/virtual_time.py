"""An event loop whose clock jumps to the next timer: half a minute of ringing takes no time.

The same program makes the same steps every time, so a race found once is found again.
"""

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Stuck(AssertionError):
    """Every task waits, and no timer will ever wake one."""


class _Jump(selectors.DefaultSelector):
    """Says at once that nothing came from outside, and lets the clock go on instead."""

    def __init__(self, advance: Callable[[float], None]) -> None:
        super().__init__()
        self._advance = advance

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if found or timeout == 0:
            return found
        if timeout is None:
            raise Stuck("every task waits for ever")
        self._advance(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_Jump(self._advance))

    def time(self) -> float:
        return self._now

    def _advance(self, seconds: float) -> None:
        self._now += seconds


def run(story: Coroutine[Any, Any, T]) -> T:
    """Run `story` in virtual time. A task that is left over fails it."""
    with asyncio.Runner(loop_factory=VirtualLoop, debug=False) as runner:
        return runner.run(_alone(story))


async def _alone(story: Awaitable[T]) -> T:
    result = await story
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"tasks are left: {[task.get_name() for task in left]}"
    return result
