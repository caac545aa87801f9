"""Recording what a caller says, so that it arrives whatever happens."""

import asyncio
import contextlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import inf
from typing import Any

import structlog

from stasis_app.ari.errors import AriError, Gone, Unreachable
from stasis_app.ari.events import Event, RecordingFailed, RecordingFinished
from stasis_app.words import DeliveryKind

from .call import Call

log = structlog.get_logger()

LATE_SECONDS = 30.0
LOOK_SECONDS = 10.0
UNDER_WAY_SECONDS = 1.0
STOP_KEY = "#"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recording that has ended: how long it is, and how much of it is no silence.

    They are None when Asterisk could not tell us. One that has `failed` has never begun. One that
    was `cut_off` was ended by nobody and nothing: Asterisk could not write on.
    """

    seconds: float | None = None
    talking: float | None = None
    failed: bool = False
    cut_off: bool = False


class NotWritten(Exception):
    """It can't be written down that something is to be recorded: it would get nowhere."""


class Kept:
    """Something recorded that must get somewhere: written down before it is begun.

    It is delivered after the call, also of a process that is killed (see clocks/deliveries.py).
    `recording` is its name in Asterisk; None when there is nothing to record. `seconds` is what
    Asterisk has counted: 0 until it records, None as long as it is not known. `finished` is
    whether it was written down that whoever spoke is done.
    """

    def __init__(
        self, call: Call, identity: uuid.UUID, recording: str | None, seconds: float | None = None
    ) -> None:
        self._call = call
        self.id = identity
        self.recording = recording
        self.seconds = seconds
        self.finished = False
        self._over = False

    def change(self, **details: Any) -> None:
        """Add to what is known of it."""
        self._call.journal.deliver(self.id, details=details)

    def discard(self) -> None:
        """Deliver nothing, and delete what was recorded."""
        if not self._over:
            self._over = True
            self._call.journal.deliver(self.id, discarded=True)

    def close(self) -> None:
        if not self._over:
            self._over = True
            unknown = self.recording is None or self.seconds is None
            self.finished = self._call.journal.deliver(
                self.id,
                finished_at=datetime.now(UTC).isoformat(),
                details={} if unknown else {"seconds": self.seconds},
            )


class Recording:
    """Receives the events of one recording."""

    def __init__(self, keeping: Kept) -> None:
        self.name = keeping.recording or ""
        self.finished: asyncio.Future[Recorded] = asyncio.get_running_loop().create_future()
        self._keeping = keeping

    def begin(self) -> None:
        """Asterisk has taken it on; how much there is only its end tells."""
        if not self.finished.done():
            self._keeping.seconds = None

    def never_began(self) -> None:
        self._keeping.seconds = 0.0

    def deliver(self, event: Event) -> None:
        if isinstance(event, RecordingFinished):
            self._finish(Recorded(event.seconds, event.talking_seconds))
        elif isinstance(event, RecordingFailed):
            log.warning("recording failed", action="recording_failed", error=event.reason)
            self._finish(Recorded(0.0, failed=True))

    def _finish(self, recorded: Recorded) -> None:
        if not self.finished.done():
            self._keeping.seconds = recorded.seconds
            self.finished.set_result(recorded)


@contextmanager
def kept(
    call: Call,
    kind: DeliveryKind,
    *,
    box: uuid.UUID | None = None,
    recording: str | None = None,
    **details: Any,
) -> Iterator[Kept]:
    """Promise to deliver what is recorded in this block, unless it is discarded in it.

    Raises NotWritten, and nothing may be recorded.
    """
    keeping = Kept(call, uuid.uuid4(), recording, seconds=0.0)
    written = call.journal.deliver(
        keeping.id,
        kind=kind,
        box_id=str(box) if box else None,
        recording=recording,
        began_at=datetime.now(UTC).isoformat(),
        details=details,
    )
    if not written:
        log.error("recording can't be promised", action="recording_refused", kind=kind.value)
        raise NotWritten
    with still_kept(keeping):
        yield keeping


