"""What a caller presses: nothing gets lost, nothing counts twice."""

import asyncio
import contextlib
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stasis_app.call.keys import EVERY_KEY, MOST_KEYS, Keys
from tests.support.virtual_time import run


def pressed(keys: str) -> Keys:
    found = Keys()
    for key in keys:
        found.press(key)
    return found


def all_of(keys: Keys) -> str:
    return "".join(iter(lambda: keys.take() or "", ""))


@pytest.mark.parametrize(
    ("keys", "wanted", "taken", "left"),
    [
        ("", EVERY_KEY, None, ""),
        ("1", EVERY_KEY, "1", ""),
        ("12", EVERY_KEY, "1", "2"),
        ("*#", EVERY_KEY, "*", "#"),
        ("12", "2", "2", ""),
        ("1231", "2", "2", "31"),
        ("11", "2", None, ""),
        ("D1", EVERY_KEY, "1", ""),
    ],
)
def test_what_is_taken(keys: str, wanted: str, taken: str | None, left: str) -> None:
    """Keys that mean nothing go, and those after the one that is taken stay."""
    found = pressed(keys)
    assert found.take(wanted) == taken
    assert all_of(found) == left


def test_cleared_keys_are_gone() -> None:
    found = pressed("123")
    found.clear()
    assert found.take() is None


def test_only_the_newest_are_kept() -> None:
    assert all_of(pressed("1" * 10 + "2" * MOST_KEYS)) == "2" * MOST_KEYS


def test_key_is_waited_for() -> None:
    async def tell() -> tuple[str | None, float]:
        keys, loop = Keys(), asyncio.get_running_loop()
        loop.call_later(3.0, keys.press, "1")
        loop.call_later(5.0, keys.press, "2")
        return await keys.next("2"), loop.time()

    assert run(tell()) == ("2", 5.0)


@pytest.mark.parametrize(
    ("presses", "ends", "key", "at"),
    [
        (3.0, 5.0, "1", 3.0),
        (5.0, 3.0, None, 3.0),
        (0.0, 3.0, "1", 0.0),
        (3.0, 3.0, "1", 3.0),  # a key in the same moment counts
    ],
)
def test_key_before_something_ends(presses: float, ends: float, key: str | None, at: float) -> None:
    async def tell() -> tuple[str | None, float]:
        keys, loop = Keys(), asyncio.get_running_loop()
        end: asyncio.Future[str] = loop.create_future()
        loop.call_later(presses, keys.press, "1")
        loop.call_later(ends, end.set_result, "done")
        return await keys.next(before=end), loop.time()

    assert run(tell()) == (key, at)


def test_what_has_ended_waits_for_no_key() -> None:
    async def tell() -> str | None:
        end: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        end.set_result("done")
        return await Keys().next(before=end)

    assert run(tell()) is None


async def press_all(keys: Keys, presses: Sequence[tuple[float, str]]) -> None:
    for pause, key in presses:
        if pause:
            await asyncio.sleep(pause)
        keys.press(key)


async def with_patience(keys: Keys, seconds: float) -> str | None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return await keys.next()
    return None


moments = st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0])


@given(
    st.lists(st.tuples(moments, st.sampled_from(EVERY_KEY)), max_size=12),
    st.lists(moments, min_size=1, max_size=12),
)
@settings(deadline=None)
def test_no_key_is_lost_and_none_counts_twice(
    presses: Sequence[tuple[float, str]], patience: Sequence[float]
) -> None:
    """Also where the patience ends at the moment in which the key comes."""

    async def tell() -> str:
        keys = Keys()
        pressing = asyncio.create_task(press_all(keys, presses))
        heard = [await with_patience(keys, seconds) for seconds in patience]
        await pressing
        return "".join(key for key in heard if key) + all_of(keys)

    assert run(tell()) == "".join(key for _, key in presses)
