"""Rows of outside lines: what is refused, and what a row has that was written for the seed."""

import asyncio
from typing import Literal
from uuid import UUID

import asyncpg
import pytest

from tests.support.until import until

Connection = asyncpg.Connection
Isolation = Literal["read_committed", "repeatable_read", "serializable"]

ADD_TRUNK = """
    INSERT INTO trunks (name, trunk_type, host, backup_trunk_id)
    VALUES ($1, 'static', 'carrier.example.com', $2) RETURNING id"""
BACK_UP = "UPDATE trunks SET backup_trunk_id = $2 WHERE id = $1"
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


async def add_trunks(db: Connection, names: str) -> list[UUID]:
    """Add a trunk per letter, each the backup of the next."""
    ids: list[UUID] = []
    for name in names:
        ids.append(await db.fetchval(ADD_TRUNK, name, ids[-1] if ids else None))
    return ids


async def test_a_row_written_for_the_seed_has_defaults(db: Connection) -> None:
    [trunk] = await add_trunks(db, "a")
    await db.execute("""
        INSERT INTO extensions (number, sip_password) VALUES ('1001', 'x');
        INSERT INTO time_profiles (name, schedule) VALUES ('always', '{}')""")
    row = await db.fetchrow("""
        SELECT forwarded_caller_id, test_code, media_encryption,
            t.outbound_calls_per_minute AS trunk_cap, override, override_code, outbound_caller_id,
            e.outbound_calls_per_minute AS cap, max_concurrent_outbound_calls, t.endpoint AS trunk,
            e.endpoint AS phone
        FROM trunks t, extensions e, time_profiles""")
    assert row is not None
    given = {column: value for column, value in row.items() if value is not None}
    assert given == {
        "forwarded_caller_id": "own",
        "media_encryption": "none",
        "override": "automatic",
        "trunk": f"trunk-{trunk}",
        "phone": "1001",
    }


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE trunks SET forwarded_caller_id = 'none'",
        "UPDATE trunks SET media_encryption = 'dtls'",
        "UPDATE trunks SET test_code = '1a'",
        "UPDATE trunks SET test_code = ''",
        "UPDATE trunks SET outbound_calls_per_minute = -1",
        "UPDATE extensions SET outbound_calls_per_minute = -1",
        "UPDATE extensions SET max_concurrent_outbound_calls = -1",
        "UPDATE extensions SET outbound_caller_id = '+49 30 1'",
        "UPDATE extensions SET outbound_caller_id = ''",
        "UPDATE time_profiles SET override = 'shut'",
        "UPDATE time_profiles SET override_code = '*1'",
    ],
)
async def test_a_value_that_cannot_be_meant_is_refused(db: Connection, change: str) -> None:
    await add_trunks(db, "a")
    await db.execute("""
        INSERT INTO extensions (number, sip_password) VALUES ('1001', 'x');
        INSERT INTO time_profiles (name, schedule) VALUES ('always', '{}')""")
    with pytest.raises(asyncpg.CheckViolationError):
        await db.execute(change)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE trunks SET test_code = '1'",
        "INSERT INTO time_profiles (name, schedule, override_code)"
        " VALUES ('a', '{}', '1'), ('b', '{}', '1')",
    ],
)
async def test_a_code_belongs_to_one_row(db: Connection, statement: str) -> None:
    await add_trunks(db, "ab")
    with pytest.raises(asyncpg.UniqueViolationError):
        await db.execute(statement)


async def test_no_trunk_backs_itself_up(db: Connection) -> None:
    [a] = await add_trunks(db, "a")
    with pytest.raises(asyncpg.CheckViolationError, match=r"in a circle: a -> a$"):
        await db.execute(BACK_UP, a, a)


async def test_a_circle_is_refused_and_named(db: Connection) -> None:
    a, *_, d = await add_trunks(db, "abcd")
    with pytest.raises(asyncpg.CheckViolationError, match=r"in a circle: a -> d -> c -> b -> a$"):
        await db.execute(BACK_UP, a, d)
    assert await db.fetchval("SELECT backup_trunk_id FROM trunks WHERE name = 'a'") is None


