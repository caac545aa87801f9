"""Queues and their agents, as tests of the system make them."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import asyncpg

from tests.support.callee import IncomingCall
from tests.support.caller import OutgoingCall
from tests.support.carrier import Carrier
from tests.support.sip import RawPhone
from tests.support.until import until

from .incoming import number
from .outside import carrier, inbound, setting, trunk
from .pbx import NUMBERS, Pbx
from .voicemail import prompt

RESTS = ("no_answer", "reject", "busy", "unreachable")

QUIET = {
    "position_announcement_enabled": False,
    "wait_announcement_enabled": False,
    "overflow_action": "hangup",
    "wrap_up_time_seconds": 0,
}


@dataclass(frozen=True)
class Line:
    """A row of `queues` made for a test, dialled at `number`."""

    id: uuid.UUID
    name: str
    number: str


async def queue(pbx: Pbx, *agents: RawPhone, **columns: Any) -> Line:
    """Insert a queue that announces nothing and has no wrap-up; the agents are its members."""
    number = str(next(NUMBERS))
    row = {**QUIET, "name": f"queue {number}", "extension_number": number, **columns}
    made = Line(await pbx.insert("queues", **row), row["name"], number)
    for agent in agents:
        await member(pbx, made, agent)
    return made


class Entry(NamedTuple):
    """A number outside that leads to a queue, and the carrier that delivers it."""

    carrier: Carrier
    did: str


class Talk(NamedTuple):
    """A caller from outside, and the agent who has answered."""

    caller: str
    call: OutgoingCall
    agent: RawPhone
    incoming: IncomingCall


async def entry(pbx: Pbx, line: Line, **columns: Any) -> Entry:
    """Have a number outside lead to a queue; `columns` are those of the rule."""
    telekom = await carrier(pbx)
    await trunk(pbx, telekom)
    return Entry(telekom, await did(pbx, line, **columns))


async def did(pbx: Pbx, line: Line, **columns: Any) -> str:
    """Return a new number outside that leads to a queue."""
    made = number()
    await inbound(pbx, made, line.id, destination_type="queue", **columns)
    return made


async def music(pbx: Pbx, hz: float, seconds: float = 30.0) -> uuid.UUID:
    """Insert a tone as music on hold."""
    return await prompt(pbx, hz, seconds, "moh")


async def short_rests(pbx: Pbx, seconds: float = 1.0) -> None:
    """Let agents rest so long after a call that they missed."""
    for cause in RESTS:
        await setting(pbx, f"queues.delay_{cause}_seconds", seconds)


async def member(pbx: Pbx, line: Line, agent: RawPhone, **columns: Any) -> uuid.UUID:
    """Make a phone's extension an agent of a queue."""
    extension = identity(pbx, agent)
    return await pbx.insert("queue_members", queue_id=line.id, extension_id=extension, **columns)


def identity(pbx: Pbx, agent: RawPhone) -> uuid.UUID:
    """The id of a phone's extension."""
    return next(one.id for one in pbx.extensions if one.number == agent.number)


async def serve(call: OutgoingCall, agent: RawPhone) -> IncomingCall:
    """Let the agent answer the caller who waits in the queue."""
    incoming = await agent.expect_invite()
    await incoming.answer()
    await incoming.answered()
    return incoming


async def comes(pbx: Pbx, at: Entry, caller: str) -> OutgoingCall:
    """Call a queue from outside, and wait until the call stands in line."""
    call = await at.carrier.call(at.did, caller=caller)
    await call.answered()
    await stands(pbx, caller)
    return call


async def connected(pbx: Pbx, at: Entry, agents: Sequence[RawPhone], caller: str = "") -> Talk:
    """Call a queue from outside; whoever of the agents is called answers."""
    caller = caller or number()
    call = await comes(pbx, at, caller)
    agent, incoming = await rung(agents, caller)
    return await takes(pbx, Talk(caller, call, agent, incoming))


async def takes(pbx: Pbx, talk: Talk) -> Talk:
    """Let the agent answer, and wait until the two are put through, as the rows have it."""
    await talk.incoming.answer()
    await talk.incoming.answered()
    query = (
        "SELECT agent_extension_id FROM queue_calls WHERE caller_number = $1 AND ended_at IS NULL"
    )

    async def talks() -> bool:
        rows = await pbx.db.fetch(query, talk.caller)
        return identity(pbx, talk.agent) in {row["agent_extension_id"] for row in rows}

    await until(talks, what=f"{talk.caller} to be put through")
    return talk


