"""The mail server: one connection, as many mails as there are. The only importer of aiosmtplib.

A mail goes out in pieces: aiosmtplib's own way looks at it as a whole, which stops all calls for
0.2 s when 10 MB are enclosed.
"""

import asyncio
import base64
import contextlib
import re
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import cast

from aiosmtplib import SMTP, SMTPException, SMTPResponseException, SMTPServerDisconnected

from .letter import Mail
from .wording import clean

OPEN_SECONDS = 20.0  # until we are logged in
ANSWER_SECONDS = 20.0
SLOWEST_BYTES = 50_000  # a second
LEAVE_SECONDS = 1.0
LONGEST_QUOTE = 300
LINE_BYTES = 57  # 76 characters in base64
CHUNK_BYTES = LINE_BYTES * 1024
BUFFER_BYTES = 1 << 18
LOOK_SECONDS = 0.02

GO_ON = 354
DONE = 250
CLOSING = 421
EXCEEDED = 552
PERMANENT = range(500, 600)
NEGATIVE = range(400, 600)


class Security(StrEnum):
    """How the connection is kept from others."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class MailError(Exception):
    """A mail was not taken. The text says why, and may quote the server; `code` is its answer's."""

    def __init__(self, problem: str, code: int | None = None) -> None:
        super().__init__(problem)
        self.code = code


class ServerAway(MailError):
    """The server cannot be reached, does not answer, or takes no mail from us at all."""


class Deferred(MailError):
    """The server may take this mail later."""


class Refused(MailError):
    """The server says that it will never take this mail; `code` is None where we know it."""


