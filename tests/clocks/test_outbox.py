"""A mail about each message arrives once, whatever is away meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import asyncpg
import pytest

from stasis_app.clocks import outbox as clock
from stasis_app.clocks.outbox import Postman
from stasis_app.media.audio import RATE
from stasis_app.notify.letter import compose
from stasis_app.notify.mail import MailServer
from stasis_app.store import outbox as store_module
from stasis_app.store.directory import Directory
from stasis_app.store.outbox import Outbox
from tests.notify.servers import LOOPBACK, Got, Inbox, Scripted, whole
from tests.rules.build import book
from tests.support.tones import tone
from tests.support.until import until

from .fakes import FakeDirectory, running
from .mailboxes import FakeObjects, make_box, make_message, postgres_away, wav

KEY = "voicemail/2026/11/message.wav"
PUT = "INSERT INTO mail_outbox (message_id, recipient) VALUES ($1, $2) RETURNING id"
LONG_BACK_OFF = store_module.BACK_OFF_SECONDS
NOBODY = MailServer(LOOPBACK, 1)


@pytest.fixture(autouse=True)
def _tries_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "BACK_OFF_SECONDS", (0.02, 0.05))
    monkeypatch.setattr(clock, "STORE_SECONDS", 0.05)
    monkeypatch.setattr(clock, "LOOK_AGAIN_SECONDS", 0.5)


@dataclass
class World:
    """Everything but the process that sends."""

    dsn: str
    db: asyncpg.Connection
    folder: Path
    inbox: Inbox = field(default_factory=Inbox)
    objects: Any = field(default_factory=FakeObjects)
    directory: Directory = field(default_factory=lambda: FakeDirectory(book()))

    @asynccontextmanager
    async def process(
        self, server: MailServer, between: Callable[[Any], Any] = lambda outbox: outbox
    ) -> AsyncIterator[Postman]:
        outbox = Outbox(self.dsn)
        postman = Postman(self.directory, between(outbox), server, self.objects, self.folder)
        try:
            async with running(postman.follow()):
                yield postman
        finally:
            outbox.close()

    async def post(self, recipient: str = "anna@example.org", content: bytes = b"") -> UUID:
        """Have a message and a mail about it; return the mail's id."""
        number = 1001 + await self.db.fetchval("SELECT count(*) FROM extensions")
        box = await make_box(self.db, str(number), f"user{number}@example.org")
        key = KEY if number == 1001 else f"{number}.wav"
        self.objects.held[key] = content or wav()
        message = await make_message(self.db, box, key, len(self.objects.held[key]))
        return cast(UUID, await self.db.fetchval(PUT, message, recipient))

    async def until_all_are(self, state: str) -> None:
        query = "SELECT bool_and(state = $1) FROM mail_outbox"
        await until(lambda: self.db.fetchval(query, state), 20, f"all mails to be {state}")

    async def sent(self, **options: Any) -> Got:
        """Send the one mail there is; return what arrived."""
        async with whole(self.inbox, **options) as server, self.process(server):
            await self.until_all_are("sent")
        [got] = self.inbox.got
        return got

    def setting(self, **values: Any) -> None:
        named = {name.replace("_", ".", 1): value for name, value in values.items()}
        self.directory.book.change_settings(named)


@pytest.fixture
def world(dsn: str, db: asyncpg.Connection, tmp_path: Path) -> World:
    return World(dsn, db, tmp_path / "mails")


def subject(got: Got) -> str:
    return str(make_header(decode_header(got.mail["Subject"])))


async def test_a_mail_with_its_audio(world: World) -> None:
    identity = await world.post()
    world.setting(mail_from="Telefon <telefon@example.org>")
    got = await world.sent()
    assert (got.sender, got.recipients) == ("telefon@example.org", ["anna@example.org"])
    assert got.mail["Message-ID"] == f"<voicemail-{identity}@example.org>"
    assert subject(got) == "Neue Nachricht von Jürgen Groß (1002)"
    text = got.text()
    assert "Guten Tag Anna Meier," in text
    assert "Mailbox 1001" in text
    assert "Europe/Berlin" in text
    assert got.audio is not None
    assert got.audio.get_content() == wav()
    row = await world.db.fetchrow("SELECT state, attempts, sent_at, problem FROM mail_outbox")
    assert row is not None
    assert (row["state"], row["attempts"], row["problem"]) == ("sent", 0, None)
    assert row["sent_at"] is not None
    assert list(world.folder.iterdir()) == []


async def test_a_new_row_wakes_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "LOOK_AGAIN_SECONDS", 60)
    world.directory = Directory(world.dsn)
    async with (
        running(world.directory.follow()),
        whole(world.inbox) as server,
        world.process(server),
    ):
        for _ in range(2):
            await world.post()
            await world.until_all_are("sent")
    assert len(world.inbox.got) == 2


async def test_an_owner_without_a_language_gets_that_of_the_exchange(world: World) -> None:
    await world.post()
    await world.db.execute("UPDATE users SET language = NULL, timezone = NULL")
    world.setting(media_language="en")
    got = await world.sent()
    assert "Hello Anna Meier," in got.text()
    assert "(UTC)" in got.text()


