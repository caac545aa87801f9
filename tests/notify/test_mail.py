"""Mail is handed in, encrypted and logged in where that is wanted, and what can go wrong."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from stasis_app.embedded.certificate import ensure_certificate
from stasis_app.notify import mail as mail_module
from stasis_app.notify.letter import Mail, Sound, address, compose
from stasis_app.notify.mail import (
    CHUNK_BYTES,
    LINE_BYTES,
    Deferred,
    MailServer,
    Refused,
    Security,
    ServerAway,
    TooLarge,
)

from .build import letter
from .servers import LOOPBACK, PASSWORD, USER, Inbox, Scripted, whole

MAIL = compose(letter(), Sound.NOT_WANTED)
WITH_AUDIO = compose(letter(), Sound.ENCLOSED)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    ensure_certificate(tmp_path / "tls")
    return tmp_path / "tls" / "cert.pem"


@pytest.fixture
def context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    return context


@pytest.fixture
def make_audio(tmp_path: Path) -> Callable[[int], Path]:
    def make(size: int) -> Path:
        path = tmp_path / "audio.wav"
        path.write_bytes(bytes(range(256)) * (size // 256) + bytes(size % 256))
        return path

    return make


def with_ca(server: MailServer, ca_file: Path | None, **changes: str) -> MailServer:
    user, password = changes.get("user", server.username), changes.get("password", server.password)
    return MailServer(server.host, server.port, server.security, user, password, ca_file)


async def test_a_mail_arrives_as_it_was_written() -> None:
    inbox = Inbox()
    async with whole(inbox) as server, server.connected() as session:
        await session.send(MAIL)
    [got] = inbox.got
    assert (got.sender, got.recipients) == ("pbx@example.org", ["anna@example.org"])
    assert got.content.removeprefix(b"X-Peer").endswith(MAIL.head[-200:])
    assert "mailbox 1001" in got.text()
    assert got.audio is None


@pytest.mark.parametrize(
    "size", [0, 1, LINE_BYTES - 1, LINE_BYTES, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 100]
)
async def test_audio_arrives_byte_for_byte(make_audio: Callable[[int], Path], size: int) -> None:
    inbox, audio = Inbox(), make_audio(size)
    async with whole(inbox) as server, server.connected() as session:
        await session.send(WITH_AUDIO, audio)
    [got] = inbox.got
    assert got.audio is not None
    assert got.audio.get_content() == audio.read_bytes()
    assert got.audio.get_content_type() == "audio/wav"
    assert got.audio.get_filename() == "message-2026-07-25-1403.wav"
    longest = max(len(line) for line in got.content.split(b"\r\n"))
    assert longest <= 78


async def test_several_mails_over_one_connection(make_audio: Callable[[int], Path]) -> None:
    inbox = Inbox()
    async with whole(inbox) as server, server.connected() as session:
        for _ in range(3):
            await session.send(WITH_AUDIO, make_audio(1000))
    assert len(inbox.got) == 3
    assert len(set(inbox.peers)) == 1


async def test_lines_that_begin_with_a_dot() -> None:
    inbox = Inbox()
    odd = letter(owner=". .. .", box=".", caller_name=".\n.\n")
    async with whole(inbox) as server, server.connected() as session:
        await session.send(
            Mail(MAIL.sender, MAIL.recipient, b"A: b\r\n\r\n.\r\n..\r\n", b"", False)
        )
        await session.send(compose(odd, Sound.NOT_WANTED))
    assert str(inbox.got[0].mail.get_payload()).splitlines() == [".", ".."]
    assert "Hello . .. .," in inbox.got[1].text()


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
async def test_encrypted_and_logged_in(
    certificate: Path,
    context: ssl.SSLContext,
    make_audio: Callable[[int], Path],
    security: Security,
) -> None:
    inbox, audio = Inbox(), make_audio(2_000_000)
    async with (
        whole(inbox, security, context, login=True) as server,
        with_ca(server, certificate).connected() as session,
    ):
        await session.send(WITH_AUDIO, audio)
    [got] = inbox.got
    assert (got.encrypted, got.user) == (True, USER)
    assert got.audio is not None
    assert got.audio.get_content() == audio.read_bytes()


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
async def test_a_certificate_that_nobody_vouches_for(
    context: ssl.SSLContext, security: Security
) -> None:
    inbox = Inbox()
    async with whole(inbox, security, context, login=True) as server:
        with pytest.raises(ServerAway, match=r"(?i)certificate"):
            async with server.connected():
                pass
    assert not inbox.got


async def test_a_certificate_for_another_host(certificate: Path, context: ssl.SSLContext) -> None:
    async with whole(Inbox(), Security.TLS, context) as server:
        other = MailServer("127.0.0.2", server.port, server.security, ca_file=certificate)
        with pytest.raises(ServerAway):
            async with other.connected():
                pass


async def test_a_server_without_starttls_gets_no_password() -> None:
    scripted = Scripted()
    async with scripted.serve() as server:
        starttls = MailServer(LOOPBACK, server.port, Security.STARTTLS, USER, PASSWORD)
        with pytest.raises(ServerAway, match=r"(?i)starttls"):
            async with starttls.connected():
                pass
    assert not scripted.count("AUTH")


async def test_a_wrong_password_is_no_fault_of_a_mail(
    certificate: Path, context: ssl.SSLContext
) -> None:
    async with whole(Inbox(), Security.STARTTLS, context, login=True) as server:
        with pytest.raises(ServerAway, match="535") as caught:
            async with with_ca(server, certificate, password="wrong").connected():
                pass
    assert caught.value.code == 535
    assert "wrong" not in str(caught.value)
    assert PASSWORD not in repr(server)


async def test_a_ca_file_that_is_missing(tmp_path: Path) -> None:
    server = MailServer(LOOPBACK, 1, Security.TLS, ca_file=tmp_path / "none.pem")
    with pytest.raises(ServerAway, match="cannot be used"):
        async with server.connected():
            pass


async def test_nobody_listens() -> None:
    with pytest.raises(ServerAway, match="cannot be used"):
        async with MailServer(LOOPBACK, 1).connected():
            pass


@pytest.mark.parametrize(
    ("word", "answer", "error", "code"),
    [
        ("RCPT", "450 later", Deferred, 450),
        ("RCPT", "550 nobody", Refused, 550),
        ("DATA", "451 later", Deferred, 451),
        ("DATA", "554 no", Refused, 554),
        ("BODY", "452 full", Deferred, 452),
        ("BODY", "550-spam\n550 really", Refused, 550),
        ("BODY", "552 too much", TooLarge, 552),
        ("MAIL", "552 too much", TooLarge, 552),
    ],
)
async def test_a_mail_that_is_not_taken_leaves_the_connection_to_the_next(
    word: str, answer: str, error: type[Exception], code: int
) -> None:
    scripted = Scripted({word: answer})
    async with scripted.serve() as server, server.connected() as session:
        with pytest.raises(error) as caught:
            await session.send(MAIL)
        assert isinstance(caught.value, Deferred | Refused)
        assert caught.value.code == code
        assert session.open
        scripted.answers = {}
        await session.send(MAIL)
    assert len(scripted.connections) == 1
    assert scripted.connections[0][-1] == "QUIT"


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("BANNER", "554 go away"),
        ("BANNER", "drop"),
        ("EHLO", "421 closing"),
        ("EHLO", "no SMTP at all"),
        ("MAIL", "550 you send nothing here"),
        ("MAIL", "530 log in first"),
        ("MAIL", "451 slow down"),
        ("MAIL", "drop"),
        ("RCPT", "421 closing"),
        ("RCPT", "drop"),
        ("DATA", "drop"),
        ("BODY", "drop"),
        ("BODY", "421 closing"),
    ],
)
async def test_a_server_that_is_as_good_as_away(word: str, answer: str) -> None:
    async with Scripted({word: answer}).serve() as server:
        with pytest.raises(ServerAway):
            async with server.connected() as session:
                await session.send(MAIL)


@pytest.mark.parametrize("word", ["BANNER", "EHLO", "MAIL", "RCPT", "DATA", "BODY"])
async def test_a_server_that_falls_silent(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_module, "OPEN_SECONDS", 0.2)
    monkeypatch.setattr(mail_module, "ANSWER_SECONDS", 0.2)
    loop = asyncio.get_running_loop()
    async with Scripted({word: ""}).serve() as server:
        since = loop.time()
        with pytest.raises(ServerAway, match="in time"):
            async with server.connected() as session:
                await session.send(MAIL)
        assert loop.time() - since < 3


async def test_a_server_that_reads_no_more(
    make_audio: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_module, "ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(mail_module, "SLOWEST_BYTES", 100_000_000)

    class Stuck(Scripted):
        async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for answer in (b"220 a\r\n", b"250 b\r\n", b"250 c\r\n", b"250 d\r\n", b"354 e\r\n"):
                writer.write(answer)
                if answer[:3] != b"354":
                    await reader.readline()
            reader._transport.pause_reading()  # type: ignore[attr-defined]
            await asyncio.Event().wait()

    async with Stuck().serve() as server:
        with pytest.raises(ServerAway, match="in time"):
            async with server.connected() as session:
                await session.send(WITH_AUDIO, make_audio(20_000_000))


async def test_a_mail_given_up_half_way_is_not_taken(
    make_audio: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox, begun = Inbox(), asyncio.Event()

    async def stall(*_: object) -> bytes:
        begun.set()
        await asyncio.Event().wait()
        return b""

    async with whole(inbox) as server, server.connected() as session:
        monkeypatch.setattr(asyncio, "to_thread", stall)
        task = asyncio.create_task(session.send(WITH_AUDIO, make_audio(1000)))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not session.open
    assert not inbox.got


async def test_a_mail_larger_than_the_server_takes(make_audio: Callable[[int], Path]) -> None:
    inbox = Inbox()
    async with whole(inbox, data_size_limit=50_000) as server, server.connected() as session:
        with pytest.raises(TooLarge, match="takes 50000 bytes"):
            await session.send(WITH_AUDIO, make_audio(50_000))
        await session.send(MAIL)
    assert len(inbox.got) == 1


async def test_an_address_that_is_not_ascii() -> None:
    inbox = Inbox()
    mail = compose(letter(recipient=address("jürgen@example.org")), Sound.NOT_WANTED)
    async with whole(inbox) as server, server.connected() as session:
        await session.send(mail)
    assert inbox.got[0].recipients == ["jürgen@example.org"]
    assert "\nTo: Anna Meier <jürgen@example.org>\r\n" in inbox.got[0].content.decode()
    async with Scripted().serve() as server, server.connected() as session:
        with pytest.raises(Refused, match="ASCII"):
            await session.send(mail)