async def test_a_circle_in_one_insert_is_refused(db: Connection) -> None:
    one, two = UUID(int=1), UUID(int=2)
    with pytest.raises(asyncpg.CheckViolationError, match="in a circle"):
        await db.execute(
            "INSERT INTO trunks (id, name, trunk_type, host, backup_trunk_id)"
            " VALUES ($1, 'a', 'static', 'x', $2), ($2, 'b', 'static', 'x', $1)",
            one,
            two,
        )


async def test_a_chain_may_be_turned_around_in_one_statement(db: Connection) -> None:
    a, b = await add_trunks(db, "ab")
    await db.execute("UPDATE trunks SET backup_trunk_id = CASE id WHEN $1 THEN $2::uuid END", a, b)
    rows = await db.fetch("SELECT id, backup_trunk_id FROM trunks ORDER BY name")
    assert [tuple(row) for row in rows] == [(a, b), (b, None)]


async def test_a_circle_from_before_ends_the_search(db: Connection) -> None:
    a, b = await add_trunks(db, "ab")
    await db.execute("ALTER TABLE trunks DISABLE TRIGGER refuse_backup_circle")
    await db.execute(BACK_UP, a, b)
    await db.execute("ALTER TABLE trunks ENABLE TRIGGER refuse_backup_circle")
    with pytest.raises(asyncpg.CheckViolationError, match=r"in a circle: c -> b -> a -> b$"):
        await db.fetchval(ADD_TRUNK, "c", b)
    await db.execute("UPDATE trunks SET status = 'inactive'")
    await db.execute(BACK_UP, b, None)


async def test_a_trunk_that_goes_is_nobodys_backup(db: Connection) -> None:
    a, *_ = await add_trunks(db, "abc")
    await db.execute("DELETE FROM trunks WHERE id = $1", a)
    rows = await db.fetch("SELECT name, backup_trunk_id IS NULL FROM trunks ORDER BY name")
    assert [tuple(row) for row in rows] == [("b", True), ("c", False)]


@pytest.mark.parametrize(
    ("isolation", "refusal"),
    [
        ("read_committed", asyncpg.CheckViolationError),
        ("repeatable_read", asyncpg.SerializationError),
        ("serializable", asyncpg.SerializationError),
    ],
)
async def test_two_halves_do_not_make_a_circle(
    dsn: str, db: Connection, isolation: Isolation, refusal: type[asyncpg.PostgresError]
) -> None:
    [a], [b] = await add_trunks(db, "a"), await add_trunks(db, "b")
    other = await asyncpg.connect(dsn)
    try:
        first, second = db.transaction(), other.transaction(isolation=isolation)
        await first.start()
        await second.start()
        await other.fetchval("SELECT count(*) FROM trunks")  # what it sees is settled
        await db.execute(BACK_UP, a, b)
        half = asyncio.create_task(other.execute(BACK_UP, b, a))
        await until(lambda: db.fetchval(WAITING))
        await first.commit()
        with pytest.raises(refusal):
            await half
        await second.rollback()
    finally:
        await other.close()
    rows = await db.fetch("SELECT id, backup_trunk_id FROM trunks ORDER BY name")
    assert [tuple(row) for row in rows] == [(a, b), (b, None)]


async def test_changes_that_are_no_circle_take_turns(dsn: str, db: Connection) -> None:
    [a], [b], [c] = [await add_trunks(db, name) for name in "abc"]
    other = await asyncpg.connect(dsn)
    try:
        async with db.transaction():
            await db.execute(BACK_UP, a, b)
            task = asyncio.create_task(other.execute(BACK_UP, b, c))
            await until(lambda: db.fetchval(WAITING))
        assert await task == "UPDATE 1"
    finally:
        await other.close()


