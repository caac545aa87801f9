"""What was recorded arrives exactly once, whatever happens meanwhile."""

import asyncio
import hashlib
import inspect
import io
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import asyncpg
import numpy as np
import pytest
from structlog.testing import capture_logs

from stasis_app.clocks import deliveries as clock
from stasis_app.clocks.deliveries import Deliverer
from stasis_app.media.audio import RATE
from stasis_app.media.objects import Objects
from stasis_app.store import deliveries as store_module
from stasis_app.store.deliveries import Deliveries
from stasis_app.store.directory import Directory
from stasis_app.store.media_files import MediaFiles
from tests.rules.build import book
from tests.support.tones import Pcm, from_int16, loudest, tone
from tests.support.until import until

from .fakes import FakeDirectory, running
from .mailboxes import (
    FakeAsterisk,
    FakeObjects,
    make_box,
    make_message,
    postgres_away,
    promise,
    wav,
)


@pytest.fixture(autouse=True)
def _tries_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "BACK_OFF_SECONDS", (0.02, 0.05))


@dataclass
class World:
    """Everything but the process that delivers."""

    dsn: str
    db: asyncpg.Connection
    folder: Path
    asterisk: FakeAsterisk = field(default_factory=FakeAsterisk)
    objects: Any = field(default_factory=FakeObjects)
    directory: Directory = field(default_factory=lambda: FakeDirectory(book()))

    @asynccontextmanager
    async def process(
        self, between: Callable[[Any], Any] = lambda subject: subject
    ) -> AsyncIterator[Deliverer]:
        """A process that delivers; `between` stands between it and what it uses."""
        deliveries, files = Deliveries(self.dsn), MediaFiles(self.dsn)
        deliverer = Deliverer(
            self.directory,
            between(self.asterisk),
            between(deliveries),
            files=files,
            objects=between(self.objects),
            folder=self.folder,
        )
        try:
            async with running(deliverer.follow()):
                yield deliverer
        finally:
            deliveries.close()
            files.close()

    async def settled(self) -> None:
        """Wait until nothing is left to deliver."""
        await until(self._is_settled, 20, "all to be delivered")

    async def _is_settled(self) -> bool:
        query = "SELECT NOT EXISTS (SELECT FROM recording_deliveries WHERE state <> 'dead')"
        return cast(bool, await self.db.fetchval(query))

    async def message(self) -> asyncpg.Record:
        [row] = await self.db.fetch("SELECT * FROM voicemail_messages")
        return row

    async def dead(self) -> str:
        [row] = await self.db.fetch("SELECT state, problem FROM undelivered")
        assert row["state"] == "dead"
        return str(row["problem"])


@pytest.fixture
def world(dsn: str, db: asyncpg.Connection, tmp_path: Path) -> World:
    return World(dsn, db, tmp_path / "work")


@pytest.fixture
async def box(db: asyncpg.Connection) -> UUID:
    return await make_box(db, mail="anna@example.org")


def sound(content: bytes) -> Pcm:
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        return from_int16(file.readframes(file.getnframes()))


async def test_a_message_becomes_an_object_a_row_and_a_mail(world: World, box: UUID) -> None:
    world.asterisk.stored["rec"] = content = wav()
    identity = await promise(world.db, box, "rec", urgent=True)
    async with world.process():
        await world.settled()
    row = await world.message()
    assert (row["id"], row["voicemail_box_id"]) == (identity, box)
    assert (row["caller_number"], row["caller_name"]) == ("1002", "Jürgen Groß")
    assert (row["duration_seconds"], row["file_size_bytes"]) == (3, len(content))
    assert (row["is_urgent"], row["is_read"]) == (True, False)
    assert row["checksum"] == hashlib.sha256(content).hexdigest()
    assert row["storage_path"].startswith("voicemail/")
    assert world.objects.held == {row["storage_path"]: content}
    assert world.asterisk.stored == {}
    mails = await world.db.fetch("SELECT message_id, recipient FROM mail_outbox")
    assert [tuple(mail) for mail in mails] == [(identity, "anna@example.org")]
    assert list(world.folder.iterdir()) == []


