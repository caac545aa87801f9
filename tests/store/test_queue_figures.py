"""The figures of queues, from rows that are made by hand."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stasis_app.store import queue_figures
from tests.support.until import until

from .queue_rows import answered, changed, enter, left, new_agents, new_queue

Connection = asyncpg.Connection

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 3, 28, 22, 0, tzinfo=UTC)
HOUR, WEEK = timedelta(hours=1), timedelta(weeks=1)
ZONES = ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu"]

ADD_CHANGE = """
    INSERT INTO agent_state_changes (extension_id, queue_id, status, from_at, until_at)
    VALUES ($1, $2, $3, $4, $5)"""
SUMS = """
    SELECT coalesce(sum(calls_offered), 0), coalesce(sum(calls_answered), 0),
        coalesce(sum(calls_abandoned), 0)
    FROM queue_stats WHERE queue_id = $1"""
FIGURES = "SELECT * FROM queue_stats WHERE queue_id = $1 ORDER BY time"


def at(minutes: float, seconds: float = 0) -> datetime:
    return START + timedelta(minutes=minutes, seconds=seconds)


async def figures(db: Connection, queue: UUID) -> list[tuple[Any, ...]]:
    """Return the rows of the queue without its id, oldest first."""
    rows = await db.fetch(FIGURES, queue)
    return [tuple(value for key, value in row.items() if key != "queue_id") for row in rows]


async def at_time(db: Connection, queue: UUID, time: datetime) -> tuple[Any, ...]:
    (row,) = [row for row in await figures(db, queue) if row[0] == time]
    return row[1:]


async def sums(db: Connection, queue: UUID) -> tuple[int, ...]:
    (row,) = await db.fetch(SUMS, queue)
    return tuple(row)


NOTHING = (0, 0, 0, None, None, None, None, 0, 0)


async def test_what_an_interval_says(dsn: str, db: Connection) -> None:
    queue = await new_queue(db)
    await answered(db, queue, at(0), wait=10, talk=60)
    await answered(db, queue, at(1), wait=30, talk=599)  # ends in the third
    await left(db, queue, at(2), 5, "abandoned")
    await left(db, queue, at(2), 25, "abandoned")
    await left(db, queue, at(2), 100, "timeout")
    await left(db, queue, at(2), 0, "full", position=None)
    await answered(db, queue, at(4, 50), wait=20, talk=40)  # in the second
    await enter(db, queue, at(9, 59))  # waits still
    assert await queue_figures.write(dsn, now=at(15), look_back=HOUR) == 12
    # SL2: of 10, 30 s answered and 5, 25 s abandoned, two within 20 s
    assert await figures(db, queue) == [
        *[(at(-45 + 5 * place), *NOTHING) for place in range(9)],
        (at(0), 6, 2, 2, 34, 100, 60, Decimal(50), 0, 0),
        (at(5), 1, 1, 0, 20, 20, 40, Decimal(100), 0, 0),
        (at(10), 0, 0, 0, None, None, 599, None, 0, 0),
    ]


async def test_a_call_back_does_not_shorten_the_wait(dsn: str, db: Connection) -> None:
    queue = await new_queue(db)
    await answered(db, queue, at(0), wait=30, talk=10)
    await answered(db, queue, at(1), wait=2, talk=20, is_callback=True, joined_at=at(-60))
    await queue_figures.write(dsn, now=at(5), look_back=HOUR)
    assert await at_time(db, queue, at(0)) == (2, 2, 0, 30, 30, 15, Decimal(0), 0, 0)


async def test_agents_are_those_at_the_end_of_the_interval(dsn: str, db: Connection) -> None:
    queue, other = await new_queue(db), await new_queue(db, "other")
    agent, colleague, third = uuid4(), uuid4(), uuid4()
    for row in (
        (agent, queue, "available", at(-5000), at(3)),
        (agent, queue, "busy", at(3), at(5)),
        (agent, queue, "available", at(5), at(8)),
        (agent, queue, "wrap_up", at(8), at(11)),
        (agent, queue, "available", at(11), None),
        (agent, None, "busy", at(-5000), None),
        (agent, other, "busy", at(-5000), None),
        (colleague, queue, "available", at(7), None),
        (third, queue, "break", at(-10), at(14, 59)),
        (third, queue, "available", at(14, 59), at(15)),
        (third, queue, "offline", at(15), None),
    ):
        await db.execute(ADD_CHANGE, *row)
    await queue_figures.write(dsn, now=at(20), look_back=timedelta(minutes=20))
    agents = [row[-2:] for row in await figures(db, queue)]
    assert agents == [(0, 1), (1, 0), (3, 0), (2, 0)]
    assert [row[-2:] for row in await figures(db, other)] == [(0, 1)] * 4


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("day", "hours"),
    [(datetime(2026, 3, 29, tzinfo=BERLIN), 23), (datetime(2026, 10, 25, tzinfo=BERLIN), 25)],
)
async def test_the_night_when_the_clocks_change(
    dsn: str, db: Connection, zone: str, day: datetime, hours: int
) -> None:
    """The day has as many intervals as it has, whatever zone the sessions are in."""
    queue, agent = await new_queue(db), uuid4()
    midnight, end = day.astimezone(UTC), (day + timedelta(days=1)).astimezone(UTC)
    await db.execute(ADD_CHANGE, agent, queue, "available", midnight, None)
    count = hours * 12
    for place in range(count):
        entered_at = midnight + timedelta(minutes=5 * place, seconds=1)
        await answered(db, queue, entered_at, wait=place % 60, talk=60)
    zoned = f"{dsn}&timezone={zone}"
    for passed in (timedelta(hours=2, minutes=31), timedelta(hours=4), end - midnight):
        await queue_figures.write(zoned, now=midnight + passed, look_back=HOUR)
    rows = [row for row in await figures(db, queue) if row[0] >= midnight]
    assert [row[0] for row in rows] == [midnight + timedelta(minutes=5 * n) for n in range(count)]
    assert [row[1:5] for row in rows] == [(1, 1, 0, place % 60) for place in range(count)]
    assert {row[-2:] for row in rows} == {(1, 0)}
    assert await queue_figures.write(zoned, now=end, look_back=WEEK) > 0  # what is before midnight
    assert await queue_figures.write(zoned, now=end, look_back=WEEK) == 0
    assert await sums(db, queue) == (count, count, 0)


async def test_a_queue_without_calls_has_zeros(dsn: str, db: Connection) -> None:
    queue = await new_queue(db, created_at=at(-7))
    await queue_figures.write(dsn, now=at(2), look_back=HOUR)
    assert await figures(db, queue) == [(at(-10), *NOTHING), (at(-5), *NOTHING)]


async def test_a_queue_that_is_deleted(dsn: str, db: Connection) -> None:
    """It has rows until then, and for the calls that were in it."""
    queue, gone = await new_queue(db), await new_queue(db, "gone")
    await answered(db, gone, at(-1), wait=10, talk=660)
    await db.execute("UPDATE queues SET deleted_at = $2 WHERE id = $1", gone, at(1))
    await queue_figures.write(dsn, now=at(20), look_back=timedelta(minutes=20))
    assert [row[0] for row in await figures(db, queue)] == [at(-5 + 5 * n) for n in range(5)]
    assert [row[0] for row in await figures(db, gone)] == [at(-5), at(10)]


async def test_the_first_run_begins_with_the_first_call(dsn: str, db: Connection) -> None:
    queue = await new_queue(db)
    await left(db, queue, at(-3 * 24 * 60 + 2), 10, "abandoned")
    await queue_figures.write(dsn, now=at(0), look_back=HOUR)
    rows = await figures(db, queue)
    assert rows[0] == (at(-3 * 24 * 60), 1, 0, 1, 10, 10, None, Decimal(100), 0, 0)
    assert len(rows) == 3 * 288


async def test_a_restart_catches_up(dsn: str, db: Connection) -> None:
    queue = await new_queue(db)
    await queue_figures.write(dsn, now=at(0), look_back=HOUR)
    await left(db, queue, at(60), 10, "abandoned")
    await queue_figures.write(dsn, now=at(2 * 24 * 60), look_back=HOUR)
    assert [row[0] for row in await figures(db, queue)] == [
        at(5 * place) for place in range(-12, 2 * 288)
    ]
    assert await sums(db, queue) == (1, 0, 1)


async def test_a_long_rest_is_not_caught_up_entirely(dsn: str, db: Connection) -> None:
    queue = await new_queue(db)
    await queue_figures.write(dsn, now=at(0), look_back=HOUR)
    now = at(0) + timedelta(days=100)
    await queue_figures.write(dsn, now=now, look_back=HOUR)
    rows = await figures(db, queue)
    assert rows[12][0] == now - queue_figures.LONGEST
    assert len(rows) == 12 + 31 * 288


async def test_late_records(dsn: str, db: Connection) -> None:
    queue = await new_queue(db)
    await queue_figures.write(dsn, now=at(0), look_back=WEEK)
    before = await figures(db, queue)
    assert await queue_figures.write(dsn, now=at(0), look_back=WEEK) == 0
    assert await figures(db, queue) == before
    call = await enter(db, queue, at(-30))
    await enter(db, queue, at(-300))
    assert await queue_figures.write(dsn, now=at(0), look_back=HOUR) == 1
    assert await sums(db, queue) == (1, 0, 0)
    assert await queue_figures.write(dsn, now=at(0), look_back=WEEK) == 1
    assert await sums(db, queue) == (2, 0, 0)
    await db.execute("DELETE FROM queue_calls WHERE id = $1", call)
    assert await queue_figures.write(dsn, now=at(4, 59), look_back=HOUR) == 1
    assert await sums(db, queue) == (1, 0, 0)


async def test_an_interval_is_not_written_before_it_is_over(dsn: str, db: Connection) -> None:
    queue = await new_queue(db)
    await queue_figures.write(dsn, now=at(4, 59.9), look_back=HOUR)
    assert (await figures(db, queue))[-1][0] == at(-5)
    await queue_figures.write(dsn, now=at(5), look_back=HOUR)
    assert (await figures(db, queue))[-1][0] == at(0)


async def test_a_clock_that_goes_back(dsn: str, db: Connection) -> None:
    queue = await new_queue(db)
    await queue_figures.write(dsn, now=at(0), look_back=HOUR)
    assert await queue_figures.write(dsn, now=at(-30), look_back=HOUR) == 6
    assert [row[0] for row in await figures(db, queue)] == [at(5 * n) for n in range(-18, 0)]


async def test_another_threshold_counts_for_what_comes(dsn: str, db: Connection) -> None:
    queue = await new_queue(db)
    await answered(db, queue, at(0), wait=30, talk=10)
    await queue_figures.write(dsn, now=at(5), look_back=HOUR)
    await db.execute("UPDATE queues SET service_level_threshold_seconds = 40")
    await answered(db, queue, at(5), wait=30, talk=10)
    assert await queue_figures.write(dsn, now=at(10), look_back=WEEK) > 0
    assert [row[7] for row in await figures(db, queue) if row[7] is not None] == [0, 100]
    await db.execute("UPDATE queues SET service_level_threshold_seconds = NULL")  # 20
    await answered(db, queue, at(6), wait=30, talk=10)
    await queue_figures.write(dsn, now=at(10), look_back=WEEK)
    assert [row[7] for row in await figures(db, queue) if row[7] is not None] == [0, 0]


async def test_several_at_the_same_time(dsn: str, db: Connection) -> None:
    queue = await new_queue(db)
    for minute in range(300):
        await answered(db, queue, at(-minute - 1), wait=10, talk=20)
    counts = await asyncio.gather(
        *(queue_figures.write(dsn, now=at(0), look_back=HOUR) for _ in range(4))
    )
    assert sorted(counts) == [0, 0, 0, 60]
    assert await sums(db, queue) == (300, 300, 0)


async def test_who_comes_second_sees_what_has_come_meanwhile(dsn: str, db: Connection) -> None:
    queue = await new_queue(db)
    waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)"
    first = await asyncpg.connect(dsn)
    try:
        async with first.transaction():
            await first.execute(queue_figures.LOCK)
            second = asyncio.create_task(queue_figures.write(dsn, now=at(0), look_back=HOUR))
            await until(lambda: db.fetchval(waits))
            await enter(db, queue, at(-10))
        await second
    finally:
        await first.close()
    assert await sums(db, queue) == (1, 0, 0)


async def test_postgres_is_away() -> None:
    with pytest.raises(ConnectionError, match="figures of queues can't be written"):
        await queue_figures.write("postgresql://127.0.0.1:1/x", now=at(0), look_back=HOUR)


async def test_figures_know_the_agents_of_the_history(dsn: str, db: Connection) -> None:
    """From what triggers have written, with a member who has left meanwhile."""
    queue = await new_queue(db)
    agent, colleague = await new_agents(db, (queue,), 2)
    now = datetime.now(UTC)
    await db.execute("UPDATE agent_state_changes SET from_at = $1", now - HOUR)
    then = now - timedelta(minutes=20)
    await changed(db, agent, "situation", then, engaged=True, hindrance=None)
    await db.execute("DELETE FROM queue_members WHERE extension_id = $1", colleague)
    await queue_figures.write(dsn, now=now, look_back=timedelta(minutes=50))
    agents = [row[-2:] for row in await figures(db, queue)]
    assert set(agents) == {(2, 0), (1, 1)}
    assert agents == sorted(agents, reverse=True)
    assert agents.count((1, 1)) in (4, 5)
    later = now + timedelta(minutes=10)
    await queue_figures.write(dsn, now=later, look_back=timedelta(minutes=5))
    assert (await figures(db, queue))[-1][-2:] == (0, 1)


SECONDS = st.integers(0, 4 * 3600)
CALLS = st.lists(
    st.tuples(
        st.integers(0, 1),
        SECONDS,
        st.sampled_from(["answered", "abandoned", "timeout", "key", "full", "waits"]),
        SECONDS,
        SECONDS,
    ),
    max_size=12,
)
RUNS = st.lists(st.integers(0, 13 * 60), max_size=4)
Drawn = tuple[int, int, str, int, int]


@given(early=CALLS, late=CALLS, runs=RUNS, zone=st.sampled_from(ZONES))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_figures_add_up(
    dsn: str,
    db: Connection,
    *,
    early: Sequence[Drawn],
    late: Sequence[Drawn],
    runs: list[int],
    zone: str,
) -> None:
    """Whenever they were written, with calls that were known before and later."""
    await db.execute("TRUNCATE queues, queue_calls CASCADE")
    queues = [await new_queue(db, name) for name in ("one", "two")]
    for calls in (early, late):
        for call in calls:
            await _live(db, queues, call)
        for run in sorted(runs):
            await queue_figures.write(f"{dsn}&timezone={zone}", now=at(run), look_back=HOUR)
    await queue_figures.write(f"{dsn}&timezone={zone}", now=at(13 * 60), look_back=WEEK)
    for place, queue in enumerate(queues):
        own = [call for call in (*early, *late) if call[0] == place]
        assert await sums(db, queue) == (
            sum(how != "full" for _, _, how, _, _ in own),
            sum(how == "answered" for _, _, how, _, _ in own),
            sum(how == "abandoned" for _, _, how, _, _ in own),
        )
        waits = [wait for _, _, how, wait, _ in own if how not in ("full", "waits")]
        longest = "SELECT max(max_wait_time_seconds) FROM queue_stats WHERE queue_id = $1"
        assert await db.fetchval(longest, queue) == max(waits, default=None)


async def _live(db: Connection, queues: list[UUID], call: Drawn) -> None:
    place, second, how, wait, talk = call
    queue, entered_at = queues[place], at(0, second)
    if how == "answered":
        await answered(db, queue, entered_at, wait, talk)
    elif how == "waits":
        await enter(db, queue, entered_at)
    else:
        await left(db, queue, entered_at, wait, how, position=None if how == "full" else 1)
