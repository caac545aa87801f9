"""Mailboxes for messages: those of PBX-X, and app_voicemail's beside them. What has arrived there.

Each callee's box takes the message of one caller; both greet with the same second of a tone.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import soundfile

from . import sounds
from .stack import CALLEES, Stack

GREETING_HZ, GREETING_SECONDS = 440, 1.0
LEAVE = "*95"
NATIVE_PREFIX, NATIVE_PROFILE = "75", "bench"
DOMAIN = "bench.example.org"
NEAR_HZ = 10.0

PREPARE = """
UPDATE voicemail_boxes AS box SET greeting_prompt_id = $2, email_notification = TRUE,
    attach_audio = TRUE, email_address = extension.number || '@' || $3
FROM extensions AS extension WHERE extension.id = extension_id AND number = ANY ($1)
"""
EMPTY = """
DELETE FROM voicemail_messages WHERE voicemail_box_id IN (
    SELECT box.id FROM voicemail_boxes AS box
    JOIN extensions AS extension ON extension.id = extension_id WHERE number = ANY ($1))
"""
STORED = """
SELECT extension.number, message.storage_path, message.checksum,
    extract(epoch FROM pg_xact_commit_timestamp(message.xmin))::float8 AS at
FROM voicemail_messages AS message
JOIN voicemail_boxes AS box ON box.id = voicemail_box_id
JOIN extensions AS extension ON extension.id = extension_id
WHERE number = ANY ($1) ORDER BY at
"""
MODULE = "app_voicemail.so"
CONFIGURATION = """
[general]
format = wav16
attach = yes
attachfmt = wav16
serveremail = bench
maxsecs = 180
minsecs = 2
maxsilence = 10
mailcmd = cat > $(mktemp {inside}/bench/mail/XXXXXXXX)

[{profile}]
{boxes}
"""


@dataclass
class Arrived:
    """What came: by the box's number, when it was there, in seconds since the epoch.

    `broken` are boxes whose message is not what its caller said, or came twice.
    """

    stored: dict[str, float] = field(default_factory=dict)
    mailed: dict[str, float] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)


class Boxes(Protocol):
    """A way to leave messages. `name` is the variant's."""

    name: str

    def dialled(self, box: str) -> str: ...

    async def empty(self) -> None:
        """Begin anew."""

    async def recording(self) -> int:
        """Return how many callers are being recorded."""

    async def count(self) -> tuple[int, int]:
        """Return how many messages and how many mails there are."""

    async def arrived(self, said: Mapping[str, int], least: float) -> Arrived:
        """Return what came; in each box there should be a tone, `least` seconds of it or more."""


class ProductBoxes:
    """Rows, objects, and mails in the sink."""

    name = "C PBX-X"

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._sink = Path(stack.description["smtp"]["maildir"]) / "new"
        self._old: set[Path] = set()

    def dialled(self, box: str) -> str:
        return LEAVE + box

    async def empty(self) -> None:
        await self._stack.execute(EMPTY, CALLEES)
        self._old = set(self._sink.iterdir())

    async def recording(self) -> int:
        async with self._stack.sql() as connection:
            return int(await connection.fetchval("SELECT count(*) FROM recording_deliveries"))

    async def count(self) -> tuple[int, int]:
        async with self._stack.sql() as connection:
            messages = await connection.fetch(STORED, CALLEES)
        return len(messages), len(self._mails())

    async def arrived(self, said: Mapping[str, int], least: float) -> Arrived:
        arrived = Arrived()
        async with self._stack.sql() as connection:
            rows = await connection.fetch(STORED, CALLEES)
        with sounds.objects(self._stack) as store:
            for row in rows:
                box = row["number"]
                audio = await sounds.content(store, row["storage_path"])
                whole = hashlib.sha256(audio).hexdigest() == row["checksum"]
                right = whole and _holds(audio, said.get(box, 0), least)
                if not right or box in arrived.stored:
                    arrived.broken.add(box)
                arrived.stored[box] = row["at"]
        _take_mails(arrived, self._mails(), b"X-RcptTo")
        return arrived

    def _mails(self) -> list[Path]:
        return [file for file in self._sink.iterdir() if file not in self._old]


