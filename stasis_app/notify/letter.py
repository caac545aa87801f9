"""The mail about a message in a mailbox: headers, plain text and HTML, and room for the audio.

The audio is not part of what is composed here: it is put in between when the mail is sent, so that
it never is in memory as a whole.
"""

import binascii
import secrets
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from enum import StrEnum
from functools import cache
from uuid import UUID

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from stasis_app.rules.mail_address import mail_address
from stasis_app.rules.spoken import Language
from stasis_app.rules.times import zone_of

from .wording import caller, clean, length, moment, name_of, number_of

ASCII = SMTP.clone(cte_type="7bit")
UTF8 = ASCII.clone(utf8=True)

DEFAULT_SENDER = Address(addr_spec="pbx-x@localhost")

SUBJECTS = {
    (Language.DE, False): "Neue Nachricht von {}",
    (Language.DE, True): "Dringende Nachricht von {}",
    (Language.EN, False): "New voice message from {}",
    (Language.EN, True): "Urgent voice message from {}",
}


class Sound(StrEnum):
    """What becomes of the audio of a message."""

    ENCLOSED = "enclosed"
    NOT_WANTED = "not_wanted"
    TOO_LARGE = "too_large"
    MISSING = "missing"


@dataclass(frozen=True)
class Letter:
    """What the owner of a mailbox is told of a message. `owner` and `box` say whose it is."""

    id: UUID
    sender: Address
    recipient: Address
    language: Language
    owner: str
    box: str
    caller_number: str
    caller_name: str
    received_at: datetime
    timezone: str | None
    seconds: float
    urgent: bool


@dataclass(frozen=True)
class Mail:
    """A mail for SMTP; the audio in base64 belongs between `head` and `tail`, if there is any.

    Lines end with CRLF; a dot that begins a line is there once. `utf8`: an address is not ASCII.
    """

    sender: str
    recipient: str
    head: bytes
    tail: bytes
    utf8: bool


def compose(letter: Letter, sound: Sound, suffix: str = "wav") -> Mail:
    """Write the mail. `suffix` is wav or mp3. Takes a few ms of CPU."""
    zone = zone_of(letter.timezone)
    utf8 = not letter.recipient.addr_spec.isascii()
    mail = EmailMessage(policy=UTF8 if utf8 else ASCII)
    _address(mail, letter)
    mail["Date"] = letter.received_at.astimezone(zone)
    _text(mail, letter, sound)
    mark = secrets.token_bytes(45)
    if sound is Sound.ENCLOSED:
        local = letter.received_at.astimezone(zone)
        name = f"message-{local:%Y-%m-%d-%H%M}.{suffix}"
        kind = "mpeg" if suffix == "mp3" else "wav"
        mail.add_attachment(mark, maintype="audio", subtype=kind, filename=name)
    mail["Content-Language"] = letter.language.value  # not before: new content takes it away
    head, tail = _halves(mail.as_bytes(), mark)
    return Mail(letter.sender.addr_spec, letter.recipient.addr_spec, head, tail, utf8)


def address(text: str) -> Address | None:
    """Return a mail address, with or without a name before it; None if mail can't be sent there."""
    found = mail_address(text)
    return Address(clean(found.name), found.mailbox, found.host) if found else None


def sender_of(setting: object) -> Address:
    """Return whom mails come from: an address in ASCII, else that of the default."""
    found = address(setting) if isinstance(setting, str) else None
    return found if found and found.addr_spec.isascii() else DEFAULT_SENDER


def message_id(letter: Letter) -> str:
    """Return an id that is the same each time the mail is sent: the other end sees what it has."""
    return f"<voicemail-{letter.id}@{letter.sender.domain}>"


def _address(mail: EmailMessage, letter: Letter) -> None:
    shown = caller(letter.caller_name, letter.caller_number, letter.language)
    mail["Subject"] = SUBJECTS[letter.language, letter.urgent].format(shown)
    mail["From"] = letter.sender
    to = letter.recipient
    mail["To"] = Address(clean(letter.owner), to.username, to.domain)
    mail["Message-ID"] = message_id(letter)
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    if letter.urgent:
        mail["X-Priority"] = "1 (Highest)"
        mail["Importance"] = "high"
        mail["Priority"] = "urgent"


def _text(mail: EmailMessage, letter: Letter, sound: Sound) -> None:
    shown = {
        "owner": clean(letter.owner),
        "box": clean(letter.box),
        "caller": caller(letter.caller_name, letter.caller_number, letter.language),
        "name": name_of(letter.caller_name, letter.caller_number),
        "number": number_of(letter.caller_number, letter.language),
        "time": moment(letter.received_at, zone_of(letter.timezone), letter.language),
        "length": length(letter.seconds),
        "urgent": letter.urgent,
        "sound": sound.value,
    }
    for kind, put in (("txt", mail.set_content), ("html", mail.add_alternative)):
        template = _templates().get_template(f"voicemail.{letter.language.value}.{kind}")
        put(template.render(shown), subtype="plain" if kind == "txt" else "html")


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("stasis_app.notify"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _halves(content: bytes, mark: bytes) -> tuple[bytes, bytes]:
    """Return what stands before and behind the line that holds the place of the audio."""
    line = binascii.b2a_base64(mark, newline=False) + b"\r\n"
    head, _, tail = content.partition(line)
    return head, tail
