"""The snapshot follows queues, their agents, and what those want."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from stasis_app.rules.models import Target
from stasis_app.rules.queues import Member, Presence, Queue
from stasis_app.store.agents import Agents
from stasis_app.store.directory import Directory
from stasis_app.words import (
    OverflowAction,
    QueueStatus,
    QueueStrategy,
    TargetType,
    Wanted,
    WhenEmpty,
)
from tests.support.until import until

from .agents import new_agent, new_queue
from .test_directory import directory

__all__ = ["directory"]

ADD_MEDIA = """
    INSERT INTO media_files (name, file_type, storage_path) VALUES ($1, $2, $1) RETURNING id"""
SET = "INSERT INTO system_settings (key, value) VALUES ($1, $2)"


async def queue_of(directory: Directory, queue: UUID) -> Queue:
    return await until(lambda: directory.book.queues.get(queue))


async def becomes(directory: Directory, queue: UUID, **columns: Any) -> None:
    def is_so() -> bool:
        found = directory.book.queues.items[queue]
        return {key: getattr(found, key) for key in columns} == columns

    await until(is_so, what=lambda: f"{columns}: {directory.book.queues.items[queue]}")


async def test_a_queue_as_the_schema_makes_it(directory: Directory, db: asyncpg.Connection) -> None:
    queue = await new_queue(db)
    assert await queue_of(directory, queue) == Queue(
        id=queue,
        name="sales",
        number=None,
        status=QueueStatus.ACTIVE,
        strategy=QueueStrategy.LONGEST_IDLE,
        threshold_seconds=20,
        max_wait_seconds=300,
        max_size=50,
        wrap_up_seconds=10,
        ring_seconds=20,
        weight=1,
        music="default",
        welcome=None,
        announces_position=True,
        announces_wait=True,
        announce_seconds=30,
        overflow_action=OverflowAction.VOICEMAIL,
        overflow=None,
        break_after_misses=3,
        problems=directory.book.queues.items[queue].problems,
    )


async def test_every_column_of_a_queue_is_read(
    directory: Directory, db: asyncpg.Connection
) -> None:
    welcome, prompt = [await db.fetchval(ADD_MEDIA, name, "prompt") for name in "ab"]
    music, menu = await db.fetchval(ADD_MEDIA, "c", "moh"), uuid4()
    queue = await new_queue(
        db,
        "support",
        extension_number="800",
        strategy="ring_all",
        status="paused",
        service_level_threshold_seconds=15,
        max_wait_time_seconds=120,
        music_on_hold_id=music,
        welcome_prompt_id=welcome,
        position_announcement_enabled=False,
        position_announcement_interval_seconds=45,
        max_queue_size=5,
        wrap_up_time_seconds=7,
        overflow_action="ivr",
        overflow_destination_id=menu,
        callback_enabled=True,
        priority=4,
        weight=2.5,
        ring_seconds=12,
        wait_announcement_enabled=False,
        when_empty="leave",
        exit_key="0",
        exit_destination_type="external",
        exit_destination_number="030777",
        skill_relax_seconds=60,
        redial_window_seconds=90,
        break_after_misses=2,
        agent_prompt_id=prompt,
        callback_key="9",
        callback_tries=5,
    )
    await becomes(directory, queue, callback_tries=5)
    assert directory.book.queues.at("800") == Queue(
        id=queue,
        name="support",
        number="800",
        status=QueueStatus.PAUSED,
        strategy=QueueStrategy.RING_ALL,
        threshold_seconds=15,
        max_wait_seconds=120,
        max_size=5,
        wrap_up_seconds=7,
        ring_seconds=12,
        weight=2.5,
        music=str(music),
        welcome=welcome,
        announces_position=False,
        announces_wait=False,
        announce_seconds=45,
        overflow_action=OverflowAction.IVR,
        overflow=Target(TargetType.IVR, menu),
        when_empty=WhenEmpty.LEAVE,
        exit_key="0",
        exit_target=Target(TargetType.EXTERNAL, None, "030777"),
        relax_seconds=60,
        redial_seconds=90,
        break_after_misses=2,
        agent_prompt=prompt,
        callback_key="9",
        callback_tries=5,
        priority=4,
    )
    await db.execute("UPDATE queues SET deleted_at = now()")
    await becomes(directory, queue, active=False)


async def test_the_music_of_a_queue(directory: Directory, db: asyncpg.Connection) -> None:
    """Also what it has because another row has changed."""
    queue, media = await new_queue(db), await db.fetchval(ADD_MEDIA, "a", "prompt")
    await queue_of(directory, queue)
    await becomes(directory, queue, music="default")
    await db.execute("UPDATE queues SET music_on_hold_id = $1", media)
    await db.execute("UPDATE media_files SET file_type = 'moh'")
    await becomes(directory, queue, music=str(media))
    await db.execute("UPDATE queues SET music_on_hold_id = NULL")
    await becomes(directory, queue, music="held")
    await db.execute("DELETE FROM system_settings WHERE key = 'media.default_moh'")
    await db.execute(SET, "media.default_moh", "false")
    await becomes(directory, queue, music="default")


async def test_the_agents_of_a_queue(directory: Directory, db: asyncpg.Connection) -> None:
    queue = await new_queue(db)
    anna = await new_agent(db, "1001", queue)
    await db.execute("UPDATE queue_members SET skills = '{de,en}', penalty = 2, priority = 1")
    member = await db.fetchval("SELECT id FROM queue_members")
    expected = Member(member, queue, anna, 1, 2, frozenset({"de", "en"}))
    await until(lambda: directory.book.queue_members.get(member) == expected)
    await db.execute("DELETE FROM queue_members")
    await until(lambda: directory.book.queue_members.get(member) is None)


async def test_what_agents_want(directory: Directory, dsn: str, db: asyncpg.Connection) -> None:
    queue, agents = await new_queue(db), Agents(dsn)
    anna = await new_agent(db, "1001", queue)
    await agents.say(anna, queue, Wanted.BREAK, "lunch")
    agents.close()
    row = await db.fetchrow("SELECT id, wanted_at FROM agent_states WHERE queue_id = $1", queue)
    assert row
    expected = Presence(row["id"], anna, queue, Wanted.BREAK, "lunch", row["wanted_at"])
    await until(lambda: directory.book.agent_states.get(row["id"]) == expected)
    await db.execute("UPDATE agent_states SET status = 'available' WHERE queue_id = $1", queue)
    await until(lambda: directory.book.agent_states.items[row["id"]].wanted is Wanted.AVAILABLE)
    await db.execute("DELETE FROM queue_members")
    await until(lambda: directory.book.agent_states.get(row["id"]) is None)


async def test_who_ends_a_wrap_up_by_hand_is_told(
    directory: Directory, db: asyncpg.Connection
) -> None:
    told: list[Mapping[str, Collection[UUID] | None]] = []
    anna = await new_agent(db, "1001", await new_queue(db))
    await db.execute("UPDATE agent_slots SET wrap_up_until = now() + interval '1 minute'")
    directory.tell(told.append)
    await db.execute("UPDATE agent_states SET status = 'available' WHERE queue_id IS NULL")
    await until(lambda: {"agent_slots": {anna}} in told)


async def test_what_rules_and_menus_ask_of_a_queue(
    directory: Directory, db: asyncpg.Connection
) -> None:
    queue = await new_queue(db)
    rule = await db.fetchval(
        """INSERT INTO inbound_rules (name, did_pattern, destination_type, destination_id,
            queue_priority, queue_skills)
        VALUES ('a', '030', 'queue', $1, 7, '{de,en}') RETURNING id""",
        queue,
    )
    menu = await db.fetchval("INSERT INTO ivr_menus (name) VALUES ('main') RETURNING id")
    option = await db.fetchval(
        """INSERT INTO ivr_menu_options (ivr_menu_id, dtmf_digit, action, destination_id,
            queue_priority, queue_skills)
        VALUES ($1, '1', 'queue', $2, 8, '{}') RETURNING id""",
        *(menu, queue),
    )
    found = await until(lambda: directory.book.inbound_rules.get(rule))
    assert (found.asked.priority, found.asked.skills) == (7, ("de", "en"))
    chosen = await until(lambda: directory.book.ivr_menu_options.get(option))
    assert (chosen.asked.priority, chosen.asked.skills) == (8, ())
