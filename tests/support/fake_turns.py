"""What a fake channel does one after another: plays and records. Written after Asterisk 22.10."""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from stasis_app.ari import events
from stasis_app.ari.errors import Gone

from .fake_phones import Channel

BEEP_SECONDS = 0.25
BLOCK_SECONDS = 1.024  # what is written at once
NOT_PLAYING = (409, "playback", "can only do that while media is playing")


@dataclass
class Recorded:
    """A stored recording. `talks` are the parts of it, from and to second, in which it is loud."""

    seconds: float
    talks: tuple[tuple[float, float], ...] = ()

    @property
    def talking_seconds(self) -> float:
        return sum(until - since for since, until in self.talks)


class Stage(Protocol):
    """Where turns are taken."""

    recordings: dict[str, Recorded]
    disk_seconds: float
    played: list[tuple[float, str, str]]
    unplayable: set[str]

    def now(self) -> datetime: ...
    def emit(self, event: events.Event) -> None: ...
    def seconds_of(self, media: str) -> float: ...
    def is_bridged(self, channel: Channel) -> bool: ...
    def is_over(self, turn: "Turn") -> None: ...


class Turn:
    """Begins when the one before it is over."""

    def __init__(self, stage: Stage, channel: Channel, name: str) -> None:
        self.stage, self.channel, self.name = stage, channel, name
        self.begun = False
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        raise NotImplementedError

    def hang_up(self) -> None:
        """End, because the channel does."""
        raise NotImplementedError

    def press(self, key: str) -> None:
        """Take a key of the caller's."""

    def _wait(self, seconds: float, act: Callable[[], None]) -> None:
        self._rest()
        self._timer = self._loop.call_later(seconds, act)

    def _rest(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _end(self, event: events.Event) -> None:
        self._rest()
        self.stage.emit(event)
        self.stage.is_over(self)


class Playing(Turn):
    """A playback. What can't be played is passed over; the state is that of the last medium."""

    def __init__(
        self, stage: Stage, channel: Channel, name: str, media: Sequence[str], step: float
    ) -> None:
        super().__init__(stage, channel, name)
        self._left, self._step = deque(media), step
        self._seconds = self._position = self._since = 0.0
        self._paused = False

    def begin(self) -> None:
        self.begun = True
        self._play_next()

    def stop(self) -> None:
        """End it now; one whose turn has not come ends when it would begin."""
        self._left.clear()
        if self.begun:
            self._finish("done")

    def control(self, operation: str) -> None:
        if not self.begun or (self._paused and operation not in ("pause", "unpause")):
            raise Gone(*NOT_PLAYING)
        if operation == "forward":
            self._go_from(min(self._at() + self._step, max(0.0, self._seconds - self._step)))
        elif operation == "reverse":
            self._go_from(max(0.0, self._at() - self._step))
        elif operation == "restart":
            self._go_from(0.0)
        elif operation == "pause":
            self._position, self._paused = self._at(), True
            self._rest()
        elif self._paused:
            self._go_from(self._position)

    def hang_up(self) -> None:
        self._finish("failed")

    def _play_next(self) -> None:
        state = "done"
        while self._left:
            media = self._left.popleft()
            if media not in self.stage.unplayable:
                self.stage.played.append((self._loop.time(), self.channel.id, media))
                self._seconds = self.stage.seconds_of(media)
                self._go_from(0.0)
                return
            state = "failed"
        self._finish(state)

    def _go_from(self, position: float) -> None:
        self._paused = False
        self._position, self._since = position, self._loop.time()
        self._wait(self._seconds - position, self._play_next)

    def _at(self) -> float:
        return self._position + (0.0 if self._paused else self._loop.time() - self._since)

    def _finish(self, state: str) -> None:
        self._end(events.PlaybackFinished(self.stage.now(), self.name, state))


class Recording(Turn):
    """Ends by a key, by silence, at its limit and with the channel; is stored from its beginning.

    A key that comes during the beep does not end it. A full disk does, when there is something to
    be written, and nothing tells.
    """

    def __init__(
        self,
        stage: Stage,
        channel: Channel,
        name: str,
        *,
        limit: float,
        silence: float,
        beep: bool,
        stop_on: str,
    ) -> None:
        super().__init__(stage, channel, name)
        self._limit, self._silence = math.ceil(limit), math.ceil(silence) or math.inf
        self._beep, self._stop_on = BEEP_SECONDS if beep else 0.0, stop_on
        self._since = 0.0

    def begin(self) -> None:
        if self.stage.is_bridged(self.channel):
            reason = "Cannot record channel while in bridge"
            self._end(events.RecordingFailed(self.stage.now(), self.name, reason))
            return
        self.begun = True
        self._since = self._loop.time() + self._beep
        self._wait(self._beep, self._listen)

    def press(self, key: str) -> None:
        if key == self._stop_on and self._loop.time() >= self._since:
            self._finish()

    def hang_up(self) -> None:
        self._finish()

    def _listen(self) -> None:
        """Go on until the limit, until it is silent for too long, or the disk is full."""
        self.stage.recordings[self.name] = self._recorded()
        heard = [until for _, until in self.channel.talks]
        due = min(
            self._since + self._limit,
            max(self._since, *heard, 0.0) + self._silence,
            self._since + BLOCK_SECONDS * (1 + self.stage.disk_seconds // BLOCK_SECONDS),
        )
        if self._loop.time() >= due:
            self._finish()
        else:
            self._wait(due - self._loop.time(), self._listen)

    def _recorded(self) -> Recorded:
        now = min(self._loop.time(), self._since + self.stage.disk_seconds)
        parts = [(max(a, self._since), min(b, now)) for a, b in self.channel.talks]
        talks = tuple((a - self._since, b - self._since) for a, b in parts if a < b)
        return Recorded(now - self._since, talks)

    def _finish(self) -> None:
        seconds = 0.0
        if self.name in self.stage.recordings:
            recorded = self.stage.recordings[self.name] = self._recorded()
            seconds = math.floor(recorded.seconds * 2) / 2
        self._end(events.RecordingFinished(self.stage.now(), self.name, seconds))