async def test_the_box_wants_no_audio(world: World) -> None:
    await world.post()
    await world.db.execute("UPDATE voicemail_boxes SET attach_audio = FALSE")
    world.objects.away = True
    got = await world.sent()
    assert got.audio is None


@pytest.mark.parametrize(
    ("settings", "suffix"),
    [
        ({}, "wav"),
        ({"mail_audio_format": "mp3"}, "mp3"),
        ({"mail_max_attachment_bytes": 50_000}, "mp3"),
        ({"mail_max_attachment_bytes": 1000}, None),
    ],
)
async def test_the_size_and_the_format_of_the_audio(
    world: World, settings: dict[str, Any], suffix: str | None
) -> None:
    await world.post()
    world.setting(**settings)
    got = await world.sent()
    name = got.audio.get_filename() if got.audio else None
    assert (name or "").rpartition(".")[2] == (suffix or "")
    assert ("zu groß" in got.text()) == (suffix is None)


async def test_the_audio_is_too_large_for_the_server(world: World) -> None:
    await world.post()
    got = await world.sent(data_size_limit=50_000)
    assert got.audio is None
    assert "zu groß" in got.text()


@pytest.mark.parametrize("content", [None, b"no audio"])
async def test_the_object_is_gone(world: World, content: bytes | None) -> None:
    await world.post()
    world.objects.held.clear()
    if content:
        world.objects.held[KEY] = content
    got = await world.sent()
    assert got.audio is None
    assert "nicht mehr vorhanden" in got.text()


async def test_the_object_store_is_away(world: World) -> None:
    await world.post()
    world.objects.away = True
    problem = "SELECT problem FROM mail_outbox"
    async with whole(world.inbox) as server, world.process(server):
        assert await until(lambda: world.db.fetchval(problem), 10, "a problem") == "away"
        world.objects.away = False
        await world.until_all_are("sent")
    [got] = world.inbox.got
    assert got.audio is not None


async def test_many_go_over_a_few_connections(world: World) -> None:
    for _ in range(20):
        await world.post()
    async with whole(world.inbox) as server, world.process(server):
        await world.until_all_are("sent")
    assert len(world.inbox.got) == 20
    assert len({got.mail["Message-ID"] for got in world.inbox.got}) == 20
    assert len(set(map(str, world.inbox.peers))) <= clock.CONNECTIONS


async def test_the_server_is_away_for_a_while(world: World) -> None:
    for _ in range(3):
        await world.post()
    scripted = Scripted({"BANNER": "drop"})
    async with scripted.serve() as server, world.process(server):
        await until(lambda: len(scripted.connections) > 6, 10, "some attempts")
        rows = await world.db.fetch("SELECT state, attempts, problem FROM mail_outbox")
        assert {(row["state"], row["attempts"]) for row in rows} == {("pending", 0)}
        assert any(row["problem"] for row in rows)
        scripted.answers = {}
        await world.until_all_are("sent")
    assert scripted.count("DATA") == 3


@pytest.mark.parametrize(
    ("word", "answer", "attempts"),
    [
        ("RCPT", "450 later", 2),
        ("BODY", "451 later", 2),
        ("BODY", "drop", 2),
        ("MAIL", "550 no", 2),
        ("RCPT", "554 relay access denied", 4),
        ("DATA", "554 no", 4),
        ("BODY", "550 no", 4),
    ],
)
async def test_a_mail_that_is_taken_later(
    world: World, word: str, answer: str, attempts: int
) -> None:
    await world.post()
    scripted = Scripted({word: answer})
    tried = "SELECT attempts >= $1 FROM mail_outbox"
    async with scripted.serve() as server, world.process(server):
        await until(lambda: world.db.fetchval(tried, attempts), 10, "some attempts")
        scripted.answers = {}
        await world.until_all_are("sent")
    ids = {line for said in scripted.connections for line in said if "Message-ID" in line}
    assert len(ids) == 1


@pytest.mark.parametrize("word", ["RCPT", "DATA", "BODY"])
async def test_a_mail_that_is_never_taken(
    world: World, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "LOOK_AGAIN_SECONDS", 0.05)
    await world.post("nobody@example.org")
    scripted = Scripted({word: "550 no such user"})
    async with scripted.serve() as server, world.process(server):
        await world.until_all_are("dead")
        assert scripted.count("RCPT") == clock.MOST_REFUSALS
        scripted.answers = {}
        await world.post("somebody@example.org")
        taken = "SELECT bool_or(state = 'sent') FROM mail_outbox"
        await until(lambda: world.db.fetchval(taken), 10, "the next mail")
    [letter] = await world.db.fetch("SELECT recipient, problem, mailbox FROM mail_dead_letters")
    assert (letter["recipient"], letter["mailbox"]) == ("nobody@example.org", "1001")
    assert "550 no such user" in letter["problem"]
    states = await world.db.fetch("SELECT state FROM mail_outbox ORDER BY created_at")
    assert [row["state"] for row in states] == ["dead", "sent"]


