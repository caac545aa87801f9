"""Which agent's phone rings."""

import asyncio
from collections.abc import Sequence

from tests.support import tones
from tests.support.sip import RawPhone
from tests.support.until import until

from .conversation import hear_each_other
from .incoming import number
from .outside import change
from .pbx import Pbx
from .queues import (
    Entry,
    Talk,
    becomes,
    comes,
    connected,
    entry,
    identity,
    member,
    offers,
    parts,
    queue,
    rung,
    takes,
    told,
    visit,
)
from .voicemail import together

ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'
MANY = 60


async def staffed(pbx: Pbx, strategy: str) -> tuple[Entry, Sequence[RawPhone]]:
    """Insert a queue with three agents, the lower number first."""
    agents = await pbx.phones(3)
    return await entry(pbx, await queue(pbx, *agents, strategy=strategy)), agents


async def answered_by(pbx: Pbx, at: Entry, *agents: RawPhone) -> list[Talk]:
    """Let as many callers come; the agents answer, in this order."""
    talks = []
    for agent in agents:
        talks.append(await connected(pbx, at, agents))
        assert talks[-1].agent is agent
    return talks


async def longest_idle(pbx: Pbx) -> None:
    """Ben has ended his call before Anna, and Carla had none."""
    at, (anna, ben, carla) = await staffed(pbx, "longest_idle")
    annas, bens = await answered_by(pbx, at, anna, ben)
    for talk in (bens, annas):
        await parts(talk)
    await answered_by(pbx, at, carla, ben, anna)


async def round_robin(pbx: Pbx) -> None:
    """Anna rang before Ben, whoever has ended first."""
    at, (anna, ben, carla) = await staffed(pbx, "round_robin")
    annas, bens = await answered_by(pbx, at, anna, ben)
    for talk in (bens, annas):
        await parts(talk)
    await answered_by(pbx, at, carla, anna, ben)


async def least_talk_time(pbx: Pbx) -> None:
    """Carla has talked last, and least, in two calls."""
    at, (anna, ben, carla) = await staffed(pbx, "least_talk_time")
    annas, bens = await answered_by(pbx, at, anna, ben)
    await hear_each_other(bens.call, bens.incoming)
    carlas = await connected(pbx, at, (carla,))
    for talk in (bens, annas, carlas):
        await parts(talk)
    again = await connected(pbx, at, (anna, ben, carla))
    assert again.agent is carla
    await parts(again)
    await answered_by(pbx, at, carla, ben, anna)


async def at_random(pbx: Pbx) -> None:
    """Everybody has his turn."""
    at, agents = await staffed(pbx, "random")
    reached: list[RawPhone] = []
    while set(reached) != set(agents):
        assert len(reached) < MANY, [agent.number for agent in reached]
        talk = await connected(pbx, at, agents)
        reached.append(talk.agent)
        await parts(talk)


async def test_strategies(pbx: Pbx) -> None:
    await together(pbx, longest_idle, round_robin, least_talk_time, at_random)


async def ring_all(pbx: Pbx) -> None:
    """The first answer wins; the others stop as answered elsewhere, and are free at once."""
    at, agents = await staffed(pbx, "ring_all")
    _, ben, _ = agents
    losers = [agent for agent in agents if agent is not ben]
    first, second = number(), number()
    call = await comes(pbx, at, first)
    ringing = {agent: (await rung((agent,), first))[1] for agent in agents}
    for incoming in ringing.values():
        incoming.ring()
    await comes(pbx, at, second)
    assert [len(offers(agent)) for agent in agents] == [1, 1, 1]
    won = ringing.pop(ben)
    await won.answer()
    await won.answered()
    for loser, incoming in ringing.items():
        await incoming.ended()
        assert (incoming.is_cancelled, incoming.reason) == (True, ELSEWHERE)
        await rung((loser,), second, within=1.0)
    await hear_each_other(call, won)
    await offers(losers[0])[-1].answer()
    await offers(losers[1])[-1].ended()
    assert [len(offers(agent)) for agent in agents] == [2, 1, 2]
    await won.hangup()
    row = await visit(pbx, first)
    assert row["agent_extension_id"] == identity(pbx, ben)
    cancelled = await told(pbx, row["call_id"], "RINGCANCELED")
    assert {one["agent"] for one in cancelled} == {loser.number for loser in losers}
    assert not await told(pbx, row["call_id"], "RINGNOANSWER")
    misses = "SELECT sum(misses) FROM agent_slots WHERE extension_id = ANY($1)"
    assert not await pbx.db.fetchval(misses, [identity(pbx, agent) for agent in agents])


async def two_answer_at_once(pbx: Pbx) -> None:
    """One gets the caller. The other hears a word and the end, and has missed nothing."""
    at, (anna, ben, carla) = await staffed(pbx, "ring_all")
    caller = number()
    call = await comes(pbx, at, caller)
    ringing = {agent: (await rung((agent,), caller))[1] for agent in (anna, ben, carla)}
    await asyncio.gather(ringing[anna].answer(), ringing[ben].answer())
    await asyncio.gather(ringing[anna].answered(), ringing[ben].answered())
    await until(lambda: ringing[anna].is_over or ringing[ben].is_over, what="one to be late")
    late, won = (anna, ben) if ringing[anna].is_over else (ben, anna)
    assert not tones.is_silent(ringing[late].heard)
    await hear_each_other(call, ringing[won])
    await becomes(pbx, late, "available")
    await ringing[won].hangup()
    row = await visit(pbx, caller)
    assert row["agent_extension_id"] == identity(pbx, won)
    cancelled = await told(pbx, row["call_id"], "RINGCANCELED")
    assert {one["agent"] for one in cancelled} == {late.number, carla.number}


async def tiers(pbx: Pbx) -> None:
    """The nearer tier first, in it the lower penalty; the further ones when nobody else is free."""
    anna, ben, carla = await pbx.phones(3)
    line = await queue(pbx)
    for agent, tier, penalty in ((anna, 0, 5), (ben, 0, 1), (carla, 1, 0)):
        await member(pbx, line, agent, priority=tier, penalty=penalty)
    at = await entry(pbx, line)
    for talk in await answered_by(pbx, at, ben, anna, carla):
        await parts(talk)
    await change(pbx, "queues", line.id, strategy="ring_all")
    await answered_by(pbx, at, ben, anna, carla)


async def next_caller(pbx: Pbx) -> None:
    """Who has waited longest has the agent in the moment when he is free."""
    (anna,) = await pbx.phones(1)
    at = await entry(pbx, await queue(pbx, anna))
    talk = await connected(pbx, at, (anna,))
    await becomes(pbx, anna, "busy")
    callers = [number() for _ in range(2)]
    calls = [await comes(pbx, at, caller) for caller in callers]
    for caller, call in zip(callers, calls, strict=True):
        await parts(talk)
        _, incoming = await rung((anna,), caller, within=0.5)
        talk = await takes(pbx, Talk(caller, call, anna, incoming))
        await hear_each_other(call, incoming)
    await until(lambda: len(offers(anna)) == 3)


async def test_who_is_free_and_how_many_ring(pbx: Pbx) -> None:
    await together(pbx, ring_all, two_answer_at_once, tiers, next_caller)
