"""A call for a queue: it waits its turn, and agents are rung for it."""

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, datetime

from stasis_app.call.bridge import Bridge
from stasis_app.call.call import Call
from stasis_app.call.exchange import Exchange
from stasis_app.call.journal import Journal
from stasis_app.call.present import Present
from stasis_app.rules import queueing as rules
from stasis_app.rules.callee import spoken
from stasis_app.rules.caller_id import CallerId
from stasis_app.rules.models import Destination, Position
from stasis_app.rules.queues import Queue
from stasis_app.rules.sentences import Sentence
from stasis_app.words import HangupCause, Left, Moment

from . import queue_notes as notes
from .queue_agents import name_of
from .queue_visit import QueueVisit, Stage
from .queue_wait import STEP, Turn

__all__ = ["STEP", "go_on", "queue", "waits", "was_over"]

EARLIER_SECONDS = 1.0

TURNED_AWAY = {
    rules.FULL: (HangupCause.BUSY, Sentence.AGENTS_BUSY, Left.FULL),
    rules.CLOSED: (HangupCause.UNAVAILABLE, Sentence.QUEUE_CLOSED, Left.CLOSED),
    rules.EMPTY: (HangupCause.UNAVAILABLE, Sentence.QUEUE_CLOSED, Left.EMPTY),
}


async def queue(call: Call, destination: Destination) -> Destination | None:
    """Answer, and let the caller wait until an agent speaks to him, or the queue gives him up."""
    found = call.exchange.book.queues.get(destination.id)
    if found is None:
        await call.refuse(HangupCause.UNALLOCATED_NUMBER, number=destination.number)
        return None
    called, _ = destination.payer.diverted or ("", "")
    call.language = spoken(call.exchange.book, call.said_language)
    call.journal.queue(found.id)
    why = lets_in(call, found)
    if why:
        return await turned_away(call, found, called, why)
    visit = await first_visit(call, found, called)
    found = call.exchange.book.queues.get(found.id) or found
    why = lets_in(call, found)  # others may have come meanwhile
    if why:
        return await turned_away(call, found, called, why)
    return await Turn(call, found, visit).wait()


def lets_in(call: Call, found: Queue) -> str | None:
    exchange = call.exchange
    return rules.lets_in(exchange.book, found, exchange.floor.waiting(found.id))


async def go_on(call: Call, position: Position, asterisk: Present) -> Destination | None:
    """Enter the story where a process that is gone has left it, at the place of before."""
    visit = QueueVisit.of(position.arguments)
    back = visit.called_back
    if back:
        call.origin = replace(call.origin, identity=CallerId(back.number, back.name))
    with call.exchange.engaged.hold(back.over if back else None):
        return await go_on_waiting(call, visit, position, asterisk)


async def go_on_waiting(
    call: Call, visit: QueueVisit, position: Position, asterisk: Present
) -> Destination | None:
    found = rules.queue_of(call.exchange.book, visit.queue)
    call.language = spoken(call.exchange.book, call.said_language)
    turn = Turn(call, found, visit, adopted=True)
    if visit.stage is Stage.TALKING:
        await talk_on(turn, position, asterisk)
        return None
    if visit.stage is Stage.OVER:
        call.cause = HangupCause.NORMAL_CLEARING
        return None
    if visit.stage is Stage.RINGING:
        return await turn.wait(turn.take_over(position, asterisk))
    return await turn.wait()


async def talk_on(turn: Turn, position: Position, asterisk: Present) -> None:
    """Let an agent and a caller go on talking who were not watched for a while."""
    call, visit = turn.call, turn.visit
    since = visit.talking_since or position.since
    if any(leg in asterisk.channels for leg in position.legs):
        offer = turn.take_over(position, asterisk)
        async with offer:
            if offer.answered and await offer.join(offer.answered):
                turn.floor.slots.connected(offer.agent_of(offer.answered), call.id, since)
                await turn.talk_on(offer, offer.answered)
                return
    elif position.bridge:
        bridge = Bridge(call, position.bridge)
        bridge.adopt(asterisk)
        bridge.close(answered=True)
    call.cause = HangupCause.NORMAL_CLEARING
    for agent in visit.agents:
        label = name_of(call.exchange.book, agent)
        turn.part(agent, label, datetime.now(UTC), by_agent=True)


def waits(position: Position) -> bool:
    """Return whether a call stood in line."""
    return QueueVisit.of(position.arguments).stage in (Stage.WAITING, Stage.RINGING)


def was_over(
    exchange: Exchange, journal: Journal, position: Position, at: datetime, *, cut_off: bool
) -> None:
    """Note what became of a caller who is gone since nobody was watching; agents are free again.

    He has hung up, or was `cut_off`. Of an agent who is free already, all is written.
    """
    visit = QueueVisit.of(position.arguments)
    if visit.stage is Stage.OVER:
        return
    found = rules.queue_of(exchange.book, visit.queue)
    floor = exchange.floor
    if visit.stage is not Stage.TALKING:
        floor.free_left_behind(journal.call)
        how = Left.FAILED if cut_off else Left.ABANDONED
        notes.left(journal, found, visit, how, at, position=visit.position)
        return
    talked = visit.talked(at)
    for agent in visit.agents:
        if floor.slots.of(agent).call == journal.call:
            floor.slots.adopt(agent, journal.call)
            floor.ended(agent, journal.call, found, at, talked)
    label = " ".join(name_of(exchange.book, agent) for agent in visit.agents)
    notes.ended(journal, found, visit, at, talked, label=label, by_agent=False)


async def first_visit(call: Call, found: Queue, called: str) -> QueueVisit:
    now = datetime.now(UTC)
    priority = call.asked.priority
    return QueueVisit(
        uuid.uuid4(),
        found.id,
        called,
        entered_at=now,
        joined_at=await earlier(call, found) or now,
        priority=found.priority if priority is None else priority,
        skills=call.asked.skills or (),
    )


async def earlier(call: Call, found: Queue) -> datetime | None:
    """Return since when the caller has waited who hung up and calls again.

    One who withholds the number, or a Postgres that is away, begins anew.
    """
    caller = call.origin.identity
    if caller.private or not (found.redial_seconds or found.callback_key):
        return None
    try:
        async with asyncio.timeout(EARLIER_SECONDS):
            return await call.exchange.agents.earlier(found.id, caller.number, found.redial_seconds)
    except (ConnectionError, TimeoutError):
        return None


async def turned_away(call: Call, found: Queue, called: str, why: str) -> Destination | None:
    """Send a caller on who is not let in; without an overflow he hears a word, unanswered."""
    cause, sentence, left = TURNED_AWAY[why]
    now = datetime.now(UTC)
    call.journal.note(Moment.FULL, queue=found.name, reason=why)
    call.journal.visit(
        uuid.uuid4(),
        queue_id=found.id,
        caller_number=call.origin.identity.number,
        entered_at=now,
        joined_at=now,
        left_at=now,
        left_how=left,
    )
    onward = rules.overflow(call.exchange.book, found, called)
    if onward is None:
        await call.refuse(cause, sentence=sentence, reason=f"queue_{why}")
        return None
    call.journal.note(Moment.FORWARDED, number=f"queue {found.name}", to=onward.number, reason=why)
    return onward