class TooLarge(Refused):
    """The server will never take so large a mail."""


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed in. Certificates are checked, by `ca_file` if there is one."""

    host: str
    port: int
    security: Security = Security.NONE
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None

    @asynccontextmanager
    async def connected(self) -> AsyncIterator["MailSession"]:
        """Open a connection for some mails. Raises ServerAway."""
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                smtp = await self._open()
        except (SMTPException, OSError) as error:
            raise _away(error) from error
        try:
            yield MailSession(smtp)
        finally:
            await _leave(smtp)

    async def _open(self) -> SMTP:
        context = None
        if self.security is not Security.NONE:
            context = await asyncio.to_thread(ssl.create_default_context, cafile=self.ca_file)
        smtp = SMTP(
            hostname=self.host,
            port=self.port,
            username=self.username or None,
            password=self.password or None,
            local_hostname=socket.gethostname(),
            timeout=ANSWER_SECONDS,
            use_tls=self.security is Security.TLS,
            start_tls=self.security is Security.STARTTLS,
            tls_context=context,
        )
        await smtp.connect()
        try:
            if smtp.is_ehlo_or_helo_needed:
                await smtp.ehlo()
        except BaseException:
            smtp.close()
            raise
        return smtp


class MailSession:
    """A connection to the mail server."""

    def __init__(self, smtp: SMTP) -> None:
        self._smtp = smtp
        self._begun = False

    @property
    def open(self) -> bool:
        """Return whether another mail may be sent."""
        return self._smtp.is_connected

    async def send(self, mail: Mail, audio: Path | None = None) -> None:
        """Hand in a mail; return when the server has taken it.

        Raises Deferred, Refused, TooLarge, and ServerAway, also when it is not known whether the
        mail was taken.
        """
        size = len(mail.head) + len(mail.tail) + _encoded(audio)
        try:
            async with asyncio.timeout(3 * ANSWER_SECONDS + size / SLOWEST_BYTES):
                await self._envelope(mail, size)
                await self._content(mail, audio)
        except SMTPResponseException as error:
            raise self._refusal(error) from None
        except (SMTPException, OSError) as error:
            self._smtp.close()
            raise _away(error) from error
        except MailError:
            raise
        except BaseException:
            self._smtp.close()  # half a mail is none
            raise

    async def _envelope(self, mail: Mail, size: int) -> None:
        known = self._smtp.esmtp_extensions
        limit = known.get("size", "")
        if limit.isdecimal() and 0 < int(limit) < size:
            raise TooLarge(f"the mail server takes {limit} bytes, not {size}")
        options = [f"SIZE={size}"] if "size" in known else []
        if mail.utf8:
            if "smtputf8" not in known:
                raise Refused("the mail server takes only addresses in ASCII")
            options.append("SMTPUTF8")
        encoding = "utf-8" if mail.utf8 else "ascii"
        if self._begun:
            await self._smtp.rset()
        self._begun = True
        try:
            await self._smtp.mail(mail.sender, options=options, encoding=encoding)
        except SMTPResponseException as error:
            if error.code == EXCEEDED:
                raise
            raise _away(error) from None  # no other mail would fare better
        await self._smtp.rcpt(mail.recipient, encoding=encoding)

    async def _content(self, mail: Mail, audio: Path | None) -> None:
        answer = await self._smtp.execute_command(b"DATA")
        if answer.code != GO_ON:
            raise SMTPResponseException(answer.code, answer.message)
        await self._write(_dotted(mail.head))
        if audio is not None:
            await self._write_audio(audio)
        await self._write(_dotted(mail.tail) + b".\r\n")
        protocol = self._smtp.protocol
        if protocol is None:
            raise SMTPServerDisconnected("connection lost")
        answer = await protocol.read_response(timeout=ANSWER_SECONDS)
        if answer.code != DONE:
            raise SMTPResponseException(answer.code, answer.message)
        self._begun = False

    def _refusal(self, error: SMTPResponseException) -> MailError:
        if error.code == CLOSING or error.code not in NEGATIVE:
            self._smtp.close()
            return _away(error)
        if error.code == EXCEEDED:
            kind: type[MailError] = TooLarge
        else:
            kind = Refused if error.code in PERMANENT else Deferred
        return kind(f"the mail server answers {_quoted(error)}", error.code)

    async def _write_audio(self, audio: Path) -> None:
        with audio.open("rb") as file:
            while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                await self._write(base64.encodebytes(chunk).replace(b"\n", b"\r\n"))

    async def _write(self, data: bytes) -> None:
        """Write when the server has taken most of what was written before."""
        while True:
            protocol, transport = self._smtp.protocol, self._smtp.transport
            if protocol is None or transport is None:
                raise SMTPServerDisconnected("connection lost")
            if cast(asyncio.WriteTransport, transport).get_write_buffer_size() < BUFFER_BYTES:
                break
            await asyncio.sleep(LOOK_SECONDS)
        protocol.write(data)


def _dotted(text: bytes) -> bytes:
    """Double each dot that begins a line (RFC 5321, 4.5.2)."""
    return re.sub(rb"(?m)^\.", b"..", text)


def _encoded(audio: Path | None) -> int:
    """Return the bytes of a file in base64, with its line ends."""
    if audio is None:
        return 0
    size = audio.stat().st_size
    return (size + 2) // 3 * 4 + 2 * -(-size // LINE_BYTES)


async def _leave(smtp: SMTP) -> None:
    """All that mattered is done: how the server takes it does not."""
    try:
        if smtp.is_connected:
            with contextlib.suppress(SMTPException, OSError):
                await smtp.quit(timeout=LEAVE_SECONDS)
    finally:
        smtp.close()


def _away(error: Exception) -> ServerAway:
    if isinstance(error, SMTPResponseException):
        return ServerAway(f"the mail server takes nothing from us: {_quoted(error)}", error.code)
    if isinstance(error, TimeoutError):
        return ServerAway("the mail server does not answer in time")
    return ServerAway(f"the mail server cannot be used: {error or type(error).__name__}")


def _quoted(error: SMTPResponseException) -> str:
    return f"{error.code} {clean(error.message, LONGEST_QUOTE)}"
