"""`recording_deliveries`: recordings on their way from Asterisk to the object store and a row.

Who delivers asks what is `due`, carries the audio, and then has it committed: the row, the mails
and the state in one transaction. Nothing is claimed before: two that work at once may carry the
same audio to the same place, and one of them commits it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from stasis_app.rules.mailbox import Greeting
from stasis_app.words import DeliveryKind, DeliveryState

from .deliveries_sql import (
    ADD_MAILS,
    ADD_MEDIA,
    ADD_MESSAGE,
    DISCARD,
    DROP,
    DUE,
    FAIL,
    GIVE_UP,
    KEEP_OBJECT,
    LEFT_OVER,
    LOCK,
    LOCK_BOX,
    REMOVE_OBJECT,
    REPLACE_MEDIA,
    STORED,
    WAITING,
)
from .greetings import set_greeting
from .pool import Pool

SECONDS = 10.0
BACK_OFF_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
FOLDERS = {DeliveryKind.MESSAGE: "voicemail"}
LONGEST_PROBLEM = 500
LONGEST_NUMBER = 50
LONGEST_NAME = 100
UNKNOWN_CALLER = "anonymous"
OPEN = (DeliveryState.RECORDING, DeliveryState.FINISHED)
NOWHERE = (DeliveryState.DEAD, DeliveryState.DISCARDED)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of `recording_deliveries`. `recording` is its name in Asterisk; None: none was made.

    `has_box` is false when the mailbox it is for is gone: it can't be delivered.
    """

    id: UUID
    kind: DeliveryKind
    state: DeliveryState
    call: UUID
    recording: str | None
    box: UUID | None
    details: Mapping[str, Any]
    began_at: datetime
    finished_at: datetime | None
    attempts: int
    has_box: bool

    @property
    def storage_path(self) -> str:
        """Where its object belongs; the same at each attempt, so that none is left over."""
        folder = FOLDERS.get(self.kind, self.kind.value)
        return f"{folder}/{self.began_at:%Y/%m}/{self.id}.wav"

    @property
    def has_audio(self) -> bool:
        """Whether something was recorded, as far as is known.

        Not if Asterisk has counted nothing, or if the call ended without a word about it.
        """
        return self.state is DeliveryState.FINISHED and not self.is_empty

    @property
    def is_empty(self) -> bool:
        """Whether Asterisk has counted nothing: the caller hung up during the tone."""
        return self.details.get("seconds") == 0

    @property
    def forwarded_from(self) -> UUID | None:
        """The message whose audio belongs behind this one."""
        text = self.details.get("forwarded_from")
        return UUID(text) if text else None


@dataclass(frozen=True, slots=True)
class StoredAudio:
    """An object that was written and read back. `size` in bytes, `rate` in samples a second."""

    storage_path: str
    seconds: float
    size: int
    sha256: str
    rate: int = 16000


@dataclass(frozen=True, slots=True)
class LeftOver:
    """A recording in Asterisk that nobody delivers.

    It is `of_ended` call, `old` a week after that; else nobody knows of its call (yet).
    """

    recording: str
    of_ended: bool
    old: bool


class Undeliverable(Exception):
    """It can never be committed."""


class Deliveries:
    """Every method raises ConnectionError when Postgres is away."""

    def __init__(self, dsn: str) -> None:
        self._pool = Pool(dsn, seconds=SECONDS)

    async def due(self, most: int = 50) -> list[Delivery]:
        """Return what is to be done now, the longest overdue first.

        What was recorded is due when the caller has finished it, or when the call is over; then
        its state is still RECORDING, and Asterisk may even be recording still.
        """
        async with self._pool.connection("deliveries can't be read") as connection:
            return [_delivery(row) for row in await connection.fetch(DUE, most)]

    async def left_over(self, recordings: Sequence[str]) -> list[LeftOver]:
        """Return those of our recordings that nobody delivers, but those of calls that go on."""
        async with self._pool.connection("deliveries can't be read") as connection:
            rows = await connection.fetch(LEFT_OVER, recordings)
        return [LeftOver(row["name"], row["ended_at"] is not None, row["old"]) for row in rows]

    async def waiting(self) -> int:
        """Return how many should have arrived a minute ago, without those that are given up."""
        async with self._pool.connection("deliveries can't be counted") as connection:
            return int(await connection.fetchval(WAITING))

    async def commit(self, delivery: Delivery, audio: StoredAudio) -> DeliveryState | None:
        """Write the row that the audio is for, and what follows from it; then it is STORED.

        Return its state: whoever comes second changes nothing, and is told how it stands (None: it
        is dropped). One that can't be delivered, ever (there is no such mailbox any more), is DEAD.
        The object of one that is dead or discarded will be removed.
        """
        try:
            async with self._pool.transaction("a recording can't be stored") as connection:
                state = await _state(connection, delivery)
                if state in OPEN:
                    await connection.execute(KEEP_OBJECT, audio.storage_path)
                    await _write(connection, delivery, audio)
                    await connection.execute(STORED, delivery.id)
                    return DeliveryState.STORED
                if state in NOWHERE:
                    await connection.execute(REMOVE_OBJECT, audio.storage_path)
                return state
        except Undeliverable as error:
            await self.give_up(delivery, str(error), audio.storage_path)
            return DeliveryState.DEAD

    async def discard(self, delivery: Delivery, problem: str) -> DeliveryState | None:
        """Note that nothing is to be delivered, and why; only the recording is left to delete.

        Return its state, as `commit` does.
        """
        async with self._pool.transaction("a delivery can't be changed") as connection:
            state = await _state(connection, delivery)
            if state not in OPEN:
                return state
            await connection.execute(DISCARD, delivery.id, problem)
            return DeliveryState.DISCARDED

    async def fail(self, delivery: Delivery, problem: str) -> float:
        """Note a failure; return the seconds after which it is due again."""
        seconds = BACK_OFF_SECONDS[min(delivery.attempts, len(BACK_OFF_SECONDS) - 1)]
        await self._execute(FAIL, delivery.id, problem[:LONGEST_PROBLEM], seconds)
        return seconds

    async def give_up(
        self, delivery: Delivery, problem: str, storage_path: str | None = None
    ) -> None:
        """Note that it can't be delivered; an object that was written already is removed."""
        async with self._pool.transaction("a delivery can't be given up") as connection:
            given_up = await connection.fetchval(GIVE_UP, delivery.id, problem[:LONGEST_PROBLEM])
            if given_up and storage_path:
                await connection.execute(REMOVE_OBJECT, storage_path)

    async def drop(self, delivery: Delivery) -> None:
        """Forget it: it is stored or discarded, and Asterisk has deleted its recording."""
        await self._execute(DROP, delivery.id)

    def close(self) -> None:
        self._pool.close()

    async def _execute(self, statement: str, *arguments: object) -> None:
        async with self._pool.connection("a delivery can't be changed") as connection:
            await connection.execute(statement, *arguments)


