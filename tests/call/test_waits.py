"""What is known of the waits in a queue, before and after they were read from Postgres."""

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

from stasis_app.call.waits import Waits
from stasis_app.rules.estimate import FEWEST, REMEMBERED
from stasis_app.rules.queues import Wait
from tests.support.fake_agents import FakeAgents

QUEUE = uuid4()


class Rows(FakeAgents):
    """Tells what was before when it is `released`; `asked` counts how often."""

    def __init__(self, *before: Wait) -> None:
        super().__init__()
        self.before = before
        self.asked = 0
        self.released = asyncio.Event()

    async def waits(self, queue: UUID) -> Sequence[Wait]:
        self.asked += 1
        await self.released.wait()
        await self._answer()
        return self.before


async def read(rows: Rows) -> None:
    """Let what has been asked for be read to its end."""
    rows.released.set()
    for task in asyncio.all_tasks():
        if task.get_name() == "waits":
            await task
    rows.released.clear()
    await asyncio.sleep(0)


async def test_what_was_before_is_read_once() -> None:
    rows = Rows(*[Wait(2, 20.0)] * FEWEST)
    waits = Waits(rows)
    waits.prepare(QUEUE)
    assert waits.seconds(QUEUE, 3) is None
    await read(rows)
    assert waits.seconds(QUEUE, 3) == 30.0
    assert waits.seconds(uuid4(), 3) is None
    assert rows.asked == 1
    await read(rows)


async def test_what_is_learnt_meanwhile_counts_at_once_and_stays_when_reading_fails() -> None:
    rows = Rows()
    waits = Waits(rows)
    for _ in range(FEWEST):
        waits.learn(QUEUE, 1, 8.0)
    assert waits.seconds(QUEUE, 2) == 16.0
    rows.away = True
    await read(rows)
    assert waits.seconds(QUEUE, 2) == 16.0
    rows.away, rows.before = False, (Wait(1, 2.0),) * FEWEST
    await read(rows)
    assert waits.seconds(QUEUE, 2) == 10.0, "both, once Postgres can be asked"
    assert rows.asked == 2


async def test_what_was_before_is_older_than_what_is_learnt_meanwhile() -> None:
    """The oldest is forgotten first."""
    rows = Rows(*[Wait(1, 1.0)] * REMEMBERED)
    waits = Waits(rows)
    waits.learn(QUEUE, 1, 41.0)
    await read(rows)
    assert waits.seconds(QUEUE, 1) == (41.0 + (REMEMBERED - 1)) / REMEMBERED
    for _ in range(REMEMBERED - 1):
        waits.learn(QUEUE, 1, 41.0)
    assert waits.seconds(QUEUE, 1) == 41.0


async def test_what_is_learnt_meanwhile_and_read_counts_once() -> None:
    rows = Rows(Wait(1, 1.0), Wait(1, 1.0), Wait(2, 4.0), Wait(1, 9.0), Wait(1, 9.0))
    waits = Waits(rows)
    waits.learn(QUEUE, 1, 9.01)
    waits.learn(QUEUE, 1, 5.0)
    await read(rows)
    assert waits.seconds(QUEUE, 1) == (1 + 1 + 2 + 9 + 9.01 + 5) / 6