async def test_a_new_row_wakes_it(world: World, box: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "LOOK_AGAIN_SECONDS", 60)
    world.directory = directory = Directory(world.dsn)
    async with running(directory.follow()):
        await directory.ready.wait()
        async with world.process():
            for place in range(2):
                world.asterisk.stored[f"rec{place}"] = wav()
                await promise(world.db, box, f"rec{place}")
                await world.settled()
    assert len(world.objects.held) == 2


async def test_a_hundred_at_once(world: World, box: UUID) -> None:
    world.objects.gathers = clock.AT_ONCE
    for place in range(100):
        world.asterisk.stored[f"rec{place}"] = wav(tone(300 + place, 2.5, RATE))
        await promise(world.db, box, f"rec{place}")
    async with world.process():
        await world.settled()
    assert await world.db.fetchval("SELECT count(*) FROM voicemail_messages") == 100
    assert len(world.objects.held) == 100
    assert world.asterisk.stored == {}
    assert world.objects.most_at_once == clock.AT_ONCE


@pytest.mark.parametrize("state", ["recording", "finished"])
async def test_a_call_that_ended_with_its_process(world: World, box: UUID, state: str) -> None:
    """Its header is what Asterisk wrote first, if Asterisk has died too."""
    content = bytearray(wav())
    content[4:8] = (36).to_bytes(4, "little")
    content[40:44] = bytes(4)
    world.asterisk.stored["rec"] = bytes(content)
    await promise(world.db, box, "rec", state=state)
    async with world.process():
        await world.settled()
    assert list(world.objects.held.values()) == [wav()]


async def test_what_is_being_recorded_in_a_call_that_lives(world: World, box: UUID) -> None:
    call = await world.db.fetchval(
        "INSERT INTO calls (call_id, direction, caller_number, callee_number) "
        "VALUES ('c', 'internal', '1002', '1001') RETURNING id"
    )
    world.asterisk.stored["rec"] = wav()
    await promise(world.db, box, "rec", state="recording", call=call)
    world.asterisk.stored["other"] = wav()
    await promise(world.db, box, "other")
    async with world.process():
        only = "SELECT count(*) = 1 FROM recording_deliveries"
        await until(lambda: world.db.fetchval(only), 10, "the other one")
        assert list(world.asterisk.stored) == ["rec"]
        await world.db.execute("DELETE FROM calls")
        await world.settled()
    assert len(world.objects.held) == 2


@pytest.mark.parametrize("state", ["recording", "finished", "discarded"])
async def test_asterisk_is_still_recording(
    world: World, box: UUID, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "CLOSING_SECONDS", (0.01,))
    world.asterisk.live.add("rec")
    world.asterisk.stored["rec"] = wav()[:1000]
    identity = await promise(world.db, box, "rec", state=state)
    attempts = "SELECT attempts > 1 FROM recording_deliveries WHERE id = $1"
    async with world.process():
        await until(lambda: world.db.fetchval(attempts, identity), 10, "two attempts")
        world.asterisk.stored["rec"] = wav()
        world.asterisk.live.clear()
        await world.settled()
    assert list(world.objects.held.values()) == ([] if state == "discarded" else [wav()])
    assert world.asterisk.stored == {}


async def test_the_file_is_closed_a_moment_after_the_hangup(world: World, box: UUID) -> None:
    world.asterisk.live.add("rec")
    world.asterisk.stored["rec"] = wav()
    await promise(world.db, box, "rec")
    loop = asyncio.get_running_loop()
    async with world.process():
        loop.call_later(0.1, world.asterisk.live.clear)
        await world.settled()
    assert len(world.objects.held) == 1


async def test_what_was_discarded_is_deleted(world: World, box: UUID) -> None:
    world.asterisk.stored["rec"] = wav()
    await promise(world.db, box, "rec", state="discarded")
    async with world.process():
        await world.settled()
    assert (world.objects.held, world.asterisk.stored) == ({}, {})


@pytest.mark.parametrize(
    "pcm",
    [
        np.zeros(10 * RATE, np.float32),
        tone(700, 1.5, RATE),
        tone(700, 5, RATE, -70),
        np.zeros(0, np.float32),
    ],
)
async def test_what_is_silent_or_too_short_is_no_message(world: World, box: UUID, pcm: Pcm) -> None:
    world.asterisk.stored["rec"] = wav(pcm)
    await promise(world.db, box, "rec")
    async with world.process():
        await world.settled()
    assert (world.objects.held, world.asterisk.stored) == ({}, {})
    assert await world.db.fetchval("SELECT count(*) FROM voicemail_messages") == 0


