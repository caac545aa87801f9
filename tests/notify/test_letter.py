"""What the owner of a mailbox reads, whatever a caller calls himself."""

import base64
import re
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasis_app.notify.letter import (
    DEFAULT_SENDER,
    Letter,
    Sound,
    address,
    compose,
    message_id,
    sender_of,
)
from stasis_app.rules.spoken import Language

from .build import letter

HEADERS = [
    "Subject",
    "From",
    "To",
    "Message-ID",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "Date",
    "MIME-Version",
    "Content-Type",
    "Content-Language",
]
URGENT = ["X-Priority", "Importance", "Priority"]
AUDIO = b"RIFF of it"


def read(letter: Letter, sound: Sound = Sound.ENCLOSED, suffix: str = "wav") -> EmailMessage:
    """Parse the mail with its audio in place."""
    mail = compose(letter, sound, suffix)
    audio = base64.encodebytes(AUDIO).replace(b"\n", b"\r\n") if sound is Sound.ENCLOSED else b""
    content = mail.head + audio + mail.tail
    assert re.search(rb"(?<!\r)\n|\r(?!\n)", content) is None
    assert max(map(len, content.split(b"\r\n"))) <= 998
    return message_from_bytes(content, policy=SMTP)


def text(mail: EmailMessage, kind: str = "plain") -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def test_an_english_mail() -> None:
    mail = read(letter())
    assert sorted(mail.keys()) == sorted(HEADERS)
    assert mail["Subject"] == "New voice message from Jürgen Groß (+493012345)"
    assert mail["From"] == "Telefon <pbx@example.org>"
    assert mail["To"] == "Anna Meier <anna@example.org>"
    assert mail["Message-ID"] == "<voicemail-00000000-0000-0000-0000-000000000007@example.org>"
    assert mail["Date"] == "Sat, 25 Jul 2026 14:03:00 +0200"
    assert mail["Content-Language"] == "en"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert text(mail) == (
        "Hello Anna Meier,\n\n"
        "there is a new message in your mailbox 1001.\n\n"
        "Caller:   Jürgen Groß\n"
        "Number:   +493012345\n"
        "Time:     Saturday, 25 July 2026, 14:03 (Europe/Berlin, UTC+02:00)\n"
        "Length:   0:42\n\n"
        "The recording is enclosed. On the phone you hear it with *97.\n"
    )
    assert [part.get_content() for part in mail.iter_attachments()] == [AUDIO]


def test_a_german_mail_that_is_urgent() -> None:
    mail = read(letter(language=Language.DE, urgent=True, seconds=3723))
    assert sorted(mail.keys()) == sorted(HEADERS + URGENT)
    assert mail["Subject"] == "Dringende Nachricht von Jürgen Groß (+493012345)"
    assert (mail["X-Priority"], mail["Importance"]) == ("1 (Highest)", "high")
    assert text(mail) == (
        "Guten Tag Anna Meier,\n\n"
        "in Ihrer Mailbox 1001 ist eine dringende Nachricht.\n\n"
        "Anrufer:  Jürgen Groß\n"
        "Nummer:   +493012345\n"
        "Zeit:     Samstag, 25. Juli 2026, 14:03 Uhr (Europe/Berlin, UTC+02:00)\n"
        "Länge:    1:02:03\n\n"
        "Die Aufnahme liegt bei. Am Telefon hören Sie sie mit *97.\n"
    )


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("sound", Sound)
def test_both_parts_say_the_same(language: Language, sound: Sound) -> None:
    mail = read(letter(language=language), sound)
    shown = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text(mail, "html")))
    for line in text(mail).splitlines():
        words = re.sub(r":  +", " ", line)
        assert words.strip() in shown
    assert f'lang="{language.value}"' in text(mail, "html")
    assert bool(list(mail.iter_attachments())) == (sound is Sound.ENCLOSED)


def test_every_fate_of_the_audio_is_told() -> None:
    for language in Language:
        told = {text(read(letter(language=language), sound)) for sound in Sound}
        assert len(told) == len(Sound)


@pytest.mark.parametrize(("suffix", "kind"), [("wav", "audio/wav"), ("mp3", "audio/mpeg")])
def test_the_enclosure(suffix: str, kind: str) -> None:
    [part] = read(letter(), Sound.ENCLOSED, suffix).iter_attachments()
    assert part.get_content_type() == kind
    assert part.get_content_disposition() == "attachment"
    assert part.get_filename() == f"message-2026-07-25-1403.{suffix}"


