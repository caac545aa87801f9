"""No clock ends calls: one that fails is logged, and begins again."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import structlog

log = structlog.get_logger()

PAUSE_SECONDS = 10.0


async def keep_going(name: str, clock: Callable[[], Awaitable[None]]) -> None:
    """Run a clock until it returns; after an unexpected error it begins again."""
    while True:
        try:
            return await clock()
        except Exception:
            log.exception("a clock has failed", action="clock_failed", clock=name)
        await asyncio.sleep(PAUSE_SECONDS)


async def woken(event: asyncio.Event, seconds: float) -> None:
    """Wait until the event is set, so many seconds at the most."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def emptied(folder: Path) -> None:
    """Make a folder for work, without what a process that was killed has left in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


@asynccontextmanager
async def folder_in(parent: Path) -> AsyncIterator[Path]:
    """Lend a folder for a piece of work. Calls do not wait while a long recording in it goes."""
    folder = Path(tempfile.mkdtemp(dir=parent))
    try:
        yield folder
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def noted(note: Coroutine[Any, Any, object], action: str) -> None:
    """Write down how a piece of work has ended. What can't be noted is due again by itself."""
    try:
        await note
    except ConnectionError as error:
        log.warning("the end of something is not noted", action=action, error=str(error))
