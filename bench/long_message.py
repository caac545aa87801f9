"""Memory while a message of an hour is delivered, beside one of ten seconds.

Nobody speaks for an hour here: the recording is put where Asterisk keeps what it has recorded, and
its delivery into Postgres.
"""

import hashlib
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tests.support.tones import to_int16, tone
from tests.support.until import until

from . import processes, sounds
from .report import Figure
from .session import Session
from .stack import CALLEES

SHORT_SECONDS, LONG_SECONDS = 10, 3600
ORDER = (SHORT_SECONDS, SHORT_SECONDS, LONG_SECONDS, SHORT_SECONDS)  # the first warms up
HZ = 400
PARTS = ("app", "asterisk")
MOST_SHARE = 0.25  # of the file
WITHIN_SECONDS, LOOK_SECONDS = 300.0, 0.05
BYTES_PER_SECOND = sounds.RATE * 2
MEGABYTE = 1e6

DELIVERY = """
INSERT INTO recording_deliveries (
    id, kind, call_id, recording, box_id, state, began_at, finished_at)
SELECT $1, 'message', $1, $2, box.id, 'finished', now(), now()
FROM voicemail_boxes AS box JOIN extensions AS extension ON extension.id = extension_id
WHERE number = $3
"""
DONE = """
SELECT EXISTS (SELECT FROM mail_outbox WHERE message_id = $1 AND state = 'sent')
    AND NOT EXISTS (SELECT FROM recording_deliveries WHERE id = $1)
"""
STORED = "SELECT storage_path, checksum FROM voicemail_messages WHERE id = $1"


@dataclass(frozen=True)
class Delivered:
    """One message: seconds until it was stored and mailed, kB by which each part grew at most."""

    seconds: float
    grown: dict[str, int]
    intact: bool


async def measure(session: Session, part: str) -> list[Figure]:
    delivered: dict[int, Delivered] = {}
    async with processes.foreign_share(session.stack.supervisor) as foreign:
        for seconds in ORDER:
            await session.calm()
            delivered[seconds] = await _deliver(session, seconds)
            print(f"  message of {seconds} s: {delivered[seconds]}", flush=True)
    raw = {seconds: vars(one) for seconds, one in delivered.items()}
    session.runs.append({"part": part, "long": raw, "cost": {"foreign": foreign[0]}})
    return list(_figures(part, delivered))


def _figures(part: str, delivered: dict[int, Delivered]) -> Iterator[Figure]:
    for seconds in (SHORT_SECONDS, LONG_SECONDS):
        one, label = delivered[seconds], f"message of {seconds} s: "
        yield Figure(part, f"{label}intact", one.intact, "", 1)
        yield Figure(part, f"{label}until stored and mailed", one.seconds, "s")
        for name in PARTS:
            yield Figure(part, f"{label}{name} grows by", one.grown[name] * 1000 / MEGABYTE, "MB")
    size = LONG_SECONDS * BYTES_PER_SECOND
    yield Figure(part, f"message of {LONG_SECONDS} s: its file", size / MEGABYTE, "MB")
    for name in PARTS:
        more = (delivered[LONG_SECONDS].grown[name] - delivered[SHORT_SECONDS].grown[name]) * 1000
        label = f"{name} grows by more than for {SHORT_SECONDS} s, to the file"
        yield Figure(part, label, more / size, "x", None, MOST_SHARE if name == "app" else None)


async def _deliver(session: Session, seconds: int) -> Delivered:
    stack, message = session.stack, uuid4()
    recording = f"bench-{message}"
    path = stack.asterisk / "spool" / "recording" / f"{recording}.wav16"
    digest = _write(path, seconds)
    pids = {part: stack.pid(part) for part in PARTS}
    resident = {part: processes.forget_peak(pid) for part, pid in pids.items()}
    started = time.monotonic()
    async with stack.sql() as connection:
        await connection.execute(DELIVERY, message, recording, CALLEES[0])
        await until(
            lambda: connection.fetchval(DONE, message),
            WITHIN_SECONDS,
            f"a message of {seconds} s to be stored and mailed",
            LOOK_SECONDS,
        )
        took = time.monotonic() - started
        grown = {part: processes.peak(pid) - resident[part] for part, pid in pids.items()}
        path_of_object, checksum = await connection.fetchrow(STORED, message) or ("", "")
    with sounds.objects(stack) as store:
        held = await sounds.digest(store, path_of_object)
    await stack.execute("DELETE FROM voicemail_messages WHERE id = $1", message)
    return Delivered(took, grown, {held, checksum} == {digest} and not path.exists())


def _write(path: Path, seconds: int) -> str:
    """Write a recording as Asterisk does, second by second; return its SHA-256."""
    second = to_int16(tone(HZ, 1.0, sounds.RATE))
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, sounds.RATE, seconds * sounds.RATE, "NONE", ""))
        for _ in range(seconds):
            file.writeframesraw(second)
    with path.open("rb") as written:
        return hashlib.file_digest(written, "sha256").hexdigest()