def test_a_relay_that_is_set_up_wrong_has_hours_to_be_mended() -> None:
    waits = [*LONG_BACK_OFF, *[LONG_BACK_OFF[-1]] * clock.MOST_REFUSALS]
    assert sum(waits[: clock.MOST_REFUSALS - 1]) > 6 * 3600


async def test_what_is_no_address(world: World) -> None:
    await world.post("anna@example.org\r\nRCPT TO:<eve@example.org>")
    async with whole(world.inbox) as server, world.process(server):
        await world.until_all_are("dead")
    assert not world.inbox.got


async def test_a_dead_letter_is_sent_when_an_admin_says_so(world: World) -> None:
    await world.post("nobody at all")
    async with whole(world.inbox) as server, world.process(server):
        await world.until_all_are("dead")
        await world.db.execute(
            "UPDATE mail_outbox SET state = 'pending', recipient = 'anna@example.org',"
            " next_try_at = now()"
        )
        await world.until_all_are("sent")
    assert len(world.inbox.got) == 1


async def test_a_silent_server_stops_no_other_work(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stasis_app.notify.mail.OPEN_SECONDS", 0.2)
    await world.post()
    scripted = Scripted({"BANNER": ""})
    async with scripted.serve() as server, world.process(server):
        await until(lambda: len(scripted.connections) >= 2, 10, "two attempts")
        scripted.answers = {}
        await world.until_all_are("sent")


async def test_a_killed_sender_is_followed_by_another(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "LEASE_SECONDS", 0.3)
    await world.post()
    scripted = Scripted({"RCPT": ""})
    async with scripted.serve() as server, world.process(server):
        await until(lambda: scripted.count("RCPT"), 10, "the mail to be under way")
    await world.sent()


async def test_a_slow_mail_is_not_sent_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lease ends meanwhile, and the process finds it again."""
    monkeypatch.setattr(clock, "LEASE_SECONDS", 0.05)
    await world.post()
    taken: list[int] = []

    class Counting(Outbox):
        async def take(self, most: int = 10, lease: float = 1) -> list[Any]:
            found = await super().take(most, lease)
            taken.extend(1 for _ in found)
            return found

    class Slow(Inbox):
        async def handle_DATA(self, *arguments: Any) -> str:  # noqa: N802
            await until(lambda: len(taken) > 3, 10, "the mail to be taken again")
            return await super().handle_DATA(*arguments)

    world.inbox = Slow()
    second = Counting(world.dsn)
    async with whole(world.inbox) as server, world.process(server, lambda _: second) as postman:
        await until(lambda: postman._sending, 10, "the mail to be under way")
        for _ in range(4):
            await postman._next()
            await asyncio.sleep(0.06)
        await world.until_all_are("sent")
    second.close()
    assert len(world.inbox.got) == 1


async def test_postgres_is_away_when_the_server_has_taken_the_mail(world: World, dsn: str) -> None:
    """It is not sent again when Postgres is back."""
    await world.post()
    taken, back = asyncio.Event(), asyncio.Event()

    class Slow(Inbox):
        async def handle_DATA(self, *arguments: Any) -> str:  # noqa: N802
            taken.set()
            await back.wait()
            return await super().handle_DATA(*arguments)

    world.inbox = Slow()
    async with whole(world.inbox) as server, world.process(server) as postman:
        await taken.wait()
        async with postgres_away(dsn):
            back.set()
            await until(lambda: postman._accepted, 10, "the mail to be taken")
        world.db = await asyncpg.connect(dsn)
        await world.db.execute("UPDATE mail_outbox SET next_try_at = now()")
        await world.until_all_are("sent")
        await world.db.close()
    assert len(world.inbox.got) == 1


async def test_an_error_that_nobody_foresaw_stops_no_other_mail(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.post()
    broken = [True]

    def once(*arguments: Any) -> Any:
        if broken:
            broken.clear()
            raise KeyError("unforeseen")
        return compose(*arguments)

    monkeypatch.setattr(clock, "compose", once)
    got = await world.sent()
    assert got.audio is not None


async def test_a_long_message_becomes_mp3(world: World) -> None:
    await world.post(content=wav(tone(700, 60, RATE)))
    await world.db.execute("UPDATE voicemail_messages SET duration_seconds = 60")
    world.setting(mail_max_attachment_bytes=1_000_000)
    got = await world.sent()
    assert got.audio is not None
    assert got.audio.get_content_type() == "audio/mpeg"
    assert len(got.audio.get_content()) < 310_000


async def test_a_slow_mail_delays_no_later_one(world: World) -> None:
    await world.post()
    slow, go_on = asyncio.Event(), asyncio.Event()

    class Slow(Inbox):
        async def handle_DATA(self, *arguments: Any) -> str:  # noqa: N802
            if not slow.is_set():
                slow.set()
                await go_on.wait()
            return await super().handle_DATA(*arguments)

    world.inbox = Slow()
    async with whole(world.inbox) as server, world.process(server):
        await slow.wait()
        await world.post()
        await until(lambda: world.inbox.got, 10, "the later mail")
        go_on.set()
        await world.until_all_are("sent")
    assert len(world.inbox.got) == 2
