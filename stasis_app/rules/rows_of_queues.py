"""From rows to models: queues, their agents, and what those have asked for (see `rows`)."""

import re

from stasis_app.words import (
    OverflowAction,
    QueueStatus,
    QueueStrategy,
    TargetType,
    Wanted,
    WhenEmpty,
)

from .columns import Bounds, Row, RowError, aware, skills, target, target_of, text, within
from .forwarding import LONGEST_RING_SECONDS
from .models import Target
from .queues import Member, Presence, Queue

DAY = 86400.0
THRESHOLD_SECONDS = Bounds(0, DAY, 20)
MAX_WAIT_SECONDS = Bounds(0, DAY, 300)
ANNOUNCE_SECONDS = Bounds(1, 3600, 30)
WRAP_UP_SECONDS = Bounds(0, DAY, 10)
RING_SECONDS = Bounds(1, LONGEST_RING_SECONDS, 20)
WEIGHT = Bounds(0.001, 1000, 1)
REDIAL_SECONDS = Bounds(0, DAY, 0)
MISSES = Bounds(0, 100, 3)
TRIES = Bounds(1, 20, 3)
LEAST_RELAX_SECONDS = 1
KEY = re.compile(r"[0-9*#]", re.ASCII)
DEFAULT_MUSIC = "default"
OVERFLOWS = {
    OverflowAction.VOICEMAIL: TargetType.VOICEMAIL,
    OverflowAction.IVR: TargetType.IVR,
    OverflowAction.EXTERNAL: TargetType.EXTERNAL,
}


def queue(row: Row) -> Queue:
    """Return the queue of a row of `queues`, with the problems found in it.

    One that is deleted is inactive. NULL is what the schema has for a row that does not say.
    """
    problems: list[str] = []
    action = OverflowAction(row["overflow_action"] or OverflowAction.VOICEMAIL)
    exit_key, exit_target = _exit(row, problems)
    return Queue(
        id=row["id"],
        name=row["name"],
        number=text(row["extension_number"]),
        status=QueueStatus.INACTIVE if row["deleted"] else QueueStatus(row["status"]),
        strategy=QueueStrategy(row["strategy"]),
        threshold_seconds=within(
            row, "service_level_threshold_seconds", THRESHOLD_SECONDS, problems
        ),
        max_wait_seconds=_max_wait(row, problems),
        max_size=_max_size(row["max_queue_size"]),
        wrap_up_seconds=within(row, "wrap_up_time_seconds", WRAP_UP_SECONDS, problems),
        ring_seconds=within(row, "ring_seconds", RING_SECONDS, problems),
        weight=within(row, "weight", WEIGHT, problems),
        music=text(row["music"]) or DEFAULT_MUSIC,
        welcome=row["welcome_prompt_id"],
        announces_position=row["position_announcement_enabled"] is not False,
        announces_wait=row["wait_announcement_enabled"] is not False,
        announce_seconds=within(
            row, "position_announcement_interval_seconds", ANNOUNCE_SECONDS, problems
        ),
        overflow_action=action,
        overflow=_overflow(row, action, problems),
        when_empty=WhenEmpty(row["when_empty"] or WhenEmpty.JOIN),
        exit_key=exit_key,
        exit_target=exit_target,
        relax_seconds=_relax(row, problems),
        redial_seconds=within(row, "redial_window_seconds", REDIAL_SECONDS, problems),
        break_after_misses=int(within(row, "break_after_misses", MISSES, problems)),
        agent_prompt=row["agent_prompt_id"],
        callback_key=_callback_key(row, exit_key, problems),
        callback_tries=int(within(row, "callback_tries", TRIES, problems)),
        priority=row["priority"] or 0,
        problems=tuple(problems),
    )


def member(row: Row) -> Member:
    return Member(
        id=row["id"],
        queue=row["queue_id"],
        extension=row["extension_id"],
        priority=row["priority"] or 0,
        penalty=row["penalty"] or 0,
        skills=frozenset(skills(row["skills"])),
    )


def presence(row: Row) -> Presence:
    return Presence(
        id=row["id"],
        extension=row["extension_id"],
        queue=row["queue_id"],
        wanted=Wanted(row["wanted"]),
        reason=text(row["wanted_reason"]) or "",
        since=aware(row["wanted_at"]),
    )


def _max_wait(row: Row, problems: list[str]) -> float | None:
    """NULL and 0 are no limit."""
    if row["max_wait_time_seconds"] is None:
        return None
    return within(row, "max_wait_time_seconds", MAX_WAIT_SECONDS, problems) or None


def _max_size(value: int | None) -> int | None:
    return None if value is None else max(value, 0)


def _relax(row: Row, problems: list[str]) -> float | None:
    value = row["skill_relax_seconds"]
    if value is None:
        return None
    if value < LEAST_RELAX_SECONDS:
        problems.append(f"skill_relax_seconds {value} is not 1 or more: no skill is dropped")
        return None
    return float(value)


def _overflow(row: Row, action: OverflowAction, problems: list[str]) -> Target | None:
    if action is OverflowAction.HANGUP:
        return None
    what = f"overflow_action {action}"
    try:
        return target_of(row, OVERFLOWS[action], "overflow_destination", what)
    except RowError as error:
        problems.append(f"{error}: the call ends there")
        return None


def _exit(row: Row, problems: list[str]) -> tuple[str | None, Target | None]:
    """Return the key that leaves the line, and where it leads; neither without the other."""
    key = _key(row, "exit_key", problems)
    try:
        leads_to = target(row, "exit_destination")
    except RowError as error:
        problems.append(f"{error}: exit_key does nothing")
        return None, None
    if key and leads_to:
        return key, leads_to
    if key:
        problems.append("exit_key without exit_destination_type: it does nothing")
    elif leads_to and not row["exit_key"]:
        problems.append("exit_destination_type without exit_key: nobody gets there")
    return None, None


def _callback_key(row: Row, exit_key: str | None, problems: list[str]) -> str | None:
    if row["callback_enabled"] is not True:
        return None
    key = _key(row, "callback_key", problems)
    if not row["callback_key"]:
        problems.append("callback_enabled without callback_key: nobody can ask for it")
    if key and key == exit_key:
        problems.append(f"callback_key {key} is the exit_key too: it leads out")
        return None
    return key


def _key(row: Row, column: str, problems: list[str]) -> str | None:
    key: str | None = row[column]
    if key and not KEY.fullmatch(key):
        problems.append(f"{column} '{key}' is not one of 0-9, * and #: it does nothing")
        return None
    return key or None
