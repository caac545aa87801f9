"""Mailboxes as a test sees them: rows, objects and mails, and what callers do."""

import asyncio
import hashlib
import io
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
import soundfile
from minio import Minio

from tests.support import phonecall, tones
from tests.support.caller import OutgoingCall
from tests.support.sip import RawPhone
from tests.support.tones import Pcm
from tests.support.until import until
from tests.support.words import CallWords

from .outside import change, setting
from .pbx import NUMBERS, Extension, Pbx

BEEP = 700
RATE = 16000
SPOKEN_SECONDS = 1.2
SHORT = {"voicemail.min_seconds": 1, "voicemail.silence_seconds": 2}
NAMES = count(1)

Caller = OutgoingCall | phonecall.Call


@dataclass(frozen=True)
class Mailbox:
    """An extension and its row of `voicemail_boxes`. `address` is where its mails go."""

    id: uuid.UUID
    extension: Extension
    address: str

    @property
    def number(self) -> str:
        return self.extension.number


async def short(pbx: Pbx) -> None:
    """Have short messages kept, and a short silence end them."""
    for key, value in SHORT.items():
        await setting(pbx, key, value)


def three_digits() -> str:
    """Return a number that is quickly said, and dialled."""
    return str(300 + next(NUMBERS) % 600)


async def mailbox(pbx: Pbx, *, box: dict[str, Any] | None = None, **columns: Any) -> Mailbox:
    """Insert an extension with voicemail; `box` are columns of the mailbox that it has then."""
    made = await mailbox_of(pbx, await pbx.extension(**{"voicemail_enabled": True, **columns}))
    await change(pbx, "voicemail_boxes", made.id, **{"email_address": made.address, **(box or {})})
    return made


async def mailbox_of(pbx: Pbx, extension: Extension) -> Mailbox:
    """Return the mailbox of an extension that has voicemail."""
    query = "SELECT id FROM voicemail_boxes WHERE extension_id = $1"
    identity = await pbx.db.fetchval(query, extension.id)
    return Mailbox(identity, extension, f"{extension.number}@example.org")


async def user(pbx: Pbx, **columns: Any) -> uuid.UUID:
    """Insert a user who has a mail address."""
    row = {
        "email": f"{uuid.uuid4()}@example.org",
        "password_hash": "-",
        "first_name": "Anna",
        "last_name": "Ärmel",
        "role": "user",
        **columns,
    }
    return await pbx.insert("users", **row)


Story = Callable[[Pbx], Awaitable[None]]


async def together(pbx: Pbx, *stories: Story) -> None:
    """Live through stories at the same time, each with a database connection of its own."""

    async def lived(story: Story) -> None:
        connection = await asyncpg.connect(pbx.stack["database_url"])
        try:
            await story(replace(pbx, db=connection))
        finally:
            await connection.close()

    tasks = [asyncio.create_task(lived(story)) for story in stories]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


# what callers do


async def reaches(call: Caller) -> None:
    """Be answered by a mailbox, skip the greeting, and hear the tone."""
    await call.answered()
    await call.send_dtmf("#")
    await beep(call)


async def beep(call: CallWords, within: float = 5.0) -> None:
    """Wait for the end of the tone."""
    await hears(call, BEEP, within, lasting=0.2)
    await call.hears_nothing(0.1)


async def hears(call: CallWords, hz: float, within: float = 15.0, lasting: float = 0.4) -> None:
    """Wait for a tone and nothing else: there are tones in speech, too."""
    least = round(lasting * call.ear.rate * 0.9)

    def came() -> bool:
        pcm = call.ear.recent(lasting)
        return len(pcm) >= least and _is_only(pcm, hz, call.ear.rate)

    await until(came, within, lambda: f"a tone of {hz:g} Hz in {call}", 0.02)


async def speaks(call: CallWords, within: float = 5.0, lasting: float = 0.4) -> None:
    """Wait until the exchange says something."""

    def came() -> bool:
        pcm = call.ear.recent(lasting)
        return len(pcm) >= lasting * call.ear.rate * 0.9 and not tones.is_silent(pcm)

    await until(came, within, lambda: f"somebody to speak in {call}", 0.02)


async def tells(call: Caller, hz: float, seconds: float = SPOKEN_SECONDS) -> None:
    """Say a tone for so long."""
    call.say(hz)
    await asyncio.sleep(seconds)
    call.say(0)


async def leaves(phone: RawPhone, number: str, hz: float) -> OutgoingCall:
    """Leave a tone in the mailbox that a number leads to, and hang up in mid-sentence."""
    call = await phone.invite(number)
    await reaches(call)
    await tells(call, hz)
    await call.hangup()
    return call


# what is left of it


async def messages(
    pbx: Pbx, box: Mailbox, amount: int = 1, within: float = 6.0
) -> list[asyncpg.Record]:
    """Wait for so many messages; return their rows, the oldest first."""
    query = "SELECT * FROM voicemail_messages WHERE voicemail_box_id = $1 ORDER BY received_at, id"

    async def came() -> list[asyncpg.Record]:
        rows = await pbx.db.fetch(query, box.id)
        return rows if len(rows) >= amount else []

    rows = await until(came, within, f"{amount} messages for {box.number}")
    assert len(rows) == amount, rows
    return rows


async def message(pbx: Pbx, box: Mailbox) -> asyncpg.Record:
    (row,) = await messages(pbx, box)
    return row