@pytest.mark.parametrize(
    ("number", "name", "subject"),
    [
        ("+493012345", "", "New voice message from +493012345"),
        ("1002", "1002", "New voice message from 1002"),
        ("anonymous", "Anonymous", "New voice message from unknown"),
        ("", "", "New voice message from unknown"),
        ("1002", "a\r\nBcc: x@example.org", "New voice message from a Bcc: x@example.org (1002)"),
        ("1002", "\u202eevil\u2066 \u200b\x00", "New voice message from evil (1002)"),
        ("10\n02", "x" * 300, f"New voice message from {'x' * 100} (10 02)"),
        ("1002", "=?utf-8?q?x=0A?=", "New voice message from = ?utf-8?q?x=0A?= (1002)"),
        ("1002", "{{ 7 * 7 }}", "New voice message from {{ 7 * 7 }} (1002)"),
    ],
)
def test_who_has_called(number: str, name: str, subject: str) -> None:
    mail = read(letter(caller_number=number, caller_name=name))
    assert str(mail["Subject"]) == subject
    assert sorted(mail.keys()) == sorted(HEADERS)


def test_a_caller_writes_no_html() -> None:
    shown = text(read(letter(caller_name="<script>alert(1)</script>&amp;")), "html")
    assert "<script" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;" in shown


def test_a_template_evaluates_no_name() -> None:
    assert "{{ 7 * 7 }}" in text(read(letter(caller_name="{{ 7 * 7 }}")))


NAMES = st.text(st.characters(), max_size=120)


@given(name=NAMES, number=NAMES, owner=NAMES, box=NAMES, language=st.sampled_from(Language))
def test_any_name_at_all(name: str, number: str, owner: str, box: str, language: Language) -> None:
    told = letter(caller_name=name, caller_number=number, owner=owner, box=box, language=language)
    mail = read(told)
    assert sorted(mail.keys()) == sorted(HEADERS)
    assert [one.addr_spec for one in mail["To"].addresses] == ["anna@example.org"]
    assert [part.get_content() for part in mail.iter_attachments()] == [AUDIO]


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("America/St_Johns", "09:33 (America/St_Johns, UTC-02:30)"),
        ("UTC", "12:03 (UTC)"),
        ("Europe/London", "13:03 (Europe/London, UTC+01:00)"),
        ("Africa/Abidjan", "12:03 (Africa/Abidjan, UTC)"),
        ("Mars/Olympus", "12:03 (UTC)"),
        ("../../etc/passwd", "12:03 (UTC)"),
        ("Europe", "12:03 (UTC)"),
        ("", "12:03 (UTC)"),
        (None, "12:03 (UTC)"),
    ],
)
def test_the_time_is_that_of_the_user(zone: str | None, shown: str) -> None:
    assert f"Saturday, 25 July 2026, {shown}\n" in text(read(letter(timezone=zone)))


@pytest.mark.parametrize(
    ("written", "name", "spec"),
    [
        ("anna@example.org", "", "anna@example.org"),
        (" anna@localhost ", "", "anna@localhost"),
        ("<anna@example.org>", "", "anna@example.org"),
        ("Anna <a.b+c@example.org>", "Anna", "a.b+c@example.org"),
        ('"Meier, Anna" <anna@example.org>', "Meier, Anna", "anna@example.org"),
        ("anna@münchen.example", "", "anna@xn--mnchen-3ya.example"),
        ("jürgen@example.org", "", "jürgen@example.org"),
    ],
)
def test_addresses(written: str, name: str, spec: str) -> None:
    found = address(written)
    assert found is not None
    assert (found.display_name, found.addr_spec) == (name, spec)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "anna",
        "@example.org",
        "anna@",
        "anna@example.org, b@example.org",
        "anna@example.org b@example.org",
        "anna@example.org\r\nRCPT TO:<b@example.org>",
        "A\r\nBcc: b <anna@example.org>",
        "an\u202ena@example.org",
        "an na@example.org",
        "anna@exa mple.org",
        "anna@example..org",
        "anna@-example.org",
        ".anna@example.org",
        "a<b@example.org",
        "<anna@example.org",
        "anna@[127.0.0.1]",
        '"anna meier"@example.org',
        f"{'a' * 250}@example.org",
        f"anna@{'a' * 64}.example",
    ],
)
def test_what_is_no_address(written: str) -> None:
    assert address(written) is None


@given(st.text(max_size=60))
def test_any_text_is_an_address_that_can_be_written_to_or_none(written: str) -> None:
    found = address(written)
    if found is not None:
        mail = read(letter(recipient=found))
        assert sorted(mail.keys()) == sorted(HEADERS)


@pytest.mark.parametrize("setting", [None, 7, "", "nobody", "jürgen@example.org", ["a@b"]])
def test_a_sender_that_cannot_be_used(setting: object) -> None:
    assert sender_of(setting) is DEFAULT_SENDER


def test_the_same_mail_has_the_same_id() -> None:
    assert message_id(letter()) == message_id(letter(recipient=Address(addr_spec="b@c")))
