"""When the figures of queues are written."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stasis_app.clocks import queue_figures as clock
from stasis_app.clocks.queue_figures import FAR, NEAR, keep_queue_figures, until_next
from stasis_app.store import queue_figures as store
from tests.support.until import until

from .fakes import running


class Written:
    """What the store was asked for; the first `failures` times it is away."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.failures = 0
        self.looks: list[timedelta] = []
        monkeypatch.setattr(store, "write", self.write)

    async def write(self, dsn: str, *, now: datetime, look_back: timedelta) -> int:
        assert dsn == "dsn"
        assert abs(datetime.now(UTC) - now) < timedelta(seconds=10)
        self.looks.append(look_back)
        if len(self.looks) <= self.failures:
            raise ConnectionError("away")
        return 0


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Written:
    monkeypatch.setattr(clock, "INTERVAL_SECONDS", 0.02)
    monkeypatch.setattr(clock, "TRY_AGAIN_SECONDS", 0.01)
    return Written(monkeypatch)


async def drained() -> None:
    """There is no journal to wait for."""


def keeping(drained: Any = drained) -> Any:
    return keep_queue_figures("dsn", drained)


async def test_the_week_is_looked_at_once_and_then_the_hour(written: Written) -> None:
    async with running(keeping()):
        await until(lambda: len(written.looks) > 3)
    assert written.looks[:4] == [FAR, NEAR, NEAR, NEAR]


async def test_the_week_is_looked_at_again(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "FAR_EVERY_SECONDS", 0.2)
    async with running(keeping()):
        await until(lambda: written.looks.count(FAR) > 1)
    assert NEAR in written.looks


async def test_after_an_outage_the_week_is_looked_at(written: Written) -> None:
    written.failures = 2
    async with running(keeping()):
        await until(lambda: len(written.looks) > 3)
    assert written.looks[:4] == [FAR, FAR, FAR, NEAR]


async def test_an_outage_later(written: Written) -> None:
    async with running(keeping()):
        await until(lambda: len(written.looks) > 2)
        written.failures = len(written.looks) + 1
        await until(lambda: len(written.looks) > written.failures + 1)
    assert written.looks[written.failures - 1 : written.failures + 2] == [NEAR, FAR, NEAR]


async def test_the_journal_is_waited_for(written: Written) -> None:
    journal = asyncio.Event()

    async def drained() -> None:
        await journal.wait()

    async with running(keeping(drained)):
        await asyncio.sleep(0)
        assert written.looks == []
        journal.set()
        await until(lambda: written.looks)


async def test_a_journal_that_is_never_empty(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "JOURNAL_SECONDS", 0.01)

    async def drained() -> None:
        await asyncio.Event().wait()

    async with running(keeping(drained)):
        await until(lambda: len(written.looks) > 1)


@pytest.mark.parametrize(
    ("now", "seconds"),
    [("10:00:00", 5), ("10:00:05", 300), ("10:00:06", 299), ("10:04:59", 6), ("10:05:04.5", 0.5)],
)
def test_when_the_next_interval_is_over(now: str, seconds: float) -> None:
    assert until_next(datetime.fromisoformat(f"2026-03-29T{now}+00:00")) == pytest.approx(seconds)