class NativeBoxes:
    """Files of app_voicemail; its mails are handed to a command that writes them into files."""

    name = "A native"

    def __init__(self, stack: Stack) -> None:
        self._spool = stack.asterisk / "spool" / "voicemail" / NATIVE_PROFILE
        self._mail = stack.asterisk / "bench" / "mail"
        self._old: set[Path] = set()

    def dialled(self, box: str) -> str:
        return NATIVE_PREFIX + box

    async def empty(self) -> None:
        for file in [*self._files("INBOX/msg*"), *self._files("tmp/*"), *self._mail.iterdir()]:
            file.unlink()

    async def recording(self) -> int:
        return len(self._files("tmp/*.wav16"))

    async def count(self) -> tuple[int, int]:
        return len(self._files("INBOX/msg*.txt")), len(self._mails())

    async def arrived(self, said: Mapping[str, int], least: float) -> Arrived:
        arrived = Arrived()
        for file in self._files("INBOX/msg*.txt"):
            box = file.parts[-3]
            audio = file.with_suffix(".wav16").read_bytes()
            if not _holds(audio, said.get(box, 0), least) or box in arrived.stored:
                arrived.broken.add(box)
            arrived.stored[box] = file.stat().st_ctime  # it was written before, and is renamed
        _take_mails(arrived, self._mails(), b"To")
        return arrived

    def _mails(self) -> list[Path]:
        return [file for file in self._mail.iterdir() if file.stat().st_size]

    def _files(self, pattern: str) -> list[Path]:
        return list(self._spool.glob(f"*/{pattern}"))


@asynccontextmanager
async def product(stack: Stack) -> AsyncIterator[ProductBoxes]:
    greeting = await sounds.add_prompt(stack, "greeting", _greeting())
    await stack.execute(PREPARE, CALLEES, greeting, DOMAIN)
    boxes = ProductBoxes(stack)
    try:
        yield boxes
    finally:
        await stack.execute(EMPTY, CALLEES)
        await stack.execute("DELETE FROM media_files WHERE id = $1", greeting)


@asynccontextmanager
async def native(stack: Stack) -> AsyncIterator[NativeBoxes]:
    greeting = sounds.add_native_prompt(stack, "greeting", _greeting())
    (stack.asterisk / "bench" / "mail").mkdir(exist_ok=True)
    lines = [f"{box} => 0000,Bench,{box}@{DOMAIN}" for box in CALLEES]
    (stack.asterisk / "etc" / "voicemail.conf").write_text(
        CONFIGURATION.format(inside=stack.inside, profile=NATIVE_PROFILE, boxes="\n".join(lines))
    )
    said = await stack.cli(f"module load {MODULE}")
    if "Loaded" not in said:
        raise RuntimeError(f"{MODULE}: {said}")
    try:
        where = ("from-phones", f"_{NATIVE_PREFIX}20XX")
        await stack.extension(*where, 1, "Answer()")
        await stack.extension(*where, 2, "Wait(0.3)")  # as PBX-X does
        await stack.extension(*where, 3, f"Playback({greeting})")
        await stack.extension(*where, 4, f"VoiceMail(${{EXTEN:2}}@{NATIVE_PROFILE},s)")
        yield NativeBoxes(stack)
    finally:
        await stack.cli(f"module unload {MODULE}")


def _greeting() -> bytes:
    return sounds.wav(GREETING_HZ, GREETING_SECONDS)


def _holds(audio: bytes, hz: int, least: float) -> bool:
    try:
        loudest, seconds = sounds.loudest_hz(audio)
    except (soundfile.SoundFileError, ValueError):
        return False
    return abs(loudest - hz) < NEAR_HZ and seconds >= least


def _take_mails(arrived: Arrived, files: Sequence[Path], header: bytes) -> None:
    """Note when the mail for each box was there; one without its audio is broken."""
    recipient = re.compile(rb"^" + header + rb":.*?(\d+)@" + DOMAIN.encode(), re.MULTILINE)
    for file in files:
        content = file.read_bytes()
        if found := recipient.search(content):
            box = found[1].decode()
            if b"audio/" not in content or box in arrived.mailed:
                arrived.broken.add(box)
            arrived.mailed[box] = file.stat().st_mtime
