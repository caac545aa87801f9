"""Callers wait in a queue, an agent's phone rings, and they talk."""

from .conversation import hear_each_other
from .pbx import Pbx
from .queues import becomes, joins, queue, serve, told, visit


async def test_caller_and_agent_talk(pbx: Pbx) -> None:
    """From the phone to the rows: who waited for whom, and for how long."""
    caller, agent = await pbx.phones(2)
    line = await queue(pbx, agent, wrap_up_time_seconds=1)
    await becomes(pbx, agent, "available", line)
    call = await joins(pbx, caller, line)
    incoming = await serve(call, agent)
    assert incoming.caller_name == f"{line.name}: {caller.number}"
    await hear_each_other(call, incoming)
    await becomes(pbx, agent, "busy", line)
    await incoming.hangup()
    await call.ended()
    await becomes(pbx, agent, "wrap_up", line)
    await becomes(pbx, agent, "available", line)
    row = await visit(pbx, caller.number)
    assert (row["left_how"], row["ended_by"], row["position"]) == ("answered", "agent", 1)
    cdr = await pbx.cdr(caller.number)
    assert (cdr["queue_id"], cdr["hangup_cause"]) == (line.id, "normal_clearing")
    assert cdr["agent_extension_id"] == row["agent_extension_id"] == pbx.extensions[1].id
    [connected] = await told(pbx, cdr["call_id"], "CONNECT")
    assert connected["agent"] == agent.number
    assert await pbx.timeline(cdr["call_id"]) == [
        "arrived",
        "ENTERQUEUE",
        "answered",
        "CONNECT",
        "hung_up",
        "COMPLETEAGENT",
        "ended",
    ]
