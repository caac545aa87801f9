"""The agents of the queues: who wants calls, who can be rung, and whose turn it is."""

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time
from uuid import UUID

from stasis_app.words import HangupCause, QueueStrategy, Wanted

from .book import Book
from .queues import Member, Presence, Queue, Slot
from .ranked import Rank

INACTIVE, UNREGISTERED, DND = "inactive", "unregistered", "dnd"
MISSED = "missed"
"""The reason of a break that comes from too many misses."""

LONGEST_WRAP_UP_SECONDS = 3600.0
NEVER = -math.inf

UNREACHABLE = ("queues.delay_unreachable_seconds", 10.0)
RESTS: Mapping[HangupCause, tuple[str, float]] = {
    HangupCause.NO_ANSWER: ("queues.delay_no_answer_seconds", 5.0),
    HangupCause.REJECTED: ("queues.delay_reject_seconds", 10.0),
    HangupCause.BUSY: ("queues.delay_busy_seconds", 10.0),
}


# what agents want


def presences(book: Book, extension: UUID, queue: UUID) -> tuple[Presence, ...]:
    """Return what an agent has asked for that counts in a queue: everywhere, and there."""
    found = (book.agent_states.of(extension, None), book.agent_states.of(extension, queue))
    return tuple(one for one in found if one)


def wants(book: Book, extension: UUID, queue: UUID) -> bool:
    """Return whether an agent wants calls of a queue. Who has said nothing does."""
    return all(one.wanted is Wanted.AVAILABLE for one in presences(book, extension, queue))


def is_logged_in(book: Book, extension: UUID, queue: UUID) -> bool:
    """Return whether an agent is there for a queue, be it on a break or without a phone."""
    found = book.extensions.get(extension)
    if found is None or not found.active:
        return False
    return all(one.wanted is not Wanted.OFFLINE for one in presences(book, extension, queue))


def attended(book: Book, queue: UUID) -> bool:
    """Return whether any agent of a queue is there, with a phone: is not offline."""
    members = book.queue_members.of(queue)
    return any(
        is_logged_in(book, one.extension, queue) and book.contacts(one.extension) for one in members
    )


def login_turned_over(book: Book, extension: UUID, queue: UUID | None) -> Wanted:
    """Return what an agent wants who dials *45, for all queues (None) or for one."""
    found = book.agent_states.of(extension, queue)
    logged_out = found is not None and found.wanted is Wanted.OFFLINE
    return Wanted.AVAILABLE if logged_out else Wanted.OFFLINE


def break_turned_over(book: Book, extension: UUID, reason: str) -> Wanted:
    """Return what an agent wants who dials *46: the end of a break, if it is for this reason."""
    found = book.agent_states.of(extension, None)
    if found is None or found.wanted is not Wanted.BREAK:
        return Wanted.BREAK
    over = reason in ("", found.reason)
    return Wanted.AVAILABLE if over else Wanted.BREAK


def break_reason(book: Book, digits: str) -> str:
    """Return the reason for a break that somebody has dialled, else the digits themselves."""
    return book.settings.break_reasons.get(digits, digits)


# whether they can


def hindrance(book: Book, extension: UUID) -> str | None:
    """Return why the phones of an agent can't be rung for a queue; None if they can.

    Forwards, hours and `max_concurrent_calls` are for who calls the agent himself.
    """
    found = book.extensions.get(extension)
    if found is None or not found.active:
        return INACTIVE
    if not book.contacts(extension):
        return UNREGISTERED
    return DND if found.dnd else None


def rest_seconds(book: Book, cause: HangupCause) -> float:
    """Return how long an agent rests whose phones did not take a call for this cause."""
    return book.number(*RESTS.get(cause, UNREACHABLE))


def wrap_up_seconds(book: Book, queue: Queue) -> float:
    """Return how long an agent wraps up after a call of a queue."""
    longest = book.number("queues.longest_wrap_up_seconds", LONGEST_WRAP_UP_SECONDS)
    return min(queue.wrap_up_seconds, longest)


def seconds_to_rest(slot: Slot, now: datetime) -> float:
    """Return how long an agent still wraps up, or rests after a miss; 0.0: not at all."""
    ends = (slot.wrap_up_until, slot.rests_until)
    return max((0.0, *((end - now).total_seconds() for end in ends if end)))


# whose turn it is


def strategy_key(  # noqa: PLR0917
    queue: Queue, member: Member, slot: Slot, book: Book, draw: float, now: datetime
) -> Rank:
    """Return the rank of a free agent. `draw` is a random number, drawn when he became free."""
    found = book.extensions.get(member.extension)
    number = found.number if found else ""
    if queue.strategy is QueueStrategy.RANDOM:
        return member.priority, member.penalty, draw, number
    turn = _turn(queue, slot, book, presences(book, slot.extension, queue.id), now)
    return member.priority, member.penalty, turn, number


def _turn(
    queue: Queue, slot: Slot, book: Book, presences: Iterable[Presence], now: datetime
) -> float:
    match queue.strategy:
        case QueueStrategy.LONGEST_IDLE:
            return idle_since(slot, presences)
        case QueueStrategy.LEAST_TALK_TIME:
            return talked_today(book, slot, now)
        case QueueStrategy.ROUND_ROBIN:
            return _timestamp(slot.offered_at.get(queue.id))
        case _:
            return 0.0


def idle_since(slot: Slot, presences: Iterable[Presence]) -> float:
    """Return since when (Unix time) an agent waits for a call: since the last, or his return."""
    asked = (one.since for one in presences)
    return max(_timestamp(at) for at in (slot.last_call_ended_at, *asked))


def talked_today(book: Book, slot: Slot, now: datetime) -> float:
    """Return the seconds that an agent has talked on the day of `now`."""
    return slot.talk_seconds if slot.talk_since == beginning_of_day(book, now) else 0.0


def beginning_of_day(book: Book, at: datetime) -> datetime:
    """Return when (UTC) the day of an instant began, in `queues.timezone`."""
    zone = book.settings.queue_zone
    return datetime.combine(at.astimezone(zone).date(), time(), zone).astimezone(UTC)


def _timestamp(at: datetime | None) -> float:
    return NEVER if at is None else at.timestamp()
