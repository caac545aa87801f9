"""What should have arrived is counted, and told once."""

import asyncio

import asyncpg
import pytest
from structlog.testing import capture_logs

from stasis_app.clocks import backlog as clock
from stasis_app.clocks.backlog import Backlog
from stasis_app.store.deliveries import Deliveries
from stasis_app.store.outbox import Outbox
from tests.support.until import until

from .fakes import running
from .mailboxes import make_box, make_message, promise


async def test_it_is_told_when_something_begins_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "EVERY_SECONDS", 0)
    counts, looks = [0, 2, 3, None, 0, 1], 0

    async def count() -> int:
        nonlocal looks
        looks += 1
        found = counts[min(looks, len(counts)) - 1]
        if found is None:
            raise ConnectionError("away")
        return found

    backlog = Backlog({"mails": count})
    with capture_logs() as logged:
        async with running(backlog.follow()):
            await until(lambda: looks > len(counts), 5, "all looks")
    told = [one["count"] for one in logged if one["log_level"] == "warning"]
    assert told == [2, 1]
    assert backlog.waiting == {"mails": 1}


async def test_what_counts_as_waiting(dsn: str, db: asyncpg.Connection) -> None:
    box = await make_box(db)
    await promise(db, box, "rec")
    message = await make_message(db, box, "a.wav")
    await db.execute("INSERT INTO mail_outbox (message_id, recipient) VALUES ($1, 'a@b')", message)
    deliveries, outbox = Deliveries(dsn), Outbox(dsn)
    assert (await deliveries.waiting(), await outbox.waiting()) == (0, 0)
    await db.execute("UPDATE recording_deliveries SET finished_at = now() - INTERVAL '2 minutes'")
    await db.execute("UPDATE mail_outbox SET created_at = now() - INTERVAL '2 minutes'")
    assert (await deliveries.waiting(), await outbox.waiting()) == (1, 1)
    deliveries.close()
    outbox.close()
    await asyncio.sleep(0)
