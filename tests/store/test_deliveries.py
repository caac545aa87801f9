"""Recordings on their way to a row."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from stasis_app.rules.mailbox import Greeting
from stasis_app.store import removals
from stasis_app.store.deliveries import Deliveries, Delivery, LeftOver, StoredAudio
from stasis_app.words import DeliveryKind, DeliveryState

from .conftest import StoppableServer as Server
from .mailboxes import AT, leave, new_box

Connection = asyncpg.Connection
AUDIO = StoredAudio("voicemail/2026/01/x.wav", 3.6, 115_244, "ab" * 32)
PROMISE = """
    INSERT INTO recording_deliveries
        (id, kind, state, call_id, recording, box_id, details, began_at, next_try_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + make_interval(secs => $9))"""

ENDED = """
    INSERT INTO cdr (call_id, direction, caller_number, callee_number, initiated_at, ended_at)
    VALUES ($1, 'internal', '1', '2', $2, now() - $3::interval)"""


@pytest.fixture
async def deliveries(dsn: str) -> AsyncIterator[Deliveries]:
    deliveries = Deliveries(dsn)
    yield deliveries
    deliveries.close()


async def promise(
    db: Connection,
    kind: str = "message",
    *,
    state: str = "finished",
    box: UUID | None = None,
    call: UUID | None = None,
    due_in: float = 0.0,
    recording: str | None = None,
    **details: Any,
) -> UUID:
    identity = uuid4()
    name, told = recording or f"pbx-{identity}", json.dumps(details)
    row = (identity, kind, state, call or uuid4(), name, box, told, AT, due_in)
    await db.execute(PROMISE, *row)
    return identity


async def only(deliveries: Deliveries) -> Delivery:
    [delivery] = await deliveries.due()
    return delivery


async def state_of(db: Connection, delivery: Delivery) -> tuple[str | None, str | None]:
    row = await db.fetchrow(
        "SELECT state, problem FROM recording_deliveries WHERE id = $1", delivery.id
    )
    return (row["state"], row["problem"]) if row else (None, None)


async def test_what_is_due(deliveries: Deliveries, db: Connection) -> None:
    box, call = await new_box(db), uuid4()
    await db.execute(
        "INSERT INTO calls (id, call_id, direction, caller_number, callee_number)"
        " VALUES ($1, 'a', 'internal', '1', '2')",
        call,
    )
    due = [
        await promise(db, state=state, box=box, call=of_call, due_in=-age)
        for age, (state, of_call) in enumerate(
            [("recording", None), ("finished", call), ("discarded", call), ("stored", call)]
        )
    ]
    for state, of_call, due_in in (
        *(("recording", call, 0.0), ("dead", None, 0.0)),
        *(("finished", call, 60.0), ("recording", None, 60.0)),
    ):
        await promise(db, state=state, box=box, call=of_call, due_in=due_in)
    found = await deliveries.due()
    assert [one.id for one in found] == due[::-1]
    assert [one.id for one in await deliveries.due(1)] == due[3:]
    assert {one.kind for one in found} == {DeliveryKind.MESSAGE}
    assert found[-1].state is DeliveryState.RECORDING
    assert await deliveries.waiting() == 6


async def test_recordings_that_nobody_delivers(deliveries: Deliveries, db: Connection) -> None:
    """Those of calls that go on are none."""
    days = {"old": 8, "new": 6, "delivered": 8, "alive": None, "unknown": None}
    calls = {name: uuid4() for name in days}
    for name, age in days.items():
        if age:
            await db.execute(ENDED, calls[name], AT, timedelta(days=age))
    names = {name: f"p-{call}-0123456789ab" for name, call in calls.items()}
    await promise(db, state="dead", recording=names["delivered"])
    of_others = ["", "p-", "p-x-0123456789ab", f"p-{'-' * 36}-0123456789ab", str(calls["old"])]
    longer = f"{names['old']}c"
    alive = "INSERT INTO calls (id, call_id, direction, caller_number, callee_number)"
    await db.execute(f"{alive} VALUES ($1, 'a', 'internal', '1', '2')", calls["alive"])
    found = await deliveries.left_over([*names.values(), *of_others, longer])
    assert sorted(found, key=lambda one: list(names.values()).index(one.recording)) == [
        LeftOver(names["old"], of_ended=True, old=True),
        LeftOver(names["new"], of_ended=True, old=False),
        LeftOver(names["unknown"], of_ended=False, old=False),
    ]
    assert await deliveries.left_over([]) == []


async def test_a_box_that_is_gone_is_seen_before(deliveries: Deliveries, db: Connection) -> None:
    expected = {
        await promise(db, box=await new_box(db)): True,
        await promise(db, box=uuid4()): False,
        await promise(db, "greeting"): False,
        await promise(db, "prompt"): True,
    }
    assert {one.id: one.has_box for one in await deliveries.due()} == expected


async def test_where_objects_belong(deliveries: Deliveries, db: Connection) -> None:
    """The same at each attempt."""
    for kind, folder in (("message", "voicemail"), ("greeting", "greeting"), ("prompt", "prompt")):
        identity = await promise(db, kind)
        delivery = await only(deliveries)
        assert delivery.storage_path == f"{folder}/2026/01/{identity}.wav"
        await db.execute("DELETE FROM recording_deliveries")


async def test_a_message_arrives(deliveries: Deliveries, db: Connection) -> None:
    box, original, call = await new_box(db, mail="anna@example.com"), uuid4(), uuid4()
    identity = await promise(
        db,
        box=box,
        call=call,
        caller_number="4" * 60,
        caller_name="n" * 120,
        urgent=True,
        forwarded_from=str(original),
        from_inside=False,
    )
    delivery = await only(deliveries)
    assert await deliveries.commit(delivery, AUDIO) is DeliveryState.STORED
    [row] = await db.fetch("SELECT * FROM voicemail_messages")
    assert (row["id"], row["voicemail_box_id"], row["call_id"]) == (identity, box, call)
    assert (row["caller_number"], row["caller_name"]) == ("4" * 50, "n" * 100)
    assert (row["duration_seconds"], row["file_size_bytes"]) == (4, 115_244)
    assert (row["storage_path"], row["checksum"]) == (AUDIO.storage_path, AUDIO.sha256)
    assert (row["is_urgent"], row["forwarded_from"]) == (True, original)
    assert row["from_inside"] is False
    assert (row["received_at"], row["delete_at"]) == (AT, AT + timedelta(days=90))
    assert await db.fetchval("SELECT recipient FROM mail_outbox") == "anna@example.com"
    stored = await only(deliveries)
    assert stored.state is DeliveryState.STORED
    await deliveries.drop(stored)
    assert await state_of(db, delivery) == (None, None)


async def test_an_unknown_caller_and_a_short_message(
    deliveries: Deliveries, db: Connection
) -> None:
    await promise(db, box=await new_box(db), caller_number=" ", caller_name=None)
    assert (
        await deliveries.commit(await only(deliveries), replace(AUDIO, seconds=0.2))
        is DeliveryState.STORED
    )
    row = await db.fetchrow(
        "SELECT caller_number, caller_name, duration_seconds, is_urgent FROM voicemail_messages"
    )
    assert row is not None
    assert tuple(row) == ("anonymous", None, 1, False)


@pytest.mark.parametrize(
    ("change", "recipients"),
    [
        ("UPDATE voicemail_boxes SET email_address = ' box@example.com '", ["box@example.com"]),
        ("UPDATE voicemail_boxes SET email_address = ' '", ["anna@example.com"]),
        ("UPDATE voicemail_boxes SET email_notification = FALSE", []),
        ("UPDATE voicemail_boxes SET email_notification = NULL", []),
        ("UPDATE extensions SET voicemail_email_notification = FALSE", []),
        ("UPDATE extensions SET user_id = NULL", []),
        ("UPDATE extensions SET deleted_at = now()", []),
        ("UPDATE users SET status = 'inactive'", []),
        ("UPDATE users SET deleted_at = now()", []),
        (
            "UPDATE users SET status = 'inactive';"
            "UPDATE voicemail_boxes SET email_address = 'box@example.com'",
            ["box@example.com"],
        ),
    ],
)
async def test_who_gets_a_mail(
    deliveries: Deliveries, db: Connection, change: str, recipients: list[str]
) -> None:
    box = await new_box(db, mail="anna@example.com")
    await db.execute(change)
    await promise(db, box=box)
    assert await deliveries.commit(await only(deliveries), AUDIO) is DeliveryState.STORED
    assert [row[0] for row in await db.fetch("SELECT recipient FROM mail_outbox")] == recipients


async def test_two_deliver_at_once(dsn: str, db: Connection) -> None:
    """One row and one mail each, also of a greeting, whose old one goes once."""
    box = await new_box(db, mail="anna@example.com")
    for _ in range(5):
        await promise(db, box=box)
        await promise(db, "greeting", box=box, which="busy")
    both = [Deliveries(dsn), Deliveries(dsn)]
    work = [
        one.commit(delivery, replace(AUDIO, storage_path=delivery.storage_path))
        for one in both
        for delivery in await one.due()
    ]
    assert await asyncio.gather(*work) == [DeliveryState.STORED] * 20
    counted = """
        SELECT (SELECT count(*) FROM voicemail_messages), (SELECT count(*) FROM mail_outbox),
            (SELECT count(*) FROM media_files), (SELECT count(*) FROM object_removals)"""
    row = await db.fetchrow(counted)
    assert row is not None
    assert tuple(row) == (5, 5, 1, 4)
    assert {one.state for one in await both[0].due()} == {DeliveryState.STORED}
    for one in both:
        one.close()


@pytest.mark.parametrize("kind", ["message", "greeting"])
async def test_the_box_is_gone(dsn: str, deliveries: Deliveries, db: Connection, kind: str) -> None:
    """Nothing is left over but the delivery, which says why."""
    await promise(db, kind, box=uuid4(), which="busy")
    delivery = await only(deliveries)
    assert await deliveries.commit(delivery, AUDIO) is DeliveryState.DEAD
    assert await state_of(db, delivery) == ("dead", "the mailbox is gone")
    assert [one.storage_path for one in await removals.due(dsn)] == [AUDIO.storage_path]
    assert await deliveries.due() == []
    assert await db.fetchval("SELECT count(*) FROM media_files") == 0


async def test_a_greeting_is_used_at_once(deliveries: Deliveries, db: Connection) -> None:
    box = await new_box(db)
    for greeting in Greeting:
        await promise(db, "greeting", box=box, which=greeting)
        delivery = await only(deliveries)
        audio = replace(AUDIO, storage_path=delivery.storage_path)
        assert await deliveries.commit(delivery, audio) is DeliveryState.STORED
        await deliveries.drop(delivery)
    rows = await db.fetch("""
        SELECT file.name, file_type, duration_seconds, file_size_bytes, format, sample_rate
        FROM voicemail_boxes AS box, media_files AS file
        WHERE file.id IN (greeting_prompt_id, busy_greeting_prompt_id,
                temporary_greeting_prompt_id, name_prompt_id) AND recorded_for = box.id""")
    assert {tuple(row) for row in rows} == {
        (f"greeting {greeting}", "greeting", 4, 115_244, "wav", 16000) for greeting in Greeting
    }


async def test_a_greeting_that_nobody_knows(deliveries: Deliveries, db: Connection) -> None:
    await promise(db, "greeting", box=await new_box(db), which="morning")
    delivery = await only(deliveries)
    assert await deliveries.commit(delivery, AUDIO) is DeliveryState.DEAD
    assert await state_of(db, delivery) == ("dead", "there is no greeting 'morning'")


async def test_prompts_new_and_anew(deliveries: Deliveries, db: Connection) -> None:
    """One whose file is deleted meanwhile is kept all the same."""

    async def record(path: str, **details: Any) -> UUID:
        identity = await promise(db, "prompt", **details)
        delivery = await only(deliveries)
        assert (
            await deliveries.commit(delivery, replace(AUDIO, storage_path=path))
            is DeliveryState.STORED
        )
        await deliveries.drop(delivery)
        return identity

    first = await record("1", name=" Welcome ", description="hello")
    await record("2", media=str(first), name="not this")
    gone = await record("3", media=str(uuid4()), name="gone")
    unnamed = await record("4")
    rows = await db.fetch("""
        SELECT id, name, description, file_type, storage_path, recorded_for FROM media_files
        ORDER BY storage_path""")
    assert [tuple(row) for row in rows] == [
        (first, "Welcome", "hello", "prompt", "2", None),
        (gone, "gone", None, "prompt", "3", None),
        (unnamed, "recorded 2026-01-01 10:00 UTC", None, "prompt", "4", None),
    ]
    assert await db.fetchval("SELECT storage_path FROM object_removals") == "1"


async def test_failures_are_spaced_out(deliveries: Deliveries, db: Connection) -> None:
    await promise(db, box=await new_box(db))
    pauses = []
    for _ in range(7):
        delivery = await only(deliveries)
        pauses.append(await deliveries.fail(delivery, "x" * 900))
        waits = "SELECT next_try_at - now() > make_interval(secs => $1) FROM recording_deliveries"
        assert await db.fetchval(waits, pauses[-1] - 0.9)
        assert await deliveries.due() == []
        await db.execute("UPDATE recording_deliveries SET next_try_at = now()")
    assert pauses == [1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 60.0]
    assert await state_of(db, delivery) == ("finished", "x" * 500)


async def test_what_is_stored_is_neither_discarded_nor_given_up(
    deliveries: Deliveries, db: Connection
) -> None:
    """By one that works on what it knew before; and what is not stored is not dropped."""
    await promise(db, box=await new_box(db))
    delivery = await only(deliveries)
    await deliveries.drop(delivery)
    assert await state_of(db, delivery) == ("finished", None)
    assert await deliveries.commit(delivery, AUDIO) is DeliveryState.STORED
    await deliveries.discard(delivery, "too short")
    await deliveries.give_up(delivery, "gone", AUDIO.storage_path)
    assert await state_of(db, delivery) == ("stored", None)
    assert await db.fetchval("SELECT count(*) FROM object_removals") == 0
    await promise(db, box=uuid4())
    discarded = next(one for one in await deliveries.due() if one.id != delivery.id)
    await deliveries.discard(discarded, "too short")
    assert await state_of(db, discarded) == ("discarded", "too short")
    await deliveries.drop(discarded)
    assert await state_of(db, discarded) == (None, None)


async def test_a_dead_one_is_tried_again(dsn: str, deliveries: Deliveries, db: Connection) -> None:
    """Its object is not removed under its hands."""
    identity = await promise(db, "greeting", box=uuid4(), which="busy")
    delivery = await only(deliveries)
    audio = replace(AUDIO, storage_path=delivery.storage_path)
    assert await deliveries.commit(delivery, audio) is DeliveryState.DEAD
    box = await new_box(db)
    await db.execute("UPDATE recording_deliveries SET state = 'finished', box_id = $1", box)
    assert await removals.due(dsn) == []
    assert await deliveries.commit(await only(deliveries), audio) is DeliveryState.STORED
    assert await removals.due(dsn) == []
    assert await db.fetchval("SELECT busy_greeting_prompt_id FROM voicemail_boxes") == identity


async def test_postgres_is_away(server: Server, dsn: str, db: Connection) -> None:
    deliveries = Deliveries(dsn)
    await promise(db, box=await new_box(db))
    delivery = await only(deliveries)
    await server.stop()
    try:
        for act in (
            *(deliveries.due, deliveries.waiting, lambda: deliveries.left_over(["a"])),
            *(lambda: deliveries.commit(delivery, AUDIO), lambda: deliveries.drop(delivery)),
            *(lambda: deliveries.fail(delivery, "x"), lambda: deliveries.discard(delivery, "x")),
            lambda: deliveries.give_up(delivery, "x"),
        ):
            with pytest.raises(ConnectionError):
                await act()
    finally:
        await server.resume()
    assert await deliveries.commit(delivery, AUDIO) is DeliveryState.STORED
    deliveries.close()


async def test_a_message_is_only_there_once(deliveries: Deliveries, db: Connection) -> None:
    """Also if its row was there before, be it by hand."""
    box = await new_box(db)
    message = await leave(db, box)
    identity = await promise(db, box=box)
    await db.execute("UPDATE voicemail_messages SET id = $2 WHERE id = $1", message, identity)
    assert await deliveries.commit(await only(deliveries), AUDIO) is DeliveryState.STORED
    assert await db.fetchval("SELECT count(*) FROM voicemail_messages") == 1
