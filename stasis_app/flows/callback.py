"""Somebody is called back: an agent is reserved for him already, and he must accept the call.

A mailbox or a child that picks up does not press the key. From then on he is in the queue like
anybody else, at his old place.
"""

import asyncio
import uuid
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import TracebackType

from stasis_app.call.arrival import Origin
from stasis_app.call.call import MEDIA_SECONDS, Call
from stasis_app.call.exchange import Exchange
from stasis_app.call.journal import Journal, Opening
from stasis_app.call.lifeline import Lifeline
from stasis_app.call.outgoing import Outgoing
from stasis_app.call.place import Kept
from stasis_app.call.present import Present
from stasis_app.rules import callbacks as rules
from stasis_app.rules.callee import spoken
from stasis_app.rules.caller_id import CallerId
from stasis_app.rules.models import Destination, Position
from stasis_app.rules.sentences import Sentence, say
from stasis_app.words import CallbackState, Direction, HangupCause

from .callback_errand import STEP, Errand
from .callback_reach import queue_of, reach, ring_seconds
from .destination import follow
from .queue_visit import CalledBack, QueueVisit
from .queue_wait import Turn

__all__ = ["STEP", "begin", "call_back", "go_on", "was_over"]

ACCEPT_KEY = "1"
RETRY_SECONDS = 60.0
NOT_ACCEPTED, HUNG_UP = "not_accepted", "hung_up"


def begin(exchange: Exchange, errand: Errand, identity: uuid.UUID) -> Outgoing:
    """Write down that somebody is about to be called back."""
    wanted, now = errand.wanted, datetime.now(UTC)
    found = queue_of(exchange, errand)
    extension = exchange.book.extension(wanted.number)
    direction = Direction.INTERNAL if extension else Direction.OUTBOUND
    journal = Journal(identity, exchange.write, now)
    origin = Origin(direction, CallerId(wanted.number, wanted.name))
    call = Outgoing(exchange, journal, origin)
    call.speak(wanted.language)
    call.language = spoken(exchange.book, wanted.language)
    opening = Opening(
        sip_call_id=str(identity),
        direction=direction,
        caller_number=found.number or found.name,
        caller_name=found.name,
        callee_number=wanted.number,
        initiated_at=now,
    )
    journal.begin(opening, Position(call.caller.id, STEP, errand.arguments(), 0, now))
    journal.queue(found.id)
    if extension:
        journal.callee(extension.id, extension.display_name)
    return call


async def call_back(call: Outgoing, errand: Errand, kept: Kept) -> None:
    """Call somebody, and let him talk to the agent who is kept for him."""
    with kept.line, ExitStack() as occupied, Attempt(call, errand) as attempt:
        outcome = await reach(call, errand, occupied)
        if isinstance(outcome, HangupCause):
            attempt.problem, call.cause = outcome, call.cause or outcome
            return
        attempt.errand = outcome
        call.stands(STEP, outcome.arguments())
        async with Lifeline(call.caller):
            await follow(call, await attempt.serve(kept))


async def go_on(call: Call, position: Position, asterisk: Present) -> Destination | None:
    """Ask again whom a process that is gone has reached. Whom it has not is called later."""
    errand = Errand.of(position.arguments)
    wanted, floor = errand.wanted, call.exchange.floor
    call.origin = replace(call.origin, identity=CallerId(wanted.number, wanted.name))
    call.language = spoken(call.exchange.book, wanted.language)
    floor.slots.adopt(errand.agent, call.id)
    with ExitStack() as line, Attempt(call, errand) as attempt:
        line.enter_context(call.exchange.engaged.hold(errand.over))
        if not call.caller.up:
            attempt.problem, call.cause = "restart", HangupCause.NORMAL_CLEARING
            return None
        with ExitStack() as standing:
            place = standing.enter_context(
                floor.line_up(
                    call.id,
                    queue_of(call.exchange, errand),
                    priority=wanted.priority,
                    joined_at=wanted.joined_at,
                    skills=wanted.skills,
                    absent_seconds=rules.reserved_seconds(call.exchange.book, ring_seconds(call)),
                )
            )
            floor.hold(call.id)
            return await attempt.serve(Kept(standing, place, errand.agent))


def was_over(exchange: Exchange, journal: Journal, position: Position) -> None:
    """Note that an attempt has failed while nobody was watching; the agent is free again."""
    exchange.floor.free_left_behind(journal.call)
    settle(exchange, journal, Errand.of(position.arguments), "restart")


class Attempt:
    """`with Attempt(…) as attempt:` around it. The agent is free behind it, unless it is accepted.

    `problem` is why it was not.
    """

    def __init__(self, call: Call, errand: Errand) -> None:
        self.errand = errand
        self.problem = HUNG_UP
        self._call = call
        self._accepted = False
        self._engaged = ExitStack()
        self._engaged.enter_context(call.exchange.engaged.hold(errand.agent))

    def __enter__(self) -> "Attempt":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._engaged.close()
        exchange = self._call.exchange
        if not self._accepted and not exchange.leaving:
            settle(exchange, self._call.journal, self.errand, self.problem)
            exchange.floor.released(self.errand.agent, self._call.id)

    async def serve(self, kept: Kept) -> Destination | None:
        """Ask whether the call is accepted; then it is one like any other in the queue."""
        call = self._call
        if not await accepts(call):
            self.problem, call.cause = NOT_ACCEPTED, HangupCause.NORMAL_CLEARING
            return None
        self._accepted = True
        self._engaged.close()
        settle(call.exchange, call.journal, self.errand, None)
        turn = Turn(call, queue_of(call.exchange, self.errand), self._visit())
        return await turn.wait(kept=kept)

    def _visit(self) -> QueueVisit:
        wanted = self.errand.wanted
        over = self.errand.over
        return QueueVisit(
            uuid.uuid4(),
            wanted.queue,
            "",
            entered_at=datetime.now(UTC),
            joined_at=wanted.joined_at,
            priority=wanted.priority,
            skills=wanted.skills,
            welcomed=True,
            called_back=CalledBack(wanted.number, wanted.name, over) if over else None,
        )


async def accepts(call: Call) -> bool:
    call.keys.clear()
    await asyncio.sleep(MEDIA_SECONDS)
    said = say(Sentence.CALLED_BACK, call.language)
    for _ in range(rules.TIMES_ASKED):
        if await call.ask(*said, seconds=rules.ACCEPT_SECONDS, keys=ACCEPT_KEY):
            return True
    return False


def settle(exchange: Exchange, journal: Journal, errand: Errand, problem: str | None) -> None:
    """Write down how the attempt went; None: well. After the last one it is given up."""
    now, tries = datetime.now(UTC), queue_of(exchange, errand).callback_tries
    state, next_try_at = CallbackState.DONE, None
    if problem and errand.wanted.attempts + 1 < tries:
        state = CallbackState.WAITING
        pause = exchange.book.number("queues.callback_retry_seconds", RETRY_SECONDS)
        next_try_at = now + timedelta(seconds=pause)
    elif problem:
        state = CallbackState.FAILED
    done_at = None if state is CallbackState.WAITING else now
    journal.callback(
        errand.wanted.id, state=state, problem=problem, next_try_at=next_try_at, done_at=done_at
    )
