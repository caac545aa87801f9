"""The agents of the queues: who wants calls, who can be rung, and whose turn it is."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasis_app.rules import agents
from stasis_app.rules.book import Book
from stasis_app.rules.models import Contact
from stasis_app.rules.queues import Slot
from stasis_app.words import HangupCause, QueueStrategy, Wanted

from .build import (
    LATER,
    NOW,
    PAST,
    Row,
    book,
    extension_row,
    member_row,
    presence_row,
    queue_row,
)

ANNA, BEN = UUID(int=1001), UUID(int=1002)
SALES, HELP = UUID(int=1), UUID(int=2)
EARLIER = PAST - timedelta(hours=1)


def exchange(
    presences: Sequence[Row] = (), settings: Mapping[str, Any] | None = None, **anna: Any
) -> Book:
    """Return queue 1 with Anna and Ben, and queue 2 with Anna; both have a phone."""
    made = book(
        settings,
        extensions=[extension_row("1001", **anna), extension_row("1002")],
        queues=[queue_row(1), queue_row(2)],
        queue_members=[
            member_row(1, 1, "1001"),
            member_row(2, 1, "1002"),
            member_row(3, 2, "1001"),
        ],
        agent_states=presences,
    )
    for agent in (ANNA, BEN):
        made.contacts_of[agent] = [Contact("sip:a@192.0.2.9", LATER)]
    return made


def says(wanted: str, queue: int | None = None, **columns: Any) -> Row:
    return presence_row(10 + (queue or 0), "1001", queue, wanted=wanted, **columns)


@pytest.mark.parametrize(
    ("presences", "wants", "logged_in"),
    [
        ([], True, 2),
        ([says("available")], True, 2),
        ([says("available"), says("available", 1)], True, 2),
        ([says("break")], False, 2),
        ([says("offline")], False, 1),
        ([says("available"), says("break", 1)], False, 2),
        ([says("available"), says("offline", 1)], False, 1),
        ([says("offline"), says("available", 1)], False, 1),
        ([says("available"), says("offline", 2)], True, 2),
    ],
)
def test_who_wants_calls(presences: Sequence[Row], wants: bool, logged_in: int) -> None:
    made = exchange(presences)
    assert agents.wants(made, ANNA, SALES) is wants
    there = [agents.is_logged_in(made, one, SALES) for one in (ANNA, BEN)]
    assert sum(there) == logged_in
    assert agents.wants(made, BEN, SALES)


@pytest.mark.parametrize(
    ("columns", "hindrance"),
    [
        ({}, None),
        ({"status": "inactive"}, "inactive"),
        ({"deleted_at": PAST}, "inactive"),
        ({"dnd_enabled": True}, "dnd"),
        ({"forward_unconditional_enabled": True, "max_concurrent_calls": 0}, None),
    ],
)
def test_who_can_be_rung(columns: Row, hindrance: str | None) -> None:
    made = exchange(**columns)
    assert agents.hindrance(made, ANNA) == hindrance
    assert agents.hindrance(made, UUID(int=9)) == "inactive"
    assert agents.is_logged_in(made, ANNA, SALES) == (hindrance != "inactive")
    assert agents.attended(made, SALES)
    made.contacts_of.clear()
    without = "inactive" if hindrance == "inactive" else "unregistered"
    assert agents.hindrance(made, ANNA) == without
    assert not agents.attended(made, SALES)


def test_the_younger_of_two_rows_counts() -> None:
    """An agent logs in by a row inserted before the old one is seen to go."""
    made = exchange([says("offline", wanted_at=PAST)])
    made.agent_states.put([presence_row(3, "1001", wanted="available", wanted_at=NOW)])
    assert agents.wants(made, ANNA, SALES)
    made.agent_states.forget([UUID(int=10)])
    assert agents.wants(made, ANNA, SALES)
    made.agent_states.forget([UUID(int=3)])
    assert made.agent_states.of(ANNA, None) is None


# codes


@pytest.mark.parametrize(
    ("presences", "everywhere", "there"),
    [
        ([], Wanted.OFFLINE, Wanted.OFFLINE),
        ([says("break")], Wanted.OFFLINE, Wanted.OFFLINE),
        ([says("offline")], Wanted.AVAILABLE, Wanted.OFFLINE),
        ([says("offline", 1)], Wanted.OFFLINE, Wanted.AVAILABLE),
    ],
)
def test_logging_in_and_out(presences: Sequence[Row], everywhere: Wanted, there: Wanted) -> None:
    made = exchange(presences)
    assert agents.login_turned_over(made, ANNA, None) is everywhere
    assert agents.login_turned_over(made, ANNA, SALES) is there


@pytest.mark.parametrize(
    ("presences", "reason", "wanted"),
    [
        ([], "", Wanted.BREAK),
        ([], "lunch", Wanted.BREAK),
        ([says("offline")], "", Wanted.BREAK),
        ([says("break")], "", Wanted.AVAILABLE),
        ([says("break", wanted_reason="lunch")], "", Wanted.AVAILABLE),
        ([says("break", wanted_reason="lunch")], "lunch", Wanted.AVAILABLE),
        ([says("break", wanted_reason="lunch")], "training", Wanted.BREAK),
        ([says("break", 1)], "", Wanted.BREAK),
    ],
)
def test_a_break(presences: Sequence[Row], reason: str, wanted: Wanted) -> None:
    assert agents.break_turned_over(exchange(presences), ANNA, reason) is wanted


def test_the_reason_of_a_break() -> None:
    made = exchange(settings={"queues.break_reasons": {"1": " lunch "}})
    reasons = [agents.break_reason(made, digits) for digits in ("1", "2", "")]
    assert reasons == ["lunch", "2", ""]


# resting


@pytest.mark.parametrize(
    ("cause", "key", "seconds"),
    [
        (HangupCause.NO_ANSWER, "queues.delay_no_answer_seconds", 5.0),
        (HangupCause.REJECTED, "queues.delay_reject_seconds", 10.0),
        (HangupCause.BUSY, "queues.delay_busy_seconds", 10.0),
        (HangupCause.UNAVAILABLE, "queues.delay_unreachable_seconds", 10.0),
        (HangupCause.FAILURE, "queues.delay_unreachable_seconds", 10.0),
    ],
)
def test_a_rest(cause: HangupCause, key: str, seconds: float) -> None:
    assert agents.rest_seconds(exchange(), cause) == seconds
    assert agents.rest_seconds(exchange(settings={key: 77}), cause) == 77.0


@pytest.mark.parametrize(("most", "seconds"), [(None, 3600.0), (60, 60.0), (1e5, 7200.0)])
def test_the_longest_wrap_up(most: float | None, seconds: float) -> None:
    made = exchange(settings={"queues.longest_wrap_up_seconds": most})
    queue = replace(made.queues.items[SALES], wrap_up_seconds=7200.0)
    assert agents.wrap_up_seconds(made, queue) == seconds


@pytest.mark.parametrize(
    ("wrap_up", "rest", "seconds"),
    [
        (None, None, 0.0),
        (PAST, PAST, 0.0),
        (LATER, None, 3600.0),
        (None, LATER, 3600.0),
        (NOW + timedelta(seconds=2), NOW + timedelta(seconds=1), 2.0),
    ],
)
def test_how_long_an_agent_still_rests(
    wrap_up: datetime | None, rest: datetime | None, seconds: float
) -> None:
    slot = Slot(ANNA, wrap_up_until=wrap_up, rests_until=rest)
    assert agents.seconds_to_rest(slot, NOW) == seconds


# whose turn it is


def order(
    strategy: QueueStrategy,
    slots: Sequence[Slot],
    presences: Sequence[Row] = (),
    draws: Sequence[float] = (0.5, 0.5),
    settings: Mapping[str, Any] | None = None,
) -> list[int]:
    """Return the numbers of the agents in the order in which they are rung."""
    made = exchange(presences, settings)
    queue = replace(made.queues.items[SALES], strategy=strategy)
    members = {member.extension: member for member in made.queue_members.of(SALES)}
    ranks = {
        slot.extension: agents.strategy_key(queue, members[slot.extension], slot, made, draw, NOW)
        for slot, draw in zip(slots, draws, strict=True)
    }
    return [agent.int for agent in sorted(ranks, key=ranks.__getitem__)]


LONGEST, LEAST = QueueStrategy.LONGEST_IDLE, QueueStrategy.LEAST_TALK_TIME
ROUND, RANDOM = QueueStrategy.ROUND_ROBIN, QueueStrategy.RANDOM
TODAY = datetime(2026, 11, 24, 23, 0, tzinfo=UTC)  # midnight in Berlin
YESTERDAY = TODAY - timedelta(days=1)
BEN_FIRST, ANNA_FIRST = [1002, 1001], [1001, 1002]


@pytest.mark.parametrize(
    ("anna", "ben", "presences", "expected"),
    [
        ({}, {}, [], ANNA_FIRST),
        ({"last_call_ended_at": PAST}, {}, [], BEN_FIRST),
        ({"last_call_ended_at": PAST}, {"last_call_ended_at": EARLIER}, [], BEN_FIRST),
        ({"last_call_ended_at": EARLIER}, {"last_call_ended_at": PAST}, [], ANNA_FIRST),
        # who has just come back is last, everywhere or there
        (
            {"last_call_ended_at": EARLIER},
            {"last_call_ended_at": PAST},
            [says("available", wanted_at=NOW)],
            BEN_FIRST,
        ),
        (
            {"last_call_ended_at": EARLIER},
            {"last_call_ended_at": PAST},
            [says("available", 1, wanted_at=NOW)],
            BEN_FIRST,
        ),
        (
            {"last_call_ended_at": EARLIER},
            {"last_call_ended_at": PAST},
            [says("available", 2, wanted_at=NOW)],
            ANNA_FIRST,
        ),
    ],
)
def test_longest_idle(anna: Row, ben: Row, presences: Sequence[Row], expected: list[int]) -> None:
    assert order(LONGEST, [Slot(ANNA, **anna), Slot(BEN, **ben)], presences) == expected


@pytest.mark.parametrize(
    ("anna", "ben", "expected"),
    [
        ({}, {}, ANNA_FIRST),
        ({"talk_seconds": 9.0, "talk_since": TODAY}, {}, BEN_FIRST),
        ({"talk_seconds": 9.0, "talk_since": YESTERDAY}, {}, ANNA_FIRST),
        (
            {"talk_seconds": 9.0, "talk_since": TODAY},
            {"talk_seconds": 9000.0, "talk_since": YESTERDAY},
            BEN_FIRST,
        ),
    ],
)
def test_least_talk_time(anna: Row, ben: Row, expected: list[int]) -> None:
    assert order(LEAST, [Slot(ANNA, **anna), Slot(BEN, **ben)]) == expected


@pytest.mark.parametrize(
    ("anna", "ben", "expected"),
    [
        ({}, {}, ANNA_FIRST),
        ({SALES: PAST}, {}, BEN_FIRST),
        ({SALES: PAST}, {SALES: EARLIER}, BEN_FIRST),
        ({HELP: PAST}, {SALES: EARLIER}, ANNA_FIRST),
    ],
)
def test_round_robin(
    anna: Mapping[UUID, datetime], ben: Mapping[UUID, datetime], expected: list[int]
) -> None:
    assert order(ROUND, [Slot(ANNA, offered_at=anna), Slot(BEN, offered_at=ben)]) == expected


def test_random_is_what_was_drawn() -> None:
    slots = [Slot(ANNA, last_call_ended_at=PAST), Slot(BEN)]
    assert order(RANDOM, slots, draws=(0.2, 0.7)) == ANNA_FIRST
    assert order(RANDOM, slots, draws=(0.7, 0.2)) == BEN_FIRST


@pytest.mark.parametrize("strategy", QueueStrategy)
@given(
    tiers=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=2),
    ended=st.lists(st.none() | st.datetimes(timezones=st.just(UTC)), min_size=2, max_size=2),
    talked=st.lists(st.floats(0, 1e5), min_size=2, max_size=2),
)
def test_tier_and_penalty_come_before_any_strategy(
    strategy: QueueStrategy,
    tiers: list[tuple[int, int]],
    ended: list[datetime | None],
    talked: list[float],
) -> None:
    made = exchange()
    queue = replace(made.queues.items[SALES], strategy=strategy)
    ranks = []
    for agent, tier, at, seconds in zip((ANNA, BEN), tiers, ended, talked, strict=True):
        [member] = [one for one in made.queue_members.of(SALES) if one.extension == agent]
        member = replace(member, priority=tier[0], penalty=tier[1])
        slot = Slot(agent, last_call_ended_at=at, talk_seconds=seconds, talk_since=TODAY)
        rank = agents.strategy_key(queue, member, slot, made, 0.5, NOW)
        assert rank[:2] == tier
        ranks.append(rank)
    if tiers[0] != tiers[1]:
        assert (ranks[0] < ranks[1]) is (tiers[0] < tiers[1])
    assert ranks[0] != ranks[1]


@pytest.mark.parametrize(
    ("zone", "at", "began"),
    [
        ("Europe/Berlin", NOW, TODAY),
        ("Europe/Berlin", TODAY, TODAY),
        ("Europe/Berlin", TODAY - timedelta(seconds=1), YESTERDAY),
        ("UTC", NOW, datetime(2026, 11, 25, tzinfo=UTC)),
        ("Nowhere", NOW, TODAY),
        # a day of 25 hours
        (
            "Europe/Berlin",
            datetime(2026, 10, 25, 22, 30, tzinfo=UTC),
            datetime(2026, 10, 24, 22, tzinfo=UTC),
        ),
    ],
)
def test_when_the_day_began(zone: str, at: datetime, began: datetime) -> None:
    made = exchange(settings={"queues.timezone": zone})
    assert agents.beginning_of_day(made, at) == began
    slot = Slot(ANNA, talk_seconds=9.0, talk_since=began)
    assert agents.talked_today(made, slot, at) == 9.0
