"""What is written down of a call in a queue, in the words of Asterisk's queue_log."""

import uuid
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

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
    call.journal.visit(
        visit.id,
        queue_id=visit.queue,
        caller_number=call.origin.identity.number,
        priority=visit.priority,
        skills=visit.skills,
        joined_at=visit.joined_at,
        entered_at=visit.entered_at,
        position=visit.position,
        is_callback=visit.called_back is not None,
    )


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
    journal.visit(visit.id, left_at=at, left_how=how, left_position=position)


def connected(
    journal: Journal,
    queue: Queue,
    visit: QueueVisit,
    agent: UUID,
    at: datetime,
    *,
    label: str,
    rang: float,
) -> None:
    waited = (at - visit.entered_at).total_seconds()
    journal.note(
        Moment.CONNECT,
        at,
        queue=queue.name,
        agent=label,
        wait=round(waited, 3),
        ring=round(rang, 3),
    )
    journal.waited(waited, agent)
    journal.visit(
        visit.id,
        answered_at=at,
        agent_extension_id=agent,
        left_at=at,
        left_how=Left.ANSWERED,
        left_position=1,
    )


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
        ended_at=at,
        ended_by="agent" if by_agent else "caller",
        talk_seconds=round(talked, 3),
    )