async def parts(talk: Talk) -> None:
    """Let the agent hang up."""
    await talk.incoming.hangup()
    await talk.call.ended()


async def rung(
    agents: Sequence[RawPhone], caller: str, within: float = 5.0
) -> tuple[RawPhone, IncomingCall]:
    """Wait until one of the agents is offered a caller; return who, and the call."""

    def offered() -> list[tuple[RawPhone, IncomingCall]]:
        return [
            (agent, call)
            for agent in agents
            for call in offers(agent)
            if call.caller_number == caller and not call.is_over
        ]

    found = await until(offered, within, f"{caller} to be offered to an agent")
    assert len(found) == 1, found
    return found[0]


def offers(agent: RawPhone) -> list[IncomingCall]:
    """All calls that have come to a phone."""
    return [call for call in agent.calls.values() if isinstance(call, IncomingCall)]


async def joins(pbx: Pbx, caller: RawPhone, line: Line) -> OutgoingCall:
    """Dial a queue, and wait until the call stands in line."""
    call = await caller.invite(line.number)
    await call.answered()
    await stands(pbx, caller.number)
    return call


async def stands(pbx: Pbx, number: str, within: float = 5.0) -> asyncpg.Record:
    """Return the row of `queue_calls` of a caller who waits."""

    async def entered() -> asyncpg.Record | None:
        return await pbx.db.fetchrow(
            "SELECT * FROM queue_calls WHERE caller_number = $1 AND left_at IS NULL", number
        )

    return await until(entered, within, f"{number} in a queue")


async def last_visit(pbx: Pbx, number: str) -> asyncpg.Record:
    """Return the row of the caller's last visit, whatever became of it."""
    query = "SELECT * FROM queue_calls WHERE caller_number = $1 ORDER BY entered_at DESC"
    found = await pbx.db.fetchrow(query, number)
    assert found
    return found


async def visit(pbx: Pbx, number: str, within: float = 5.0) -> asyncpg.Record:
    """Return the row of `queue_calls` of the caller's last visit, when it is over."""

    async def over() -> asyncpg.Record | None:
        found = await pbx.db.fetchrow(
            "SELECT * FROM queue_calls WHERE caller_number = $1 ORDER BY entered_at DESC", number
        )
        done = found and found["left_at"] and (found["left_how"] != "answered" or found["ended_at"])
        return found if done else None

    return await until(over, within, f"the end of the visit of {number}")


async def status(pbx: Pbx, agent: RawPhone, line: Line | None = None) -> str:
    """What `agent_states` says of an agent, everywhere or in one queue."""
    return str(
        await pbx.db.fetchval(
            "SELECT status FROM agent_states"
            " WHERE extension_id = $1 AND queue_id IS NOT DISTINCT FROM $2",
            identity(pbx, agent),
            line.id if line else None,
        )
    )


async def becomes(
    pbx: Pbx, agent: RawPhone, wanted: str, line: Line | None = None, within: float = 5.0
) -> None:
    """Wait until the agent has this status."""

    async def has() -> bool:
        return await status(pbx, agent, line) == wanted

    try:
        await until(has, within, f"agent {wanted}")
    except AssertionError as error:
        raise AssertionError(f"{await status(pbx, agent, line)}, not {wanted}") from error


async def wants(
    pbx: Pbx, agent: RawPhone, status: str, reason: str | None = None, line: Line | None = None
) -> None:
    """Write what an agent wants, as the seed has it; returns when that counts."""
    await pbx.db.execute(
        "UPDATE agent_states SET status = $3, reason_code = $4"
        " WHERE extension_id = $1 AND queue_id IS NOT DISTINCT FROM $2",
        identity(pbx, agent),
        line.id if line else None,
        status,
        reason,
    )
    await pbx.settled()


async def told(pbx: Pbx, call: uuid.UUID, event: str) -> Sequence[dict[str, Any]]:
    """The details of such events in the timeline of a call, in order."""
    rows = await pbx.db.fetch(
        "SELECT details::text AS details FROM call_events"
        " WHERE call_id = $1 AND event = $2 ORDER BY seq",
        call,
        event,
    )
    return [json.loads(row["details"]) for row in rows]