async def test_how_short_is_too_short_is_a_setting(world: World, box: UUID) -> None:
    world.directory.book.change_settings({"voicemail.min_seconds": 1})
    world.asterisk.stored["rec"] = wav(tone(700, 1.5, RATE))
    await promise(world.db, box, "rec")
    async with world.process():
        await world.settled()
    assert len(world.objects.held) == 1


async def test_who_hangs_up_during_the_tone_alarms_nobody(world: World, box: UUID) -> None:
    """Asterisk is asked once: the row counts among the messages of the box until then."""
    identity = await promise(world.db, box, "rec", seconds=0.0)
    query = "SELECT state, attempts FROM recording_deliveries WHERE id = $1"
    with capture_logs() as logs:
        async with world.process():
            await world.settled()
    assert await world.db.fetchrow(query, identity) is None
    assert [line["action"] for line in logs] == ["discarded"]


@pytest.mark.parametrize("state", ["dead", "discarded", "stored"])
async def test_somebody_else_settles_it_meanwhile(world: World, box: UUID, state: str) -> None:
    """What was given up keeps its recording: an administrator may have it tried again."""
    world.asterisk.stored["rec"] = wav()
    identity = await promise(world.db, box, "rec")
    put, other = world.objects.put, await asyncpg.connect(world.dsn)

    async def late(*arguments: Any) -> Any:
        change = "UPDATE recording_deliveries SET state = $2 WHERE id = $1"
        await other.execute(change, identity, state)
        return await put(*arguments)

    world.objects.put = late
    told = {"dead": "delivery_dead", "stored": "delivered"}.get(state)
    with capture_logs() as logs:
        async with world.process():
            await until(lambda: told in (None, *(line["action"] for line in logs)), 10, "its end")
            await world.settled()
    await other.close()
    assert list(world.asterisk.stored) == (["rec"] if state == "dead" else [])
    assert await world.db.fetchval("SELECT count(*) FROM recording_deliveries") == (state == "dead")
    removed = await world.db.fetchval("SELECT count(*) FROM object_removals")
    assert removed == (state != "stored")


async def test_what_was_never_begun_is_forgotten(world: World, box: UUID) -> None:
    identity = await promise(world.db, box, "rec", state="recording")
    attempts = "SELECT attempts > 2 FROM recording_deliveries WHERE id = $1"
    async with world.process():
        await until(lambda: world.db.fetchval(attempts, identity), 10, "some attempts")
        await world.settled()
    assert world.objects.held == {}
    assert await world.db.fetchval("SELECT count(*) FROM undelivered") == 0


@pytest.mark.parametrize("details", [{"seconds": 3.5}, {}])
async def test_asterisk_has_lost_what_was_said(
    world: World, box: UUID, details: dict[str, Any]
) -> None:
    identity = await promise(world.db, box, "rec", **details)
    with capture_logs() as logs:
        async with world.process():
            await world.settled()
    assert await world.dead() == "Asterisk has lost the recording"
    [told] = [line for line in logs if line["action"] == "delivery_dead"]
    assert (told["log_level"], told["delivery"]) == ("error", str(identity))


async def test_an_accepted_greeting_is_lost(world: World, box: UUID) -> None:
    await promise(world.db, box, "rec", kind="greeting", which="busy", seconds=1.5)
    async with world.process():
        await world.settled()
    assert await world.dead() == "Asterisk has lost the recording"


async def test_only_looks_in_vain_count(world: World, box: UUID) -> None:
    """Asterisk is away for long, and has not all its modules as soon as it is back."""
    identity = await promise(world.db, box, "rec", state="recording")
    attempts = "SELECT attempts FROM recording_deliveries WHERE id = $1"
    world.asterisk.away = True

    async def tried(times: int) -> bool:
        return (await world.db.fetchval(attempts, identity) or 0) >= times

    async with world.process():
        await until(lambda: tried(clock.TIMES_TO_LOOK + 2), 10, "many attempts")
        before = await world.db.fetchval(attempts, identity)
        world.asterisk.away = False
        await until(lambda: tried(before + 2), 10, "a look in vain")
        world.asterisk.stored["rec"] = wav()
        await world.settled()
    assert len(world.objects.held) == 1


