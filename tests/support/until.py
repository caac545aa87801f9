"""Waiting for a condition, never for a time."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")


class TimedOutError(AssertionError):
    """The awaited condition did not come true in time."""


@overload
async def until(
    condition: Callable[[], Awaitable[T | None]],
    within: float = ...,
    what: str | Callable[[], str] = ...,
    every: float = ...,
) -> T: ...
@overload
async def until(
    condition: Callable[[], T | None],
    within: float = ...,
    what: str | Callable[[], str] = ...,
    every: float = ...,
) -> T: ...
async def until(
    condition: Callable[[], Awaitable[T | None] | T | None],
    within: float = 5.0,
    what: str | Callable[[], str] = "the condition",
    every: float = 0.01,
) -> T:
    """Poll `condition` (plain or async) until it is truthy and return its value.

    `within` and `every` are seconds; `what` says what was awaited (a callable is asked only when
    it did not come). Raises TimedOutError (an AssertionError); errors of `condition` pass through.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while True:
        value = condition()
        result = await value if inspect.isawaitable(value) else value
        if result:
            return result
        if loop.time() >= deadline:
            text = what() if callable(what) else what
            raise TimedOutError(f"waited {within:g} s for {text}; last value: {result!r}")
        await asyncio.sleep(every)
