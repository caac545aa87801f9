"""The mail about a message: in the language of its reader, with the recording, exactly once."""

import asyncio
import json
import os
import re
import signal
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from tests.support.caller import OutgoingCall
from tests.support.until import until

from .incoming import number
from .outside import carrier, inbound, setting, trunk
from .pbx import Pbx
from .voicemail import (
    Mailbox,
    decoded,
    enclosed,
    holds,
    mail,
    mailbox,
    mails,
    message,
    old_message,
    reaches,
    short,
    tells,
    user,
)

EVIL = 'Mallory\r\nBcc: all@example.org\r\n\r\n"quoted" <b>bold</b>, \\ '


async def leaves_a_tone(call: OutgoingCall) -> None:
    await reaches(call)
    await tells(call, 440)
    await call.hangup()


def texts(letter: EmailMessage) -> tuple[str, str]:
    """Return what is written, plain and in HTML."""
    plain, html = letter.get_body(("plain",)), letter.get_body(("html",))
    assert plain
    assert html
    return plain.get_content(), html.get_content()


async def outbox(pbx: Pbx, identity: uuid.UUID) -> asyncpg.Record:
    """Return the row of a message's mail, when it was sent."""
    query = "SELECT * FROM mail_outbox WHERE message_id = $1 AND state = 'sent'"
    return await until(lambda: pbx.db.fetchrow(query, identity), 8.0, "a mail to be sent")


async def sends(pbx: Pbx, identity: uuid.UUID, box: Mailbox) -> None:
    """Have a mail sent, as a SQL prompt does it."""
    query = "INSERT INTO mail_outbox (message_id, recipient) VALUES ($1, $2)"
    await pbx.db.execute(query, identity, box.address)


async def test_a_mail_in_the_language_and_zone_of_its_reader(pbx: Pbx) -> None:
    """To the mailbox's address, else to the user's; without audio if the mailbox says so."""
    await short(pbx)
    address = f"{uuid.uuid4()}@example.org"
    german = await user(pbx, email=address, language="de-DE", timezone="Europe/Berlin")
    english = await user(pbx, first_name="Bob", language="en-US", timezone="America/New_York")
    anna = await mailbox(pbx, user_id=german, box={"email_address": None})
    bob = await mailbox(pbx, user_id=english, box={"attach_audio": False})
    silent = await mailbox(pbx, user_id=english, voicemail_email_notification=False)
    boxes, telekom = (anna, bob, silent), await carrier(pbx)
    await trunk(pbx, telekom)
    caller, dids = number(), [number() for _ in boxes]
    for did, box in zip(dids, boxes, strict=True):
        await inbound(pbx, did, box.id, destination_type="voicemail")
    calls = [await telekom.call(did, caller=caller, name="Jürgen") for did in dids]
    await asyncio.gather(*map(leaves_a_tone, calls))

    row = await message(pbx, anna)
    letter = await mail(pbx, address)
    plain, html = texts(letter)
    assert letter["Subject"] == f"Neue Nachricht von Jürgen ({caller})"
    assert letter["To"].addresses[0].display_name == "Anna Ärmel"
    assert letter["Content-Language"] == "de"
    assert letter["Message-ID"] == f"<voicemail-{(await outbox(pbx, row['id']))['id']}@localhost>"
    local = row["received_at"].astimezone(ZoneInfo("Europe/Berlin"))
    assert parsedate_to_datetime(letter["Date"]) == local.replace(microsecond=0)
    for text in (plain, html):
        assert "Guten Tag Anna Ärmel" in text
        assert f"{local:%H:%M} Uhr (Europe/Berlin, UTC+0" in text
        assert caller in text
    (attached,) = enclosed(letter)
    assert attached.get_content_type() == "audio/wav"
    assert re.fullmatch(r"message-[0-9-]+\.wav", attached.get_filename() or "")
    holds(attached.get_content(), 440)

    row, letter = await message(pbx, bob), await mail(pbx, bob.address)
    local = row["received_at"].astimezone(ZoneInfo("America/New_York"))
    assert letter["Subject"] == f"New voice message from Jürgen ({caller})"
    assert letter["Content-Language"] == "en"
    for text in texts(letter):
        assert "Hello Bob Ärmel" in text
        assert f"{local:%H:%M} (America/New_York, UTC-0" in text
    assert enclosed(letter) == []

    row = await message(pbx, silent)
    query = "SELECT count(*) FROM mail_outbox WHERE message_id = $1"
    assert await pbx.db.fetchval(query, row["id"]) == 0


async def test_a_name_is_a_name_whatever_is_in_it(pbx: Pbx) -> None:
    """No header, no line and no HTML of its own. The audio as MP3, where that is wanted."""
    ben = await mailbox(pbx)
    await setting(pbx, "mail.audio_format", "mp3")
    identity = await old_message(pbx, ben, 440, caller_name=EVIL, caller_number="+4930\r\n1")
    await sends(pbx, identity, ben)
    letter = await mail(pbx, ben.address)
    assert letter["Bcc"] is None
    assert letter["Subject"] == (
        'New voice message from Mallory Bcc: all@example.org "quoted" <b>bold</b>, \\ (+4930 1)'
    )
    plain, html = texts(letter)
    assert 'Caller:   Mallory Bcc: all@example.org "quoted" <b>bold</b>, \\\n' in plain
    assert "<b>bold" not in html
    assert "&lt;b&gt;bold&lt;/b&gt;" in html
    (attached,) = enclosed(letter)
    assert attached.get_content_type() == "audio/mpeg"
    pcm, rate = decoded(attached.get_content())
    assert 1.9 < len(pcm) / rate < 2.3
    holds(attached.get_content(), 440, rate=rate)


@asynccontextmanager
async def mail_server_away(pbx: Pbx) -> AsyncIterator[None]:
    """Keep the mail server dead: its supervisor is held still meanwhile."""
    supervisor: dict[str, Any] = json.loads((pbx.state / "supervisor.json").read_text())
    os.kill(supervisor["pid"], signal.SIGSTOP)
    try:
        os.kill(supervisor["children"]["mail"]["pid"], signal.SIGKILL)
        yield
    finally:
        os.kill(supervisor["pid"], signal.SIGCONT)


async def test_a_mail_waits_for_the_mail_server_and_comes_once(pbx: Pbx) -> None:
    ben = await mailbox(pbx)
    identity = await old_message(pbx, ben, 440)
    async with mail_server_away(pbx):
        await sends(pbx, identity, ben)
        query = "SELECT problem FROM mail_outbox WHERE message_id = $1 AND state = 'pending'"
        await until(lambda: pbx.db.fetchval(query, identity), 5.0, "a mail that can't be sent")
    row = await outbox(pbx, identity)
    assert (row["attempts"], row["problem"]) == (0, None)
    (letter,) = await mails(pbx, ben.address)
    assert letter["Message-ID"] == f"<voicemail-{row['id']}@localhost>"
    assert await pbx.db.fetchval("SELECT count(*) FROM mail_dead_letters") == 0
