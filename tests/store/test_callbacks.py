"""Callers who wait to be called back: what the journal tells of them, and who calls them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from stasis_app.rules.callbacks import Callback
from stasis_app.store.callbacks import Callbacks
from stasis_app.store.shipper import write_group

from . import journal
from .agents import new_queue

Connection = asyncpg.Connection


@pytest.fixture
async def callbacks(dsn: str) -> AsyncIterator[Callbacks]:
    made = Callbacks(dsn)
    yield made
    made.close()


def asked(call: str, identity: str, queue: UUID, number: str = "030", **columns: Any) -> Any:
    row = {
        "queue_id": str(queue),
        "number": number,
        "caller_name": None,
        "language": "de",
        "priority": 2,
        "skills": ["french"],
        "joined_at": journal.at(1),
        "requested_at": journal.at(5),
        **columns,
    }
    return {"call": call, "callback": {"id": identity, **row}}


def settled(call: str, identity: str, state: str, **columns: Any) -> Any:
    empty = {"problem": None, "next_try_at": None, "done_at": None}
    return {"call": call, "callback": {"id": identity, "state": state, **empty, **columns}}


async def row_of(db: Connection, identity: str | UUID) -> asyncpg.Record:
    found = await db.fetchrow("SELECT * FROM queue_callbacks WHERE id = $1", identity)
    assert found is not None
    return found


async def test_a_request_becomes_a_row(callbacks: Callbacks, db: Connection) -> None:
    queue, call, identity = await new_queue(db), journal.new_call(), journal.new_call()
    await write_group(db, [asked(call, identity, queue)])
    [wanted] = await callbacks.waiting()
    joined_at, requested_at = (datetime.fromisoformat(journal.at(at)) for at in (1, 5))
    next_try_at = (await row_of(db, identity))["next_try_at"]
    assert wanted == Callback(
        UUID(identity), queue, "030", "", "de", 2, ("french",), joined_at, 0, next_try_at
    )
    row = await row_of(db, identity)
    assert (str(row["call_id"]), row["requested_at"], row["state"]) == (
        call,
        requested_at,
        "waiting",
    )


@pytest.mark.parametrize("grouped", [True, False])
async def test_one_for_each_number_and_queue(
    callbacks: Callbacks, db: Connection, *, grouped: bool
) -> None:
    """The first request counts; the same record written again changes nothing."""
    queue, other, call = await new_queue(db), await new_queue(db, "other"), journal.new_call()
    ids = [journal.new_call() for _ in range(3)]
    records = [
        asked(call, ids[0], queue),
        asked(call, ids[1], queue, joined_at=journal.at(3)),
        asked(call, ids[2], other),
        asked(call, ids[0], queue),
    ]
    for group in [records] if grouped else [[record] for record in records]:
        await write_group(db, group)
    assert {str(one.id) for one in await callbacks.waiting()} == {ids[0], ids[2]}


async def test_one_that_is_over_can_be_asked_for_again(db: Connection) -> None:
    queue, call = await new_queue(db), journal.new_call()
    first, second = journal.new_call(), journal.new_call()
    await write_group(db, [asked(call, first, queue)])
    await db.execute("UPDATE queue_callbacks SET state = 'done'")
    await write_group(db, [asked(call, second, queue)])
    assert (await row_of(db, second))["state"] == "waiting"


async def test_only_one_process_calls(dsn: str, callbacks: Callbacks, db: Connection) -> None:
    queue, identity = await new_queue(db), journal.new_call()
    await write_group(db, [asked(journal.new_call(), identity, queue)])
    [wanted] = await callbacks.waiting()
    other = Callbacks(dsn)
    calls = [uuid4() for _ in range(6)]
    try:
        pairs = zip((callbacks, other) * 3, calls, strict=True)
        taken = await asyncio.gather(*(one.take(wanted, call) for one, call in pairs))
    finally:
        other.close()
    assert sum(taken) == 1
    row = await row_of(db, identity)
    assert (row["state"], row["attempts"]) == ("calling", 1)
    assert row["last_call_id"] == calls[taken.index(True)]
    assert await callbacks.waiting() == []


async def test_what_became_of_it(callbacks: Callbacks, db: Connection) -> None:
    """A word about another call than the last changes nothing."""
    queue, identity, call = await new_queue(db), journal.new_call(), uuid4()
    await write_group(db, [asked(journal.new_call(), identity, queue)])
    [wanted] = await callbacks.waiting()
    assert await callbacks.take(wanted, call)
    late = journal.at(90)
    again = settled(str(call), identity, "waiting", problem="busy", next_try_at=late)
    await write_group(db, [settled(journal.new_call(), identity, "done")])
    await write_group(db, [again])
    [waiting] = await callbacks.waiting()
    assert (waiting.attempts, waiting.next_try_at.isoformat()) == (1, late)
    assert (await row_of(db, identity))["problem"] == "busy"
    assert not await callbacks.take(wanted, uuid4()), "it is other than it was"
    second = uuid4()
    assert await callbacks.take(waiting, second)
    await write_group(db, [settled(str(second), identity, "done", done_at=journal.at(99))])
    row = await row_of(db, identity)
    assert (row["state"], row["problem"], row["attempts"]) == ("done", None, 2)
    assert row["done_at"].isoformat() == journal.at(99)


async def test_what_is_called_off_stays_so(callbacks: Callbacks, db: Connection) -> None:
    queue, identity, call = await new_queue(db), journal.new_call(), uuid4()
    await write_group(db, [asked(journal.new_call(), identity, queue)])
    [wanted] = await callbacks.waiting()
    assert await callbacks.take(wanted, call)
    await db.execute("UPDATE queue_callbacks SET state = 'superseded'")
    await write_group(db, [settled(str(call), identity, "waiting")])
    assert (await row_of(db, identity))["state"] == "superseded"


@pytest.mark.parametrize(("tries", "becomes"), [(2, "waiting"), (1, "failed")])
async def test_a_call_that_nobody_knows(
    callbacks: Callbacks, db: Connection, tries: int, becomes: str
) -> None:
    """Not at once: the call's row may be on its way. And not while there is one."""
    queue, identity, call = await new_queue(db), journal.new_call(), uuid4()
    await db.execute("UPDATE queues SET callback_tries = $1", tries)
    await write_group(db, [asked(journal.new_call(), identity, queue)])
    [wanted] = await callbacks.waiting()
    assert await callbacks.take(wanted, call)
    await callbacks.release_lost()
    assert (await row_of(db, identity))["state"] == "calling"
    await write_group(db, [journal.begin(str(call))])
    await db.execute("UPDATE queue_callbacks SET next_try_at = $1", now() - timedelta(seconds=1))
    await callbacks.release_lost()
    assert (await row_of(db, identity))["state"] == "calling"
    await write_group(db, [journal.end(str(call), 2)])
    await callbacks.release_lost()
    row = await row_of(db, identity)
    assert (row["state"], row["problem"], row["attempts"]) == (becomes, "lost", 1)
    assert (row["done_at"] is not None) == (becomes == "failed")


async def test_postgres_is_away() -> None:
    away = Callbacks("postgresql://nobody@127.0.0.1:9/none")
    for question in (away.waiting(), away.release_lost()):
        with pytest.raises(ConnectionError):
            await question
    away.close()


def now() -> datetime:
    return datetime.now(UTC)
