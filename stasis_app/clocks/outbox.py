"""Sends the mails that tell of new messages, until the mail server has taken each."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import structlog

from stasis_app.media.audio import AudioError
from stasis_app.media.enclosed import MP3, WAV, Enclosed, enclose
from stasis_app.media.objects import Missing, ObjectError, Objects
from stasis_app.media.speech import MP3_BYTES
from stasis_app.notify.letter import Letter, Sound, address, compose, sender_of
from stasis_app.notify.mail import (
    Deferred,
    MailServer,
    MailSession,
    Refused,
    ServerAway,
    TooLarge,
)
from stasis_app.rules.spoken import language
from stasis_app.store.directory import Directory
from stasis_app.store.outbox import Mail, Outbox

from .keeping import emptied, folder_in, noted, woken

log = structlog.get_logger()

TABLE = "mail_outbox"
WAITS = "mails_wait"
CONNECTIONS = 4
LOOK_AGAIN_SECONDS = 5.0
LEASE_SECONDS = 60.0
STORE_SECONDS = 10.0
AWAY_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
MOST_BYTES = 10_000_000
MOST_REFUSALS = 8  # more than six hours: a relay that is set up wrong refuses every mail


class Postman:
    """Sends what is due, over several connections if there is much.

    While the server is away no mail is to blame, and one connection is tried now and then.
    `folder` is ours alone.
    """

    def __init__(
        self,
        directory: Directory,
        outbox: Outbox,
        server: MailServer,
        objects: Objects,
        folder: Path,
    ) -> None:
        self._directory = directory
        self._changed = directory.watch(TABLE)
        self._outbox = outbox
        self._server = server
        self._objects = objects
        self._folder = folder
        self._sending: set[UUID] = set()
        self._accepted: set[UUID] = set()
        self._open = 0
        self._failures = 0
        self._away: ServerAway | None = None

    async def follow(self) -> None:
        await self._directory.ready.wait()
        await asyncio.to_thread(emptied, self._folder)
        self._open = 0
        async with asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                if self._away is None:
                    await self._begin(group)
                elif not self._open:
                    await self._back_off()
                    continue
                await woken(self._changed, LOOK_AGAIN_SECONDS)

    async def _begin(self, group: asyncio.TaskGroup) -> None:
        """Begin as many as are due and there is room for; after a failure one."""
        while self._open < (1 if self._failures else CONNECTIONS):
            mail = await self._next()
            if mail is None:
                return
            self._open += 1
            group.create_task(self._send_all(mail), name="mails")

    async def _back_off(self) -> None:
        self._failures += 1
        await asyncio.sleep(AWAY_SECONDS[min(self._failures, len(AWAY_SECONDS)) - 1])
        self._away = None

    async def _send_all(self, first: Mail) -> None:
        """Send a mail, and over the same connection whatever is due then."""
        mail: Mail | None = first
        try:
            async with self._server.connected() as session:
                while mail is not None:
                    with self._marked(mail):
                        await self._deliver(session, mail)
                    mail = await self._next() if session.open and not self._away else None
        except ServerAway as error:
            self._goes_away(error)
            await noted(self._outbox.hand_back(first, str(error)), WAITS)
        finally:
            self._open -= 1
            self._changed.set()

    def _goes_away(self, error: ServerAway) -> None:
        self._away = error
        log.warning("mail server is away", action="mail_away", code=error.code)

    async def _next(self) -> Mail | None:
        """Take a mail that nobody sends: a slow one outlasts its lease."""
        try:
            while taken := await self._outbox.take(1, LEASE_SECONDS):
                mail = taken[0]
                if mail.id in self._accepted:
                    await self._note_accepted(mail)
                elif mail.id not in self._sending:
                    return mail
        except ConnectionError as error:
            log.warning("mails wait", action=WAITS, error=str(error))
        return None

    @contextmanager
    def _marked(self, mail: Mail) -> Iterator[None]:
        self._sending.add(mail.id)
        try:
            yield
        finally:
            self._sending.discard(mail.id)

    async def _deliver(self, session: MailSession, mail: Mail) -> None:
        """Send one mail, or note why not."""
        told = log.bind(mail=str(mail.id))
        try:
            await self._send(session, mail)
        except ServerAway as error:  # the mail itself may be why the connection ends
            self._goes_away(error)
            await noted(self._outbox.fail(mail, str(error)), WAITS)
        except Refused as error:
            await self._refused(mail, error)
        except Deferred as error:
            told.warning("mail comes later", action="mail_deferred", code=error.code)
            await noted(self._outbox.fail(mail, str(error)), WAITS)
        except (ObjectError, OSError) as error:
            told.warning("mail comes later", action="mail_deferred", error=str(error))
            await noted(self._outbox.hand_back(mail, str(error), STORE_SECONDS), WAITS)
        except Exception as error:
            told.exception("mail comes later", action="mail_deferred")
            await noted(self._outbox.fail(mail, type(error).__name__), WAITS)
        else:
            self._failures = 0
            self._accepted.add(mail.id)
            told.info("mail sent", action="mail_sent")
            await noted(self._note_accepted(mail), WAITS)

    async def _refused(self, mail: Mail, error: Refused) -> None:
        final = _is_final(error) or mail.attempts + 1 >= MOST_REFUSALS
        if final:
            log.error("mail is given up", action="mail_dead", mail=str(mail.id), code=error.code)
        else:
            log.warning(
                "mail comes later", action="mail_deferred", mail=str(mail.id), code=error.code
            )
        await noted(self._outbox.fail(mail, str(error), permanent=final), WAITS)

    async def _note_accepted(self, mail: Mail) -> None:
        """It is not sent again because Postgres was away when the server took it."""
        await self._outbox.sent(mail)
        self._accepted.discard(mail.id)

    async def _send(self, session: MailSession, mail: Mail) -> None:
        letter = self._letter(mail)
        async with folder_in(self._folder) as folder:
            sound, audio = await self._audio(mail, folder)
            try:
                await _hand_in(session, letter, sound, audio)
            except TooLarge:
                if audio is None:
                    raise
                await _hand_in(session, letter, Sound.TOO_LARGE)

    def _letter(self, mail: Mail) -> Letter:
        """Raises Refused."""
        settings = self._directory.book.settings
        recipient = address(mail.recipient)
        if recipient is None:
            raise Refused("the recipient is no mail address")
        return Letter(
            id=mail.id,
            sender=sender_of(settings.text("mail.from")),
            recipient=recipient,
            language=language(mail.language) if mail.language else settings.language,
            owner=mail.owner,
            box=mail.number,
            caller_number=mail.caller_number,
            caller_name=mail.caller_name,
            received_at=mail.received_at,
            timezone=mail.timezone,
            seconds=mail.seconds,
            urgent=mail.urgent,
        )

    async def _audio(self, mail: Mail, folder: Path) -> tuple[Sound, Enclosed | None]:
        """Return what is enclosed. Raises StoreAway."""
        if not mail.attach_audio:
            return Sound.NOT_WANTED, None
        settings = self._directory.book.settings
        suffix = settings.word("mail.audio_format", (WAV, MP3), WAV)
        most = int(settings.number("mail.max_attachment_bytes", MOST_BYTES))
        if (mail.size or 0) > most and mail.seconds * MP3_BYTES > most:
            return Sound.TOO_LARGE, None
        source = folder / "message"
        try:
            await self._objects.fetch(mail.storage_path, source)
            found = await asyncio.to_thread(
                enclose, source, folder, suffix=suffix, seconds=mail.seconds, most=most
            )
        except (Missing, AudioError) as error:
            log.warning("mail without audio", action="mail_without_audio", error=str(error))
            return Sound.MISSING, None
        return (Sound.ENCLOSED, found) if found else (Sound.TOO_LARGE, None)


async def _hand_in(
    session: MailSession, letter: Letter, sound: Sound, audio: Enclosed | None = None
) -> None:
    suffix = audio.suffix if audio else WAV
    mail = await asyncio.to_thread(compose, letter, sound, suffix)
    await session.send(mail, audio.path if audio else None)


def _is_final(error: Refused) -> bool:
    """Return whether the mail itself is to blame; another answer may be the server's mistake."""
    return error.code is None or isinstance(error, TooLarge)
