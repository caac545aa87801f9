"""Recording, and what becomes of it."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stasis_app.ari.door import Door
from stasis_app.ari.errors import Gone, Unreachable
from stasis_app.ari.transport import PIECE

from .server import AriServer, File

FILE = "recordings/stored/a/file"
NOT_FOUND = (404, '{"message":"Recording not found"}')


async def pieces(*of: bytes, pause: float = 0.0) -> AsyncIterator[bytes]:
    for piece in of:
        yield piece
        await asyncio.sleep(pause)


async def test_a_recording_begins(door: Door, asterisk: AriServer) -> None:
    await door.record("caller", "a", max_seconds=180, silence_seconds=10, beep=True)
    [sent] = asterisk.sent("channels/caller/record")
    assert sent.query == {
        "name": "a",
        "format": "wav16",
        "maxDurationSeconds": "180",
        "maxSilenceSeconds": "10",
        "ifExists": "fail",
        "beep": "true",
        "terminateOn": "#",
    }


@pytest.mark.parametrize(("seconds", "sent"), [(0.0, "1"), (0.2, "1"), (1.0, "1"), (9.01, "10")])
async def test_seconds_are_whole_and_only_silence_may_be_none(
    door: Door, asterisk: AriServer, seconds: float, sent: str
) -> None:
    await door.record(
        "caller", "a", max_seconds=seconds, silence_seconds=seconds, beep=False, stop_on=""
    )
    [request] = asterisk.sent("channels/caller/record")
    asked = [request.query[name] for name in ("maxDurationSeconds", "maxSilenceSeconds")]
    assert asked == [sent, sent if seconds else "0"]
    assert (request.query["beep"], request.query["terminateOn"]) == ("false", "none")


async def test_a_name_is_taken(door: Door, asterisk: AriServer) -> None:
    asterisk.answers["channels/caller/record"] = (409, '{"message":"Recording \'a\' exists"}')
    with pytest.raises(Gone) as caught:
        await door.record("caller", "a", max_seconds=9, silence_seconds=9, beep=False)
    assert caught.value.status == 409


async def test_a_recording_that_lives_and_one_that_is_over(door: Door, asterisk: AriServer) -> None:
    asterisk.answers["recordings/live/a"] = (200, '{"state":"queued"}')
    asterisk.answers["recordings/live/b"] = NOT_FOUND
    assert await door.recording_lives("a")
    assert not await door.recording_lives("b")


async def test_what_is_stored(door: Door, asterisk: AriServer) -> None:
    stored = [{"name": "a", "format": "wav16"}, {"name": "b", "format": "wav"}]
    asterisk.answers["recordings/stored"] = (200, json.dumps(stored))
    assert await door.stored_recordings() == ["a", "b"]
    await door.delete_recording("a")
    assert [request.method for request in asterisk.sent("recordings/stored/a")] == ["DELETE"]
    asterisk.answers["recordings/stored/a"] = NOT_FOUND
    with pytest.raises(Gone):
        await door.delete_recording("a")


async def test_a_recording_is_fetched(door: Door, asterisk: AriServer) -> None:
    told = (b"RIFF\x00\xff", b"x" * 100_000, b"end")
    asterisk.files[FILE] = File(100_009, pieces(*told))
    fetched = io.BytesIO()
    assert await door.fetch_recording("a", fetched) == 100_009
    assert fetched.getvalue() == b"".join(told)


async def test_a_recording_may_take_longer_than_the_deadline(
    door: Door, asterisk: AriServer
) -> None:
    asterisk.files[FILE] = File(50, pieces(*[b"x" * 10] * 5, pause=0.15))
    assert await door.fetch_recording("a", io.BytesIO()) == 50


async def test_silence_while_a_recording_is_fetched(door: Door, asterisk: AriServer) -> None:
    given_up = asyncio.Event()

    async def half() -> AsyncIterator[bytes]:
        yield b"x" * 10
        await given_up.wait()

    asterisk.files[FILE] = File(20, half())
    with pytest.raises(Unreachable):
        await door.fetch_recording("a", io.BytesIO())
    given_up.set()


async def test_half_a_recording_is_none(door: Door, asterisk: AriServer) -> None:
    asterisk.files[FILE] = File(20, pieces(b"x" * 10))
    with pytest.raises(Unreachable):
        await door.fetch_recording("a", io.BytesIO())


async def test_no_recording_to_fetch(door: Door, asterisk: AriServer) -> None:
    fetched = io.BytesIO()
    asterisk.answers[FILE] = NOT_FOUND
    with pytest.raises(Gone):
        await door.fetch_recording("a", fetched)
    door.seal()
    with pytest.raises(Unreachable, match="closed"):
        await door.fetch_recording("a", fetched)
    assert not fetched.getvalue()


class Narrow(io.BytesIO):
    """Remembers how long the longest piece was that was written, and drops it."""

    longest = total = 0

    def write(self, piece: object) -> int:
        assert isinstance(piece, bytes)
        self.longest = max(self.longest, len(piece))
        self.total += len(piece)
        return len(piece)


async def test_a_long_recording_is_never_whole_in_memory(door: Door, asterisk: AriServer) -> None:
    hour = 3600 * 32_000
    asterisk.files[FILE] = File(hour, pieces(*[bytes(hour // 100)] * 100))
    to, before = Narrow(), _resident()
    assert await door.fetch_recording("a", to) == to.total == hour
    assert to.longest <= PIECE
    assert _resident() - before < hour / 4


def _resident() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * 4096
