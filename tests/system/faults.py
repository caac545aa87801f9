"""Parts of the exchange that die, are away or do not answer; and messages that arrive all the same.

`name` of a part is that of `stasis_app.embedded`: postgres, objects, mail, asterisk, app.
"""

import asyncio
import hashlib
import os
import signal
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import asyncpg

from stasis_app.embedded.process import ProcessId
from stasis_app.embedded.state import StateDir
from tests.support import tones
from tests.support.caller import OutgoingCall
from tests.support.sip import RawPhone
from tests.support.until import until

from .pbx import Pbx
from .voicemail import (
    Mailbox,
    content,
    decoded,
    delivered,
    enclosed,
    messages,
    objects,
    reaches,
    speaks,
)

FRAME_SECONDS = 0.1
LONGEST = 1 << 24
LATE_SECONDS = 0.3
"""Between what a phone has said and what of it is in the recording: packets under way."""


def process(pbx: Pbx, name: str) -> ProcessId:
    return StateDir(pbx.state).children()[name]


@asynccontextmanager
async def away(pbx: Pbx, name: str, how: signal.Signals = signal.SIGKILL) -> AsyncIterator[None]:
    """End a part and keep it away: its supervisor is held still. Afterwards there is another."""
    supervisor = StateDir(pbx.state).supervisor()
    assert supervisor is not None
    old = process(pbx, name)
    os.kill(supervisor.pid, signal.SIGSTOP)
    try:
        os.kill(old.pid, how)
        await until(lambda: not old.is_alive(), 10.0, f"the end of {name}")
        yield
    finally:
        os.kill(supervisor.pid, signal.SIGCONT)
    await until(lambda: process(pbx, name) != old, 20.0, f"another {name}")


@asynccontextmanager
async def silent(pbx: Pbx, name: str) -> AsyncIterator[None]:
    """Hold a part still: its connections stay open, and nothing answers."""
    pid = process(pbx, name).pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def killed(pbx: Pbx, name: str) -> None:
    """kill -9 a part; return when there is another."""
    old = process(pbx, name)
    os.kill(old.pid, signal.SIGKILL)
    await until(lambda: process(pbx, name) != old, 20.0, f"another {name}")


@dataclass
class Speaker:
    """A caller who leaves a message: a tone, from the beep until he is done."""

    phone: RawPhone
    hz: float
    call: OutgoingCall
    since: float
    seconds: float = 0.0

    @classmethod
    async def begins(cls, phone: RawPhone, box: Mailbox, hz: float) -> "Speaker":
        """Dial a mailbox directly, skip the greeting and speak behind the tone."""
        return await cls.goes_on(phone, await phone.invite(f"*95{box.number}"), hz)

    @classmethod
    async def goes_on(cls, phone: RawPhone, call: OutgoingCall, hz: float) -> "Speaker":
        """Skip the greeting and speak behind the tone."""
        await reaches(call)
        call.say(hz)
        return cls(phone, hz, call, asyncio.get_running_loop().time())

    @property
    def said(self) -> float:
        """For how many seconds he has spoken until now."""
        return asyncio.get_running_loop().time() - self.since

    async def has_said(self, seconds: float) -> None:
        await until(lambda: self.said >= seconds, seconds + 1, f"{seconds:g} s of {self.hz:g} Hz")

    def is_cut_off(self) -> None:
        """What he says from now on is not recorded."""
        self.seconds = self.said

    async def hangs_up(self) -> None:
        """Hang up in mid-sentence."""
        self.seconds = self.said
        await self.call.hangup()

    async def is_done(self) -> None:
        """End the message with #."""
        self.seconds = self.said
        self.call.say(0)
        await self.call.press("#")

    async def chooses(self, keys: str) -> None:
        """Hear what can be done with the message, and do it."""
        await self.can_choose()
        await self.call.press(keys)

    async def can_choose(self) -> None:
        await self.call.hears_nothing(0.1)
        await speaks(self.call)


async def speakers(box: Mailbox, phones: Sequence[RawPhone]) -> list[Speaker]:
    """Have each phone speak into a mailbox, a tone of its own."""
    begun = (Speaker.begins(phone, box, 400 + 100 * n) for n, phone in enumerate(phones))
    return list(await asyncio.gather(*begun))


