"""What holds at the end of every story, whatever happened in it."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any
from uuid import UUID

from stasis_app.call.call import call_of
from stasis_app.words import CallState, HangupCause
from tests.support.fake_phones import Channel

from .world import World

ORDER = {
    CallState.INITIATED: 0,
    CallState.RINGING: 1,
    CallState.ANSWERED: 2,
    CallState.HELD: 2,
    CallState.TRANSFERRED: 2,
    CallState.ENDED: 3,
}

# seconds that a request may be under way, and that a comparison may take
AT_ONCE = 0.7
COMPARING = 3.0

TALKED = {
    HangupCause.NORMAL_CLEARING,
    HangupCause.MEDIA_TIMEOUT,
    HangupCause.SYSTEM_RESTART,
    HangupCause.FAILURE,
}


def check(world: World) -> None:
    nothing_is_left(world)
    everything_is_ended_once(world)
    for call in dict.fromkeys(record["call"] for record in world.records if "call" in record):
        one_story(world, [record for record in world.records if record.get("call") == call])
        legs = [leg for leg in world.legs() if call_of(leg.id) == UUID(call)]
        one_way_out(world, [leg for leg in legs if "@trunk-" in leg.endpoint])
        no_leg_behind_a_refusal(world, call, legs)


def nothing_is_left(world: World) -> None:
    asterisk = world.asterisk
    excused = {
        subject for verb, subject in asterisk.failed if verb in ("hang_up", "destroy_bridge")
    }
    assert set(asterisk.living()) <= excused, "channels are left"
    bridges = {name for name in asterisk.bridges_made if not asterisk.destroyed[name]}
    assert bridges <= excused, "bridges are left"
    inboxes = {name for name in asterisk.channels_made if name in asterisk.inboxes}
    assert inboxes <= excused, "inboxes are left"
    assert len(asterisk.inboxes) == len(inboxes), "inboxes of nothing are left"
    assert not len(world.exchange.engaged), "extensions or trunks are left engaged"
    assert not len(world.exchange.calling_out), "extensions are left calling out"
    assert not world.exchange.setting_up, "calls are left being set up"
    assert not world.switchboard.calls, "calls are left"


def everything_is_ended_once(world: World) -> None:
    twice = [name for name, count in world.asterisk.hang_ups.items() if count > 1]
    assert not twice, f"hung up more than once: {twice}"
    assert not world.asterisk.rung_too_late, "it rings for a caller who talks"


def one_story(world: World, records: list[Mapping[str, Any]]) -> None:
    """One begin, one end, each event once and in order, states that only go forward."""
    assert "begin" in records[0]
    assert [sum(part in r for r in records) for part in ("begin", "end")] == [1, 1]
    events = [record["event"] for record in records if "event" in record]
    assert [event[0] for event in events] == list(range(1, len(events) + 1))
    assert "end" in records[-1], f"{records[-1]} is written after the end"
    changes = [record["change"] for record in records if "change" in record]
    states = [CallState(change["state"]) for change in changes if "state" in change]
    assert [ORDER[state] for state in states] == sorted(ORDER[state] for state in states), states
    for stamp in ("ringing_at", "answered_at"):
        assert sum(stamp in change for change in changes) <= 1
    the_end_is_true(world, records, answered=any("answered_at" in change for change in changes))


def the_end_is_true(world: World, records: list[Mapping[str, Any]], *, answered: bool) -> None:
    # whom we call ourselves may not have been dialled yet
    caller = world.asterisk.channels_made.get(records[0]["position"]["channel_id"])
    cause = HangupCause(records[-1]["end"]["hangup_cause"])
    if answered:
        picked_up = any(leg.was_up for leg in world.legs())
        assert (caller and caller.was_up) or picked_up, "the call is answered, and nobody was"
        assert cause in TALKED or said_in_words(records), f"answered, and then {cause}"


def said_in_words(records: list[Mapping[str, Any]]) -> bool:
    """Tell whether an answered caller was refused, and has heard so or hung up meanwhile."""
    told = [record["event"][2] for record in records if "event" in record]
    return told[-3:] == ["refused", "announced", "ended"] or told[-2:] == ["refused", "ended"]


def one_way_out(world: World, legs: list[Channel]) -> None:
    """One trunk after the other, and one answer; the legs are in the order they were made.

    What a process that was killed had still to hang up is hung up by the next.
    """
    asterisk = world.asterisk
    lost = {subject for verb, subject in asterisk.failed if verb == "hang_up"}
    grace = AT_ONCE + asterisk.seconds_away + COMPARING * asterisk.connections
    for earlier, later in pairwise(leg for leg in legs if leg.id not in lost):
        ended = earlier.ended_at
        assert ended is not None, "two legs over trunks are left"
        assert ended < later.made_at + grace, "two legs over trunks at once"
    assert sum(talked(leg) for leg in legs) <= 1, "two legs over trunks were answered"


def talked(leg: Channel) -> bool:
    """Tell whether it was answered, and not only just before we hung it up."""
    return leg.up_at is not None and (leg.ended_at or 0.0) > leg.up_at + AT_ONCE


def no_leg_behind_a_refusal(world: World, call: str, legs: list[Channel]) -> None:
    refused = [
        at
        for at, record in zip(world.written_at, world.records, strict=True)
        if record.get("call") == call and record.get("event", ("", "", ""))[2] == "refused"
    ]
    latest = max((leg.made_at for leg in legs), default=0.0)
    assert all(latest < at + AT_ONCE for at in refused), "a leg is made behind the refusal"
