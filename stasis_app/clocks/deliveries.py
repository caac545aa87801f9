"""Carries what was recorded from Asterisk to the object store and its row, whatever happens.

Every step can be done again, and the recording is deleted last: a process that is killed between
any two steps is followed by one that begins at the first.
"""

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import structlog

from stasis_app.ari.door import Door
from stasis_app.ari.errors import AriError, Gone
from stasis_app.media.audio import AudioError, convert
from stasis_app.media.objects import Missing, ObjectError, Objects
from stasis_app.media.speech import join, listen
from stasis_app.media.wav import mend
from stasis_app.rules.system_settings import MIN_SECONDS
from stasis_app.rules.voicemail import worth_keeping
from stasis_app.store.deliveries import OPEN, Deliveries, Delivery, StoredAudio
from stasis_app.store.directory import Directory
from stasis_app.store.media_files import MediaFiles
from stasis_app.words import DeliveryKind, DeliveryState

from .keeping import emptied, folder_in, noted, woken

log = structlog.get_logger()

TABLE = "recording_deliveries"
WAITS = "deliveries_wait"
AT_ONCE = 8
LOOK_AGAIN_SECONDS = 2.0
LONGEST_SECONDS = 1800.0
CLOSING_SECONDS = (0.05, 0.1, 0.2, 0.4)
TIMES_TO_LOOK = 5
PAUSE_SECONDS = 0.5
CONTENT_TYPE = "audio/wav"
DONE = (DeliveryState.STORED, DeliveryState.DISCARDED)

AWAY = (AriError, ObjectError, ConnectionError, TimeoutError, OSError)


class StillRecording(AriError):
    """Asterisk has not closed the file yet."""

    def __init__(self) -> None:
        super().__init__(0, "recordings", "it is still being recorded")


class Hopeless(Exception):
    """It can never be delivered; the text says why."""


@dataclass(frozen=True)
class Ready:
    """Audio as it will be stored."""

    path: Path
    seconds: float


