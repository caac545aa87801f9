"""Writes the figures of queues: `queue_stats`, soon after each five minutes are over."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog

from stasis_app.store import queue_figures

log = structlog.get_logger()

INTERVAL_SECONDS = 300.0
AFTER_SECONDS = 5.0
TRY_AGAIN_SECONDS = 10.0
JOURNAL_SECONDS = 60.0

NEAR = timedelta(hours=1)
FAR = timedelta(days=7)
FAR_EVERY_SECONDS = 3600.0

Drained = Callable[[], Awaitable[None]]
"""Returns when what this process has noted of calls is in Postgres (see store.shipper)."""


async def keep_queue_figures(dsn: str, drained: Drained) -> None:
    """Look at the last hour each time, and once an hour at the last week.

    So an interval is right at once as a rule, and what comes later than an hour (from another
    process, or one that was killed and left its journal) is counted an hour later at the most. The
    week is also looked at when the clock begins, and when Postgres was away.
    """
    far_at = now = asyncio.get_running_loop().time()
    while True:
        await _wait_for_journal(drained)
        far = now >= far_at
        if await _write(dsn, FAR if far else NEAR):
            far_at = now + FAR_EVERY_SECONDS if far else far_at
            await asyncio.sleep(until_next(datetime.now(UTC)))
        else:
            far_at = now
            await asyncio.sleep(TRY_AGAIN_SECONDS)
        now = asyncio.get_running_loop().time()


def until_next(now: datetime) -> float:
    """Return the seconds until the next interval is over, and what has just happened is noted."""
    return INTERVAL_SECONDS - (now.timestamp() - AFTER_SECONDS) % INTERVAL_SECONDS


async def _wait_for_journal(drained: Drained) -> None:
    """Wait until what is over is in Postgres, but not for ever: a busy journal is never empty."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(JOURNAL_SECONDS):
            await drained()


async def _write(dsn: str, look_back: timedelta) -> bool:
    try:
        await queue_figures.write(dsn, now=datetime.now(UTC), look_back=look_back)
    except ConnectionError as error:
        log.warning("queue figures wait", action="queue_figures_wait", error=str(error))
        return False
    return True