async def test_what_is_dropped_is_told_with_its_call(world: World, box: UUID) -> None:
    world.asterisk.stored["rec"] = wav(tone(700, 1.5, RATE))
    call = uuid4()
    await promise(world.db, box, "rec", call=call)
    with capture_logs() as logs:
        async with world.process():
            await world.settled()
    assert [line["call"] for line in logs if line["action"] == "discarded"] == [str(call)]


async def test_the_mailbox_is_gone(world: World, box: UUID) -> None:
    world.asterisk.stored["rec"] = wav()
    await world.db.execute("DELETE FROM voicemail_boxes")
    await promise(world.db, box, "rec")
    async with world.process():
        await world.settled()
    assert await world.dead() == "the mailbox is gone"
    assert world.objects.held == {}
    assert list(world.asterisk.stored) == ["rec"]


async def test_the_mailbox_goes_while_the_audio_is_stored(world: World, box: UUID) -> None:
    world.asterisk.stored["rec"] = wav()
    await promise(world.db, box, "rec")
    put, admin = world.objects.put, await asyncpg.connect(world.dsn)

    async def late(*arguments: Any) -> Any:
        await admin.execute("DELETE FROM voicemail_boxes")
        return await put(*arguments)

    world.objects.put = late
    async with world.process():
        await world.settled()
    assert await world.dead() == "the mailbox is gone"
    await admin.close()
    paths = await world.db.fetch("SELECT storage_path FROM object_removals")
    assert [row["storage_path"] for row in paths] == list(world.objects.held)


async def test_what_is_no_recording_is_not_tried_for_ever(world: World, box: UUID) -> None:
    world.asterisk.stored["rec"] = b"no audio at all" * 100
    await promise(world.db, box, "rec")
    async with world.process():
        await world.settled()
    assert "not in PCM" in await world.dead()


class Forwarding:
    """A message of another box that is forwarded."""

    def __init__(self, world: World, box: UUID) -> None:
        self.world, self.box, self.key = world, box, "voicemail/2026/11/original.wav"

    async def original(self) -> UUID:
        self.world.objects.held[self.key] = wav(tone(500, 4, RATE))
        other = await make_box(self.world.db, "1003")
        return await make_message(self.world.db, other, self.key)

    async def deliver(self, original: UUID, recording: str | None) -> None:
        await promise(self.world.db, self.box, recording, forwarded_from=str(original))
        async with self.world.process():
            await self.world.settled()

    async def copy(self) -> tuple[asyncpg.Record, bytes]:
        query = "SELECT * FROM voicemail_messages WHERE voicemail_box_id = $1"
        [row] = await self.world.db.fetch(query, self.box)
        return row, self.world.objects.held[row["storage_path"]]


@pytest.fixture
def forwarding(world: World, box: UUID) -> Forwarding:
    return Forwarding(world, box)


async def test_a_message_is_forwarded_as_it_is(forwarding: Forwarding) -> None:
    original = await forwarding.original()
    await forwarding.deliver(original, None)
    row, content = await forwarding.copy()
    assert content == forwarding.world.objects.held[forwarding.key]
    assert (row["forwarded_from"], row["duration_seconds"]) == (original, 4)
    assert row["checksum"] == hashlib.sha256(content).hexdigest()
    assert row["storage_path"] != forwarding.key


async def test_a_message_is_forwarded_with_a_comment(forwarding: Forwarding) -> None:
    forwarding.world.asterisk.stored["rec"] = wav(tone(900, 3, RATE))
    await forwarding.deliver(await forwarding.original(), "rec")
    row, content = await forwarding.copy()
    pcm = sound(content)
    assert len(pcm) == 7.5 * RATE
    assert loudest(pcm[: 3 * RATE], RATE).hz == pytest.approx(900, abs=2)
    assert loudest(pcm[int(3.5 * RATE) :], RATE).hz == pytest.approx(500, abs=2)
    assert row["file_size_bytes"] == len(content)
    assert forwarding.world.asterisk.stored == {}


async def test_an_empty_comment_is_left_out(forwarding: Forwarding) -> None:
    forwarding.world.asterisk.stored["rec"] = wav(np.zeros(5 * RATE, np.float32))
    await forwarding.deliver(await forwarding.original(), "rec")
    _, content = await forwarding.copy()
    assert content == forwarding.world.objects.held[forwarding.key]


