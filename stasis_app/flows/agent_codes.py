"""Codes of agents: they log in and out of queues, take breaks, and end their wrap-up."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from stasis_app.call.call import Call
from stasis_app.call.present import Present
from stasis_app.rules.agents import break_reason, break_turned_over, login_turned_over
from stasis_app.rules.callee import spoken
from stasis_app.rules.codes import Act, AgentCode, feature_code
from stasis_app.rules.models import Extension, Position
from stasis_app.rules.queues import Queue
from stasis_app.rules.sentences import Sentence
from stasis_app.words import HangupCause, Moment, Wanted

from .mailbox_login import TRIES, attempted
from .mailbox_visit import goodbye

STEP = "agent_code"
CODE, TRIED, WRITTEN = "code", "tried", "written"

DONE: dict[tuple[Act, Wanted | None], Sentence] = {
    (Act.LOG_IN_OUT, Wanted.AVAILABLE): Sentence.LOGGED_IN,
    (Act.LOG_IN_OUT, Wanted.OFFLINE): Sentence.LOGGED_OUT,
    (Act.BREAK, Wanted.BREAK): Sentence.ON_BREAK,
    (Act.BREAK, Wanted.AVAILABLE): Sentence.BREAK_OVER,
    (Act.END_WRAP_UP, None): Sentence.WRAP_UP_OVER,
}


@dataclass(frozen=True, slots=True)
class Resolve:
    """What an agent is to be from now on, in all queues or in one; END_WRAP_UP wants nothing."""

    agent: UUID
    act: Act
    wanted: Wanted | None = None
    queue: UUID | None = None
    reason: str = ""

    def arguments(self) -> dict[str, Any]:
        """Return what `call_positions.arguments` holds."""
        return {
            "agent": str(self.agent),
            "act": self.act,
            "wanted": self.wanted,
            "queue": str(self.queue) if self.queue else None,
            "reason": self.reason,
        }

    @classmethod
    def of(cls, place: Mapping[str, Any]) -> "Resolve":
        """Read what `arguments` wrote. Raises KeyError or ValueError."""
        wanted, queue = place["wanted"], place["queue"]
        return cls(
            UUID(place["agent"]),
            Act(place["act"]),
            Wanted(wanted) if wanted else None,
            UUID(queue) if queue else None,
            place["reason"],
        )


async def agent_code(call: Call, asked: AgentCode, number: str, tried: int = 0) -> None:
    """Do what a code asks for that was dialled as `number`.

    The own phone of the agent is believed, any other needs the PIN of the agent's mailbox; `tried`
    counts the wrong ones. Without the PIN nobody is told who is an agent.
    """
    book = call.exchange.book
    caller = book.extensions.get(call.origin.extension)
    call.language = spoken(book, "", caller)
    agent = book.extension(asked.extension) if asked.extension else caller
    try:
        if asked.extension and (agent is None or agent != caller):
            agent = await by_pin(call, asked.extension, number, tried)
            if agent is None:
                return
        await turn_over(call, asked, agent)
    except ConnectionError:
        await call.refuse(HangupCause.FAILURE, in_words=True, reason="postgres_away")


async def go_on(call: Call, position: Position, asterisk: Present) -> None:
    """Enter the story where a process that is gone has left it; what was decided stays so."""
    place = position.arguments
    asked = feature_code(place.get(CODE, ""))
    if isinstance(asked, AgentCode):
        await agent_code(call, asked, place[CODE], place[TRIED])
        return
    resolve = Resolve.of(place)
    try:
        await carry_out(call, resolve, written=place[WRITTEN])
    except ConnectionError:
        await call.refuse(HangupCause.FAILURE, in_words=True, reason="postgres_away")


async def by_pin(call: Call, extension: str, number: str, tried: int) -> Extension | None:
    """Return the agent whose PIN the caller types, as for *98; None if he does not know it.

    Raises ConnectionError.
    """
    call.stands(STEP, {CODE: number, TRIED: tried})
    await call.answer()
    for attempt in range(tried, TRIES):
        call.stands(STEP, {CODE: number, TRIED: attempt})
        box = await attempted(call, extension, again=attempt > 0)
        if box:
            return call.exchange.book.extensions.get(box.extension)
    call.stands(STEP, {CODE: number, TRIED: TRIES})
    await call.announce(Sentence.WRONG_PIN)
    await goodbye(call)
    return None


async def turn_over(call: Call, asked: AgentCode, agent: Extension | None) -> None:
    """Decide what the agent is from now on, and make it so. Raises ConnectionError."""
    book = call.exchange.book
    members = book.queue_members.queues_of(agent.id) if agent else ()
    if agent is None or not members:
        await call.refuse(HangupCause.FORBIDDEN, in_words=True, reason="no_agent")
        return
    queue = book.queues.at(asked.queue) if asked.queue else None
    own = queue is not None and any(member.queue == queue.id for member in members)
    if asked.queue and not (queue and queue.active and own):
        await call.refuse(HangupCause.UNALLOCATED_NUMBER, reason="no_such_queue")
        return
    await carry_out(call, decided(call, asked, agent, queue))


def decided(call: Call, asked: AgentCode, agent: Extension, queue: Queue | None) -> Resolve:
    book = call.exchange.book
    if asked.act is Act.END_WRAP_UP:
        return Resolve(agent.id, asked.act)
    if asked.act is Act.BREAK:
        reason = break_reason(book, asked.reason)
        wanted = break_turned_over(book, agent.id, reason)
        return Resolve(agent.id, asked.act, wanted, None, reason if wanted is Wanted.BREAK else "")
    where = queue.id if queue else None
    return Resolve(agent.id, asked.act, login_turned_over(book, agent.id, where), where)


async def carry_out(call: Call, resolve: Resolve, *, written: bool = False) -> None:
    """Write down what was decided, unless it is, and say so. Raises ConnectionError.

    It is done before the answer: who has a key for it hangs up at once.
    """
    book = call.exchange.book
    agent = book.extensions.get(resolve.agent)
    if agent is None:
        await call.refuse(HangupCause.FORBIDDEN, in_words=True, reason="no_agent")
        return
    call.language = spoken(book, "", agent)
    call.stands(STEP, {**resolve.arguments(), WRITTEN: written})
    if not written:
        await write(call, resolve, agent)
        call.stands(STEP, {**resolve.arguments(), WRITTEN: True})
    await call.answer()
    await call.announce(DONE[resolve.act, resolve.wanted])


async def write(call: Call, resolve: Resolve, agent: Extension) -> None:
    """The end of a wrap-up goes the way of calls: it does not wait for Postgres."""
    exchange = call.exchange
    if resolve.wanted is None:
        exchange.floor.rested(agent.id)
        call.journal.note(Moment.CODE_USED, agent=agent.number, act=resolve.act)
        return
    await exchange.agents.say(agent.id, resolve.queue, resolve.wanted, resolve.reason)
    queue = exchange.book.queues.get(resolve.queue)
    call.journal.note(
        Moment.AGENT_STATE,
        agent=agent.number,
        wanted=resolve.wanted,
        queue=queue.name if queue else None,
        reason=resolve.reason,
    )
