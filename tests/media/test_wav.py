"""A recording's header says what the file holds, also when Asterisk has died meanwhile."""

import struct
import wave
from pathlib import Path

import pytest

from stasis_app.media.audio import RATE, AudioError
from stasis_app.media.wav import LEAST_BYTES, Recorded, mend
from tests.support.tones import to_int16, tone

SECOND = to_int16(tone(700, 1, RATE))


def recording(path: Path, rate: int = RATE, pcm: bytes = SECOND) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm)
    return path


def unfinished(path: Path) -> Path:
    """What Asterisk leaves when it dies: the sizes are those of the first moment."""
    content = bytearray(recording(path).read_bytes())
    struct.pack_into("<I", content, 4, LEAST_BYTES - 8)
    struct.pack_into("<I", content, LEAST_BYTES - 4, 0)
    path.write_bytes(content)
    return path


def frames(path: Path) -> bytes:
    with wave.open(str(path)) as file:
        content: bytes = file.readframes(file.getnframes())
    return content


@pytest.mark.parametrize("rate", [8000, RATE])
def test_a_finished_recording_stays_as_it_is(tmp_path: Path, rate: int) -> None:
    path = recording(tmp_path / "a.wav", rate)
    before = path.read_bytes()
    found = mend(path)
    assert found == Recorded(rate, RATE)
    assert found.seconds == RATE / rate
    assert path.read_bytes() == before


@pytest.mark.parametrize("cut", [0, 1, 2, 1001])
def test_what_asterisk_could_not_close_is_mended(tmp_path: Path, cut: int) -> None:
    path = unfinished(tmp_path / "a.wav")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) - cut])
    whole = (len(SECOND) - cut) // 2 * 2
    assert mend(path) == Recorded(RATE, whole // 2)
    assert frames(path) == SECOND[:whole]
    assert path.stat().st_size == LEAST_BYTES + whole
    assert mend(path) == Recorded(RATE, whole // 2)


def test_a_header_that_promises_more_than_there_is(tmp_path: Path) -> None:
    path = recording(tmp_path / "a.wav")
    path.write_bytes(path.read_bytes()[:-1000])
    assert mend(path) == Recorded(RATE, (len(SECOND) - 1000) // 2)
    assert frames(path) == SECOND[:-1000]


def test_what_stands_behind_the_audio_is_no_audio(tmp_path: Path) -> None:
    path = recording(tmp_path / "a.wav")
    path.write_bytes(path.read_bytes() + b"LIST\4\0\0\0INFO")
    assert mend(path) == Recorded(RATE, RATE)
    assert frames(path) == SECOND


@pytest.mark.parametrize("size", [0, 1, LEAST_BYTES - 1])
def test_nothing_was_written_yet(tmp_path: Path, size: int) -> None:
    path = unfinished(tmp_path / "a.wav")
    path.write_bytes(path.read_bytes()[:size])
    assert mend(path).seconds == 0


def test_the_header_alone(tmp_path: Path) -> None:
    path = recording(tmp_path / "a.wav", pcm=b"")
    assert mend(path) == Recorded(RATE, 0)
    assert frames(path) == b""


@pytest.mark.parametrize("content", [b"no audio at all " * 10, b"RIFF0000WAVE" + b"\0" * 100])
def test_what_is_no_recording(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(AudioError, match="not in PCM"):
        mend(path)
    assert path.read_bytes() == content
