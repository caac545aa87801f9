"""Events as Asterisk 22.10.1 sent them, line by line in samples.jsonl."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stasis_app.ari import events

LINES = (Path(__file__).parent / "samples.jsonl").read_text().splitlines()
SAMPLES: list[dict[str, Any]] = [json.loads(line) for line in LINES]
CALLER = "pbx-x-1795350797.0"
LEG = "p-leg-1"
LEAVER = "pbx-x-1795625167.1"
FINISHED = datetime(2026, 11, 25, 16, 45, 52, 204000, UTC)
RECORDED = datetime(2026, 11, 25, 16, 46, tzinfo=UTC)
DIALLED = datetime(2026, 11, 25, 13, 44, 56, 513000, UTC)


def at(seconds: float, minute: int = 33) -> datetime:
    return datetime(2026, 11, 22, 12, minute, int(seconds), round(seconds % 1 * 1e6), UTC)


def read(kind: type[events.Event], place: int = 0) -> events.Event:
    found = [event for event in map(events.read, SAMPLES) if isinstance(event, kind)]
    return found[place]


def test_there_is_a_sample_of_every_type() -> None:
    assert {sample["type"] for sample in SAMPLES} >= set(events.READERS)


def test_a_call_that_comes() -> None:
    start = read(events.StasisStart)
    assert isinstance(start, events.StasisStart)
    assert (start.subject, start.args) == (CALLER, ("phone", "1001", "5c54b14abec4"))
    assert start.at == at(17.019)
    assert start.channel == events.Channel(
        id=CALLER,
        name="PJSIP/1001-00000000",
        state="Ring",
        protocol_id="5c54b14abec4",
        caller_number="1001",
        caller_name="Anna",
        exten="1002",
        context="from-phones",
        app_data="pbx,phone,1001,5c54b14abec4",
        created_at=at(17.018),
    )


@pytest.mark.parametrize(
    ("place", "event"),
    [
        (0, events.StateChanged(at(17.021), CALLER, "Up")),
        (0, events.Held(at(17.325), CALLER)),
        (0, events.Unheld(at(17.637), CALLER)),
        (0, events.PlaybackFinished(at(18.392), "play-1", "done")),
        (1, events.StateChanged(at(19.462), LEG, "Ringing")),
        (0, events.Dialled(DIALLED, LEG, "")),
        (1, events.Dialled(DIALLED.replace(microsecond=517000), LEG, "PROGRESS")),
        (0, events.StasisEnd(at(19.964), LEG)),
        (0, events.Destroyed(at(19.964), LEG, 17, 486)),
        (1, events.Destroyed(at(20.468), CALLER, 0, 0)),
        (0, events.HangupRequested(at(27.381, minute=12), "pbx-x-1795349546.0")),
        (0, events.KeyPressed(RECORDED.replace(second=7, microsecond=990000), LEAVER, "*", 0.16)),
        (0, events.RecordingFinished(FINISHED, "p-rec-1", 1.0)),
        (
            1,
            events.RecordingFinished(
                RECORDED.replace(second=11, microsecond=268000), "p-rec-4", 0.0
            ),
        ),
        (
            0,
            events.RecordingFailed(
                RECORDED.replace(second=10, microsecond=356000),
                "p-rec-2",
                "Cannot record channel while in bridge",
            ),
        ),
        (0, events.ApplicationReplaced(at(20.980), "pbx")),
    ],
)
def test_what_is_read(place: int, event: events.Event) -> None:
    assert read(type(event), place) == event


@pytest.mark.parametrize(("file_format", "seconds"), [("wav16", 3.5), ("wav", 7.0)])
def test_a_recordings_length(file_format: str, seconds: float) -> None:
    """Asterisk counts 8000 samples for a second, also where there are 16000."""
    recording = {"name": "a", "format": file_format, "state": "done", "duration": 7}
    raw = {"type": "RecordingFinished", "timestamp": "2026-11-25T16:46:08Z", "recording": recording}
    finished = events.read(raw)
    assert isinstance(finished, events.RecordingFinished)
    assert (finished.seconds, finished.talking_seconds) == (seconds, None)


def test_a_type_nobody_acts_on_is_nothing() -> None:
    assert events.read({"type": "ChannelVarset"}) is None


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: str(sample["type"]))
def test_what_is_left_out_is_missed(sample: dict[str, Any]) -> None:
    for field in ("timestamp", "channel", "peer", "playback", "digit", "recording"):
        if field in sample:
            with pytest.raises((KeyError, ValueError)):
                events.read({name: sample[name] for name in sample if name != field})
    with pytest.raises(ValueError, match="isoformat"):
        events.read({**sample, "timestamp": "yesterday"})
