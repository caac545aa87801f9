"""Hangup as an exception.

The same mechanism as `asyncio.timeout`: when the caller is gone, the task that tells the story is
cancelled, and the cancellation becomes `Hangup` where the story was begun. No flow checks for it.
"""

import asyncio
import contextlib
from types import TracebackType

from stasis_app.ari.events import Destroyed, Event, StasisEnd

from .line import Line


class Hangup(Exception):
    """The caller has hung up."""


class Lifeline:
    """`async with Lifeline(line)`: the block ends with Hangup when the line's channel ends."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._cut = False
        self._task: asyncio.Task[object] | None = None

    async def __aenter__(self) -> None:
        self._task = asyncio.current_task()
        if self._line.ending:
            raise Hangup
        self._line.watchers.append(self._on_event)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._line.watchers.remove(self._on_event)
        if not self._cut or self._task is None:
            return
        if kind is None:
            await _swallow_cancellation()
        if self._task.uncancel() == 0 and (kind is None or kind is asyncio.CancelledError):
            raise Hangup from error

    def _on_event(self, line: Line, event: Event) -> None:
        if isinstance(event, StasisEnd | Destroyed) and not self._cut and self._task:
            self._cut = True
            self._task.cancel()


async def _swallow_cancellation() -> None:
    """Take a cancellation that was asked for but not delivered before the block had ended."""
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(0)
