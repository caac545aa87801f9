"""What LISTEN pbx_changes hears of an admin's statement."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID, uuid4

import asyncpg
import pytest

Heard = Callable[..., Awaitable[list[str]]]

ANNOUNCED = [
    "users",
    "extensions",
    "extension_registrations",
    "trunks",
    "inbound_rules",
    "outbound_rules",
    "time_profiles",
    "queues",
    "queue_members",
    "queue_callbacks",
    "agent_states",
    "ivr_menus",
    "ivr_menu_options",
    "voicemail_boxes",
    "conferences",
    "media_files",
    "system_settings",
    "blacklist",
]

INSERT_EXTENSIONS = """
    INSERT INTO extensions (id, number, sip_password, voicemail_enabled)
    SELECT id, (1000 + n)::text, 'x', FALSE
    FROM unnest($1::uuid[]) WITH ORDINALITY AS t (id, n)"""
INSERT_REGISTRATION = """
    INSERT INTO extension_registrations
        (extension_id, contact_uri, ip_address, port, transport, expires_at)
    VALUES ($1, 'sip:1001@192.0.2.1', '192.0.2.1', 5060, 'udp',
        now() + make_interval(secs => $2))"""
UPDATE_REGISTRATION = "UPDATE extension_registrations SET "


@pytest.fixture
async def heard(db: asyncpg.Connection) -> AsyncIterator[Heard]:
    """Runs a statement and returns the payloads that it made, in order."""
    payloads: asyncio.Queue[str] = asyncio.Queue()

    def listener(_connection: object, _pid: int, _channel: str, payload: object) -> None:
        payloads.put_nowait(str(payload))

    async def run(statement: str, *arguments: object) -> list[str]:
        mark = "SELECT pg_notify('pbx_changes', 'end')"
        await db.execute(mark)
        _ = [payload async for payload in _until_end(payloads)]  # of what came before
        await db.execute(statement, *arguments)
        await db.execute(mark)
        return [payload async for payload in _until_end(payloads)]

    await db.add_listener("pbx_changes", listener)
    yield run
    await db.remove_listener("pbx_changes", listener)


async def _until_end(payloads: "asyncio.Queue[str]") -> AsyncIterator[str]:
    while (payload := await payloads.get()) != "end":
        yield payload


@pytest.fixture
async def extension(heard: Heard) -> UUID:
    id_ = uuid4()
    await heard(INSERT_EXTENSIONS, [id_])
    return id_


async def test_insert_update_delete(heard: Heard) -> None:
    id_ = uuid4()
    announced = [f"extensions:{id_}"]
    assert await heard(INSERT_EXTENSIONS, [id_]) == announced
    assert await heard("UPDATE extensions SET dnd_enabled = TRUE") == announced
    assert await heard("DELETE FROM extensions") == announced


async def test_only_changed_rows(heard: Heard) -> None:
    ids = [uuid4() for _ in range(3)]
    await heard(INSERT_EXTENSIONS, ids)
    await heard("UPDATE extensions SET dnd_enabled = TRUE WHERE id = $1", ids[0])
    [payload] = await heard("UPDATE extensions SET dnd_enabled = TRUE")
    table, _, changed = payload.partition(":")
    assert table == "extensions"
    assert sorted(changed.split(",")) == sorted(map(str, ids[1:]))


async def test_new_primary_key_announces_both(heard: Heard, extension: UUID) -> None:
    renamed = uuid4()
    [payload] = await heard("UPDATE extensions SET id = $1", renamed)
    assert sorted(payload.removeprefix("extensions:").split(",")) == sorted(
        [str(extension), str(renamed)]
    )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE extensions SET number = number",
        "UPDATE extensions SET updated_at = now() - interval '1 day'",
        "UPDATE extensions SET dnd_enabled = TRUE WHERE FALSE",
        "DELETE FROM extensions WHERE FALSE",
        "INSERT INTO extensions (number, sip_password) SELECT 'x', 'x' WHERE FALSE",
        "INSERT INTO extensions (number, sip_password) VALUES ('1001', '') ON CONFLICT DO NOTHING",
    ],
)
@pytest.mark.usefixtures("extension")
async def test_silence_when_nothing_changed(heard: Heard, statement: str) -> None:
    assert await heard(statement) == []


async def test_many_rows_are_a_star(heard: Heard) -> None:
    hundred = [uuid4() for _ in range(100)]
    [payload] = await heard(INSERT_EXTENSIONS, hundred)
    assert payload.count(",") == 99
    assert await heard("DELETE FROM extensions") == [payload]
    assert await heard(INSERT_EXTENSIONS, [*hundred, uuid4()]) == ["extensions:*"]
    assert await heard("UPDATE extensions SET dnd_enabled = TRUE") == ["extensions:*"]


@pytest.mark.parametrize("table", ANNOUNCED)
async def test_truncate_is_a_star(heard: Heard, table: str) -> None:
    assert f"{table}:*" in await heard(f"TRUNCATE {table} CASCADE")


async def test_every_announced_table_has_all_triggers(db: asyncpg.Connection) -> None:
    query = """
        SELECT tgrelid::regclass::text AS relation,
            array_agg(tgname::text ORDER BY tgname) AS triggers
        FROM pg_trigger
        WHERE tgfoid IN ('announce_changes()'::regprocedure, 'announce_truncate()'::regprocedure,
            'announce_registrations()'::regprocedure, 'announce_agent_states()'::regprocedure)
        GROUP BY 1"""
    triggers = ["announce_delete", "announce_insert", "announce_truncate", "announce_update"]
    found = await db.fetch(query)
    assert {row["relation"]: row["triggers"] for row in found} == dict.fromkeys(ANNOUNCED, triggers)


async def test_refresh_of_a_live_registration_is_silent(heard: Heard, extension: UUID) -> None:
    announced = [f"extension_registrations:{extension}"]
    refresh = "UPDATE extension_registrations SET expires_at = now() + interval '1 hour'"
    assert await heard(INSERT_REGISTRATION, extension, 60) == announced
    assert await heard(refresh) == []
    assert await heard("UPDATE extension_registrations SET user_agent = 'phone'") == []


@pytest.mark.parametrize(
    "change",
    [
        "contact_uri = 'sip:1001@192.0.2.2'",
        "transport = 'tcp'",
        "ip_address = '192.0.2.2'",
        "port = 5061",
        "expires_at = now() + interval '1 second'",
        "expires_at = now() - interval '1 second'",
    ],
)
async def test_moved_or_shortened_registration(heard: Heard, extension: UUID, change: str) -> None:
    await heard(INSERT_REGISTRATION, extension, 60)
    announced = [f"extension_registrations:{extension}"]
    assert await heard(UPDATE_REGISTRATION + change) == announced
    assert await heard("DELETE FROM extension_registrations") == announced


async def test_registration_that_comes_back(heard: Heard, extension: UUID) -> None:
    await heard(INSERT_REGISTRATION, extension, -60)
    revive = "UPDATE extension_registrations SET expires_at = now() + interval '1 minute'"
    assert await heard(revive) == [f"extension_registrations:{extension}"]


async def test_registration_that_changes_hands(heard: Heard) -> None:
    first, second = uuid4(), uuid4()
    await heard(INSERT_EXTENSIONS, [first, second])
    await heard(INSERT_REGISTRATION, first, 60)
    [payload] = await heard("UPDATE extension_registrations SET extension_id = $1", second)
    ids = payload.removeprefix("extension_registrations:").split(",")
    assert sorted(ids) == sorted([str(first), str(second)])


async def test_registrations_go_with_their_extension(heard: Heard, extension: UUID) -> None:
    await heard(INSERT_REGISTRATION, extension, 60)
    assert set(await heard("DELETE FROM extensions")) == {
        f"extensions:{extension}",
        f"extension_registrations:{extension}",
    }
