"""Asterisk's events as types. Only what some code acts on is here; we ask Asterisk for no more.

Field names follow ARI (Asterisk 22). `at` is Asterisk's own clock, aware UTC.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Raw = Mapping[str, Any]

COUNTED_AS_A_SECOND = 8000
SAMPLES_OF_A_SECOND = {"wav16": 16000}
"""Asterisk counts 8000 samples for a second of any recording (main/app.c)."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as Asterisk describes it in an event or in GET /channels."""

    id: str
    name: str
    state: str
    protocol_id: str
    caller_number: str
    caller_name: str
    exten: str
    context: str
    app_data: str
    created_at: datetime

    @classmethod
    def of(cls, raw: Raw) -> "Channel":
        dialplan = raw["dialplan"]
        return cls(
            id=raw["id"],
            name=raw["name"],
            state=raw["state"],
            protocol_id=raw.get("protocol_id", ""),
            caller_number=raw["caller"]["number"],
            caller_name=raw["caller"]["name"],
            exten=dialplan["exten"],
            context=dialplan["context"],
            app_data=dialplan.get("app_data", ""),
            created_at=datetime.fromisoformat(raw["creationtime"]),
        )


@dataclass(frozen=True, slots=True)
class Bridge:
    """A bridge as GET /bridges describes it."""

    id: str
    channels: tuple[str, ...]

    @classmethod
    def of(cls, raw: Raw) -> "Bridge":
        return cls(id=raw["id"], channels=tuple(raw["channels"]))


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened at `at` to the channel, bridge, playback or recording `subject`."""

    at: datetime
    subject: str


@dataclass(frozen=True, slots=True)
class StasisStart(Event):
    channel: Channel
    args: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StasisEnd(Event):
    """The channel left the application: it ends, or something else took it."""


@dataclass(frozen=True, slots=True)
class StateChanged(Event):
    """ChannelStateChange: `state` is Down, Ring, Ringing, Up, …"""

    state: str


@dataclass(frozen=True, slots=True)
class Dialled(Event):
    """Dial: the dialled channel `subject` has got that far.

    `status` is "" when it is sent, then RINGING, PROGRESS (early media) and ANSWER. Of a failure
    only Destroyed tells.
    """

    status: str


@dataclass(frozen=True, slots=True)
class Destroyed(Event):
    """ChannelDestroyed: `cause` is Q.850, `tech_cause` the SIP status if there was one, else 0."""

    cause: int
    tech_cause: int = 0


@dataclass(frozen=True, slots=True)
class HangupRequested(Event):
    """ChannelHangupRequest: the channel is to end; its end follows, as a rule."""


@dataclass(frozen=True, slots=True)
class Held(Event):
    pass


@dataclass(frozen=True, slots=True)
class Unheld(Event):
    pass


@dataclass(frozen=True, slots=True)
class PlaybackFinished(Event):
    """`state` is done or failed."""

    state: str


@dataclass(frozen=True, slots=True)
class KeyPressed(Event):
    """ChannelDtmfReceived, when the key is let go: 0-9, *, #, A-D, held for so many seconds."""

    key: str
    seconds: float


@dataclass(frozen=True, slots=True)
class RecordingFinished(Event):
    """The recording `subject` is over; it is `seconds` long, to half a second.

    `talking_seconds` is None: Asterisk 22.10 says that all of it was talk. When the channel ended
    during the beep there are 0 seconds, and no file.
    """

    seconds: float
    talking_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class RecordingFailed(Event):
    """The recording `subject` could not be made."""

    reason: str


@dataclass(frozen=True, slots=True)
class ApplicationReplaced(Event):
    pass


def _at(raw: Raw) -> datetime:
    return datetime.fromisoformat(raw["timestamp"])


def _of_channel(kind: Callable[[datetime, str], Event]) -> Callable[[Raw], Event]:
    return lambda raw: kind(_at(raw), raw["channel"]["id"])


def _stasis_start(raw: Raw) -> Event:
    channel = Channel.of(raw["channel"])
    return StasisStart(_at(raw), channel.id, channel, tuple(raw["args"]))


def _state_changed(raw: Raw) -> Event:
    channel = raw["channel"]
    return StateChanged(_at(raw), channel["id"], channel["state"])


def _dialled(raw: Raw) -> Event:
    return Dialled(_at(raw), raw["peer"]["id"], raw["dialstatus"])


def _destroyed(raw: Raw) -> Event:
    return Destroyed(_at(raw), raw["channel"]["id"], raw["cause"], raw.get("tech_cause", 0))


def _playback_finished(raw: Raw) -> Event:
    playback = raw["playback"]
    return PlaybackFinished(_at(raw), playback["id"], playback["state"])


def _key_pressed(raw: Raw) -> Event:
    return KeyPressed(_at(raw), raw["channel"]["id"], raw["digit"], raw["duration_ms"] / 1000)


def _recording_finished(raw: Raw) -> Event:
    recording = raw["recording"]
    rate = SAMPLES_OF_A_SECOND.get(recording["format"], COUNTED_AS_A_SECOND)
    seconds = recording.get("duration", 0) * COUNTED_AS_A_SECOND / rate
    return RecordingFinished(_at(raw), recording["name"], seconds)


def _recording_failed(raw: Raw) -> Event:
    recording = raw["recording"]
    return RecordingFailed(_at(raw), recording["name"], recording.get("cause", ""))


def _replaced(raw: Raw) -> Event:
    return ApplicationReplaced(_at(raw), raw["application"])


READERS: dict[str, Callable[[Raw], Event]] = {
    "StasisStart": _stasis_start,
    "StasisEnd": _of_channel(StasisEnd),
    "ChannelStateChange": _state_changed,
    "Dial": _dialled,
    "ChannelDestroyed": _destroyed,
    "ChannelHangupRequest": _of_channel(HangupRequested),
    "ChannelHold": _of_channel(Held),
    "ChannelUnhold": _of_channel(Unheld),
    "PlaybackFinished": _playback_finished,
    "ChannelDtmfReceived": _key_pressed,
    "RecordingFinished": _recording_finished,
    "RecordingFailed": _recording_failed,
    "ApplicationReplaced": _replaced,
}


def read(raw: Raw) -> Event | None:
    """Return the typed event, or None for a type nobody acts on.

    Raises KeyError or ValueError when Asterisk leaves out what its own API promises.
    """
    reader = READERS.get(raw["type"])
    return reader(raw) if reader else None
