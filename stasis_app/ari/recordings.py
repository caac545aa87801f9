"""What is recorded: Asterisk writes it into files of its own, and we fetch and delete them."""

import math
from typing import BinaryIO
from urllib.parse import quote

from .errors import Gone
from .requests import Requests

FORMAT = "wav16"
"""16 kHz, 16 bits, one channel. While it is written only blocks of 32 KiB are in the file."""


class Recordings(Requests):
    """Names are ours, and unique for ever. A recording is stored from its first second."""

    async def record(
        self,
        channel: str,
        recording: str,
        *,
        file_format: str = FORMAT,
        max_seconds: float,
        silence_seconds: float,
        beep: bool,
        stop_on: str = "#",
    ) -> None:
        """Record a channel, behind what it plays; RecordingFinished or RecordingFailed follows.

        It ends by the key `stop_on` ("" for none), by silence (unless that is 0), by its limit, and
        by the channel's end; whole seconds, at most one late. A key that comes during the beep does
        not end it.
        Raises Gone (409) when there is a recording of that name.
        """
        await self._do(
            "channels",
            "record",
            channelId=channel,
            name=recording,
            format=file_format,
            maxDurationSeconds=_seconds(max_seconds),
            maxSilenceSeconds=_seconds(silence_seconds) if silence_seconds else 0,
            ifExists="fail",
            beep="true" if beep else "false",
            terminateOn=stop_on or "none",
        )

    async def recording_lives(self, recording: str) -> bool:
        """Return whether it goes on, or waits for its turn."""
        try:
            await self._do("recordings", "getLive", recordingName=recording)
        except Gone:
            return False
        return True

    async def stored_recordings(self) -> list[str]:
        """Return the names of all, those that go on too."""
        reply = await self._do("recordings", "listStored")
        return [str(one["name"]) for one in await reply.json()]

    async def fetch_recording(self, recording: str, to: BinaryIO) -> int:
        """Write a recording's file as Asterisk stored it into `to`; return how many bytes.

        The header of a WAV file says length 0 when Asterisk was killed meanwhile.
        """
        path = f"recordings/stored/{quote(recording, safe='')}/file"
        self._must_be_open(f"GET {path}")
        return await self._transport.download(path, to)

    async def delete_recording(self, recording: str) -> None:
        """Delete a stored recording."""
        await self._do("recordings", "deleteStored", recordingName=recording)


def _seconds(seconds: float) -> int:
    """Asterisk takes whole seconds, and 0 for no limit."""
    return max(1, math.ceil(seconds))