async def _state(connection: asyncpg.Connection, delivery: Delivery) -> DeliveryState | None:
    """Return how it stands, and have everybody else wait; None: it is dropped."""
    state = await connection.fetchval(LOCK, delivery.id)
    return DeliveryState(state) if state else None


async def _write(connection: asyncpg.Connection, delivery: Delivery, audio: StoredAudio) -> None:
    """Raises Undeliverable."""
    if delivery.kind is DeliveryKind.MESSAGE:
        await _write_message(connection, delivery, audio)
    elif delivery.kind is DeliveryKind.GREETING:
        await _write_greeting(connection, delivery, audio)
    else:
        await _write_prompt(connection, delivery, audio)


async def _write_message(
    connection: asyncpg.Connection, delivery: Delivery, audio: StoredAudio
) -> None:
    details = delivery.details
    if not await connection.fetchval(LOCK_BOX, delivery.box):
        raise Undeliverable("the mailbox is gone")
    await connection.execute(
        ADD_MESSAGE,
        delivery.id,
        delivery.box,
        _text(details, "caller_number", LONGEST_NUMBER) or UNKNOWN_CALLER,
        _text(details, "caller_name", LONGEST_NAME),
        audio.storage_path,
        _seconds(audio),
        audio.size,
        details.get("urgent") is True,
        delivery.began_at,
        delivery.call,
        audio.sha256,
        delivery.forwarded_from,
        _flag(details, "from_inside"),
    )
    await connection.execute(ADD_MAILS, delivery.id)


async def _write_greeting(
    connection: asyncpg.Connection, delivery: Delivery, audio: StoredAudio
) -> None:
    which = delivery.details.get("which")
    if which not in list(Greeting) or delivery.box is None:
        raise Undeliverable(f"there is no greeting '{which}'")
    await _add_media(connection, delivery, audio, f"greeting {which}")
    if not await set_greeting(connection, delivery.box, Greeting(which), delivery.id):
        raise Undeliverable("the mailbox is gone")


async def _write_prompt(
    connection: asyncpg.Connection, delivery: Delivery, audio: StoredAudio
) -> None:
    """A file that was to be recorded anew and is gone meanwhile becomes a new one."""
    media = delivery.details.get("media")
    replaced = media and await connection.fetchval(
        REPLACE_MEDIA, UUID(media), audio.storage_path, _seconds(audio), audio.size, audio.rate
    )
    if not replaced:
        default = f"recorded {delivery.began_at:%Y-%m-%d %H:%M} UTC"
        await _add_media(connection, delivery, audio, default)


async def _add_media(
    connection: asyncpg.Connection, delivery: Delivery, audio: StoredAudio, default_name: str
) -> None:
    await connection.execute(
        ADD_MEDIA,
        delivery.id,
        _text(delivery.details, "name", LONGEST_NAME) or default_name,
        _text(delivery.details, "description"),
        delivery.kind,
        audio.storage_path,
        _seconds(audio),
        audio.size,
        audio.rate,
        delivery.box,
    )


def _seconds(audio: StoredAudio) -> int:
    return max(1, round(audio.seconds))


def _text(details: Mapping[str, Any], key: str, length: int | None = None) -> str | None:
    return str(details.get(key) or "").strip()[:length] or None


def _flag(details: Mapping[str, Any], key: str) -> bool | None:
    value = details.get(key)
    return value if isinstance(value, bool) else None


def _delivery(row: asyncpg.Record) -> Delivery:
    return Delivery(
        id=row["id"],
        kind=DeliveryKind(row["kind"]),
        state=DeliveryState(row["state"]),
        call=row["call_id"],
        recording=row["recording"],
        box=row["box_id"],
        details=json.loads(row["details"]),
        began_at=row["began_at"],
        finished_at=row["finished_at"],
        attempts=row["attempts"],
        has_box=row["has_box"],
    )
