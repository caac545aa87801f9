"""A clock that fails begins again."""

import asyncio

import pytest
from structlog.testing import capture_logs

from stasis_app.clocks import keeping
from stasis_app.clocks.keeping import keep_going


class Clock:
    """Fails so often, then returns."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.began = 0

    async def follow(self) -> None:
        self.began += 1
        if self.began <= self.failures:
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.sleep(60))
                raise KeyError("unforeseen")


async def test_a_failed_clock_is_logged_and_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "PAUSE_SECONDS", 0.01)
    clock = Clock(2)
    with capture_logs() as logged:
        await keep_going("mirror", clock.follow)
    assert clock.began == 3
    assert [(one["action"], one["clock"]) for one in logged] == [("clock_failed", "mirror")] * 2


async def test_cancellation_passes() -> None:
    began = asyncio.Event()

    async def wait() -> None:
        began.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(keep_going("mirror", wait))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
