"""Playing media to one channel."""

import asyncio
from collections.abc import Sequence

import structlog

from stasis_app.ari.events import Event, PlaybackFinished

from .exchange import Exchange

log = structlog.get_logger()

LONGEST_SECONDS = 120.0


class Playback:
    """Receives the events of one playback."""

    def __init__(self) -> None:
        self.finished: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def deliver(self, event: Event) -> None:
        if isinstance(event, PlaybackFinished) and not self.finished.done():
            self.finished.set_result(event.state)


async def play(exchange: Exchange, channel: str, playback: str, media: Sequence[str]) -> str:
    """Play ARI media URIs one after another; return `done` or `failed` when the last has ended.

    A playback that says nothing more is given up after two minutes.
    """
    receiver = Playback()
    with exchange.inboxes.open(playback, receiver):
        await exchange.door.play(channel, playback, media)
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                return await receiver.finished
        except TimeoutError:
            log.warning("playback did not end", action="playback_lost")
            return "failed"
