"""What holds at the end of every story, whatever happened in it."""

from collections.abc import Mapping
from typing import Any

from stasis_app.words import CallState, HangupCause

from .world import World

ORDER = {
    CallState.INITIATED: 0,
    CallState.RINGING: 1,
    CallState.ANSWERED: 2,
    CallState.HELD: 2,
    CallState.TRANSFERRED: 2,
    CallState.ENDED: 3,
}

TALKED = {
    HangupCause.NORMAL_CLEARING,
    HangupCause.MEDIA_TIMEOUT,
    HangupCause.SYSTEM_RESTART,
    HangupCause.FAILURE,
}


def check(world: World) -> None:
    nothing_is_left(world)
    everything_is_ended_once(world)
    for call in dict.fromkeys(record["call"] for record in world.records):
        one_story(world, [record for record in world.records if record["call"] == call])


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
    assert not world.exchange.engaged, "extensions are left engaged"
    assert not world.exchange.setting_up, "calls are left being set up"
    assert not world.switchboard.calls, "calls are left"


def everything_is_ended_once(world: World) -> None:
    twice = [name for name, count in world.asterisk.hang_ups.items() if count > 1]
    assert not twice, f"hung up more than once: {twice}"
    assert not world.asterisk.rung_too_late, "it rings for a caller who is answered"


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
    caller = world.asterisk.channels_made[records[0]["position"]["channel_id"]]
    cause = HangupCause(records[-1]["end"]["hangup_cause"])
    if answered:
        picked_up = any(leg.was_up for leg in world.legs())
        assert caller.was_up or picked_up, "the call is answered, and nobody was"
        assert cause in TALKED, f"answered, and then {cause}"