@contextmanager
def still_kept(keeping: Kept) -> Iterator[Kept]:
    """Go on with a promise that a process which is gone has made."""
    try:
        yield keeping
    finally:
        keeping.close()


async def record(
    call: Call, keeping: Kept, *, max_seconds: float, silence_seconds: float, beep: bool = True
) -> Recorded:
    """Record the caller until `#`, silence or the limit. Keys pressed meanwhile mean nothing.

    `silence_seconds` 0: silence does not end it.
    """
    receiver = Recording(keeping)
    await call.unbridged()
    since = asyncio.get_running_loop().time()
    with call.exchange.inboxes.open(receiver.name, receiver):
        try:
            await call.exchange.door.record(
                call.caller.id,
                receiver.name,
                max_seconds=max_seconds,
                silence_seconds=silence_seconds,
                beep=beep,
                stop_on=STOP_KEY,
            )
        except Gone:
            raise
        except AriError as error:
            log.warning("recording failed", action="recording_failed", error=str(error))
            recorded = await _although_refused(call, receiver, max_seconds, error)
        else:
            receiver.begin()
            recorded = await _ended(call, receiver, max_seconds)
            recorded = _judged(call, recorded, since, min(max_seconds, silence_seconds or inf))
    call.keys.clear()
    return recorded


def _judged(call: Call, recorded: Recorded, since: float, least: float) -> Recorded:
    """Mark a recording that Asterisk could not write on: it says that all is well (22.10).

    Neither silence nor the limit can have ended it before `least` seconds were over.
    """
    passed = asyncio.get_running_loop().time() - since
    ended = call.caller.insisting or STOP_KEY in call.keys or passed >= least
    if ended or recorded.failed or recorded.seconds is None:
        return recorded
    log.warning("recording was cut off", action="recording_failed", seconds=recorded.seconds)
    return replace(recorded, cut_off=True)


async def _although_refused(
    call: Call, receiver: Recording, max_seconds: float, error: AriError
) -> Recorded:
    """A request without an answer may have begun the recording all the same."""
    found = None
    if isinstance(error, Unreachable):
        receiver.begin()
        found = await _find(call, receiver, max_seconds)
    return found or Recorded(failed=True)


async def go_on_recording(call: Call, keeping: Kept, *, max_seconds: float) -> Recorded | None:
    """Wait for the end of a recording that was asked for by a process which is gone.

    None if it has never begun.
    """
    receiver = Recording(keeping)
    with call.exchange.inboxes.open(receiver.name, receiver):
        recorded = await _find(call, receiver, max_seconds)
    if recorded:
        call.keys.clear()
    return recorded


async def _find(call: Call, receiver: Recording, max_seconds: float) -> Recorded | None:
    door = call.exchange.door
    if receiver.finished.done() or await door.recording_lives(receiver.name):
        return await _ended(call, receiver, max_seconds)
    if receiver.name in await door.stored_recordings():
        return Recorded()
    receiver.never_began()
    return None


async def _ended(call: Call, receiver: Recording, max_seconds: float) -> Recorded:
    try:
        async with asyncio.timeout(max_seconds + LATE_SECONDS):
            await _finished(call, receiver)
    except TimeoutError:
        log.warning("recording did not end", action="recording_lost")
    return receiver.finished.result() if receiver.finished.done() else Recorded()


async def _finished(call: Call, receiver: Recording) -> None:
    """Wait for the end. It may come while we have no connection: that is asked now and then."""
    lives = True
    while lives and not await _within(LOOK_SECONDS, receiver):
        with contextlib.suppress(Unreachable):
            lives = await call.exchange.door.recording_lives(receiver.name)
    if not lives:
        await _within(UNDER_WAY_SECONDS, receiver)


async def _within(seconds: float, receiver: Recording) -> bool:
    done, _ = await asyncio.wait((receiver.finished,), timeout=seconds)
    return bool(done)
