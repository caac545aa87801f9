"""How soon a changed row counts, and whether reading a whole table again stalls calls.

`python -m bench.refresh DSN` follows a filled database as the application does, and prints its
figures as lines of JSON.
"""

import asyncio
import gc
import itertools
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import median, quantiles
from uuid import UUID

import asyncpg
import uvloop
from phonenumbers import PhoneMetadata

from stasis_app import logs
from stasis_app.clocks.findings import in_slices
from stasis_app.rules import inbound, outbound
from stasis_app.rules.book import Book
from stasis_app.rules.models import Destination, Refuse
from stasis_app.store.directory import CHANNEL, Directory
from tests.support.until import until

from . import company
from .company import LARGE
from .report import Figure, show

PART = "rules"
TICK_SECONDS = 0.001
CALL_SECONDS = 0.01  # between two calls, one of each direction
QUIET_SECONDS = 3.0
READINGS, EDITS = 3, 20
MOST_LAG, MOST_UNTIL_SEEN = 20.0, 1000.0
LONGEST_SECONDS = 60.0
AFTERMATH_SECONDS = 0.2

TRUNK = UUID(int=1)
RULE = UUID(int=1)
CHANGE_TRUNK = "UPDATE trunks SET max_concurrent_calls = $2 WHERE id = $1"
CHANGE_RULE = "UPDATE inbound_rules SET destination_id = $2 WHERE id = $1"
READ_AGAIN = f"NOTIFY {CHANNEL}, 'extensions:*'"


@dataclass
class Watch:
    """What was seen of the event loop, in milliseconds.

    `lags` are how late each tick came, `busy` the time on the processor before it; `decisions` how
    long a call had to wait for both of its decisions once it had its turn.
    """

    lags: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    decisions: list[float] = field(default_factory=list)

    async def tick(self) -> None:
        before, spent = time.perf_counter(), time.thread_time()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now, cpu = time.perf_counter(), time.thread_time()
            self.lags.append((now - before - TICK_SECONDS) * 1000)
            self.busy.append((cpu - spent) * 1000)
            before, spent = now, cpu

    async def call(self, book: Book) -> None:
        """Have calls come in and go out while rows change."""
        for number in itertools.count():
            await asyncio.sleep(CALL_SECONDS)
            started = time.perf_counter()
            come = company.incoming(book.trunks.items[TRUNK], number % LARGE.inbound_rules, number)
            go = company.outgoing(LARGE, number % LARGE.outbound_rules, number)
            outcomes = (inbound.decide(book, come).outcome, outbound.decide(book, *go).outcome)
            self.decisions.append((time.perf_counter() - started) * 1000)
            if any(isinstance(outcome, Refuse) for outcome in outcomes):
                raise RuntimeError("a call was refused")

    def figures(self, name: str, most: float | None = None) -> Iterator[Figure]:
        yield Figure(PART, f"{name}: lag of the loop, p99", _p99(self.lags), "ms")
        yield Figure(PART, f"{name}: lag of the loop, greatest", max(self.lags), "ms", None, most)
        yield Figure(PART, f"{name}: longest piece of work", max(self.busy), "ms")
        yield Figure(PART, f"{name}: decisions of a call, longest", max(self.decisions), "ms")


@asynccontextmanager
async def watching(book: Book) -> AsyncIterator[Watch]:
    """Watch the loop while the block lasts, with calls going on."""
    watch = Watch()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(watch.tick()), group.create_task(watch.call(book))]
        yield watch
        for task in tasks:
            task.cancel()


async def measure(dsn: str) -> list[Figure]:
    logs.configure("error", "json")
    directory = Directory(dsn)
    following = asyncio.create_task(directory.follow())
    started = time.perf_counter()
    await directory.ready.wait()
    first = Figure(PART, "first reading of everything", time.perf_counter() - started, "s")
    PhoneMetadata.load_all()
    gc.freeze()  # both as the application does
    db = await asyncpg.connect(dsn)
    try:
        return [first, *await _all(db, directory.book)]
    finally:
        await db.close()
        following.cancel()
        await asyncio.wait([following])


