"""How much of a recording is speech, and how it is joined and enclosed in a mail."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from stasis_app.media.audio import RATE, AudioError, Samples
from stasis_app.media.enclosed import MP3, WAV, Enclosed, enclose
from stasis_app.media.speech import MP3_BYTES, SILENT_DB, join, listen, to_mp3
from tests.support.tones import is_silent, loudest, tone

from .conftest import MakeFile


def saved(path: Path, pcm: Samples, rate: int = RATE) -> Path:
    soundfile.write(path, pcm, rate, subtype="PCM_16")
    return path


def read(path: Path) -> Samples:
    pcm, rate = soundfile.read(path, dtype="float32")
    assert rate == RATE
    return np.asarray(pcm, np.float32)


@pytest.mark.parametrize("rate", [8000, RATE])
def test_pauses_are_not_speech(tmp_path: Path, rate: int) -> None:
    pause = np.zeros(2 * rate, np.float32)
    pcm = np.concatenate([pause, tone(700, 1.5, rate), pause, tone(500, 0.5, rate), pause])
    heard = listen(saved(tmp_path / "a.wav", pcm, rate))
    assert heard.seconds == pytest.approx(8, abs=0.01)
    assert heard.talking == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize(("level", "heard"), [(SILENT_DB + 6, True), (SILENT_DB - 3, False)])
def test_quiet_speech_and_a_noisy_line(tmp_path: Path, level: float, heard: bool) -> None:
    path = saved(tmp_path / "a.wav", tone(700, 3, RATE, level))
    assert (listen(path).talking > 2.5) == heard


def test_direct_current_is_silence(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.wav", np.full(RATE, 0.1, np.float32))
    assert listen(path).talking == 0


def test_a_recording_without_audio(tmp_path: Path) -> None:
    heard = listen(saved(tmp_path / "a.wav", np.zeros(0, np.float32)))
    assert (heard.seconds, heard.talking) == (0, 0)


def test_a_comment_comes_before_the_message(tmp_path: Path) -> None:
    comment = saved(tmp_path / "a.wav", tone(500, 1, RATE))
    message = saved(tmp_path / "b.wav", tone(900, 2, 8000), 8000)
    audio = join([comment, message], tmp_path / "c.wav", 0.5)
    pcm = read(tmp_path / "c.wav")
    assert len(pcm) == pytest.approx(3.5 * RATE, abs=2)
    assert audio.seconds == len(pcm) / RATE
    assert audio.size == (tmp_path / "c.wav").stat().st_size
    assert loudest(pcm[:RATE], RATE).hz == pytest.approx(500, abs=2)
    assert is_silent(pcm[RATE + 800 : RATE + 7200])
    assert loudest(pcm[RATE + 9000 :], RATE).hz == pytest.approx(900, abs=2)


def test_mp3(tmp_path: Path) -> None:
    source = saved(tmp_path / "a.wav", tone(700, 10, RATE))
    size = to_mp3(source, tmp_path / "a.mp3")
    assert size == (tmp_path / "a.mp3").stat().st_size
    assert size == pytest.approx(10 * MP3_BYTES, rel=0.05)
    pcm = read(tmp_path / "a.mp3")
    assert len(pcm) == pytest.approx(10 * RATE, abs=0.2 * RATE)
    assert loudest(pcm, RATE).hz == pytest.approx(700, abs=2)


def test_what_is_no_audio_becomes_no_mp3(tmp_path: Path) -> None:
    source = tmp_path / "a.wav"
    source.write_bytes(b"hello" * 100)
    with pytest.raises(AudioError):
        to_mp3(source, tmp_path / "a.mp3")


def enclosed(source: Path, folder: Path, suffix: str, most: int) -> Enclosed | None:
    return enclose(source, folder, suffix=suffix, seconds=10, most=most)


def test_a_message_is_enclosed_as_it_was_stored(tmp_path: Path) -> None:
    source = saved(tmp_path / "a.wav", tone(700, 10, RATE))
    size = source.stat().st_size
    assert enclosed(source, tmp_path, WAV, size) == Enclosed(source, WAV, size)


@pytest.mark.parametrize(("suffix", "most"), [(WAV, 100_000), (MP3, 10_000_000)])
def test_one_that_is_too_large_becomes_mp3(tmp_path: Path, suffix: str, most: int) -> None:
    source = saved(tmp_path / "a.wav", tone(700, 10, RATE))
    found = enclosed(source, tmp_path, suffix, most)
    assert found is not None
    assert (found.suffix, found.size) == (MP3, found.path.stat().st_size)
    assert found.size <= most
    assert loudest(read(found.path), RATE).hz == pytest.approx(700, abs=2)


@pytest.mark.parametrize("suffix", [WAV, MP3])
def test_one_that_is_too_large_for_both(tmp_path: Path, suffix: str) -> None:
    source = saved(tmp_path / "a.wav", tone(700, 10, RATE))
    assert enclosed(source, tmp_path, suffix, 40_000) is None
    assert not (tmp_path / "message.mp3").exists()


def test_what_somebody_else_has_stored_becomes_what_every_program_plays(
    make_file: MakeFile, tmp_path: Path
) -> None:
    source = make_file("FLAC", "PCM_24", 48000, 2, seconds=10)
    found = enclosed(source, tmp_path, WAV, 10_000_000)
    assert found is not None
    info = soundfile.info(found.path)
    assert (info.format, info.subtype, info.channels) == ("WAV", "PCM_16", 1)
    assert info.samplerate == RATE
