"""The snapshot follows menus, mailboxes and media files."""

from uuid import UUID

import asyncpg
import pytest

from stasis_app.rules.models import Box, MailboxCounts, Menu
from stasis_app.rules.voicemail import NO_PIN, pin_problem
from stasis_app.store.directory import Directory
from stasis_app.words import IvrAction
from tests.support.until import until

from .mailboxes import ADD_USER
from .test_directory import ADD, directory

__all__ = ["directory"]

MESSAGE = """
    INSERT INTO voicemail_messages (voicemail_box_id, caller_number, storage_path, duration_seconds)
    VALUES ($1, '030', $2, 3) RETURNING id"""
MEDIA = """
    INSERT INTO media_files (name, file_type, storage_path, record_code)
    VALUES ($1, 'prompt', $1, $2) RETURNING id"""


async def box_of(directory: Directory, extension: UUID) -> Box:
    return await until(lambda: directory.book.voicemail_boxes.of(extension))


async def test_a_menu_and_its_keys(directory: Directory, db: asyncpg.Connection) -> None:
    media = await db.fetchval(MEDIA, "Welcome", None)
    menu = await db.fetchval(
        "INSERT INTO ivr_menus (name, welcome_prompt_id) VALUES ('main', $1) RETURNING id", media
    )
    made = await until(lambda: directory.book.ivr_menus.get(menu))
    assert made == Menu(
        id=menu,
        name="main",
        welcome=media,
        digit_seconds=5.0,
        inter_digit_seconds=2.0,
        max_retries=3,
        invalid_prompt=None,
        timeout_prompt=None,
        on_timeout=None,
        on_invalid=None,
        direct_dial=False,
        language=None,
    )
    await db.execute(
        "INSERT INTO ivr_menu_options (ivr_menu_id, dtmf_digit, action) VALUES ($1, '#', 'hangup')",
        menu,
    )
    found = await until(lambda: directory.book.ivr_menu_options.of(menu))
    assert found["#"].action is IvrAction.HANGUP
    await db.execute("UPDATE ivr_menu_options SET dtmf_digit = '12'")
    await until(lambda: list(directory.book.ivr_menu_options.of(menu)) == ["12"])
    await db.execute("DELETE FROM media_files")
    await until(lambda: directory.book.ivr_menus.items[menu].welcome is None)
    await db.execute("DELETE FROM ivr_menus")
    await until(lambda: not directory.book.ivr_menu_options.of(menu))
    assert directory.book.ivr_menus.get(menu) is None


async def test_every_column_of_a_menu_is_read(directory: Directory, db: asyncpg.Connection) -> None:
    anna = await db.fetchval(ADD, "1001")
    menu = await db.fetchval(
        """INSERT INTO ivr_menus (name, extension_number, inter_digit_seconds, direct_dial,
            language, timeout_destination_type, timeout_destination_id,
            invalid_destination_type, invalid_destination_number)
        VALUES ('main', '2000', 1.5, TRUE, 'de', 'extension', $1, 'external', '030777')
        RETURNING id""",
        anna,
    )
    made = await until(lambda: directory.book.ivr_menus.get(menu))
    assert (made.inter_digit_seconds, made.direct_dial, made.language) == (1.5, True, "de")
    assert made.on_timeout
    assert made.on_timeout.id == anna
    assert made.on_invalid
    assert made.on_invalid.number == "030777"
    assert directory.book.ivr_menus.at("2000") is made
    await db.execute("UPDATE ivr_menus SET extension_number = NULL")
    await until(lambda: directory.book.ivr_menus.at("2000") is None)


async def test_a_box_follows_its_extension(directory: Directory, db: asyncpg.Connection) -> None:
    anna = await db.fetchval(ADD, "1001")
    box = await box_of(directory, anna)
    assert (box.number, box.active, box.mails, box.address) == ("1001", True, True, None)
    assert directory.book.box_of(directory.book.extension("1001")) is box
    await db.execute("UPDATE extensions SET number = '1002', voicemail_email_notification = FALSE")
    await until(lambda: directory.book.voicemail_boxes.items[box.id].number == "1002")
    assert not directory.book.voicemail_boxes.items[box.id].mails
    await db.execute("UPDATE extensions SET voicemail_enabled = FALSE")
    await until(lambda: not directory.book.voicemail_boxes.items[box.id].active)
    assert directory.book.box_of(directory.book.extension("1002")) is None
    await db.execute("UPDATE extensions SET voicemail_enabled = TRUE")
    await until(lambda: directory.book.box_of(directory.book.extension("1002")))
    await db.execute("DELETE FROM extensions")
    await until(lambda: directory.book.voicemail_boxes.of(anna) is None)


