"""Playing media to one channel."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from stasis_app.ari.door import Door
from stasis_app.ari.errors import Gone
from stasis_app.ari.events import Event, PlaybackFinished

from .exchange import Exchange

log = structlog.get_logger()

LONGEST_SECONDS = 600.0
STOP_SECONDS = 2.0
DONE, FAILED = "done", "failed"


@dataclass(frozen=True, slots=True)
class Heard:
    """The key that ended what was played, if one did. `skipped`: it could not be played."""

    key: str | None = None
    skipped: bool = False


class Playback:
    """Receives the events of one playback. `finished` is its last state: done or failed."""

    def __init__(self, identity: str) -> None:
        self.id = identity
        self.finished: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def deliver(self, event: Event) -> None:
        if isinstance(event, PlaybackFinished):
            self.finish(event.state)

    async def look(self, door: Door) -> None:
        """Find out whether its end came while we had no connection."""
        if not await door.playback_lives(self.id):
            self.finish(DONE)

    def finish(self, state: str) -> None:
        if not self.finished.done():
            self.finished.set_result(state)


@asynccontextmanager
async def playing(
    exchange: Exchange,
    channel: str,
    playback: str,
    media: Sequence[str],
    longest: float = LONGEST_SECONDS,
) -> AsyncIterator[Playback]:
    """Play ARI media URIs one after another; leaving the block stops what still plays.

    A playback that says nothing more is given up after `longest` seconds.
    """
    receiver = Playback(playback)
    with exchange.inboxes.open(playback, receiver):
        await _unbroken(exchange.door.play(channel, playback, media))
        giving_up = asyncio.get_running_loop().call_later(longest, _give_up, receiver)
        try:
            yield receiver
            await _stop(exchange, receiver)
        finally:
            giving_up.cancel()


async def _unbroken(request: Coroutine[Any, Any, None]) -> None:
    """Wait for the answer although the story is broken off: to stop it must not overtake it."""
    task = asyncio.create_task(request, name="play")
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task], timeout=STOP_SECONDS)
        if task.done() and not task.cancelled():
            task.exception()
        raise


async def _stop(exchange: Exchange, playback: Playback) -> None:
    """What is played next would wait behind it."""
    if playback.finished.done():
        return
    with contextlib.suppress(Gone):
        await exchange.door.stop_playback(playback.id)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await playback.finished


def _give_up(playback: Playback) -> None:
    log.warning("playback did not end", action="playback_lost")
    playback.finish(FAILED)
