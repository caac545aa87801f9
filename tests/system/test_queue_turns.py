"""When it is a caller's turn."""

from tests.support.sip import RawPhone

from .conversation import hear_each_other
from .incoming import number
from .pbx import Pbx
from .queues import (
    Entry,
    Line,
    Talk,
    comes,
    connected,
    did,
    entry,
    last_visit,
    member,
    parts,
    queue,
    rung,
    stands,
    takes,
    visit,
    wants,
)
from .voicemail import together


async def vip(pbx: Pbx) -> None:
    """A higher priority overtakes those who wait longer, but not who rings already."""
    (anna,) = await pbx.phones(1)
    line = await queue(pbx, anna)
    at = await entry(pbx, line)
    important = Entry(at.carrier, await did(pbx, line, queue_priority=1))
    talk = await connected(pbx, at, (anna,))
    callers = [number() for _ in range(3)]
    ways = (at, at, important)
    calls = [await comes(pbx, way, caller) for way, caller in zip(ways, callers, strict=True)]
    turns = dict(zip(callers, calls, strict=True))
    for caller in (callers[2], callers[0], callers[1]):
        await parts(talk)
        talk = await takes(pbx, Talk(caller, turns[caller], *await rung((anna,), caller)))
    rows = [await last_visit(pbx, caller) for caller in callers]
    assert [row["position"] for row in rows] == [1, 2, 1]
    await parts(talk)


async def calls_again(pbx: Pbx) -> None:
    """Who hangs up and calls again soon has the old place; not so who was served."""
    (anna,) = await pbx.phones(1)
    line = await queue(pbx, anna, redial_window_seconds=60)
    await wants(pbx, anna, "break")
    at = await entry(pbx, line)
    first, second = number(), number()
    call = await comes(pbx, at, first)
    other = await comes(pbx, at, second)
    await call.hangup()
    before = await visit(pbx, first)
    again = await comes(pbx, at, first)
    row = await stands(pbx, first)
    assert (row["joined_at"], row["position"]) == (before["joined_at"], 1)
    assert row["entered_at"] > before["left_at"]
    await wants(pbx, anna, "available")
    await parts(await takes(pbx, Talk(first, again, *await rung((anna,), first))))
    await rung((anna,), second)
    await other.hangup()
    await visit(pbx, second)
    await served_before(pbx, at, line, anna, first)


async def served_before(pbx: Pbx, at: Entry, line: Line, anna: RawPhone, caller: str) -> None:
    """Who was served begins anew."""
    await visit(pbx, caller)
    await wants(pbx, anna, "break")
    waiting = await comes(pbx, at, number())
    again = await comes(pbx, at, caller)
    assert (await stands(pbx, caller))["position"] == 2
    for call in (waiting, again):
        await call.hangup()


async def asks_for_less(pbx: Pbx) -> None:
    """The last skill is dropped in time; who can be served meanwhile is not held up."""
    (anna,) = await pbx.phones(1)
    line = await queue(pbx, skill_relax_seconds=2)
    await member(pbx, line, anna, skills=["english"])
    at = await entry(pbx, line, queue_skills=["english", "billing"])
    plain = Entry(at.carrier, await did(pbx, line))
    picky = number()
    call = await comes(pbx, at, picky)
    talk = await connected(pbx, plain, (anna,))
    await parts(talk)
    assert (await visit(pbx, talk.caller))["position"] == 2
    talk = await takes(pbx, Talk(picky, call, *await rung((anna,), picky)))
    await hear_each_other(talk.call, talk.incoming)
    await parts(talk)
    row = await visit(pbx, picky)
    assert 1.9 < (row["answered_at"] - row["entered_at"]).total_seconds() < 3.5
    assert row["skills"] == ["english", "billing"]


async def test_turns(pbx: Pbx) -> None:
    await together(pbx, vip, calls_again, asks_for_less)
