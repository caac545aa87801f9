"""What is written down of a call in a queue, in the words of Asterisk's queue_log."""

import uuid
from datetime import UTC, datetime
from typing import Any

from stasis_app.call.call import Call
from stasis_app.call.journal import Journal
from stasis_app.rules.queues import Queue
from stasis_app.words import Left, Moment

from .queue_visit import QueueVisit

MOMENT_OF = {
    Left.ABANDONED: Moment.ABANDON,
    Left.FAILED: Moment.ABANDON,
    Left.TIMEOUT: Moment.EXITWITHTIMEOUT,
    Left.KEY: Moment.EXITWITHKEY,
    Left.EMPTY: Moment.EXITEMPTY,
    Left.CLOSED: Moment.EXITEMPTY,
    Left.CALLBACK: Moment.CALLBACK_REQUESTED,
}


def entered(call: Call, queue: Queue, visit: QueueVisit) -> None:
    call.journal.note(
        Moment.ENTERQUEUE, queue=queue.name, position=visit.position, priority=visit.priority
    )
    number = call.origin.identity.number
    call.journal.visit(visit.id, caller_number=number, **columns(visit))


def columns(visit: QueueVisit) -> dict[str, Any]:
    """Return what is known of a visit, so that its row is whole whatever was written before.

    A process may have been killed just before it wrote it.
    """
    known = {
        "queue_id": visit.queue,
        "priority": visit.priority,
        "skills": visit.skills,
        "joined_at": visit.joined_at,
        "entered_at": visit.entered_at,
        "position": visit.position,
        "offers": visit.offers,
        "is_callback": visit.called_back is not None,
    }
    if visit.talking_since is None:
        return known
    return {
        **known,
        "answered_at": visit.talking_since,
        "agent_extension_id": next(iter(visit.agents)),
        "left_at": visit.talking_since,
        "left_how": Left.ANSWERED,
    }


def asks_to_be_called(call: Call, visit: QueueVisit, number: str) -> bool:
    """Note that the caller wants to be called back at his place; False: it can't be written down.

    The first request of a number in a queue counts, as long as it waits.
    """
    return call.journal.callback(
        uuid.uuid4(),
        queue_id=visit.queue,
        number=number,
        caller_name=call.origin.identity.name or None,
        language=call.said_language or None,
        priority=visit.priority,
        skills=visit.skills,
        joined_at=visit.joined_at,
        requested_at=datetime.now(UTC),
    )


def left(
    journal: Journal,
    queue: Queue,
    visit: QueueVisit,
    how: Left,
    at: datetime,
    *,
    position: int,
    **details: Any,
) -> None:
    """Note that the caller has left the line without having been served."""
    waited = (at - visit.entered_at).total_seconds()
    journal.note(
        MOMENT_OF[how],
        queue=queue.name,
        position=position,
        original_position=visit.position,
        wait=round(waited, 3),
        **details,
    )
    journal.waited(waited)
    ended = {"left_at": at, "left_how": how, "left_position": position}
    journal.visit(visit.id, **columns(visit), **ended)


def connected(
    journal: Journal, queue: Queue, visit: QueueVisit, *, label: str, rang: float, position: int
) -> None:
    """Note that an agent talks to the caller, who was at this place by then."""
    at = visit.talking_since or visit.entered_at
    waited = (at - visit.entered_at).total_seconds()
    journal.note(
        Moment.CONNECT,
        at,
        queue=queue.name,
        agent=label,
        wait=round(waited, 3),
        ring=round(rang, 3),
    )
    journal.waited(waited, next(iter(visit.agents)))
    journal.visit(visit.id, **columns(visit), left_position=position)


def ended(
    journal: Journal,
    queue: Queue,
    visit: QueueVisit,
    at: datetime,
    talked: float,
    *,
    label: str,
    by_agent: bool,
) -> None:
    began = visit.talking_since or at
    journal.note(
        Moment.COMPLETEAGENT if by_agent else Moment.COMPLETECALLER,
        at,
        queue=queue.name,
        agent=label,
        wait=round((began - visit.entered_at).total_seconds(), 3),
        talk=round(talked, 3),
        position=visit.position,
    )
    journal.visit(
        visit.id,
        **columns(visit),
        ended_at=at,
        ended_by="agent" if by_agent else "caller",
        talk_seconds=round(talked, 3),
    )
