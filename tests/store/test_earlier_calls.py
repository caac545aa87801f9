"""What callers of queues have waited for, and what they may go on with."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from stasis_app.rules.queues import Wait
from stasis_app.store.agents import Agents

from .agents import new_queue
from .test_agents import agents, now, processes

__all__ = ["agents", "processes"]

Connection = asyncpg.Connection

ADD_VISIT = """
    INSERT INTO queue_calls (id, call_id, queue_id, caller_number, joined_at, entered_at, position,
        answered_at, left_at, left_how, is_callback)
    VALUES (gen_random_uuid(), gen_random_uuid(), $1, $2, $3, $4, $5, $6, $7, $8, $9)"""
ADD_CALLBACK = """
    INSERT INTO queue_callbacks (id, queue_id, number, joined_at, requested_at, state)
    VALUES (gen_random_uuid(), $1, $2, $3, $3, $4)"""


async def visit(
    db: Connection,
    queue: UUID,
    entered: datetime,
    *,
    number: str = "030",
    joined: datetime | None = None,
    position: int | None = 1,
    answered: datetime | None = None,
    left: datetime | None = None,
    how: str | None = None,
    callback: bool = False,
) -> None:
    await db.execute(
        ADD_VISIT,
        *(queue, number, joined or entered, entered, position),
        *(answered, left or answered, how or ("answered" if answered else None), callback),
    )


async def test_how_long_calls_have_waited(agents: Agents, db: Connection) -> None:
    queue, other, at = await new_queue(db), await new_queue(db, "support"), now()
    ago = timedelta(minutes=1)
    for n in range(25):
        answered = at - n * ago
        entered = answered - timedelta(seconds=n + 0.5)
        await visit(db, queue, entered, position=n + 1, answered=answered, joined=at - 99 * ago)
    await visit(db, other, at - ago, answered=at)
    await visit(db, queue, at - ago, answered=at, position=None)
    await visit(db, queue, at - ago, answered=at, callback=True)
    await visit(db, queue, at - ago)
    assert await agents.waits(queue) == [Wait(n + 1, n + 0.5) for n in reversed(range(20))]
    await db.execute("UPDATE queue_calls SET answered_at = answered_at - interval '8 hours'")
    assert await agents.waits(queue) == []


@pytest.fixture(autouse=True)
def hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests of the modules before may have taken minutes."""
    monkeypatch.setitem(globals(), "HOUR", datetime.now(UTC) - timedelta(hours=1))


def ago(minutes: float) -> datetime:
    """A time that is the same in one test."""
    return HOUR + timedelta(minutes=60 - minutes)


TIMES = {"entered", "joined", "left", "answered"}
HOUR = datetime.now(UTC) - timedelta(hours=1)
LEFT: dict[str, tuple[list[dict[str, Any]], float | None]] = {
    "nothing": ([], None),
    "abandoned": ([{"entered": 9, "left": 8}], 9),
    "cut off": ([{"entered": 9, "left": 8, "how": "failed"}], 9),
    "too long ago": ([{"entered": 15, "left": 12}], None),
    "still waiting": ([{"entered": 9}], None),
    "left otherwise": ([{"entered": 9, "left": 8, "how": "timeout"}], None),
    "answered": ([{"entered": 9, "answered": 8}], None),
    "another number": ([{"entered": 9, "left": 8, "number": "+4930"}], None),
    "resumed": ([{"entered": 9, "left": 8}, {"entered": 7, "joined": 9}], None),
    "resumed and abandoned": (
        [{"entered": 9, "left": 8}, {"entered": 7, "joined": 9, "left": 6}],
        9,
    ),
    "found the queue full": (
        [{"entered": 9, "left": 8}, {"entered": 7, "left": 7, "how": "full", "position": None}],
        9,
    ),
    "somebody else waits there": ([{"entered": 9, "left": 8}, {"entered": 8.5}], 9),
    "both of them gone": ([{"entered": 9, "left": 8}, {"entered": 8.5, "left": 7}], 9),
}


@pytest.mark.parametrize(("visits", "since"), LEFT.values(), ids=LEFT)
async def test_since_when_a_caller_has_waited(
    agents: Agents, db: Connection, visits: list[dict[str, Any]], since: float | None
) -> None:
    queue, other = await new_queue(db), await new_queue(db, "support")
    for one in visits:
        gone = {"how": "abandoned"} if "left" in one else {}
        times = {key: ago(one[key]) for key in TIMES & one.keys()}
        await visit(db, queue, **{**gone, **one, **times})
    assert await agents.earlier(queue, "030", 600) == (since and ago(since))
    assert await agents.earlier(other, "030", 600) is None


@pytest.mark.parametrize("number", ["", "anonymous"])
async def test_who_withholds_the_number_is_nobody(
    agents: Agents, db: Connection, number: str
) -> None:
    queue = await new_queue(db)
    await visit(db, queue, ago(2), number=number, left=ago(1), how="abandoned")
    assert await agents.earlier(queue, number, 600) is None


async def states(db: Connection) -> list[str]:
    rows = await db.fetch("SELECT state, done_at FROM queue_callbacks ORDER BY joined_at")
    assert all((row["done_at"] is not None) == (row["state"] == "superseded") for row in rows)
    return [row["state"] for row in rows]


async def test_a_callback_is_called_off_by_who_calls_again(agents: Agents, db: Connection) -> None:
    """Whenever that is, and whether or not it keeps a place to have hung up."""
    queue, other = await new_queue(db), await new_queue(db, "support")
    await db.execute(ADD_CALLBACK, queue, "030", ago(50), "waiting")
    await db.execute(ADD_CALLBACK, queue, "040", ago(40), "waiting")
    await db.execute(ADD_CALLBACK, other, "030", ago(30), "waiting")
    assert await agents.earlier(queue, "030", 0) == ago(50)
    assert await states(db) == ["superseded", "waiting", "waiting"]
    assert await agents.earlier(queue, "030", 0) is None
    await db.execute("UPDATE queue_callbacks SET state = 'calling' WHERE number = '040'")
    assert await agents.earlier(queue, "040", 0) == ago(40), "both call each other"
    assert await states(db) == ["superseded", "superseded", "waiting"]


async def test_the_better_of_two_places_counts(agents: Agents, db: Connection) -> None:
    queue = await new_queue(db)
    await db.execute(ADD_CALLBACK, queue, "030", ago(3), "waiting")
    await visit(db, queue, ago(9), left=ago(8), how="abandoned")
    assert await agents.earlier(queue, "030", 600) == ago(9)
    assert await states(db) == ["superseded"]


async def test_a_callback_is_superseded_once(processes: list[Agents], db: Connection) -> None:
    queue = await new_queue(db)
    await db.execute(ADD_CALLBACK, queue, "030", ago(3), "waiting")
    found = await asyncio.gather(*(one.earlier(queue, "030", 0) for one in processes * 4))
    assert sorted(map(str, found)) == sorted(map(str, [ago(3), *[None] * 7]))
