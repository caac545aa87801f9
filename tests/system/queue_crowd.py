"""A crowd at one queue, at every place at once: some talk, some are being offered, some wait."""

import asyncio
import os
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import numpy as np

from tests.support import tones
from tests.support.caller import OutgoingCall
from tests.support.ear import Ear
from tests.support.sip import RawPhone
from tests.support.until import until

from .conversation import hear_each_other
from .faults import process
from .incoming import number
from .outside import carrier, trunk
from .pbx import Pbx
from .queues import (
    Entry,
    Line,
    Talk,
    comes,
    connected,
    did,
    identity,
    music,
    offers,
    parts,
    queue,
    rung,
)

MUSIC = 450.0
FRAMES = 5
"""So many packets of 20 ms are asked at once whether they are music."""


class Caller(NamedTuple):
    """Somebody in line, who calls from outside."""

    number: str
    call: OutgoingCall


@dataclass
class Crowd:
    """`talks` are under way, `offered` ring and are not answered, `waiting` are in line behind."""

    line: Line
    at: Entry
    agents: Sequence[RawPhone]
    talks: list[Talk] = field(default_factory=list)
    offered: list[Talk] = field(default_factory=list)
    waiting: list[Caller] = field(default_factory=list)

    @property
    def callers(self) -> list[str]:
        """The numbers of all who came, in that order."""
        everybody = (*self.talks, *self.offered)
        return [*(one.caller for one in everybody), *(one.number for one in self.waiting)]

    @property
    def in_line(self) -> list[OutgoingCall]:
        """The calls of all who hear music."""
        return [*(one.call for one in self.offered), *(one.call for one in self.waiting)]


async def crowd(pbx: Pbx, *, talking: int, offered: int, waiting: int = 0, **columns: Any) -> Crowd:
    """Fill a queue that has music: one agent for each who talks, or is being offered."""
    agents = await pbx.phones(talking + offered)
    tone = await music(pbx, MUSIC)
    line = await queue(pbx, *agents, **{"music_on_hold_id": tone, "max_queue_size": 100, **columns})
    outside = await carrier(pbx)
    await trunk(pbx, outside, max_concurrent_calls=100)
    made = Crowd(line, Entry(outside, await did(pbx, line)), agents)
    for _ in range(talking):
        made.talks.append(await connected(pbx, made.at, agents))
    for _ in range(offered):
        made.offered.append(await is_offered(pbx, made))
    made.waiting += [await joins(pbx, made) for _ in range(waiting)]
    await asyncio.gather(*(hear_each_other(one.call, one.incoming) for one in made.talks))
    return made


async def joins(pbx: Pbx, made: Crowd) -> Caller:
    """Let one more stand in line."""
    caller = number()
    return Caller(caller, await comes(pbx, made.at, caller))


async def is_offered(pbx: Pbx, made: Crowd) -> Talk:
    """Let one more come for whom an agent is free; his phone rings."""
    caller, call = await joins(pbx, made)
    agent, incoming = await rung(made.agents, caller)
    incoming.ring()
    return Talk(caller, call, agent, incoming)


async def takes(made: Crowd, caller: Caller, agents: Sequence[RawPhone]) -> Talk:
    """Let the agent answer who is called for this caller."""
    agent, incoming = await rung(agents, caller.number)
    await incoming.answer()
    await incoming.answered()
    made.talks.append(Talk(caller.number, caller.call, agent, incoming))
    return made.talks[-1]


async def is_served_in_order(made: Crowd) -> None:
    """Free one agent after the other: each is called for the first in line, and for nobody else."""
    while made.waiting:
        agent = made.talks[0].agent
        await parts(made.talks.pop(0))
        await takes(made, made.waiting.pop(0), [agent])


async def go_home(made: Crowd) -> None:
    """End all conversations."""
    await asyncio.gather(*(parts(one) for one in made.talks))


def invited(made: Crowd) -> list[str]:
    """Whom the agents were called for, all of them, sorted."""
    return sorted(call.caller_number for agent in made.agents for call in offers(agent))


# what is heard


async def hear_music(calls: Sequence[OutgoingCall], lasting: float = 1.0) -> None:
    """Wait until all of them have heard music without a break, from now on."""
    await asyncio.gather(*(one.ear.hears(MUSIC, lasting + 4.0, lasting) for one in calls))


async def hear_talk(talks: Sequence[Talk], lasting: float = 1.0) -> None:
    """Wait until all of them have heard each other without a break, from now on."""
    heard = [one.call.ear.hears(660, lasting + 4.0, lasting) for one in talks]
    heard += [one.incoming.ear.hears(440, lasting + 4.0, lasting) for one in talks]
    await asyncio.gather(*heard)


def longest_break(ear: Ear, since: float, hz: float = MUSIC) -> float:
    """For how many seconds a tone was missing at a time; `since` is the loop's time."""
    parts = [part for part in ear.parts if part.at >= since]
    groups = [parts[at : at + FRAMES] for at in range(0, len(parts) - FRAMES + 1, FRAMES)]
    heard = [
        group[-1].at
        for group in groups
        if tones.contains_tone(np.concatenate([part.pcm for part in group]), ear.rate, hz)
    ]
    ends = [since, *heard, asyncio.get_running_loop().time()]
    return max(after - before for before, after in pairwise(ends))


# what is written


def started_at(pbx: Pbx, name: str) -> datetime:
    """When the kernel has started the process of a part."""
    ticks = process(pbx, name).started / os.sysconf("SC_CLK_TCK")
    return datetime.now(UTC) - timedelta(seconds=time.clock_gettime(time.CLOCK_BOOTTIME) - ticks)


