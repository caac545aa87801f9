"""Mailboxes, messages and their objects in SQL alone: what follows from what."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from stasis_app.store.migrate import migrate, rollback
from tests.support.until import until

from .conftest import Server
from .test_announcements import Heard, heard

__all__ = ["heard"]

Connection = asyncpg.Connection

BEFORE_MAILBOXES = "20261125130000"
AT = datetime(2026, 1, 1, 10, 0, tzinfo=UTC)
ADD_EXTENSION = """
    INSERT INTO extensions (number, sip_password, voicemail_enabled) VALUES ($1, 'x', $2)
    RETURNING id"""
ADD_MESSAGE = """
    INSERT INTO voicemail_messages (
        voicemail_box_id, caller_number, storage_path, duration_seconds, received_at, delete_at)
    VALUES ($1, '030', $2, 3, $3, $4) RETURNING id"""
ADD_MEDIA = """
    INSERT INTO media_files (name, file_type, storage_path, recorded_for)
    VALUES ('a', 'greeting', $1, $2) RETURNING id"""
INSERT_BOX = """
    INSERT INTO voicemail_boxes (extension_id, pin)
    SELECT id, $2 FROM extensions WHERE number = $1"""
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


async def new_box(db: Connection, number: str = "1001") -> UUID:
    extension = await db.fetchval(ADD_EXTENSION, number, True)
    box: UUID = await db.fetchval(
        "SELECT id FROM voicemail_boxes WHERE extension_id = $1", extension
    )
    return box


async def leave(db: Connection, box: UUID, path: str = "a", delete_at: Any = None) -> UUID:
    message: UUID = await db.fetchval(ADD_MESSAGE, box, path, AT, delete_at)
    return message


async def column(db: Connection, query: str) -> list[Any]:
    return [row[0] for row in await db.fetch(query)]


async def removals(db: Connection) -> list[str]:
    """The paths in object_removals, which is emptied."""
    return sorted(await column(db, "DELETE FROM object_removals RETURNING storage_path"))


async def test_rows_written_for_the_seed_have_defaults(db: Connection) -> None:
    await new_box(db)
    await db.execute("""
        INSERT INTO ivr_menus (name) VALUES ('main');
        INSERT INTO inbound_rules (name, did_pattern, destination_type) VALUES ('a', '1', 'ivr');
        INSERT INTO media_files (name, file_type, storage_path) VALUES ('a', 'moh', 'a')""")
    row = await db.fetchrow("""
        SELECT inter_digit_seconds::int, direct_dial, m.language AS spoken, r.language,
            timeout_destination_number, invalid_destination_type, invalid_destination_id,
            invalid_destination_number, record_code, recorded_for, operator_number, max_messages,
            busy_greeting_prompt_id, temporary_greeting_prompt_id, name_prompt_id
        FROM ivr_menus m, inbound_rules r, media_files, voicemail_boxes""")
    assert row is not None
    given = {name: value for name, value in row.items() if value is not None}
    assert given == {"inter_digit_seconds": 2, "direct_dial": False}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ivr_menus SET inter_digit_seconds = 0",
        "UPDATE ivr_menus SET inter_digit_seconds = 'NaN'",
        "UPDATE ivr_menus SET invalid_destination_type = 'nowhere'",
        "UPDATE voicemail_boxes SET max_messages = -1",
        "UPDATE media_files SET record_code = '*1'",
        "UPDATE recording_deliveries SET kind = 'song'",
        "UPDATE recording_deliveries SET state = 'lost'",
        "UPDATE mail_outbox SET state = 'lost'",
    ],
)
async def test_a_value_that_cannot_be_meant_is_refused(db: Connection, change: str) -> None:
    message = await leave(db, await new_box(db))
    await db.execute("""
        INSERT INTO ivr_menus (name) VALUES ('main');
        INSERT INTO media_files (name, file_type, storage_path) VALUES ('a', 'moh', 'a');
        INSERT INTO recording_deliveries (id, kind, call_id, began_at)
            VALUES (gen_random_uuid(), 'message', gen_random_uuid(), now())""")
    await db.execute("INSERT INTO mail_outbox (message_id, recipient) VALUES ($1, 'a')", message)
    with pytest.raises(asyncpg.CheckViolationError):
        await db.execute(change)


async def test_who_has_voicemail_has_a_mailbox(db: Connection) -> None:
    """Made by itself at INSERT and UPDATE, once, and not taken away again."""
    boxes = "SELECT number FROM voicemail_boxes JOIN extensions e ON e.id = extension_id ORDER BY 1"
    await db.execute("""
        INSERT INTO extensions (number, sip_password, voicemail_enabled)
        VALUES ('1', 'x', TRUE), ('2', 'x', FALSE), ('3', 'x', NULL), ('4', 'x', TRUE)""")
    assert await column(db, boxes) == ["1", "4"]
    await db.execute("UPDATE extensions SET voicemail_enabled = number < '3'")
    assert await column(db, boxes) == ["1", "2", "4"]
    assert await column(db, "SELECT number FROM mailbox_counts ORDER BY 1") == ["1", "2"]
    await db.execute("UPDATE extensions SET deleted_at = now() WHERE number = '1'")
    assert await column(db, "SELECT number FROM mailbox_counts") == ["2"]


async def test_a_mailbox_that_somebody_inserts(db: Connection) -> None:
    """It takes the place and the id of the one made by itself, unless that one has been used."""
    made = await new_box(db)
    assert await db.execute(INSERT_BOX, "1001", "1") == "INSERT 0 1"
    assert await db.fetchval("SELECT id FROM voicemail_boxes WHERE pin = '1'") == made
    assert await column(db, "SELECT voicemail_enabled FROM extensions") == [True]
    used = await new_box(db, "1002")
    await leave(db, used)
    with pytest.raises(asyncpg.UniqueViolationError):
        await db.execute(INSERT_BOX, "1002", "5")
    assert await column(db, "SELECT id FROM voicemail_boxes ORDER BY pin") == [made, used]


@pytest.mark.parametrize(
    "configured",
    [
        "INSERT INTO voicemail_boxes (extension_id, pin) SELECT id, '1' FROM extensions",
        "UPDATE voicemail_boxes SET pin = '1'",
        "UPDATE voicemail_boxes SET pin = '1', made_by_itself = TRUE",
        "INSERT INTO voicemail_boxes (extension_id, pin, made_by_itself)"
        " SELECT id, '1', TRUE FROM extensions",
    ],
)
async def test_a_mailbox_that_was_configured_stays(db: Connection, configured: str) -> None:
    """However it was, and in whichever transaction; a PIN is not lost by ON CONFLICT."""
    box = await new_box(db)
    await db.execute(configured)
    with pytest.raises(asyncpg.UniqueViolationError):
        await db.execute(INSERT_BOX, "1001", "2")
    for clause in ("DO NOTHING", "DO UPDATE SET email_address = 'a@b.example'"):
        await db.execute(f"{INSERT_BOX} ON CONFLICT (extension_id) {clause}", "1001", "2")
    [row] = await db.fetch("SELECT id, pin, email_address FROM voicemail_boxes")
    assert tuple(row) == (box, "1", "a@b.example")


async def test_a_message_that_comes_while_a_mailbox_is_inserted(dsn: str, db: Connection) -> None:
    box, caller = await new_box(db), await asyncpg.connect(dsn)
    try:
        async with caller.transaction():
            await leave(caller, box)
            inserting = asyncio.create_task(db.execute(INSERT_BOX, "1001", "1"))
            await until(lambda: caller.fetchval(WAITING))
        with pytest.raises(asyncpg.UniqueViolationError):
            await inserting
    finally:
        await caller.close()
    assert await column(db, "SELECT voicemail_box_id FROM voicemail_messages") == [box]


GREETINGS = ("greeting", "busy_greeting", "temporary_greeting", "name")


@pytest.mark.parametrize("greeting", GREETINGS)
async def test_a_media_file_that_goes_finds_its_mailboxes_by_index(
    db: Connection, greeting: str
) -> None:
    await db.execute("SET enable_seqscan = off")
    clear = f"UPDATE voicemail_boxes SET {greeting}_prompt_id = NULL WHERE {greeting}_prompt_id = "
    plan = await column(db, f"EXPLAIN {clear} '{uuid4()}'")
    assert f"idx_voicemail_boxes_{greeting}_prompt_id" in "".join(plan)


async def test_what_goes_with_a_mailbox(db: Connection) -> None:
    boxes = [await new_box(db, number) for number in ("1", "2")]
    for box, path in zip(boxes, "ab", strict=True):
        await leave(db, box, f"message-{path}")
        media = await db.fetchval(ADD_MEDIA, f"greeting-{path}", box)
        await db.execute(
            "UPDATE voicemail_boxes SET greeting_prompt_id = $2 WHERE id = $1", box, media
        )
        await db.execute("INSERT INTO voicemail_pin_failures VALUES ($1, 1, now())", box)
    await db.fetchval(ADD_MEDIA, "of an admin", None)
    await db.execute("DELETE FROM voicemail_boxes WHERE id = $1", boxes[0])
    assert await removals(db) == ["greeting-a", "message-a"]
    enabled = "SELECT voicemail_enabled FROM extensions ORDER BY number"
    assert await column(db, enabled) == [False, True]
    await db.execute("UPDATE extensions SET voicemail_enabled = TRUE WHERE number = '1'")
    await db.execute("DELETE FROM extensions WHERE number = '2'")
    assert await removals(db) == ["greeting-b", "message-b"]
    assert await column(db, enabled) == [True]
    assert await column(db, "SELECT storage_path FROM media_files") == ["of an admin"]


async def test_extensions_from_before_get_mailboxes(empty_dsn: str) -> None:
    await migrate(empty_dsn)
    await rollback(empty_dsn, BEFORE_MAILBOXES)
    db = await asyncpg.connect(empty_dsn)
    try:
        await db.execute("""
            INSERT INTO extensions (number, sip_password, voicemail_enabled)
            VALUES ('1', 'x', TRUE), ('2', 'x', FALSE), ('3', 'x', TRUE);
            INSERT INTO voicemail_boxes (extension_id, pin)
            SELECT id, '7' FROM extensions WHERE number = '3'""")
        await migrate(empty_dsn)
        boxes = await db.fetch("""
            SELECT number, pin FROM voicemail_boxes JOIN extensions e ON e.id = extension_id
            ORDER BY number""")
        assert [tuple(row) for row in boxes] == [("1", None), ("3", "7")]
        await rollback(empty_dsn, BEFORE_MAILBOXES)
        assert await db.fetchval("SELECT count(*) FROM voicemail_boxes") == 2
    finally:
        await db.close()


@pytest.mark.parametrize(
    ("days", "given", "kept"),
    [
        (90, None, AT + timedelta(days=90)),
        (0, None, None),
        (-5, None, None),
        (None, None, None),
        (2**31 - 1, None, AT + timedelta(days=36500)),
        (90, AT, AT),
    ],
)
async def test_a_message_knows_when_it_goes(
    db: Connection, days: int | None, given: datetime | None, kept: datetime | None
) -> None:
    await db.execute("SET timezone = 'Europe/Berlin'")  # whose days are not all of 24 hours
    box = await new_box(db)
    await db.execute("UPDATE voicemail_boxes SET retention_days = $1", days)
    await leave(db, box, delete_at=given)
    assert await column(db, "SELECT delete_at FROM voicemail_messages") == [kept]


async def test_a_change_of_retention_counts_for_all_but_the_saved(db: Connection) -> None:
    box, other = await new_box(db), await new_box(db, "1002")
    for path, delete_at in (("a", None), ("b", AT), ("c", None)):
        await leave(db, box, path, delete_at)
    await leave(db, other, "d")
    await db.execute(
        "UPDATE voicemail_messages SET delete_at = 'infinity' WHERE storage_path = 'c'"
    )
    change = "UPDATE voicemail_boxes SET retention_days = $2 WHERE id = $1"
    kept = """
        SELECT delete_at = 'infinity' OR delete_at - received_at = make_interval(days => $1)
        FROM voicemail_messages WHERE voicemail_box_id = $2 ORDER BY storage_path"""
    for days, expected in ((7, [True] * 3), (None, [None, None, True]), (8, [True] * 3)):
        await db.execute(change, box, days)
        assert [row[0] for row in await db.fetch(kept, days or 0, box)] == expected
    assert [row[0] for row in await db.fetch(kept, 90, other)] == [True]


async def test_a_message_that_comes_while_retention_changes(dsn: str, db: Connection) -> None:
    box, admin = await new_box(db), await asyncpg.connect(dsn)
    try:
        async with admin.transaction():
            await admin.execute("UPDATE voicemail_boxes SET retention_days = 1")
            leaving = asyncio.create_task(leave(db, box))
            await until(lambda: admin.fetchval(WAITING))
        await leaving
    finally:
        await admin.close()
    assert await column(db, "SELECT delete_at FROM voicemail_messages") == [AT + timedelta(days=1)]


async def test_a_change_of_all_retentions_is_one_statement(db: Connection) -> None:
    for number in range(20):
        await leave(db, await new_box(db, str(number)))
    await db.execute("""
        CREATE TABLE statements ();
        CREATE FUNCTION count_it() RETURNS TRIGGER LANGUAGE plpgsql
            AS 'BEGIN INSERT INTO statements DEFAULT VALUES; RETURN NULL; END';
        CREATE TRIGGER count_it AFTER UPDATE ON voicemail_messages
            FOR EACH STATEMENT EXECUTE FUNCTION count_it()""")
    for change, changes in (("retention_days = 7", 1), ("retention_days = 7", 1), ("pin = '1'", 1)):
        await db.execute(f"UPDATE voicemail_boxes SET {change}")
        assert await db.fetchval("SELECT count(*) FROM statements") == changes
    kept = "SELECT DISTINCT delete_at - received_at FROM voicemail_messages"
    assert await column(db, kept) == [timedelta(days=7)]


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("voicemail_messages", "is_read = TRUE"),
        ("voicemail_boxes", "retention_days = 7"),
        ("extensions", "voicemail_pin = '1'"),
        ("recording_deliveries", "state = 'finished'"),
        ("mail_outbox", "state = 'sent'"),
    ],
)
async def test_a_large_change_is_no_nested_loop(
    server: Server, db: Connection, table: str, change: str
) -> None:
    """Of old and new rows, whose number the plan is not made for; auto_explain shows it."""
    await db.execute("""
        INSERT INTO extensions (number, sip_password) SELECT n, 'x' FROM generate_series(1, 300) n;
        INSERT INTO voicemail_messages (voicemail_box_id, caller_number, storage_path,
                duration_seconds, received_at)
            SELECT id, '030', 'a', 3, now() FROM voicemail_boxes;
        INSERT INTO recording_deliveries (id, kind, call_id, began_at)
            SELECT id, 'message', id, now() FROM voicemail_boxes;
        INSERT INTO mail_outbox (message_id, recipient) SELECT id, 'a' FROM voicemail_messages""")
    name = await db.fetchval("SELECT current_database()")
    plans: list[str] = []
    admin = await asyncpg.connect(server.dsn(name, user="postgres"))
    try:
        admin.add_log_listener(lambda _, message: plans.append(message.message))
        await admin.execute("""
            LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0;
            SET auto_explain.log_nested_statements = on; SET auto_explain.log_level = notice;
            SET client_min_messages = notice""")
        await admin.execute(f"UPDATE {table} SET {change}")
    finally:
        await admin.close()
    compared = [plan for plan in plans if {"old_rows", "new_rows"} <= set(re.findall(r"\w+", plan))]
    assert compared
    assert [plan for plan in compared if "Hash Full Join" not in plan] == []


async def test_read_at_follows_is_read(db: Connection) -> None:
    await leave(db, await new_box(db))
    read = "UPDATE voicemail_messages SET {} RETURNING read_at"
    first = await db.fetchval(read.format("is_read = TRUE"))
    assert first is not None
    assert await db.fetchval(read.format("is_read = TRUE, is_urgent = TRUE")) == first
    assert await db.fetchval(read.format("is_read = FALSE")) is None
    assert await db.fetchval(read.format("is_read = TRUE, read_at = '2026-01-02Z'")) == (
        datetime(2026, 1, 2, tzinfo=UTC)
    )
    assert await db.fetchval(read.format("is_read = NULL")) is None


async def test_an_object_goes_with_its_row(db: Connection, heard: Heard) -> None:
    box = await new_box(db)
    for path in "abc":
        await leave(db, box, path)
    media = await db.fetchval(ADD_MEDIA, "d", None)
    assert await removals(db) == []
    assert (
        await heard("UPDATE voicemail_messages SET caller_name = 'x', storage_path = storage_path")
        == []
    )
    await db.execute("UPDATE voicemail_messages SET storage_path = 'e' WHERE storage_path = 'a'")
    assert await removals(db) == ["a"]
    announced = await heard("DELETE FROM voicemail_messages WHERE storage_path IN ('b', 'x')")
    assert set(announced) == {f"mailbox_counts:{box}", "object_removals:*"}
    await db.execute("UPDATE media_files SET storage_path = 'f' WHERE id = $1", media)
    await db.execute("DELETE FROM media_files")
    assert await removals(db) == ["b", "d", "f"]
    await db.execute("TRUNCATE voicemail_messages CASCADE")
    assert await removals(db) == ["c", "e"]
    assert await heard("DELETE FROM media_files") == []


async def test_counts_and_word_of_them(db: Connection, heard: Heard) -> None:
    """Only what a lamp would show is announced."""
    box, other = await new_box(db), await new_box(db, "1002")
    told, both = [f"mailbox_counts:{box}"], {f"{box},{other}", f"{other},{box}"}

    async def counts() -> list[tuple[int, ...]]:
        rows = await db.fetch("SELECT unread, read, urgent FROM mailbox_counts ORDER BY number")
        return [tuple(row) for row in rows]

    for path in "abc":
        assert await heard(ADD_MESSAGE, box, path, AT, None) == told
    change = "UPDATE voicemail_messages SET {} WHERE storage_path = 'a'"
    assert await heard(change.format("is_urgent = TRUE")) == told
    assert await counts() == [(3, 0, 1), (0, 0, 0)]
    assert await heard(change.format("is_read = TRUE")) == told
    assert await counts() == [(2, 1, 0), (0, 0, 0)]
    assert await heard(change.format("is_read = TRUE, caller_name = 'x', delete_at = now()")) == []
    assert await heard(change.format("deleted_at = now()")) == told
    assert await counts() == [(2, 0, 0), (0, 0, 0)]
    [moved] = await heard(
        "UPDATE voicemail_messages SET voicemail_box_id = $1 WHERE storage_path = 'b'", other
    )
    assert moved.removeprefix("mailbox_counts:") in both
    assert await counts() == [(1, 0, 0), (1, 0, 0)]
    assert await heard("DELETE FROM voicemail_messages WHERE storage_path = 'c'") == [
        *told,
        "object_removals:*",
    ]
    assert "mailbox_counts:*" in await heard("TRUNCATE voicemail_messages CASCADE")


async def test_mailboxes_and_word_of_them(db: Connection, heard: Heard) -> None:
    extension = await db.fetchval(ADD_EXTENSION, "1001", False)
    made = await heard("UPDATE extensions SET voicemail_enabled = TRUE")
    box = await db.fetchval("SELECT id FROM voicemail_boxes")
    of_box = {f"voicemail_boxes:{box}", f"mailbox_counts:{box}"}
    assert set(made) == {f"extensions:{extension}", *of_box}
    for change in ("number = '1002'", "deleted_at = now()", "voicemail_pin = '1'"):
        assert set(await heard(f"UPDATE extensions SET {change}")) == {
            f"extensions:{extension}",
            *of_box,
        }
    assert await heard("UPDATE extensions SET dnd_enabled = TRUE") == [f"extensions:{extension}"]
    assert await heard("UPDATE voicemail_boxes SET pin = '2'") == [f"voicemail_boxes:{box}"]
    assert set(await heard("DELETE FROM extensions")) == {f"extensions:{extension}", *of_box}
    many = await heard("""
        INSERT INTO extensions (number, sip_password)
        SELECT n::text, 'x' FROM generate_series(1, 101) AS n""")
    assert set(many) == {"extensions:*", "voicemail_boxes:*", "mailbox_counts:*"}


async def test_word_of_what_is_due(db: Connection, heard: Heard) -> None:
    """A delivery that is finished or discarded, a mail that is pending: also one begun anew."""
    message = await leave(db, await new_box(db))
    delivery = uuid4()
    begin = """
        INSERT INTO recording_deliveries (id, kind, call_id, began_at, state)
        VALUES ($1, 'message', $1, now(), $2)"""
    assert await heard(begin, delivery, "recording") == []
    told = [f"recording_deliveries:{delivery}"]
    for state, announced in (
        ("finished", told),
        ("finished", []),
        ("stored", []),
        ("dead", []),
        ("finished", told),
        ("discarded", told),
    ):
        assert await heard("UPDATE recording_deliveries SET state = $1", state) == announced
    await db.execute("DELETE FROM recording_deliveries")
    assert await heard(begin, delivery, "finished") == told
    [told_of] = await heard(
        "INSERT INTO mail_outbox (message_id, recipient) VALUES ($1, 'a')", message
    )
    assert told_of.startswith("mail_outbox:")
    for state, announced in (("sent", []), ("dead", []), ("pending", [told_of])):
        assert await heard("UPDATE mail_outbox SET state = $1", state) == announced


async def test_what_has_not_arrived(db: Connection) -> None:
    """Late or dead deliveries, but none whose call goes on; mails that were given up."""
    box, call = await new_box(db), uuid4()
    await db.execute(
        "INSERT INTO calls (id, call_id, direction, caller_number, callee_number)"
        " VALUES ($1, 'a', 'internal', '1', '2')",
        call,
    )
    add = """
        INSERT INTO recording_deliveries
            (id, kind, call_id, box_id, recording, state, began_at, finished_at, details)
        VALUES (gen_random_uuid(), 'message', $1, $2, $3, $4, now() - make_interval(mins => $5),
            now() - make_interval(mins => $6), '{"caller_number": "030"}')"""
    for name, of_call, state, began, finished in (
        ("in the call", call, "recording", 5, None),
        ("orphan", uuid4(), "recording", 5, None),
        ("fresh orphan", uuid4(), "recording", 0, None),
        ("late", call, "finished", 5, 2),
        ("fresh", call, "finished", 5, 0),
        ("dead", call, "dead", 0, 0),
    ):
        await db.execute(add, of_call, box, name, state, began, finished)
    rows = await db.fetch("SELECT recording, mailbox, caller_number FROM undelivered")
    assert [tuple(row) for row in rows] == [
        (name, "1001", "030") for name in ("orphan", "late", "dead")
    ]
    message = await leave(db, box)
    await db.execute(
        "INSERT INTO mail_outbox (message_id, recipient, state)"
        " VALUES ($1, 'a', 'dead'), ($1, 'b', 'sent')",
        message,
    )
    [row] = await db.fetch("SELECT recipient, mailbox, caller_number FROM mail_dead_letters")
    assert tuple(row) == ("a", "1001", "030")
    await db.execute("DELETE FROM voicemail_messages")
    assert await db.fetchval("SELECT count(*) FROM mail_outbox") == 0


async def test_asterisk_reads_nothing_of_all_that(db: Connection) -> None:
    allowed = """
        SELECT relname::text FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')
          AND has_table_privilege('asterisk', oid, 'SELECT, INSERT, UPDATE, DELETE')
        ORDER BY 1"""
    assert await column(db, allowed) == [
        *("musiconhold", "musiconhold_entry"),
        *("ps_aors", "ps_auths", "ps_contacts", "ps_endpoints"),
    ]