async def _all(db: asyncpg.Connection, book: Book) -> list[Figure]:
    async with watching(book) as quiet:
        await asyncio.sleep(QUIET_SECONDS)
    async with watching(book) as editing:
        edits = await _edits(db, book)
    async with watching(book) as reading:
        read = [await _read_again(db, book) for _ in range(READINGS)]
    late = [await _edit_while_reading(db, book) for _ in range(READINGS)]
    async with watching(book) as looking:
        started = time.perf_counter()
        await in_slices(book)
        looked = time.perf_counter() - started
    most = max(late)
    return [
        *edits,
        Figure(PART, "COMMIT to effect while a table is read", most, "ms", None, MOST_UNTIL_SEEN),
        Figure(PART, "to read all extensions again", median(read), "s"),
        Figure(PART, "to look for findings", looked, "s"),
        *quiet.figures("nothing changes"),
        *editing.figures("rows change", MOST_LAG),
        *reading.figures("all extensions are read again", MOST_LAG),
        *looking.figures("findings are looked for", MOST_LAG),
    ]


async def _edits(db: asyncpg.Connection, book: Book) -> list[Figure]:
    trunks = [await _edit_trunk(db, book, 1 + number) for number in range(EDITS)]
    rules = [await _edit_rule(db, book, 1 + number) for number in range(EDITS)]
    return [
        Figure(PART, f"{name} changed: COMMIT to effect, {word}", value, "ms", None, aim)
        for name, waited in (("a trunk", trunks), ("an inbound rule", rules))
        for word, value, aim in (
            ("median", median(waited), None),
            ("greatest", max(waited), MOST_UNTIL_SEEN),
        )
    ]


async def _edit_trunk(db: asyncpg.Connection, book: Book, most: int) -> float:
    def seen() -> bool:
        return book.trunks.items[TRUNK].max_concurrent_calls == most

    return await _until_seen(db, CHANGE_TRUNK, TRUNK, most, seen)


async def _edit_rule(db: asyncpg.Connection, book: Book, place: int) -> float:
    """Have the first rule lead to another extension, and ask where a call goes."""
    number = company.extension(place)
    call = company.incoming(book.trunks.items[TRUNK], 0, 0)

    def seen() -> bool:
        outcome = inbound.decide(book, call).outcome
        return isinstance(outcome, Destination) and outcome.number == number

    return await _until_seen(db, CHANGE_RULE, RULE, UUID(int=int(number)), seen)


async def _until_seen(
    db: asyncpg.Connection, statement: str, row: UUID, value: object, seen: Callable[[], bool]
) -> float:
    """Return the milliseconds from COMMIT to what it changes."""
    transaction = db.transaction()
    await transaction.start()
    await db.execute(statement, row, value)
    started = time.perf_counter()
    await transaction.commit()
    await until(seen, LONGEST_SECONDS, "the changed row to count", every=TICK_SECONDS)
    return (time.perf_counter() - started) * 1000


async def _read_again(db: asyncpg.Connection, book: Book) -> float:
    """Return the seconds it takes; what comes after it, as the old table is given up, is awaited.

    Holding the old table here would keep it from being given up.
    """
    before, started = id(book.extensions), time.perf_counter()
    await db.execute(READ_AGAIN)
    await until(lambda: id(book.extensions) != before, LONGEST_SECONDS, "the table to be read")
    seconds = time.perf_counter() - started
    await asyncio.sleep(AFTERMATH_SECONDS)
    return seconds


async def _edit_while_reading(db: asyncpg.Connection, book: Book) -> float:
    before = book.trunks.items[TRUNK].max_concurrent_calls or 0
    await db.execute(READ_AGAIN)
    return await _edit_trunk(db, book, before + 1)


def _p99(values: Sequence[float]) -> float:
    return quantiles(values, n=100, method="inclusive")[98]


def main(dsn: str) -> None:
    show(uvloop.run(measure(dsn)))


if __name__ == "__main__":
    main(sys.argv[1])