@pytest.mark.parametrize(
    ("host", "port", "transport", "uri"),
    [
        ("carrier.example.com", 5060, "udp", "sip:carrier.example.com:5060"),
        (" 192.0.2.1 ", 5080, "tcp", "sip:192.0.2.1:5080;transport=tcp"),
        ("2001:db8::1", None, "tls", "sip:[2001:db8::1]:5061;transport=tls"),
        ("[2001:db8::1]", None, "udp", "sip:[2001:db8::1]:5060"),
        ("::ffff:192.0.2.1", 5060, "udp", "sip:[::ffff:192.0.2.1]:5060"),
        ("sip_1", 65535, "udp", "sip:sip_1:65535"),
        ("carrier", 0, "udp", None),
        ("carrier", 65536, "udp", None),
        ("carrier;transport=tcp", 5060, "udp", None),
        ("sip:carrier", 5060, "udp", None),
        ("carrier:5060", 5060, "udp", None),
        ("2001:db8::/32", 5060, "udp", None),
        ("1:2", 5060, "udp", None),
        ("a b", 5060, "udp", None),
        ("a,b", 5060, "udp", None),
        ("carrier\n", 5060, "udp", None),
        ("kä.example.com", 5060, "udp", None),
        ("", 5060, "udp", None),
    ],
)
async def test_the_address_of_a_host(
    db: Connection, host: str, port: int | None, transport: str, uri: str | None
) -> None:
    await db.execute("SET search_path = ''")  # as pg_restore fills trunks.endpoint
    assert await db.fetchval("SELECT public.sip_uri($1, $2, $3)", host, port, transport) == uri


async def test_trunk_states(db: Connection) -> None:
    await db.execute("""
        INSERT INTO trunks (name, trunk_type, host, deleted_at) VALUES
            ('a', 'register', 'x', NULL), ('b', 'ip_auth', 'x', NULL), ('c', 'static', 'x', now());
        INSERT INTO trunk_registrations (trunk_id, state, last_answer, objects)
            SELECT id, 'refused', '403 Forbidden', ARRAY['registration/trunk-' || id] FROM trunks;
        INSERT INTO calls (call_id, direction, caller_number, callee_number, trunk_id)
            SELECT n, 'inbound', '1', '2', id FROM trunks, generate_series(1, 2) AS n
            WHERE name = 'a'""")
    rows = await db.fetch("SELECT * FROM trunk_states ORDER BY name")
    assert [tuple(row)[1:6] + tuple(row)[8:] for row in rows] == [
        ("a", "register", "active", "refused", "403 Forbidden", 2, 10),
        ("b", "ip_auth", "active", None, None, 0, 10),
    ]
    assert [row["changed_at"] is not None for row in rows] == [True, False]


async def test_an_unknown_registration_state_is_refused(db: Connection) -> None:
    insert = "INSERT INTO trunk_registrations (trunk_id, state) VALUES (gen_random_uuid(), $1)"
    assert await db.execute(insert, None) == "INSERT 0 1"
    with pytest.raises(asyncpg.CheckViolationError):
        await db.execute(insert, "lost")


async def test_config_problems_come_errors_first_and_once(db: Connection) -> None:
    insert = """
        INSERT INTO config_findings (table_name, row_name, severity, problem) VALUES
            ('trunks', 'b', 'warning', 'w'), ('trunks', 'b', 'error', 'e'),
            ('inbound_rules', 'z', 'error', 'e'), ('trunks', 'a', 'error', 'f')
        ON CONFLICT (table_name, row_id, problem) DO NOTHING"""
    assert await db.execute(insert) == "INSERT 0 4"
    assert await db.execute(insert) == "INSERT 0 0"
    rows = await db.fetch("SELECT severity, table_name, row_name FROM config_problems")
    assert [tuple(row) for row in rows] == [
        ("error", "inbound_rules", "z"),
        ("error", "trunks", "a"),
        ("error", "trunks", "b"),
        ("warning", "trunks", "b"),
    ]
    with pytest.raises(asyncpg.CheckViolationError):
        await db.execute("UPDATE config_findings SET severity = 'info'")