@pytest.mark.parametrize("what", ["row", "object"])
async def test_the_forwarded_message_is_gone(forwarding: Forwarding, what: str) -> None:
    original = await forwarding.original() if what == "object" else uuid4()
    forwarding.world.objects.held.clear()
    forwarding.world.asterisk.stored["rec"] = comment = wav(tone(900, 3, RATE))
    await forwarding.deliver(original, "rec")
    _, content = await forwarding.copy()
    assert content == comment
    await forwarding.deliver(original, None)
    assert await forwarding.world.dead() == "the message that is forwarded is gone"


async def test_a_greeting_is_made_as_loud_as_all_others(world: World, box: UUID) -> None:
    world.asterisk.stored["rec"] = wav(tone(700, 0.8, RATE, -40))
    identity = await promise(world.db, box, "rec", kind="greeting", which="busy")
    async with world.process():
        await world.settled()
    [file] = await world.db.fetch("SELECT * FROM media_files")
    assert (file["id"], file["file_type"]) == (identity, "greeting")
    assert (file["format"], file["sample_rate"]) == ("wav", RATE)
    chosen = await world.db.fetchval("SELECT busy_greeting_prompt_id FROM voicemail_boxes")
    assert chosen == identity
    content = world.objects.held[file["storage_path"]]
    assert file["file_size_bytes"] == len(content)
    assert loudest(sound(content), RATE).level == pytest.approx(-15, abs=1)


async def test_a_prompt_is_recorded_anew(world: World) -> None:
    media = await world.db.fetchval(
        "INSERT INTO media_files (name, file_type, storage_path) "
        "VALUES ('Welcome', 'prompt', 'prompt/old.wav') RETURNING id"
    )
    world.asterisk.stored["rec"] = wav()
    await promise(world.db, None, "rec", kind="prompt", media=str(media))
    async with world.process():
        await world.settled()
    [file] = await world.db.fetch("SELECT * FROM media_files")
    assert (file["id"], file["name"]) == (media, "Welcome")
    assert list(world.objects.held) == [file["storage_path"]]
    removals = await world.db.fetch("SELECT storage_path FROM object_removals")
    assert [row["storage_path"] for row in removals] == ["prompt/old.wav"]


@pytest.mark.parametrize("seconds", [0, 3])
async def test_a_greeting_of_nothing_is_none(world: World, box: UUID, seconds: int) -> None:
    world.asterisk.stored["rec"] = wav(np.zeros(seconds * RATE, np.float32))
    await promise(world.db, box, "rec", kind="greeting", which="name")
    async with world.process():
        await world.settled()
    assert await world.db.fetchval("SELECT count(*) FROM media_files") == 0
    assert world.asterisk.stored == {}


async def test_a_greeting_that_nobody_accepted_replaces_none(world: World, box: UUID) -> None:
    """Who recorded it hung up while no process of the application was there."""
    world.asterisk.stored["rec"] = wav()
    await promise(world.db, box, "rec", kind="greeting", state="recording", which="name")
    async with world.process():
        await world.settled()
    assert await world.db.fetchval("SELECT count(*) FROM media_files") == 0
    assert world.asterisk.stored == {}


@pytest.mark.parametrize("part", ["asterisk", "objects"])
async def test_a_part_is_away(world: World, box: UUID, part: str) -> None:
    away = getattr(world, part)
    away.away = True
    for place in range(3):
        world.asterisk.stored[f"rec{place}"] = wav()
        await promise(world.db, box, f"rec{place}")
    failing = "SELECT min(attempts) > 2 AND bool_and(problem <> '') FROM recording_deliveries"
    async with world.process():
        await until(lambda: world.db.fetchval(failing), 10, "some attempts")
        away.away = False
        await world.settled()
    assert len(world.objects.held) == 3
    assert await world.db.fetchval("SELECT count(*) FROM voicemail_messages") == 3


async def test_postgres_is_away_when_the_audio_is_stored(world: World, box: UUID, dsn: str) -> None:
    world.asterisk.stored["rec"] = wav()
    await promise(world.db, box, "rec")
    put, stored, back = world.objects.put, asyncio.Event(), asyncio.Event()

    async def slow(*arguments: Any) -> Any:
        stored.set()
        await back.wait()
        return await put(*arguments)

    world.objects.put = slow
    async with world.process():
        await stored.wait()
        async with postgres_away(dsn):
            back.set()
            await until(lambda: world.objects.held, 10, "the object")
            assert list(world.asterisk.stored) == ["rec"]
        world.db = await asyncpg.connect(dsn)
        await world.settled()
    row = await world.message()
    assert list(world.objects.held) == [row["storage_path"]]
    assert world.asterisk.stored == {}
    await world.db.close()


