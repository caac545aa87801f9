"""What the channels of a fake network play, and what their callers press and say."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from stasis_app.ari import events

from .fake_network import NORMAL, FakeNetwork
from .fake_phones import Channel
from .fake_turns import Playing, Recorded, Recording, Turn

HELD_SECONDS = 0.1
SECONDS = 2.0


@dataclass(eq=False)
class FakeMedia(FakeNetwork):
    """`media_seconds` is how long media are, by URI, if not SECONDS; `unplayable` can't be played.

    `recordings` are the stored ones by name, `disk_seconds` is what of one there is room for.
    `mailboxes` are the counts (unread, read) that were put, by number; `reminded` are the contacts
    whose phones were to be told again.
    """

    media_seconds: dict[str, float] = field(default_factory=dict)
    unplayable: set[str] = field(default_factory=set)
    recordings: dict[str, Recorded] = field(default_factory=dict)
    disk_seconds: float = 1e9
    mailboxes: dict[str, tuple[int, int]] = field(default_factory=dict)
    reminded: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._turns: dict[str, deque[Turn]] = {}

    # what a caller does

    def press(self, channel: Channel, keys: str, pause: float = 0.0) -> None:
        """Press keys one after another, so many seconds apart, the first at once."""
        for place, key in enumerate(keys):
            self.at(place * (HELD_SECONDS + pause), lambda key=key: self._press(channel, key))  # type: ignore[misc]

    def talk(self, channel: Channel, seconds: float) -> None:
        """Speak from now on for so long. Who does not is silent."""
        channel.talks.append((self._loop.time(), self._loop.time() + seconds))

    def end(self, channel: Channel, cause: int = NORMAL, sip: int = 0) -> None:
        if channel.alive:
            if channel.entered:
                self.emit(events.HangupRequested(self.now(), channel.id))
            self._hang_up(channel)
        super().end(channel, cause, sip)

    def end_untold(self, channel: Channel, seconds: float) -> None:
        self.at(seconds, lambda: self._hang_up(channel))
        super().end_untold(channel, seconds)

    def restart(self, started: datetime) -> None:
        super().restart(started)
        self.mailboxes.clear()

    # turns

    def take_turn(self, turn: Turn) -> None:
        """Let a channel do something, when it has done all that it was told before."""
        turns = self._turns.setdefault(turn.channel.id, deque())
        turns.append(turn)
        if len(turns) == 1:
            turn.begin()

    def is_over(self, turn: Turn) -> None:
        turns = self._turns.get(turn.channel.id)
        if turns:
            turns.remove(turn)
            if turns and not turns[0].begun:
                turns[0].begin()

    def playback(self, name: str) -> Playing | None:
        return next(
            (turn for turn in self._all() if isinstance(turn, Playing) and turn.name == name), None
        )

    def recording(self, name: str) -> Recording | None:
        return next(
            (turn for turn in self._all() if isinstance(turn, Recording) and turn.name == name),
            None,
        )

    def seconds_of(self, media: str) -> float:
        recorded = self.recordings.get(media.removeprefix("recording:"))
        return recorded.seconds if recorded else self.media_seconds.get(media, SECONDS)

    def hears_music(self, channel: Channel) -> bool:
        """Return whether a channel has music that nothing interrupts."""
        return channel.id in self.music and not self._turns.get(channel.id)

    def is_bridged(self, channel: Channel) -> bool:
        return any(channel.id in members for members in self.bridges_made.values())

    def is_recorded(self, channel: str) -> bool:
        return any(isinstance(turn, Recording) for turn in self._turns.get(channel, ()))

    def _all(self) -> list[Turn]:
        return [turn for turns in self._turns.values() for turn in turns]

    def _press(self, channel: Channel, key: str) -> None:
        if not channel.alive:
            return
        self.emit(events.KeyPressed(self.now(), channel.id, key, HELD_SECONDS))
        for turn in tuple(self._turns.get(channel.id, ()))[:1]:
            turn.press(key)

    def _hang_up(self, channel: Channel) -> None:
        """Nothing is played to the end, and what was said is kept."""
        for turn in self._turns.pop(channel.id, ()):
            turn.hang_up()
