"""An audio file that an admin adds is what a phone hears; Asterisk fetches it from the app."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import aiohttp
import numpy as np
import pytest
import soundfile
from minio import Minio

from tests.support.callee import IncomingCall
from tests.support.tones import contains_tone, is_silent, tone
from tests.support.until import until

from .conversation import talk
from .pbx import Pbx, run

Add = Callable[[str, float, str], Awaitable[UUID]]
URL = """
SELECT base_url || media_path(id, url_token, storage_path)
FROM media_files, media_server WHERE id = $1"""
SET_DEFAULT = """
UPDATE system_settings SET value = coalesce(to_jsonb($1::text), 'null')
WHERE key = 'media.default_moh'"""


@pytest.fixture
async def add(pbx: Pbx, tmp_path: Path) -> AsyncIterator[Add]:
    """Adds a stereo MP3 with a tone as an admin does; rows and objects go at the end."""
    made: list[UUID] = []

    async def added(name: str, hz: float, kind: str) -> UUID:
        source = tmp_path / f"{name}.mp3"
        pcm = tone(hz, 8, 44100, level=-30)
        soundfile.write(source, np.stack([pcm, pcm], 1), 44100)
        code, output = await run(
            *(sys.executable, "-m", "stasis_app", "media", "add", str(source)),
            *("--name", name, "--type", kind, "--state", str(pbx.state)),
        )
        assert code == 0, output
        identity, *shown = output.split()
        assert shown == [name, "8.0", "s"], output
        made.append(UUID(identity))
        return made[-1]

    yield added
    for identity in made:
        await forget(pbx, identity)


async def forget(pbx: Pbx, identity: UUID) -> None:
    """Delete the row and the object."""
    query = "DELETE FROM media_files WHERE id = $1 RETURNING storage_path"
    path = await pbx.db.fetchval(query, identity)
    if path:
        remove_object(pbx, path)


def remove_object(pbx: Pbx, path: str) -> None:
    s3 = pbx.stack["s3"]
    client = Minio(
        endpoint=s3["endpoint"],
        access_key=s3["access_key"],
        secret_key=s3["secret_key"],
        secure=False,
    )
    client.remove_object(bucket_name=s3["bucket"], object_name=path)


@asynccontextmanager
async def default_moh(pbx: Pbx, value: str) -> AsyncIterator[None]:
    """Say what callers on hold hear, as an admin does; afterwards it is as it was."""
    query = "SELECT value #>> '{}' FROM system_settings WHERE key = 'media.default_moh'"
    before = await pbx.db.fetchval(query)
    assert await pbx.db.execute(SET_DEFAULT, value) == "UPDATE 1"
    try:
        yield
    finally:
        await pbx.db.execute(SET_DEFAULT, before)


async def some_music(held: IncomingCall) -> bool:
    """Whether what comes in is neither silence nor the tone of 700 Hz."""
    pcm = held.ear.recent(0.5)
    return len(pcm) > 3000 and not is_silent(pcm) and not contains_tone(pcm, 8000, 700)


async def test_music_on_hold_is_a_row(pbx: Pbx, add: Add) -> None:
    name = f"held-{uuid4()}"
    music = await add(name, 700, "moh")
    async with default_moh(pbx, name):
        anna, ben = await pbx.phones(2)
        call, held = await talk(anna, ben)
        await call.hold()
        await held.hears(700)
        await call.resume()
        await held.hears_nothing()
        await call.hold()
        await held.hears(700)
        await call.hangup()

        await forget(pbx, music)
        carla, dora = await pbx.phones(2)  # Asterisk has the others in its cache for a second
        call, held = await talk(carla, dora)
        await call.hold()
        await until(lambda: some_music(held), 5, "the music that Asterisk brings")
        await call.hangup()


async def play(pbx: Pbx, channel: str, url: str) -> None:
    ari = pbx.stack["ari"]
    auth = {"Authorization": aiohttp.encode_basic_auth(ari["username"], ari["password"])}
    media = {"media": f"sound:{url}"}
    address = f"{ari['url']}/ari/channels/{channel}/play"
    async with pbx.http.post(address, params=media, headers=auth) as answer:
        assert answer.status == 201, await answer.text()


async def test_a_prompt_is_fetched_once(pbx: Pbx, add: Add) -> None:
    prompt = await add(f"prompt-{uuid4()}", 1200, "prompt")
    url = await pbx.db.fetchval(URL, prompt)
    anna, ben = await pbx.phones(2)
    call, _ = await talk(anna, ben)
    [channel] = [c["id"] for c in await pbx.ari("channels") if c["caller"]["number"] == anna.number]
    await play(pbx, channel, url)
    await call.hears(1200, within=10)
    await call.hears_nothing(within=12)

    path = await pbx.db.fetchval("SELECT storage_path FROM media_files WHERE id = $1", prompt)
    remove_object(pbx, path)  # nobody asks for it again: Asterisk has it for a minute
    await play(pbx, channel, url)
    await call.hears(1200, within=10)
    await call.hangup()