async def test_an_error_that_nobody_foresaw_is_tried_again(world: World, box: UUID) -> None:
    world.asterisk.stored["rec"] = wav()
    await promise(world.db, box, "rec")
    put = world.objects.put

    async def broken(*_: Any) -> Any:
        world.objects.put = put
        raise KeyError("unforeseen")

    world.objects.put = broken
    async with world.process():
        await world.settled()
    assert len(world.objects.held) == 1


class Death:
    """Lets a process stand still for ever before or after its n-th step, as if it were killed."""

    def __init__(self, step: int, *, after: bool) -> None:
        self.step, self.after = step, after
        self.steps: list[str] = []
        self.reached = asyncio.Event()

    def between(self, subject: Any) -> Any:
        death = self

        class Mortal:
            def __getattr__(self, name: str) -> Any:
                method = getattr(subject, name)
                return death.mortal(method) if inspect.iscoroutinefunction(method) else method

        return Mortal()

    def mortal(self, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def stepping(*arguments: Any, **named: Any) -> Any:
            if method.__name__ == "due":
                return await method(*arguments, **named)
            self.steps.append(method.__name__)
            last = len(self.steps) == self.step
            if last and not self.after:
                await self._die()
            result = await method(*arguments, **named)
            if last:
                await self._die()
            return result

        return stepping

    async def _die(self) -> None:
        self.reached.set()
        await asyncio.Event().wait()


STEPS = ["recording_lives", "fetch_recording", "put", "commit", "delete_recording", "drop"]


async def is_delivered_once(world: World, identity: UUID) -> bool:
    row = await world.message()
    assert row["id"] == identity
    assert await world.db.fetchval("SELECT count(*) FROM mail_outbox") == 1
    assert await world.db.fetchval("SELECT count(*) FROM object_removals") == 0
    assert world.asterisk.stored == {}
    assert list(world.folder.glob("*")) == []  # a process with nothing to do may not have made it
    return bool(row["checksum"] == hashlib.sha256(wav()).hexdigest())


async def killed_and_followed(world: World, box: UUID, death: Death) -> None:
    world.asterisk.stored["rec"] = wav()
    identity = await promise(world.db, box, "rec")
    async with world.process(death.between):
        await asyncio.wait_for(death.reached.wait(), 10)
    assert death.steps == STEPS[: death.step]
    async with world.process():
        await world.settled()
    assert await is_delivered_once(world, identity)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", range(1, len(STEPS) + 1))
async def test_killed_at_any_step(world: World, box: UUID, step: int, after: bool) -> None:
    await killed_and_followed(world, box, Death(step, after=after))
    assert [len(one) for one in world.objects.held.values()] == [len(wav())]


@pytest.mark.parametrize("step", range(2, len(STEPS) + 1))
async def test_killed_at_any_step_with_the_real_store(
    world: World, box: UUID, step: int, objects: Objects
) -> None:
    world.objects = objects
    await killed_and_followed(world, box, Death(step, after=True))
    row = await world.message()
    target = world.folder / "got.wav"
    await objects.fetch(row["storage_path"], target)
    assert target.read_bytes() == wav()
    await objects.remove(row["storage_path"])


@pytest.mark.parametrize("step", range(1, len(STEPS) + 1))
async def test_a_process_that_was_thought_dead_goes_on(world: World, box: UUID, step: int) -> None:
    world.asterisk.stored["rec"] = wav()
    identity = await promise(world.db, box, "rec")
    death, wakes = Death(step, after=True), asyncio.Event()
    death._die = wakes.wait  # type: ignore[method-assign, assignment]
    async with world.process(death.between):
        await until(lambda: len(death.steps) >= step, 10, "the step")
        world.folder = world.folder.with_name("other")
        async with world.process():
            await world.settled()
            wakes.set()
            await until(lambda: len(death.steps) >= min(step + 1, len(STEPS)), 10, "it to go on")
    assert await is_delivered_once(world, identity)
    assert len(world.objects.held) == 1
