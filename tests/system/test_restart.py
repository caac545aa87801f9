"""The app dies, Asterisk dies, Postgres goes away: what callers notice, and what the rows say."""

import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support import tones
from tests.support.until import until

from .conversation import talk
from .pbx import Pbx


async def kill_app(pbx: Pbx) -> None:
    """kill -9 the app, and wait until the supervisor has another one running."""
    old = pbx.stack["app"]["pid"]
    os.kill(old, signal.SIGKILL)
    await until(lambda: pbx.stack["app"]["pid"] != old, 20.0, "a new app")
    await pbx.healthy()


@asynccontextmanager
async def app_away(pbx: Pbx, *, idle: bool = True) -> AsyncIterator[None]:
    """Keep the app dead: its supervisor is held still meanwhile.

    An idle application goes when its socket does; with calls it stays, without an ear.
    """
    supervisor = json.loads((pbx.state / "supervisor.json").read_text())["pid"]
    app = pbx.stack["app"]["pid"]
    os.kill(supervisor, signal.SIGSTOP)
    try:
        os.kill(app, signal.SIGKILL)

        async def gone() -> bool:
            return not [a for a in await pbx.ari("applications") if a["name"] == "pbx"]

        if idle:
            await until(gone, 10.0, "Asterisk to notice")
        yield
    finally:
        os.kill(supervisor, signal.SIGCONT)
    await until(lambda: pbx.stack["app"]["pid"] != app, 20.0, "a new app")
    await pbx.healthy()


async def test_two_talk_on_while_the_app_is_killed(pbx: Pbx) -> None:
    anna, ben = await pbx.phones(2)
    call, incoming = await talk(anna, ben)
    before = await pbx.in_state(anna.number, "answered")
    await kill_app(pbx)
    call.say(440)
    await incoming.hears(440)
    adopted = await pbx.in_state(anna.number, "answered")
    assert adopted["id"] == before["id"]
    await incoming.hangup()
    await call.ended()
    cdr = await pbx.cdr(anna.number)
    assert cdr["call_id"] == before["id"]
    assert cdr["answered_at"] == before["answered_at"]
    assert cdr["hangup_cause"] == "normal_clearing"
    assert cdr["duration_seconds"] == int((cdr["ended_at"] - cdr["answered_at"]).total_seconds())
    assert "adopted" in await pbx.timeline(cdr["call_id"])
    assert await pbx.db.fetchval("SELECT count(*) FROM cdr WHERE call_id = $1", before["id"]) == 1


async def test_a_ringing_call_is_answered_after_the_app_was_killed(pbx: Pbx) -> None:
    anna, ben = await pbx.phones(2)
    call = await anna.invite(ben.number)
    incoming = await ben.expect_invite()
    incoming.ring()
    await call.ringing()
    await pbx.in_state(anna.number, "ringing")
    await kill_app(pbx)
    await incoming.answer()
    await call.answered()
    call.say(440)
    await incoming.hears(440)
    await pbx.in_state(anna.number, "answered")
    await call.hangup()
    await incoming.ended()
    cdr = await pbx.cdr(anna.number)
    assert (cdr["hangup_cause"], cdr["ringing_at"] is None) == ("normal_clearing", False)


async def test_several_phones_ring_on_after_the_app_was_killed(pbx: Pbx) -> None:
    anna = await pbx.phone(await pbx.extension())
    extension = await pbx.extension()
    desk, mobile = [await pbx.phone(extension) for _ in range(2)]
    call = await anna.invite(extension.number)
    ringing = [await phone.expect_invite() for phone in (desk, mobile)]
    for incoming in ringing:
        incoming.ring()
    await call.ringing()
    await kill_app(pbx)
    await ringing[0].answer()
    await call.answered()
    await ringing[1].ended()
    assert ringing[1].is_cancelled
    call.say(440)
    await ringing[0].hears(440)
    await call.hangup()


async def test_hangups_that_nobody_watched_are_found(pbx: Pbx) -> None:
    anna, ben = await pbx.phones(2)
    call, incoming = await talk(anna, ben)
    await pbx.in_state(anna.number, "answered")
    app = pbx.stack["app"]["pid"]
    os.kill(app, signal.SIGKILL)
    await call.hangup()
    await until(lambda: pbx.stack["app"]["pid"] != app, 20.0, "a new app")
    await incoming.ended(within=15.0)
    assert (await pbx.cdr(anna.number))["hangup_cause"] == "normal_clearing"