async def sentences(pbx: Pbx, cdr: asyncpg.Record) -> list[str]:
    """Return what a call was told, as its timeline says."""
    query = """
    SELECT details::jsonb ->> 'sentence' AS sentence FROM call_events
    WHERE call_id = $1 AND event = 'announced' ORDER BY seq"""
    return [event["sentence"] for event in await pbx.db.fetch(query, cdr["call_id"])]


async def delivered(pbx: Pbx, within: float = 6.0) -> None:
    """Wait until no recording is on its way; Asterisk has none then but what is given up."""
    query = "SELECT NOT EXISTS (SELECT FROM recording_deliveries WHERE state <> 'dead')"
    await until(lambda: pbx.db.fetchval(query), within, "no recording to be on its way")
    dead = await pbx.db.fetch("SELECT recording FROM recording_deliveries")
    stored = {recording["name"] for recording in await pbx.ari("recordings/stored")}
    assert stored <= {row["recording"] for row in dead}


async def content(pbx: Pbx, path: str) -> bytes:
    """Return an object."""

    def read() -> bytes:
        answer = _store(pbx).get_object(bucket_name=pbx.stack["s3"]["bucket"], object_name=path)
        try:
            return bytes(answer.read())
        finally:
            answer.close()
            answer.release_conn()

    return await asyncio.to_thread(read)


async def objects(pbx: Pbx, prefix: str) -> list[str]:
    """Return the paths of all objects that begin so."""

    def read() -> list[str]:
        found = _store(pbx).list_objects(pbx.stack["s3"]["bucket"], prefix, recursive=True)
        return [str(one.object_name) for one in found]

    return await asyncio.to_thread(read)


def holds(audio: bytes, *frequencies: float, rate: int = RATE) -> None:
    """Assert that a sound file has these tones, in this order and for a while each."""
    pcm, found = decoded(audio)
    assert found == rate
    assert len(pcm) >= rate * 0.5 * len(frequencies)
    sizes = range(0, len(pcm) - rate // 5, rate // 5)
    parts = [pcm[at : at + rate // 5] for at in sizes]
    heard = [hz for part in parts for hz in frequencies if _is_only(part, hz, rate)]
    order = [hz for place, hz in enumerate(heard) if place == 0 or heard[place - 1] != hz]
    assert order == list(frequencies), heard


def decoded(audio: bytes) -> tuple[Pcm, int]:
    pcm, rate = soundfile.read(io.BytesIO(audio), dtype="float32")
    return np.asarray(pcm, np.float32), rate


async def mails(pbx: Pbx, address: str, amount: int = 1, within: float = 6.0) -> list[EmailMessage]:
    """Wait for so many mails to an address; return them, the oldest first."""
    new = Path(pbx.stack["smtp"]["maildir"]) / "new"
    asked = f"X-RcptTo: {address}\n".encode()

    def came() -> list[EmailMessage]:
        files = sorted(new.iterdir(), key=lambda file: file.stat().st_mtime)
        found = [content for file in files if asked in (content := file.read_bytes())]
        return [_parsed(one) for one in found] if len(found) >= amount else []

    found = await until(came, within, f"{amount} mails to {address}", 0.05)
    assert len(found) == amount
    return found


async def mail(pbx: Pbx, address: str) -> EmailMessage:
    (found,) = await mails(pbx, address)
    return found


def enclosed(letter: EmailMessage) -> list[EmailMessage]:
    return list(letter.iter_attachments())


# what there is beforehand


async def prompt(pbx: Pbx, hz: float, seconds: float = 3.0, kind: str = "greeting") -> uuid.UUID:
    """Put a tone into the object store and `media_files`."""
    path = f"{kind}/{uuid.uuid4()}.wav"
    await _put(pbx, path, _wav(hz, seconds))
    return await pbx.insert(
        "media_files", name=f"{kind} {next(NAMES)}", file_type=kind, storage_path=path
    )


async def old_message(pbx: Pbx, box: Mailbox, hz: float, **columns: Any) -> uuid.UUID:
    """Put a tone into a mailbox, as if somebody had left it."""
    path, audio = f"voicemail/{uuid.uuid4()}.wav", _wav(hz, 2.0)
    await _put(pbx, path, audio)
    known = {
        "voicemail_box_id": box.id,
        "caller_number": "anonymous",
        "storage_path": path,
        "duration_seconds": 2,
        "file_size_bytes": len(audio),
        "checksum": hashlib.sha256(audio).hexdigest(),
        **columns,
    }
    names, places = ", ".join(known), ", ".join(f"${n}" for n in range(1, len(known) + 1))
    identity: uuid.UUID = await pbx.db.fetchval(
        f"INSERT INTO voicemail_messages ({names}) VALUES ({places}) RETURNING id", *known.values()
    )
    return identity


def _wav(hz: float, seconds: float) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, tones.tone(hz, seconds, RATE), RATE, "PCM_16", format="WAV")
    return file.getvalue()


async def _put(pbx: Pbx, path: str, content: bytes) -> None:
    bucket = pbx.stack["s3"]["bucket"]
    put = _store(pbx).put_object
    await asyncio.to_thread(put, bucket, path, io.BytesIO(content), len(content))


def _store(pbx: Pbx) -> Minio:
    s3 = pbx.stack["s3"]
    return Minio(
        endpoint=s3["endpoint"],
        access_key=s3["access_key"],
        secret_key=s3["secret_key"],
        secure=False,
    )


def _is_only(pcm: Pcm, hz: float, rate: int) -> bool:
    level = tones.level(pcm)
    return level > tones.SILENCE and tones.level_at(pcm, rate, hz) > level - 1


def _parsed(content: bytes) -> EmailMessage:
    return message_from_bytes(content, policy=policy.default)