def seconds_kept_waiting(pbx: Pbx, name: str) -> float:
    """For how long a process could have run, but the machine had others to run."""
    stat = Path(f"/proc/{process(pbx, name).pid}/schedstat").read_text()
    return int(stat.split()[1]) / 10**9


async def adopted(pbx: Pbx, callers: Sequence[str], within: float = 15.0) -> datetime:
    """Wait until this application has taken over all of these calls; return when the last was."""
    since = started_at(pbx, "app")
    query = (
        "SELECT max(event.at) FROM call_events AS event JOIN calls ON calls.id = event.call_id"
        " WHERE event = 'adopted' AND event.at >= $2 AND caller_number = ANY($1)"
        " HAVING count(DISTINCT calls.id) = $3"
    )

    async def last() -> datetime | None:
        found: datetime | None = await pbx.db.fetchval(query, callers, since, len(callers))
        return found

    return await until(last, within, f"{len(callers)} calls to be taken over")


async def seconds_to_adopt(pbx: Pbx, callers: Sequence[str]) -> float:
    """After how many seconds of the application's life the last of these calls was taken over.

    What it waited for other processes of this machine does not count.
    """
    lived = await adopted(pbx, callers) - started_at(pbx, "app")
    return lived.total_seconds() - seconds_kept_waiting(pbx, "app")


async def reserve(pbx: Pbx, line: Line, agent: RawPhone, call: uuid.UUID) -> None:
    """Reserve an agent for a call, as a process does that dies before it has called him."""
    await pbx.db.execute(
        "UPDATE agent_slots SET call_id = $3, queue_id = $2,"
        " reserved_until = now() + interval '1 hour' WHERE extension_id = $1",
        identity(pbx, agent),
        line.id,
        call,
    )


async def visits(pbx: Pbx, line: Line, amount: int, within: float = 10.0) -> list[asyncpg.Record]:
    """Wait until so many have been in the queue and all of it is over; return the entries."""
    query = (
        "SELECT * FROM queue_calls AS visit WHERE queue_id = $1 AND left_at IS NOT NULL"
        " AND (left_how <> 'answered' OR ended_at IS NOT NULL)"
        " AND EXISTS (SELECT FROM cdr WHERE cdr.call_id = visit.call_id) ORDER BY entered_at"
    )

    async def over() -> list[asyncpg.Record]:
        found = await pbx.db.fetch(query, line.id)
        return found if len(found) >= amount else []

    rows = await until(over, within, f"{amount} entries of {line.name} to be over")
    assert len(rows) == await pbx.db.fetchval(
        "SELECT count(*) FROM queue_calls WHERE queue_id = $1", line.id
    )
    return rows


async def add_up(pbx: Pbx, made: Crowd, amount: int) -> list[asyncpg.Record]:
    """Assert that each caller has one entry, one cdr, and each end once; return the entries."""
    rows = await visits(pbx, made.line, amount)
    calls = [row["call_id"] for row in rows]
    assert len(calls) == len(set(calls)) == len({row["caller_number"] for row in rows}) == amount
    cdrs = await pbx.db.fetchval("SELECT count(*) FROM cdr WHERE call_id = ANY($1)", calls)
    assert cdrs == amount
    answered = sum(row["left_how"] == "answered" for row in rows)
    assert await _counted(pbx, calls) == {
        "ENTERQUEUE": amount,
        "CONNECT": answered,
        "COMPLETE": answered,
        "ended": amount,
    }
    return rows


async def _counted(pbx: Pbx, calls: Sequence[uuid.UUID]) -> dict[str, int]:
    """How often what must be there once is in the timelines."""
    rows = await pbx.db.fetch(
        "SELECT CASE WHEN event IN ('COMPLETEAGENT', 'COMPLETECALLER') THEN 'COMPLETE'"
        " ELSE event END AS word, count(*) AS times FROM call_events WHERE call_id = ANY($1)"
        " AND event IN ('ENTERQUEUE', 'CONNECT', 'COMPLETEAGENT', 'COMPLETECALLER', 'ended')"
        " GROUP BY 1",
        calls,
    )
    return {row["word"]: row["times"] for row in rows}


async def are_free(pbx: Pbx, made: Crowd, within: float = 8.0) -> None:
    """Wait until no agent has a call, and all are available."""
    query = (
        "SELECT count(*) FROM queue_members AS member"
        " JOIN agent_slots AS slot USING (extension_id)"
        " JOIN agent_states AS here USING (extension_id)"
        " JOIN agent_states AS everywhere USING (extension_id)"
        " WHERE here.queue_id = $1 AND member.queue_id = $1 AND everywhere.queue_id IS NULL"
        " AND slot.call_id IS NULL"
        " AND NOT slot.engaged AND here.status = 'available' AND everywhere.status = 'available'"
    )

    async def free() -> bool:
        count: int = await pbx.db.fetchval(query, made.line.id)
        return count == len(made.agents)

    async def who() -> str:
        rows = await pbx.db.fetch(
            "SELECT slot.*, state.status, state.queue_id AS queue FROM queue_members AS member"
            " JOIN agent_slots AS slot USING (extension_id)"
            " JOIN agent_states AS state USING (extension_id) WHERE member.queue_id = $1",
            made.line.id,
        )
        return "\n".join(str(row) for row in rows)

    try:
        await until(free, within, "all agents to be free")
    except AssertionError as error:
        raise AssertionError(await who()) from error
