"""The door's words for what is played and recorded, as a fake Asterisk serves them."""

import io
import wave
from collections.abc import Mapping, Sequence
from typing import BinaryIO

import numpy as np

from stasis_app.ari.errors import Gone

from .fake_requests import FakeRequests
from .fake_turns import Playing, Recorded, Recording
from .tones import to_int16, tone

RATE = 16000
LOUD_HZ = 440.0


class FakeMediaDoor(FakeRequests):
    """Requests about playbacks, music, recordings and mailboxes."""

    async def play(
        self, channel: str, playback: str, media: Sequence[str], *, step_seconds: float = 3.0
    ) -> None:
        def act() -> None:
            found = self._channel(channel)
            self.take_turn(Playing(self, found, playback, media, step_seconds))

        await self._serve("play", channel, act)

    async def stop_playback(self, playback: str) -> None:
        await self._serve("stop_playback", playback, lambda: self._playback(playback).stop())

    async def control_playback(self, playback: str, operation: str) -> None:
        def act() -> None:
            self._playback(playback).control(operation)

        await self._serve("control_playback", playback, act)

    async def playback_lives(self, playback: str) -> bool:
        return await self._serve(
            "playback_lives", playback, lambda: self.playback(playback) is not None
        )

    async def start_music(self, channel: str, music_class: str) -> None:
        def act() -> None:
            self.music[self._channel(channel).id] = music_class
            self._note_who_talks()

        await self._serve("start_music", channel, act)

    async def stop_music(self, channel: str) -> None:
        def act() -> None:
            self.music.pop(self._channel(channel).id, None)

        await self._serve("stop_music", channel, act)

    async def record(
        self,
        channel: str,
        recording: str,
        *,
        file_format: str = "wav16",
        max_seconds: float,
        silence_seconds: float,
        beep: bool,
        stop_on: str = "#",
    ) -> None:
        def act() -> None:
            found = self._channel(channel)
            if recording in self.recordings or self.recording(recording):
                raise Gone(409, "record", "already exists")
            turn = Recording(
                self,
                found,
                recording,
                limit=max_seconds,
                silence=silence_seconds,
                beep=beep,
                stop_on=stop_on,
            )
            self.take_turn(turn)

        await self._serve("record", recording, act)

    async def recording_lives(self, recording: str) -> bool:
        return await self._serve(
            "recording_lives", recording, lambda: self.recording(recording) is not None
        )

    async def stored_recordings(self) -> list[str]:
        return await self._serve("stored_recordings", "", lambda: list(self.recordings))

    async def fetch_recording(self, recording: str, to: BinaryIO) -> int:
        found = await self._serve("fetch_recording", recording, lambda: self._stored(recording))
        return to.write(as_wav(found))

    async def delete_recording(self, recording: str) -> None:
        def act() -> None:
            self._stored(recording)
            del self.recordings[recording]

        await self._serve("delete_recording", recording, act)

    async def put_mailboxes(self, counts: Mapping[str, tuple[int, int]]) -> None:
        await self._serve("put_mailboxes", ",".join(counts), lambda: self.mailboxes.update(counts))

    async def remind_phones(self, contact: str) -> None:
        await self._serve("remind_phones", contact, lambda: self.reminded.append(contact))

    def _playback(self, playback: str) -> Playing:
        found = self.playback(playback)
        if found is None:
            raise Gone(404, "playback", "not found")
        return found

    def _stored(self, recording: str) -> Recorded:
        if recording not in self.recordings:
            raise Gone(404, "recording", "not found")
        return self.recordings[recording]


def as_wav(recorded: Recorded) -> bytes:
    """Return a tone for what was said, and silence for the rest, 16 kHz mono."""
    pcm = np.zeros(round(recorded.seconds * RATE), np.float32)
    for since, until in recorded.talks:
        loud = tone(LOUD_HZ, until - since, RATE)
        start = round(since * RATE)
        pcm[start : start + len(loud)] = loud[: len(pcm) - start]
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(to_int16(pcm))
    return file.getvalue()
