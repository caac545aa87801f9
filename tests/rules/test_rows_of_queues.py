"""Rows of queues and agents: what can't be used is named, and the rest works."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from stasis_app.rules import rows, rows_of_menus
from stasis_app.rules import rows_of_queues as made_of
from stasis_app.rules.models import Asked, Target
from stasis_app.rules.queues import Member, Presence, Queue
from stasis_app.words import (
    OverflowAction,
    QueueStatus,
    QueueStrategy,
    TargetType,
    Wanted,
    WhenEmpty,
)

from .build import (
    NOW,
    PAST,
    Row,
    inbound_row,
    member_row,
    option_row,
    presence_row,
    queue_row,
    to_external,
    to_overflow,
    to_row,
)

EXIT = "exit_destination"
TO_MENU = Target(TargetType.IVR, UUID(int=8))


def test_a_queue() -> None:
    row = queue_row(
        7,
        " 3000 ",
        name="sales",
        strategy="ring_all",
        status="paused",
        service_level_threshold_seconds=15,
        max_wait_time_seconds=120,
        music=" held ",
        welcome_prompt_id=UUID(int=1),
        position_announcement_enabled=False,
        position_announcement_interval_seconds=45,
        max_queue_size=7,
        wrap_up_time_seconds=0,
        callback_enabled=True,
        priority=4,
        weight=Decimal("1.5"),
        ring_seconds=12,
        wait_announcement_enabled=False,
        when_empty="leave",
        exit_key="#",
        skill_relax_seconds=30,
        redial_window_seconds=600,
        break_after_misses=0,
        agent_prompt_id=UUID(int=2),
        callback_key="*",
        callback_tries=1,
        **to_row("ivr", 8, EXIT),
        **to_overflow("external", number=" 030 1 "),
    )
    assert made_of.queue(row) == Queue(
        id=UUID(int=7),
        name="sales",
        number="3000",
        status=QueueStatus.PAUSED,
        strategy=QueueStrategy.RING_ALL,
        threshold_seconds=15.0,
        max_wait_seconds=120.0,
        max_size=7,
        wrap_up_seconds=0.0,
        ring_seconds=12.0,
        weight=1.5,
        music="held",
        welcome=UUID(int=1),
        announces_position=False,
        announces_wait=False,
        announce_seconds=45.0,
        overflow_action=OverflowAction.EXTERNAL,
        overflow=Target(TargetType.EXTERNAL, number="030 1"),
        when_empty=WhenEmpty.LEAVE,
        exit_key="#",
        exit_target=TO_MENU,
        relax_seconds=30.0,
        redial_seconds=600.0,
        break_after_misses=0,
        agent_prompt=UUID(int=2),
        callback_key="*",
        callback_tries=1,
        priority=4,
    )


def test_what_a_queue_does_not_say() -> None:
    """A row written for the seed says little; NULL is what the seed has for it."""
    silent = dict.fromkeys(set(queue_row(7)) - {"id", "name", "strategy", "status", "deleted"})
    made = made_of.queue({**queue_row(7), **silent})
    assert (made.number, made.max_size, made.max_wait_seconds) == (None, None, None)
    assert (made.threshold_seconds, made.wrap_up_seconds, made.ring_seconds) == (20.0, 10.0, 20.0)
    assert (made.announces_position, made.announces_wait, made.announce_seconds) == (True, True, 30)
    assert (made.weight, made.priority, made.music) == (1.0, 0, "default")
    assert (made.exit_key, made.exit_target, made.callback_key) == (None, None, None)
    assert (made.relax_seconds, made.redial_seconds) == (None, 0.0)
    assert (made.break_after_misses, made.callback_tries) == (3, 3)
    assert made.when_empty is WhenEmpty.JOIN
    assert (made.overflow_action, made.overflow) == (OverflowAction.VOICEMAIL, None)
    missing = "overflow_action voicemail without overflow_destination_id: the call ends there"
    assert made.problems == (missing,)


@pytest.mark.parametrize(
    ("columns", "status", "active"),
    [
        ({}, QueueStatus.ACTIVE, True),
        ({"status": "paused"}, QueueStatus.PAUSED, True),
        ({"status": "inactive"}, QueueStatus.INACTIVE, False),
        ({"deleted": True}, QueueStatus.INACTIVE, False),
    ],
)
def test_whether_calls_can_be_sent_there(columns: Row, status: QueueStatus, active: bool) -> None:
    made = made_of.queue(queue_row(7, **columns))
    assert (made.status, made.active) == (status, active)


@pytest.mark.parametrize(
    ("columns", "field", "value"),
    [
        ({"max_wait_time_seconds": 0}, "max_wait_seconds", None),
        ({"max_queue_size": 0}, "max_size", 0),
        ({"max_queue_size": -5}, "max_size", 0),
        ({"callback_enabled": True}, "callback_key", "1"),
        ({"callback_enabled": False, "callback_key": "5"}, "callback_key", None),
        ({"exit_key": ""}, "exit_key", None),
        (to_overflow("hangup", 8), "overflow", None),
        (to_overflow("ivr", 8), "overflow", TO_MENU),
        (to_overflow("voicemail", 8), "overflow", Target(TargetType.VOICEMAIL, UUID(int=8))),
        (
            to_overflow("voicemail", number=" 1001 "),
            "overflow",
            Target(TargetType.VOICEMAIL, number="1001"),
        ),
    ],
)
def test_columns(columns: Row, field: str, value: object) -> None:
    made = made_of.queue(queue_row(7, **columns))
    assert getattr(made, field) == value
    assert not made.problems


def is_not(column: str, value: object, allowed: str, default: str) -> str:
    return f"{column} {value} is not in {allowed}: {default} counts"


DAY = "0..86400"


@pytest.mark.parametrize(
    ("column", "value", "allowed", "default"),
    [
        ("service_level_threshold_seconds", -1, DAY, "20"),
        ("max_wait_time_seconds", -1, DAY, "300"),
        ("max_wait_time_seconds", 86401, DAY, "300"),
        ("position_announcement_interval_seconds", 0, "1..3600", "30"),
        ("wrap_up_time_seconds", -1, DAY, "10"),
        ("ring_seconds", 0, "1..600", "20"),
        ("ring_seconds", 601, "1..600", "20"),
        ("weight", Decimal(0), "0.001..1000", "1"),
        ("weight", Decimal("NaN"), "0.001..1000", "1"),
        ("weight", Decimal("Infinity"), "0.001..1000", "1"),
        ("redial_window_seconds", -1, DAY, "0"),
        ("break_after_misses", -1, "0..100", "3"),
        ("callback_tries", 0, "1..20", "3"),
    ],
)
def test_numbers_out_of_bounds(column: str, value: Any, allowed: str, default: str) -> None:
    def problems(number: Any) -> tuple[str, ...]:
        return made_of.queue({**queue_row(7), column: number}).problems

    assert problems(value) == (is_not(column, value, allowed, default),)
    assert problems(Decimal(default)) == ()


ENDS = "the call ends there"


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        (
            to_overflow("voicemail"),
            f"overflow_action voicemail without overflow_destination_id: {ENDS}",
        ),
        (
            to_overflow("ivr", number="1001"),
            f"overflow_action ivr without overflow_destination_id: {ENDS}",
        ),
        (
            to_overflow("external", 8, " "),
            f"overflow_action external without overflow_destination_number: {ENDS}",
        ),
        ({"exit_key": "0"}, "exit_key without exit_destination_type: it does nothing"),
        (
            to_row("ivr", 8, EXIT),
            "exit_destination_type without exit_key: nobody gets there",
        ),
        (
            {"exit_key": "0", "exit_destination_type": "ivr"},
            "exit_destination_type ivr without exit_destination_id: exit_key does nothing",
        ),
        (
            {"exit_key": "0", "exit_destination_type": "pager"},
            "exit_destination_type 'pager' is not one of extension, queue, ivr, voicemail, "
            "conference, external: exit_key does nothing",
        ),
        (
            {"exit_key": "A", **to_row("ivr", 8, EXIT)},
            "exit_key 'A' is not one of 0-9, * and #: it does nothing",
        ),
        (
            {"exit_key": "\u0661", **to_row("ivr", 8, EXIT)},
            "exit_key '\u0661' is not one of 0-9, * and #: it does nothing",
        ),
        (
            {"callback_enabled": True, "callback_key": None},
            "callback_enabled without callback_key: nobody can ask for it",
        ),
        (
            {"callback_enabled": True, "callback_key": "B"},
            "callback_key 'B' is not one of 0-9, * and #: it does nothing",
        ),
        ({"skill_relax_seconds": 0}, "skill_relax_seconds 0 is not 1 or more: no skill is dropped"),
    ],
)
def test_what_can_not_be_used(columns: Row, problem: str) -> None:
    made = made_of.queue(queue_row(7, **columns))
    assert made.problems == (problem,)
    assert (made.overflow, made.exit_key, made.exit_target) == (None, None, None)
    assert (made.callback_key, made.relax_seconds) == (None, None)


def test_one_key_for_two_things() -> None:
    columns = {"exit_key": "1", **to_external("030", EXIT), "callback_enabled": True}
    made = made_of.queue(queue_row(7, **columns))
    assert made.problems == ("callback_key 1 is the exit_key too: it leads out",)
    assert (made.exit_key, made.callback_key) == ("1", None)


def test_an_agent() -> None:
    skills = [" German ", "german", "", None, "billing"]
    row = member_row(7, 3, "1001", priority=2, penalty=5, skills=skills)
    assert made_of.member(row) == Member(
        id=UUID(int=7),
        queue=UUID(int=3),
        extension=UUID(int=1001),
        priority=2,
        penalty=5,
        skills=frozenset({"german", "billing"}),
    )


def test_what_an_agent_does_not_say() -> None:
    made = made_of.member(member_row(7, 3, "1001", priority=None, penalty=None))
    assert (made.priority, made.penalty, made.skills) == (0, 0, frozenset())


def test_what_an_agent_wants() -> None:
    row = presence_row(7, "1001", 3, wanted="break", wanted_reason=" lunch ", wanted_at=NOW)
    assert made_of.presence(row) == Presence(
        UUID(int=7), UUID(int=1001), UUID(int=3), Wanted.BREAK, "lunch", NOW
    )
    assert made_of.presence(presence_row(7, "1001")) == Presence(
        UUID(int=7), UUID(int=1001), None, Wanted.AVAILABLE, "", PAST
    )


@pytest.mark.parametrize("infinity", [datetime.min, datetime.max])  # noqa: DTZ901
def test_a_time_that_is_infinite(infinity: datetime) -> None:
    """asyncpg gives infinity as a time without a zone, which can be compared with no other."""
    made = made_of.presence(presence_row(7, "1001", wanted_at=infinity))
    assert made.since == infinity.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("columns", "asked"),
    [
        ({}, Asked()),
        ({"queue_priority": 0}, Asked(priority=0)),
        ({"queue_priority": -5, "queue_skills": []}, Asked(-5, ())),
        ({"queue_skills": [" B ", "a", "b", None]}, Asked(skills=("b", "a"))),
    ],
)
def test_what_rules_and_keys_ask_of_queues(columns: Row, asked: Asked) -> None:
    assert rows.inbound_rule(inbound_row(1, "+4930", **columns), "DE").asked == asked
    assert rows_of_menus.menu_option(option_row(1, 1, **columns)).asked == asked


def test_skills_in_an_array_of_arrays() -> None:
    """Postgres allows it in any TEXT[]; nothing is lost."""
    row = member_row(7, 3, "1001", skills=[["English", None], ["billing "]])
    assert made_of.member(row).skills == frozenset({"english", "billing"})
