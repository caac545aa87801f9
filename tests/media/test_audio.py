"""What any audio file becomes, and what is said of one that cannot be used."""

import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stasis_app.media.audio import (
    BLOCK_SECONDS,
    MUSIC_DB,
    RATE,
    SPEECH_DB,
    AudioError,
    Samples,
    blocks,
    convert,
)
from stasis_app.media.wav import played_as
from tests.support.tones import from_int16, is_silent, loudest, tone

from .conftest import MakeFile

SINE_DB = 3.01  # the RMS of a sine is so much below its peak


def read(path: Path) -> Samples:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        return from_int16(file.readframes(file.getnframes()))


def written(path: Path, pcm: Samples, rate: int = RATE) -> Path:
    soundfile.write(path, pcm, rate, subtype="FLOAT")
    return path


@pytest.mark.parametrize(
    ("kind", "encoding"),
    [
        ("WAV", "PCM_U8"),
        ("WAV", "PCM_16"),
        ("WAV", "PCM_24"),
        ("WAV", "PCM_32"),
        ("WAV", "FLOAT"),
        ("WAV", "DOUBLE"),
        ("WAV", "ULAW"),
        ("WAV", "ALAW"),
        ("FLAC", "PCM_16"),
        ("FLAC", "PCM_24"),
        ("OGG", "VORBIS"),
        ("OGG", "OPUS"),
        ("MP3", "MPEG_LAYER_III"),
        ("AIFF", "PCM_16"),
    ],
)
def test_every_format(make_file: MakeFile, tmp_path: Path, kind: str, encoding: str) -> None:
    audio = convert(make_file(kind, encoding, 48000, 2), tmp_path / "out.wav")
    pcm = read(tmp_path / "out.wav")
    assert len(pcm) == pytest.approx(2 * RATE, abs=0.1 * RATE)
    assert audio.seconds == len(pcm) / RATE
    assert audio.size == (tmp_path / "out.wav").stat().st_size
    hz, level = loudest(pcm[RATE // 2 : -RATE // 2], RATE)
    assert hz == pytest.approx(700, abs=2)
    assert level == pytest.approx(SPEECH_DB + SINE_DB, abs=1.5)  # MP3 begins louder


@pytest.mark.parametrize("rate", [4000, 8000, 11025, 16000, 22050, 44100, 96000, 192000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_every_rate_and_channel_count(
    make_file: MakeFile, tmp_path: Path, rate: int, channels: int
) -> None:
    convert(make_file("WAV", "PCM_16", rate, channels), tmp_path / "out.wav")
    pcm = read(tmp_path / "out.wav")
    assert abs(len(pcm) - 2 * RATE) <= 1
    hz, level = loudest(pcm, RATE)
    assert hz == pytest.approx(700, abs=2)
    assert level == pytest.approx(SPEECH_DB + SINE_DB, abs=0.2)


@pytest.mark.parametrize("level", [-45, -30, -20, -10, 0])
@pytest.mark.parametrize("wanted", [SPEECH_DB, MUSIC_DB])
def test_all_are_equally_loud(
    make_file: MakeFile, tmp_path: Path, level: float, wanted: float
) -> None:
    convert(make_file(level=level), tmp_path / "out.wav", wanted)
    assert loudest(read(tmp_path / "out.wav"), RATE).level == pytest.approx(
        wanted + SINE_DB, abs=0.2
    )


def test_pauses_do_not_count(tmp_path: Path) -> None:
    words = [tone(700, 0.5, RATE, -30), np.zeros(3 * RATE, np.float32)] * 3
    convert(written(tmp_path / "a.wav", np.concatenate(words)), tmp_path / "out.wav")
    first = read(tmp_path / "out.wav")[: RATE // 2]
    assert loudest(first, RATE).level == pytest.approx(SPEECH_DB + SINE_DB, abs=0.3)


def test_peaks_are_not_cut(tmp_path: Path) -> None:
    pcm = tone(700, 3, RATE, -50)
    pcm[RATE] = 0.9
    convert(written(tmp_path / "a.wav", pcm), tmp_path / "out.wav")
    assert 0.85 < np.abs(read(tmp_path / "out.wav")).max() < 0.9


def test_silence_and_values_that_are_no_numbers(tmp_path: Path) -> None:
    convert(written(tmp_path / "a.wav", np.zeros(RATE, np.float32)), tmp_path / "out.wav")
    assert is_silent(read(tmp_path / "out.wav"))
    pcm = tone(700, 1, RATE)
    pcm[:3] = np.nan, np.inf, -np.inf
    convert(written(tmp_path / "a.wav", pcm), tmp_path / "out.wav")
    assert loudest(read(tmp_path / "out.wav"), RATE).hz == pytest.approx(700, abs=2)


@pytest.mark.parametrize("seconds", [0.001, 0.02, BLOCK_SECONDS, 2 * BLOCK_SECONDS, 2.345])
def test_no_sample_is_lost_at_the_seams(
    make_file: MakeFile, tmp_path: Path, seconds: float
) -> None:
    convert(make_file(rate=RATE, seconds=seconds), tmp_path / "out.wav")
    assert len(read(tmp_path / "out.wav")) == round(seconds * RATE)


def test_a_long_file_is_never_whole_in_memory(make_file: MakeFile) -> None:
    source = make_file("FLAC", "PCM_16", 8000, 1, seconds=300)
    assert max(len(block) for block in blocks(source, "x")) <= 2 * BLOCK_SECONDS * RATE


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "bad.wav is empty"),
        (b"hello " * 1000, "bad.wav is no audio file that can be read: Format not recognised"),
        (b"RIFF\x24\0\0\0WAVE", "bad.wav is no audio file that can be read"),
        (b"\xff\xfb" * 20, "bad.wav is no audio file that can be read"),
    ],
)
def test_what_is_no_audio(tmp_path: Path, content: bytes, says: str) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(content)
    with pytest.raises(AudioError, match=f"^{says}"):
        convert(bad, tmp_path / "out.wav")


def test_what_holds_nothing_or_is_broken(make_file: MakeFile, tmp_path: Path) -> None:
    empty = written(tmp_path / "none.wav", np.zeros(0, np.float32))
    with pytest.raises(AudioError, match=r"^none\.wav holds no audio$"):
        convert(empty, tmp_path / "out.wav")
    noise = np.random.default_rng(1).normal(0, 0.1, 5 * RATE).astype(np.float32)
    broken = tmp_path / "broken.flac"
    soundfile.write(broken, noise, RATE)
    content = bytearray(broken.read_bytes())
    content[9000:11000] = b"\xff" * 2000
    broken.write_bytes(content)
    with pytest.raises(AudioError, match=r"^broken\.flac is broken: "):
        convert(broken, tmp_path / "out.wav")


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"^none cannot be read: No such file"):
        convert(tmp_path / "none", tmp_path / "out.wav")
    with pytest.raises(AudioError, match=r"^the folder is no file$"):
        convert(tmp_path, tmp_path / "out.wav", name="the folder")


@pytest.mark.parametrize(
    ("encoding", "rate", "channels", "content_type"),
    [
        ("PCM_16", 8000, 1, "audio/x-wav"),
        ("PCM_16", 16000, 1, "audio/x-wav;codec=pcm;bit=16;rate=16000"),
        ("PCM_16", 44100, 1, None),
        ("PCM_16", 8000, 2, None),
        ("PCM_U8", 8000, 1, None),
        ("ULAW", 8000, 1, None),
        ("FLOAT", 16000, 1, None),
    ],
)
def test_what_asterisk_plays_as_it_is(
    make_file: MakeFile, encoding: str, rate: int, channels: int, content_type: str | None
) -> None:
    header = make_file("WAV", encoding, rate, channels).read_bytes()[:200]
    assert played_as(header) == content_type


@pytest.mark.parametrize("header", [b"", b"RIFF", b"RIFF0000WAVE", b"fLaC" + b"\0" * 100])
def test_what_has_no_such_header(header: bytes) -> None:
    assert played_as(header) is None


def test_what_we_make_is_played_as_it_is(make_file: MakeFile, tmp_path: Path) -> None:
    convert(make_file("MP3"), tmp_path / "out.wav")
    assert played_as((tmp_path / "out.wav").read_bytes()[:100]) is not None
