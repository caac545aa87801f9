"""What a caller hears that the exchange plays: sentences and prompts, and music."""

from collections.abc import Sequence

from .errors import Gone
from .requests import Requests

MILLISECONDS_AT_16_KHZ = 2000
"""What Asterisk calls a second of it (main/file.c winds by 8000 samples)."""


class Playing(Requests):
    """A playback is heard instead of the music, which then goes on where it was."""

    async def play(
        self, channel: str, playback: str, media: Sequence[str], *, step_seconds: float = 3.0
    ) -> None:
        """Start a playback of ARI media URIs one after another; PlaybackFinished follows.

        What can't be played is passed over. A playback waits for the one before it.
        `step_seconds` are those of control_playback, for media of 16 kHz as ours are.
        """
        await self._do(
            "channels",
            "playWithId",
            channelId=channel,
            playbackId=playback,
            media=list(media),
            skipms=round(step_seconds * MILLISECONDS_AT_16_KHZ),
        )

    async def stop_playback(self, playback: str) -> None:
        """End a playback, all of its media. PlaybackFinished follows when it is its turn."""
        await self._do("playbacks", "stop", playbackId=playback)

    async def control_playback(self, playback: str, operation: str) -> None:
        """Wind what is played: `forward`, `reverse`, `pause`, `unpause` or `restart`.

        Only the medium that plays is wound, and not past its end: its last step is played again.
        Raises Gone when its turn has not come or is over, or when it is paused.
        """
        await self._do("playbacks", "control", playbackId=playback, operation=operation)

    async def playback_lives(self, playback: str) -> bool:
        """Return whether a playback goes on, or waits for its turn."""
        try:
            await self._do("playbacks", "get", playbackId=playback)
        except Gone:
            return False
        return True

    async def start_music(self, channel: str, music_class: str) -> None:
        """Play music until `stop_music`: a row of media_files by its id, `held`, or `default`.

        It goes on where it was stopped, and where it is if it plays already; also in a bridge,
        over what is said there. An unknown class is Asterisk's own music.
        """
        await self._do("channels", "startMoh", channelId=channel, mohClass=music_class)

    async def stop_music(self, channel: str) -> None:
        """End the music, if there is any."""
        await self._do("channels", "stopMoh", channelId=channel)
