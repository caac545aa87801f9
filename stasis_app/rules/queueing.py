"""Who is let into a queue, what a call there asks for as time goes on, and where it leads out."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from stasis_app.words import OverflowAction, QueueStatus, QueueStrategy, WhenEmpty

from .agents import attended
from .book import Book
from .inbound import resolve, sends_on
from .models import Asked, Destination, Target
from .queues import Queue

FULL, CLOSED, EMPTY = "full", "closed", "empty"
TOLERANCE_SECONDS = 0.001


def lets_in(book: Book, queue: Queue, waiting: int) -> str | None:
    """Return why a call may not join those who wait: closed, empty or full; None: it may.

    `waiting` counts the calls in the line.
    """
    if queue.status is not QueueStatus.ACTIVE:
        return CLOSED
    if queue.when_empty is WhenEmpty.LEAVE and not attended(book, queue.id):
        return EMPTY
    return FULL if queue.max_size is not None and waiting >= queue.max_size else None


def overflow(book: Book, queue: Queue, called: str = "") -> Destination | None:
    """Return where a call goes that is not served; None: it ends.

    The queue pays for an outside number, as an inbound rule does. `called` is the number from
    outside that led here.
    """
    return _resolve(book, queue, queue.overflow, called)


def exit(book: Book, queue: Queue, called: str = "") -> Destination | None:
    """Return where the exit key leads; None: nowhere."""
    found = _resolve(book, queue, queue.exit_target, called)
    return replace(found, by_hand=True) if found else None


def _resolve(book: Book, queue: Queue, target: Target | None, called: str) -> Destination | None:
    return resolve(book, target, sends_on(f"queue {queue.name}", called)) if target else None


def merged(before: Asked, after: Asked) -> Asked:
    """Return what a call asks for on its way on: what is not said anew stays."""
    return Asked(
        before.priority if after.priority is None else after.priority,
        before.skills if after.skills is None else after.skills,
    )


def skills_left(
    skills: Sequence[str], waited_seconds: float, relax_seconds: float | None
) -> tuple[str, ...]:
    """Return the skills still asked for: the last one is dropped every `relax_seconds`."""
    dropped = _dropped(waited_seconds, relax_seconds)
    return tuple(skills[: max(len(skills) - dropped, 0)])


def next_relax(
    skills: Sequence[str], waited_seconds: float, relax_seconds: float | None
) -> float | None:
    """Return in how many seconds the next skill is dropped; None: never."""
    dropped = _dropped(waited_seconds, relax_seconds)
    if not relax_seconds or dropped >= len(skills):
        return None
    return (dropped + 1) * relax_seconds - waited_seconds


def _dropped(waited_seconds: float, relax_seconds: float | None) -> int:
    """A timer that was set for the instant may fire a little early."""
    if not relax_seconds:
        return 0
    return max(int((waited_seconds + TOLERANCE_SECONDS) // relax_seconds), 0)


def queue_of(book: Book, identity: UUID) -> Queue:
    """Return the queue in which somebody is, be it that its row has gone meanwhile."""
    return book.queues.get(identity) or _gone(identity)


def _gone(identity: UUID) -> Queue:
    return Queue(
        id=identity,
        name="(deleted)",
        number=None,
        status=QueueStatus.INACTIVE,
        strategy=QueueStrategy.LONGEST_IDLE,
        threshold_seconds=0.0,
        max_wait_seconds=None,
        max_size=None,
        wrap_up_seconds=0.0,
        ring_seconds=0.0,
        weight=1.0,
        music="default",
        welcome=None,
        announces_position=False,
        announces_wait=False,
        announce_seconds=0.0,
        overflow_action=OverflowAction.HANGUP,
        overflow=None,
    )