class Deliverer:
    """Delivers several at once, as soon as they are finished or their calls are over.

    `folder` is ours alone; each delivery has its files there while it lasts.
    """

    def __init__(
        self,
        directory: Directory,
        door: Door,
        deliveries: Deliveries,
        *,
        files: MediaFiles,
        objects: Objects,
        folder: Path,
    ) -> None:
        self._book = directory.book
        self._changed = directory.watch(TABLE)
        self._door = door
        self._deliveries = deliveries
        self._files = files
        self._objects = objects
        self._folder = folder
        self._under_way: set[UUID] = set()
        self._not_found: Counter[UUID] = Counter()

    async def follow(self) -> None:
        await asyncio.to_thread(emptied, self._folder)
        self._under_way.clear()
        async with asyncio.TaskGroup() as group:
            while True:
                await self._door.connected.wait()
                self._changed.clear()
                try:
                    await self._begin(group)
                except ConnectionError as error:
                    log.warning("deliveries wait", action=WAITS, error=str(error))
                await woken(self._changed, LOOK_AGAIN_SECONDS)

    async def _begin(self, group: asyncio.TaskGroup) -> None:
        """Begin as many as there is room for."""
        if len(self._under_way) >= AT_ONCE:
            return
        for delivery in await self._deliveries.due():
            if delivery.id in self._under_way:
                continue
            if len(self._under_way) >= AT_ONCE:
                return
            self._under_way.add(delivery.id)
            group.create_task(self._deliver(delivery), name=f"delivery {delivery.id}")

    async def _deliver(self, delivery: Delivery) -> None:
        told = log.bind(**_named(delivery))
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                await self._carry(delivery)
        except (AudioError, Hopeless) as error:
            told.error("recording can't be delivered", action="delivery_dead", error=str(error))
            await noted(self._deliveries.give_up(delivery, str(error)), WAITS)
        except AWAY as error:
            tell = told.info if delivery.attempts else told.warning
            tell("delivery failed", action="delivery_failed", error=str(error))
            await noted(self._deliveries.fail(delivery, str(error) or "no answer in time"), WAITS)
        except Exception as error:
            told.exception("delivery failed", action="delivery_failed")
            await noted(self._deliveries.fail(delivery, type(error).__name__), WAITS)
        finally:
            self._under_way.discard(delivery.id)
            self._changed.set()

    async def _carry(self, delivery: Delivery) -> None:
        if delivery.state is not DeliveryState.STORED and delivery.recording:
            await self._await_end(delivery.recording)
        state: DeliveryState | None = delivery.state
        if state in OPEN:
            state = await self._store(delivery)
        if state not in DONE:
            return
        if delivery.recording:
            with contextlib.suppress(Gone):
                await self._door.delete_recording(delivery.recording)
        await self._deliveries.drop(delivery)

    async def _await_end(self, recording: str) -> None:
        """A hangup is in Postgres some ms before Asterisk has closed the file."""
        for pause in CLOSING_SECONDS:
            if not await self._door.recording_lives(recording):
                return
            await asyncio.sleep(pause)
        raise StillRecording

    async def _store(self, delivery: Delivery) -> DeliveryState | None:
        """Put the audio where it belongs; what is not worth it is discarded.

        Return how it stands then: somebody else may have been at it.
        """
        if not delivery.has_box:
            raise Hopeless("the mailbox is gone")
        if delivery.state is DeliveryState.RECORDING and delivery.kind is not DeliveryKind.MESSAGE:
            return await self._deliveries.discard(delivery, "nobody has accepted it")
        async with folder_in(self._folder) as folder:
            ready = await self._prepared(delivery, folder)
            if ready is None:
                log.info("nothing to deliver", action="discarded", **_named(delivery))
                problem = "silent, too short, or nothing recorded"
                return await self._deliveries.discard(delivery, problem)
            audio = await self._put(delivery.storage_path, ready)
        state = await self._deliveries.commit(delivery, audio)
        if state is DeliveryState.DEAD:
            raise Hopeless("there is nothing any more that it is for, or it was given up")
        if state is DeliveryState.STORED:
            seconds = round(ready.seconds, 1)
            log.info("delivered", action="delivered", seconds=seconds, **_named(delivery))
        return state

    async def _put(self, key: str, ready: Ready) -> StoredAudio:
        size = ready.path.stat().st_size
        with ready.path.open("rb") as file:
            stored = await self._objects.put(key, file, size, CONTENT_TYPE)
        return StoredAudio(key, ready.seconds, stored.size, stored.sha256)

    async def _prepared(self, delivery: Delivery, folder: Path) -> Ready | None:
        """Return the audio as it is to be stored; None: there is nothing worth it."""
        recorded = await self._recorded(delivery, folder / "recorded.wav")
        if delivery.kind is DeliveryKind.MESSAGE:
            return await self._message(delivery, recorded, folder)
        if recorded is None or not await self._is_worth_keeping(recorded):
            return None  # a greeting or prompt that nobody can hear takes the place of no other
        target = folder / "converted.wav"
        name = f"recording {delivery.id}"
        audio = await asyncio.to_thread(convert, recorded.path, target, name=name)
        return Ready(target, audio.seconds)

    async def _recorded(self, delivery: Delivery, path: Path) -> Ready | None:
        """Fetch what Asterisk has; None: nothing was ever recorded."""
        if delivery.recording is None:
            return None
        try:
            with path.open("wb") as file:
                await self._door.fetch_recording(delivery.recording, file)
        except Gone as error:
            if not delivery.is_empty:
                self._miss(delivery, error)
            return None
        self._not_found.pop(delivery.id, None)
        mended = await asyncio.to_thread(mend, path)
        return Ready(path, mended.seconds)

    def _miss(self, delivery: Delivery, error: Gone) -> None:
        """Asterisk has no such recording. One that has just begun may not have all its modules.

        Raises Gone if it is to be looked for once more, Hopeless if something is lost.
        """
        self._not_found[delivery.id] += 1
        if self._not_found[delivery.id] < TIMES_TO_LOOK:
            raise error
        del self._not_found[delivery.id]
        if delivery.has_audio:
            raise Hopeless("Asterisk has lost the recording") from error

    async def _message(
        self, delivery: Delivery, recorded: Ready | None, folder: Path
    ) -> Ready | None:
        """A message that is forwarded follows the comment, if there is one."""
        least = self._book.number("voicemail.min_seconds", MIN_SECONDS)
        parts = [recorded] if recorded and await self._is_worth_keeping(recorded, least) else []
        if delivery.forwarded_from:
            original = await self._original(delivery.forwarded_from, folder / "original.wav")
            if original:
                parts.append(original)
            elif not parts:
                raise Hopeless("the message that is forwarded is gone")
        if len(parts) <= 1:
            return parts[0] if parts else None
        target = folder / "joined.wav"
        paths = [part.path for part in parts]
        audio = await asyncio.to_thread(join, paths, target, PAUSE_SECONDS)
        return Ready(target, audio.seconds)

    async def _is_worth_keeping(self, recorded: Ready, least: float = 0.0) -> bool:
        """Return whether something is heard, for so many seconds in all."""
        if not recorded.seconds:
            return False
        heard = await asyncio.to_thread(listen, recorded.path)
        return worth_keeping(heard.seconds, heard.talking, least)

    async def _original(self, message: UUID, path: Path) -> Ready | None:
        """Fetch the message that is forwarded; None: it is gone."""
        row = await self._files.message(message)
        if row is None:
            return None
        try:
            await self._objects.fetch(row.storage_path, path)
        except Missing:
            return None
        return Ready(path, (await asyncio.to_thread(listen, path)).seconds)


def _named(delivery: Delivery) -> dict[str, str]:
    """Return what a line of the log says of whose it is."""
    return {
        "delivery": str(delivery.id),
        "kind": delivery.kind.value,
        "call": str(delivery.call),
    }
