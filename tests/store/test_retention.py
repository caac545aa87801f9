"""What the search for old messages costs."""

import asyncpg
import pytest

from stasis_app.store.retention import PURGE_ALL, PURGE_DELETED, PURGE_READ

from .mailboxes import new_box

Connection = asyncpg.Connection
ADD_OLD = """
    INSERT INTO voicemail_messages (voicemail_box_id, caller_number, storage_path,
        duration_seconds, delete_at)
    SELECT $1, '030', 'a', 3, now() - interval '1 day' FROM generate_series(1, 5000)"""


@pytest.mark.parametrize(
    ("statement", "arguments", "index"),
    [
        (PURGE_READ, "(500)", "idx_voicemail_messages_read_delete_at"),
        (PURGE_ALL, "(500)", "idx_voicemail_messages_delete_at"),
        (PURGE_DELETED, "(500, 1)", "idx_voicemail_messages_deleted_at"),
    ],
)
async def test_old_messages_are_found_by_index(
    db: Connection, statement: str, arguments: str, index: str
) -> None:
    """Among many that are old and unread, and planned for any number of rows."""
    await db.execute(ADD_OLD, await new_box(db))
    await db.execute("ANALYZE voicemail_messages")
    await db.execute(f"SET plan_cache_mode = force_generic_plan; PREPARE purge AS {statement}")
    plan = [row[0] for row in await db.fetch(f"EXPLAIN EXECUTE purge{arguments}")]
    assert any(f"using {index} on" in line for line in plan)
    assert not any("Seq Scan on voicemail_messages" in line for line in plan)