async def test_every_column_of_a_box_is_read(directory: Directory, db: asyncpg.Connection) -> None:
    anna = await db.fetchval(ADD, "1001")
    media = [await db.fetchval(MEDIA, name, None) for name in ("a", "b", "c", "d")]
    await db.execute(
        """UPDATE voicemail_boxes SET greeting_prompt_id = $1, busy_greeting_prompt_id = $2,
            temporary_greeting_prompt_id = $3, name_prompt_id = $4, operator_number = '1002',
            max_messages = 5, email_notification = FALSE, email_address = 'anna@example.org'""",
        *media,
    )
    await until(lambda: (box := directory.book.voicemail_boxes.of(anna)) and box.greeting)
    box = await box_of(directory, anna)
    greetings = [box.greeting, box.busy_greeting, box.temporary_greeting, box.name_prompt]
    assert greetings == media
    assert (box.operator, box.max_messages) == ("1002", 5)
    assert (box.mails, box.address) == (False, "anna@example.org")


@pytest.mark.parametrize(
    ("of_box", "of_extension"),
    [
        (None, None),
        (" ", ""),
        ("4711", None),
        (" 4711 ", None),
        (None, "4711"),
        ("4711", "1001"),
        ("1001", "4711"),
        ("123", "4711"),
        ("12345678901234567890", None),
        ("47*1", None),
        ("7777", None),
        (None, "0000"),
        ("\u0661\u0662\u0663\u0664", None),
    ],
)
async def test_postgres_judges_a_pin_as_the_rules_do(
    directory: Directory, db: asyncpg.Connection, of_box: str | None, of_extension: str | None
) -> None:
    """It keeps the PIN to itself."""
    anna = await db.fetchval(ADD, "1001")
    await db.execute("UPDATE extensions SET voicemail_pin = $1", of_extension)
    await db.execute("UPDATE voicemail_boxes SET pin = $1, max_messages = 1", of_box)
    await until(lambda: (box := directory.book.voicemail_boxes.of(anna)) and box.max_messages)
    pin = (of_box or "").strip() or (of_extension or "").strip()
    flaw = pin_problem(pin, "1001") if pin else NO_PIN
    assert (await box_of(directory, anna)).pin_flaw == flaw


@pytest.mark.parametrize(
    ("written", "read"), [(None, None), ("  ", None), (" anna@example.org ", "anna@example.org")]
)
async def test_where_mail_goes(
    directory: Directory, db: asyncpg.Connection, written: str | None, read: str | None
) -> None:
    user = await db.fetchval(ADD_USER, "ben@example.org")
    anna = await db.fetchval(ADD, "1001")
    await db.execute("UPDATE voicemail_boxes SET email_address = $1, max_messages = 1", written)
    await until(lambda: (box := directory.book.voicemail_boxes.of(anna)) and box.max_messages)
    assert (await box_of(directory, anna)).address == read
    assert directory.book.users.items[user].address == "ben@example.org"
    await db.execute("UPDATE users SET email = 'ben'")
    await until(lambda: directory.book.users.items[user].address == "ben")


async def test_what_waits_in_a_mailbox(directory: Directory, db: asyncpg.Connection) -> None:
    changed = directory.watch("mailbox_counts")
    anna = await db.fetchval(ADD, "1001")
    box = (await box_of(directory, anna)).id

    async def counted(unread: int, read: int, number: str = "1001") -> None:
        expected = MailboxCounts(box, number, unread, read)
        await until(lambda: directory.book.mailbox_counts.get(box) == expected)

    await counted(0, 0)
    await until(changed.is_set)
    first = await db.fetchval(MESSAGE, box, "a")
    await db.execute(MESSAGE, box, "b")
    await counted(2, 0)
    await db.execute("UPDATE voicemail_messages SET is_read = TRUE WHERE id = $1", first)
    await counted(1, 1)
    await db.execute("UPDATE voicemail_messages SET deleted_at = now() WHERE id = $1", first)
    await counted(1, 0)
    await db.execute("UPDATE extensions SET number = '1002'")
    await counted(1, 0, "1002")
    await db.execute("UPDATE extensions SET voicemail_enabled = FALSE")
    await until(lambda: directory.book.mailbox_counts.get(box) is None)
    await db.execute("UPDATE extensions SET voicemail_enabled = TRUE")
    await counted(1, 0, "1002")
    await db.execute("DELETE FROM voicemail_boxes")
    await until(lambda: directory.book.mailbox_counts.get(box) is None)


async def test_a_media_file_by_its_code(directory: Directory, db: asyncpg.Connection) -> None:
    media = await db.fetchval(MEDIA, "Welcome", "42")
    found = await until(lambda: directory.book.media_files.at("42"))
    assert (found.id, found.name, found.kind) == (media, "Welcome", "prompt")
    await db.execute("UPDATE media_files SET record_code = '43', file_type = 'moh'")
    found = await until(lambda: directory.book.media_files.at("43"))
    assert found.kind == "moh"
    assert directory.book.media_files.at("42") is None


async def test_the_language_and_the_zone_of_a_user(
    directory: Directory, db: asyncpg.Connection
) -> None:
    user = await db.fetchval("""
        INSERT INTO users (email, password_hash, first_name, last_name, role, language, timezone)
        VALUES ('a@example.org', 'x', 'A', 'B', 'user', 'en-GB', 'Europe/London') RETURNING id""")
    found = await until(lambda: directory.book.users.get(user))
    assert (found.language, found.timezone) == ("en-GB", "Europe/London")
