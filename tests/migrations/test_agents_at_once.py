"""Many agents, and many who change them: who waits for whom, what it costs, who may."""

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from tests.support.until import until

from .agents import (
    assert_true,
    change,
    later,
    new_agent,
    new_queue,
    reserve,
    told,
)
from .conftest import Server
from .test_announcements import Heard, heard
from .test_mailboxes import column

__all__ = ["heard"]

Connection = asyncpg.Connection


async def test_a_thousand_agents_go_home(db: Connection, heard: Heard) -> None:
    sales = await new_queue(db)
    await db.execute("""
        INSERT INTO extensions (number, sip_password, voicemail_enabled)
        SELECT 1000 + n, 'x', FALSE FROM generate_series(1, 1000) AS n""")
    await db.execute(
        "INSERT INTO queue_members (queue_id, extension_id) SELECT $1, id FROM extensions", sales
    )
    assert await heard("UPDATE agent_states SET status = 'offline'") == ["agent_states:*"]
    assert await column(db, "SELECT DISTINCT status FROM agent_states") == ["offline"]
    await assert_true(db)


async def test_updates_of_slots_move_nothing(db: Connection) -> None:
    """A heap-only tuple needs no index entry: room in the page, and no index on what changes."""
    sales = await new_queue(db)
    anna = await new_agent(db, "1001", sales)
    for second in range(5):
        call = await reserve(db, anna, sales)
        await told(
            db,
            change(anna, "connected", second, call_id=call),
            change(anna, "ended", second, call_id=call, queue_id=sales, wrap_up_until=later(60)),
            change(anna, "rested", second),
        )
    indexed = """
        SELECT count(*) FROM pg_index WHERE indrelid = 'agent_slots'::regclass
        UNION ALL SELECT array_position(reloptions, 'fillfactor=50') FROM pg_class
        WHERE oid = 'agent_slots'::regclass"""
    assert [row[0] for row in await db.fetch(indexed)] == [1, 1]
    await db.fetchval("SELECT pg_stat_force_next_flush()")
    hot = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'agent_slots'"
    row = await db.fetchrow(hot)
    assert row is not None
    assert row[0] == row[1] == 20


async def test_nobody_waits_for_each_other(dsn: str, db: Connection) -> None:
    """Admins, who begin at either end, members that come and go, and the journal."""
    queues = [await new_queue(db, str(n)) for n in range(3)]
    staff = [await new_agent(db, str(1000 + n), *queues) for n in range(12)]
    rounds = 15

    async def admin(order: str) -> None:
        connection = await asyncpg.connect(dsn)
        for n in range(rounds):
            status = ("break", "available", "offline", "available")[n % 4]
            await connection.execute(
                f"""UPDATE agent_states AS s SET status = $1
                FROM (SELECT id FROM agent_states ORDER BY id {order}) AS o WHERE o.id = s.id""",
                status,
            )
        await connection.close()

    async def journal(agents: list[Any]) -> None:
        connection = await asyncpg.connect(dsn)
        for n in range(rounds):
            call = uuid4()
            async with connection.transaction():
                for word in ("connected", "ended", "rested"):
                    await told(
                        connection,
                        *(change(one, word, n, call_id=call, queue_id=queues[0]) for one in agents),
                        *(change(one, "situation", n, engaged=n % 2 == 0) for one in agents),
                    )
        await connection.close()

    async def members() -> None:
        connection = await asyncpg.connect(dsn)
        for _ in range(rounds):
            await connection.execute("DELETE FROM queue_members WHERE queue_id = $1", queues[1])
            await connection.execute(
                "INSERT INTO queue_members (queue_id, extension_id) SELECT $1, id FROM extensions",
                queues[1],
            )
        await connection.close()

    await asyncio.gather(
        admin("ASC"), admin("DESC"), journal(staff), journal(staff[::-1]), members()
    )
    assert await db.fetchval("SELECT count(*) FROM agent_states") == 12 * 4
    await assert_true(db)


@pytest.mark.parametrize(
    "statement",
    [
        """UPDATE agent_slots SET call_id = NULL, queue_id = NULL, reserved_until = NULL,
            talking_since = NULL""",
        "UPDATE agent_slots SET hindrance = 'dnd'",
        "DELETE FROM agent_slots",
        "UPDATE agent_states SET status = 'break'",
        "DELETE FROM agent_states",
    ],
)
async def test_who_frees_an_agent_by_hand_waits_for_the_journal(
    dsn: str, db: Connection, statement: str
) -> None:
    """Before a row is locked: otherwise the journal would wait for it in turn."""
    sales = await new_queue(db)
    anna = await new_agent(db, "1001", sales)
    await reserve(db, anna, sales)
    other = await asyncpg.connect(dsn)
    try:
        async with other.transaction():
            await told(other, change(uuid4(), "rested"))
            by_hand = asyncio.create_task(db.execute(statement), name="by hand")
            await until(
                lambda: other.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"),
                what="the statement to wait",
            )
            await told(other, change(anna, "situation", engaged=True))
        await by_hand
    finally:
        await other.close()
    await assert_true(db)


async def test_an_extension_that_is_being_deleted(dsn: str, db: Connection) -> None:
    """The journal waits for who deletes an agent, and goes on."""
    sales = await new_queue(db)
    anna = await new_agent(db, "1001", sales)
    other = await asyncpg.connect(dsn)
    try:
        async with other.transaction():
            await other.execute("DELETE FROM extensions WHERE id = $1", anna)
            waits = asyncio.create_task(
                told(db, change(anna, "situation", engaged=True)), name="journal"
            )
            await until(
                lambda: other.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"),
                what="the journal to wait",
            )
        await waits
    finally:
        await other.close()
    assert await db.fetchval("SELECT count(*) FROM agent_state_changes WHERE until_at IS NULL") == 0


async def test_who_adds_members_holds_up_nobody(dsn: str, db: Connection) -> None:
    """In a transaction that stays open, say."""
    sales, support = await new_queue(db), await new_queue(db, "support")
    anna, ben = await new_agent(db, "1001", sales), await new_agent(db, "1002")
    other = await asyncpg.connect(dsn)
    try:
        async with other.transaction():
            for extension in (anna, ben):
                await other.execute(
                    "INSERT INTO queue_members (queue_id, extension_id) VALUES ($1, $2)",
                    support,
                    extension,
                )
            await asyncio.wait_for(told(db, change(anna, "rested"), change(ben, "rested")), 5)
    finally:
        await other.close()
    await assert_true(db)


async def test_asterisk_sees_nothing_of_it(server: Server, db: Connection) -> None:
    await new_agent(db, "1001", await new_queue(db))
    await db.execute("ALTER ROLE asterisk LOGIN")
    name = await db.fetchval("SELECT current_database()")
    asterisk = await asyncpg.connect(server.dsn(name, "asterisk"))
    try:
        for statement in (
            "SELECT FROM agent_slots",
            "SELECT FROM agent_states",
            "SELECT FROM agent_state_changes",
            "SELECT FROM agent_time",
            "SELECT FROM queue_calls",
            "SELECT FROM queue_log",
            "SELECT FROM queue_callbacks",
            "DELETE FROM queue_members",
            """SELECT change_agents('[{"extension_id": null, "change": "rested"}]')""",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await asterisk.execute(statement)
    finally:
        await asterisk.close()
