"""Mail servers to try: a whole one, which keeps what it gets, and one that says what it is told."""

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from typing import Any, cast

from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from stasis_app.notify.mail import MailServer, Security

LOOPBACK = "127.0.0.1"
USER, PASSWORD = "pbx", "s3cret"


@dataclass(frozen=True)
class Got:
    """A mail as it arrived, and how."""

    sender: str
    recipients: list[str]
    content: bytes
    encrypted: bool
    user: str

    @property
    def mail(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=SMTP_POLICY)

    @property
    def audio(self) -> EmailMessage | None:
        found = list(self.mail.iter_attachments())
        assert len(found) <= 1
        return found[0] if found else None

    def text(self, kind: str = "plain") -> str:
        part = self.mail.get_body((kind,))
        assert part is not None
        return str(part.get_content())


@dataclass
class Inbox(Sink):
    """Keeps every mail. `peers` are the connections they came over."""

    got: list[Got] = field(default_factory=list)
    peers: list[object] = field(default_factory=list)

    async def handle_DATA(  # noqa: N802  aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        user = session.auth_data.login.decode() if session.auth_data else ""
        assert server.transport is not None
        assert isinstance(envelope.content, bytes)
        over = server.transport.get_extra_info("ssl_object")
        sender, recipients = str(envelope.mail_from), list(envelope.rcpt_tos)
        self.got.append(Got(sender, recipients, envelope.content, over is not None, user))
        self.peers.append(session.peer)
        return "250 taken"


@asynccontextmanager
async def whole(
    inbox: Inbox,
    security: Security = Security.NONE,
    context: ssl.SSLContext | None = None,
    *,
    login: bool = False,
    **options: Any,
) -> AsyncIterator[MailServer]:
    """A mail server that takes everything. With `login` it wants USER and PASSWORD."""

    talks: list[SMTP] = []

    def talk() -> SMTP:
        if security is Security.STARTTLS:
            options.update(tls_context=context, require_starttls=True)
        if login:
            starttls = security is Security.STARTTLS
            options.update(authenticator=_knows, auth_required=True, auth_require_tls=starttls)
        with warnings.catch_warnings(action="ignore"):  # it does not know of TLS from the start
            talks.append(SMTP(inbox, enable_SMTPUTF8=True, hostname="sink", **options))
        return talks[-1]

    over = context if security is Security.TLS else None
    server = await asyncio.get_running_loop().create_server(talk, LOOPBACK, 0, ssl=over)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield MailServer(LOOPBACK, port, security, USER if login else "", PASSWORD if login else "")
        for one in talks:
            if one._handler_coroutine is not None:
                one._handler_coroutine.cancel()
                await asyncio.wait([one._handler_coroutine])
            if one.transport is not None:
                cast(asyncio.WriteTransport, one.transport).abort()


def _knows(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
) -> AuthResult:
    right = (data.login.decode(), data.password.decode()) == (USER, PASSWORD)
    return AuthResult(success=right, handled=False, auth_data=data if right else None)


@dataclass
class Scripted:
    """Answers each command by its first word; "" is silence, "drop" ends the connection.

    "BODY" is the answer to what follows DATA. `connections` holds what each said, line by line.
    """

    answers: Mapping[str, str] = field(default_factory=dict)
    connections: list[list[str]] = field(default_factory=list)

    def count(self, word: str) -> int:
        return sum(line.split(" ")[0] == word for said in self.connections for line in said)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said: list[str] = []
        self.connections.append(said)
        try:
            if not self._answer(writer, "BANNER", "220 sink"):
                return
            while line := await reader.readline():
                said.append(line.decode().strip())
                word = said[-1].split(" ")[0].upper()
                if not self._answer(writer, word, "354 go on" if word == "DATA" else "250 fine"):
                    return
                if word == "DATA" and self.answers.get("DATA", "354").startswith("354"):
                    while (line := await reader.readline()) not in (b".\r\n", b""):
                        said.append(line.decode().strip())
                    if not self._answer(writer, "BODY", "250 taken"):
                        return
        except ConnectionError:
            return  # the other end has left
        finally:
            writer.close()

    def _answer(self, writer: asyncio.StreamWriter, word: str, usual: str) -> bool:
        answer = self.answers.get(word, usual)
        if answer == "drop":
            return False
        if answer:
            writer.write(answer.replace("\n", "\r\n").encode() + b"\r\n")
        return True

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[MailServer]:
        talks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            talks[task] = writer
            await self.talk(reader, writer)

        server = await asyncio.start_server(talk, LOOPBACK, 0)
        try:
            yield MailServer(LOOPBACK, server.sockets[0].getsockname()[1])
        finally:
            server.close()
            for task, writer in talks.items():
                task.cancel()
                await asyncio.wait([task])
                writer.transport.abort()
                await asyncio.sleep(0)
