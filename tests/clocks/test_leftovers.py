"""What is left in Asterisk of recordings that nobody delivers."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from structlog.testing import capture_logs

from stasis_app.clocks import leftovers
from stasis_app.clocks.leftovers import sweep_recordings
from stasis_app.store.deliveries import Deliveries
from tests.support.until import until

from .fakes import running
from .mailboxes import FakeAsterisk, make_box, promise, wav

ENDED = """
INSERT INTO cdr (call_id, direction, caller_number, callee_number, initiated_at, ended_at)
VALUES ($1, 'internal', '1', '2', $2, $2)
"""


async def recorded(db: asyncpg.Connection, asterisk: FakeAsterisk, days: float) -> str:
    """Have a recording of a call that ended so long ago."""
    call: UUID = uuid4()
    name = f"p-{call}-0123456789ab"
    await db.execute(ENDED, call, datetime.now(UTC) - timedelta(days=days))
    asterisk.stored[name] = wav()
    return name


async def test_old_ones_are_deleted(
    dsn: str, db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "EVERY_SECONDS", 0.02)
    asterisk, deliveries = FakeAsterisk(), Deliveries(dsn)
    old, new, live, dead = [await recorded(db, asterisk, days) for days in (8, 1, 8, 8)]
    await promise(db, await make_box(db), dead, state="dead")
    asterisk.live.add(live)
    asterisk.stored["somebody else's"] = wav()
    asterisk.away = True
    with capture_logs() as logs:
        async with running(sweep_recordings(asterisk, deliveries)):
            await until(lambda: "chore_failed" in [line["action"] for line in logs])
            asterisk.away = False
            await until(lambda: old not in asterisk.stored, 5, "the old one to go")
            later = await recorded(db, asterisk, 8)
            await until(lambda: later not in asterisk.stored, 5, "another sweep")
    deliveries.close()
    assert asterisk.stored.keys() == {new, live, dead, "somebody else's"}
    told = [line["recording"] for line in logs if line["action"] == "recording_swept"]
    assert told == [old, later]
    told = [line["recording"] for line in logs if line["action"] == "recording_lost"]
    assert sorted(told[:2]) == sorted((old, new))
    assert told[2:] == [later]


async def test_a_call_that_nobody_knows_is_told_when_it_stays_unknown(
    dsn: str, db: asyncpg.Connection
) -> None:
    """The disk was full before it began. What the journal says may also be on its way."""
    asterisk, deliveries = FakeAsterisk(), Deliveries(dsn)
    name = f"p-{uuid4()}-0123456789ab"
    asterisk.stored[name] = wav()
    seen: dict[str, bool] = {}
    told = []
    for _ in range(3):
        with capture_logs() as logs:
            seen = await leftovers._sweep(asterisk, deliveries, seen)
        told.append([line["action"] for line in logs])
    deliveries.close()
    assert told == [[], ["recording_lost"], []]
    assert list(asterisk.stored) == [name]