async def arrive(
    pbx: Pbx, box: Mailbox, spoken: Sequence[Speaker], *, lost: float = 0.0
) -> list[asyncpg.Record]:
    """Assert that all messages are in the mailbox: each once, whole, and with a mail.

    `lost` seconds may be missing at the end. Returns the rows, in the order of `spoken`.
    """
    rows = await messages(pbx, box, len(spoken), within=20.0)
    by_caller = {row["caller_number"]: row for row in rows}
    assert len(by_caller) == len(rows), f"some came twice: {rows}"
    ordered = [by_caller[speaker.phone.number] for speaker in spoken]
    for speaker, row in zip(spoken, ordered, strict=True):
        await _is_stored(pbx, row, speaker, lost)
    await nothing_is_under_way(pbx)
    await _mails_tell(pbx, box, ordered)
    assert len(await messages(pbx, box, len(spoken))) == len(spoken)
    return ordered


async def _is_stored(pbx: Pbx, row: asyncpg.Record, speaker: Speaker, lost: float) -> None:
    """One object, which is what the row says, and has the whole tone."""
    assert await objects_of(pbx, row["id"]) == [row["storage_path"]]
    audio = await content(pbx, row["storage_path"])
    assert hashlib.sha256(audio).hexdigest() == row["checksum"]
    assert len(audio) == row["file_size_bytes"]
    heard = whole(audio, speaker.hz)
    least = speaker.seconds - lost - LATE_SECONDS
    assert least <= heard <= speaker.seconds + LATE_SECONDS, (heard, speaker)


async def _mails_tell(pbx: Pbx, box: Mailbox, rows: Sequence[asyncpg.Record]) -> None:
    """One mail for each message, with its audio.

    What a mail server took when we were killed may come twice: it has the same Message-ID.
    """
    found = {letter["Message-ID"]: letter for letter in letters(pbx, box.address)}
    audio = [enclosed(letter)[0].get_content() for letter in found.values()]
    checksums = [hashlib.sha256(one).hexdigest() for one in audio]
    assert sorted(checksums) == sorted(row["checksum"] for row in rows)


def letters(pbx: Pbx, address: str) -> list[EmailMessage]:
    """Return all mails to an address."""
    files = (Path(pbx.stack["smtp"]["maildir"]) / "new").iterdir()
    asked = f"X-RcptTo: {address}\n".encode()
    found = [content for file in files if asked in (content := file.read_bytes())]
    return [message_from_bytes(one, policy=policy.default) for one in found]


async def nothing_is_under_way(pbx: Pbx, within: float = 20.0) -> None:
    """Wait until all is delivered and sent, and no recording is left in Asterisk.

    Mails that a process took and did not send are due again in a minute: here it is over at once.
    """
    await delivered(pbx, within)
    await pbx.db.execute("UPDATE mail_outbox SET next_try_at = now() WHERE state = 'pending'")
    await pbx.db.execute("NOTIFY pbx_changes, 'mail_outbox:*'")
    query = "SELECT NOT EXISTS (SELECT FROM mail_outbox WHERE state = 'pending')"
    await until(lambda: pbx.db.fetchval(query), within, "no mail to be waiting")
    await objects_are_removed(pbx)
    assert await pbx.ari("recordings/stored") == []


async def objects_are_removed(pbx: Pbx, within: float = 10.0) -> None:
    """Wait until no object is waiting to be removed."""
    query = "SELECT NOT EXISTS (SELECT FROM object_removals)"
    await until(lambda: pbx.db.fetchval(query), within, "no object to be waiting")


async def objects_of(pbx: Pbx, message: uuid.UUID) -> list[str]:
    """Return the paths of all objects that were made of a message."""
    return [path for path in await objects(pbx, "voicemail/") if str(message) in path]


def whole(audio: bytes, hz: float) -> float:
    """Assert that a sound file has one piece of a tone and else silence; return its seconds."""
    pcm, rate = decoded(audio)
    size = round(FRAME_SECONDS * rate)
    parts = [pcm[at : at + size] for at in range(0, len(pcm) - size + 1, size)]
    loud = [place for place, part in enumerate(parts) if not tones.is_silent(part)]
    assert loud, "silence"
    assert len(loud) == loud[-1] - loud[0] + 1, f"silence within {hz:g} Hz"
    inner = parts[loud[0] + 1 : loud[-1]]
    assert all(tones.contains_tone(part, rate, hz) for part in inner), f"not {hz:g} Hz throughout"
    return len(loud) * FRAME_SECONDS


class Dropper:
    """A mail server that takes every mail and then ends the connection without a word."""

    def __init__(self) -> None:
        self.dropped = 0

    @asynccontextmanager
    async def serving(self, port: int) -> AsyncIterator["Dropper"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=LONGEST)
        async with server:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"220 dropper\r\n")
            while line := await reader.readline():
                if line.upper().startswith(b"DATA"):
                    writer.write(b"354 go on\r\n")
                    await reader.readuntil(b"\r\n.\r\n")
                    self.dropped += 1
                    return
                writer.write(b"250 yes\r\n")
        finally:
            writer.close()