async def test_a_call_that_nobody_watched_is_not_billed_for_it(pbx: Pbx) -> None:
    """It counts until it was last known to live, however long the app was away."""
    anna, ben = await pbx.phones(2)
    call, _ = await talk(anna, ben)
    await pbx.in_state(anna.number, "answered")
    seen = "SELECT max(watched_at) FROM journal_positions"
    async with app_away(pbx, idle=False):
        last = await pbx.db.fetchval(seen)
        await call.hangup()
    cdr = await pbx.cdr(anna.number)
    assert cdr["ended_at"] == max(last, cdr["answered_at"])
    assert cdr["hangup_cause"] == "normal_clearing"


async def test_an_upgrade_ends_no_call(pbx: Pbx) -> None:
    anna, ben = await pbx.phones(2)
    call, incoming = await talk(anna, ben)
    await pbx.in_state(anna.number, "answered")
    app = pbx.stack["app"]["pid"]
    os.kill(app, signal.SIGTERM)
    await until(lambda: pbx.stack["app"]["pid"] != app, 20.0, "a new app")
    await pbx.healthy()
    incoming.say(440)
    await call.hears(440)
    await call.hangup()
    assert (await pbx.cdr(anna.number))["hangup_cause"] == "normal_clearing"


async def test_while_the_app_is_away_internal_calls_are_dialled_directly(pbx: Pbx) -> None:
    anna, ben = await pbx.phones(2)
    async with app_away(pbx):
        call, incoming = await talk(anna, ben)
        call.say(440)
        await incoming.hears(440)
        await call.hangup()


async def test_while_the_app_is_away_the_rest_is_told_so(pbx: Pbx) -> None:
    (anna,) = await pbx.phones(1)
    async with app_away(pbx):
        call = await anna.invite("0301234567")
        await call.early_media()
        assert (await call.final(within=20.0)).code == 503
        assert not tones.is_silent(call.heard)


async def test_a_dead_asterisk_ends_every_call_once(pbx: Pbx) -> None:
    anna, ben = await pbx.phones(2)
    await talk(anna, ben)
    await pbx.in_state(anna.number, "answered")
    asterisk = pbx.stack["asterisk"]["pid"]
    os.kill(asterisk, signal.SIGKILL)
    await until(lambda: pbx.stack["asterisk"]["pid"] != asterisk, 20.0, "a new Asterisk")
    await pbx.healthy()
    cdr = await pbx.cdr(anna.number, within=15.0)
    assert cdr["hangup_cause"] == "system_restart"
    assert await pbx.db.fetchval("SELECT count(*) FROM cdr WHERE call_id=$1", cdr["call_id"]) == 1
    for phone in (anna, ben):
        assert (await phone.register()).code == 200
    again, _ = await talk(anna, ben)
    await again.hangup()


async def test_a_database_that_does_not_answer_delays_no_call(pbx: Pbx) -> None:
    """The app's connections are held still: they stay open, and nothing answers."""
    anna, ben = await pbx.phones(2)
    query = "SELECT pid FROM pg_stat_activity WHERE usename = 'pbx' AND pid <> pg_backend_pid()"
    held = [row["pid"] for row in await pbx.db.fetch(query)]
    for pid in held:
        os.kill(pid, signal.SIGSTOP)
    try:
        for _ in range(3):
            call, incoming = await talk(anna, ben)
            await call.hangup()
            await incoming.ended()
    finally:
        for pid in held:
            os.kill(pid, signal.SIGCONT)
    await until(lambda: number_of_cdrs(pbx, anna.number, 3), 20.0, "three cdr rows")


async def test_a_database_that_dies_loses_nothing(pbx: Pbx) -> None:
    anna, ben = await pbx.phones(2)
    call, incoming = await talk(anna, ben)
    await pbx.in_state(anna.number, "answered")
    postmaster = int((pbx.state / "postgres/data/postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGQUIT)
    await until(pbx.db.is_closed, 10.0, "the end of Postgres")
    await call.hangup()
    await incoming.ended()
    await pbx.reconnect()
    await until(lambda: number_of_cdrs(pbx, anna.number, 1), 20.0, "the cdr row")
    await pbx.healthy()


async def number_of_cdrs(pbx: Pbx, caller: str, expected: int) -> bool:
    query = "SELECT count(*) FROM cdr WHERE caller_number = $1"
    count: int = await pbx.db.fetchval(query, caller)
    return count == expected
