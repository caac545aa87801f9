"""What every test is held to: no task is left behind. And which tests may run side by side."""

import asyncio
import inspect
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

GRACE_SECONDS = 1.0
SYSTEM_TESTS = Path(__file__).parent / "system"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the system tests two exchanges, if there are processes (pytest-xdist, loadgroup).

    They mostly wait for phones, so the others, which compute, run beside them, file by file.
    """
    system = [item for item in items if item.path.is_relative_to(SYSTEM_TESTS)]
    files = list(dict.fromkeys(item.path for item in system))
    exchanges = {path: f"exchange {place % 2}" for place, path in enumerate(files)}
    for item in items:
        item.add_marker(pytest.mark.xdist_group(exchanges.get(item.path, item.path.name)))


@pytest.fixture(autouse=True)
def _leaves_nothing_behind(request: pytest.FixtureRequest) -> None:
    """Ask for the check before any other fixture of the test: it then looks when all have closed.

    A test without a loop needs none.
    """
    function = getattr(request, "function", None)
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        request.getfixturevalue("no_task_left")


@pytest.fixture
async def no_task_left() -> AsyncIterator[None]:
    """Fail a test that leaves a task running; those of longer-lived fixtures were there before."""
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    if left:
        _, left = await asyncio.wait(left, timeout=GRACE_SECONDS)
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=GRACE_SECONDS)
        pytest.fail("tasks are left: " + ", ".join(sorted(map(_described, left))), pytrace=False)


def _described(task: asyncio.Task[object]) -> str:
    coroutine = task.get_coro()
    return f"{task.get_name()} ({getattr(coroutine, '__qualname__', coroutine)})"
