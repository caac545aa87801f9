"""Waiting for conditions."""

import asyncio

import pytest

from .until import TimedOutError, until


async def test_the_value_is_returned_once_it_is_true() -> None:
    values = iter([0, None, "", "here"])
    assert await until(lambda: next(values)) == "here"


async def test_the_condition_may_be_async() -> None:
    done = asyncio.Event()
    asyncio.get_running_loop().call_soon(done.set)

    async def is_done() -> bool:
        return done.is_set()

    assert await until(is_done)


async def test_a_timeout_says_what_was_awaited_and_what_was_seen() -> None:
    with pytest.raises(TimedOutError, match=r"waited 0\.02 s for the row; last value: \[\]"):
        await until(list[int], 0.02, "the row")


async def test_an_error_passes_through() -> None:
    with pytest.raises(ZeroDivisionError):
        await until(lambda: 1 / 0)
