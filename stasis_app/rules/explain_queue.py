"""What `pbx explain` says of queues and of what their agents dial."""

from collections.abc import Iterator

from stasis_app.words import QueueStatus, Wanted, WhenEmpty

from . import agents, queueing
from .book import Book
from .codes import Act, AgentCode
from .explain_voice import goes_to, media
from .models import Asked, Destination, Extension
from .queues import Member, Queue


def queue(book: Book, destination: Destination) -> Iterator[str]:
    found = book.queues.get(destination.id)
    if found is None:
        return
    called = destination.payer.diverted[0] if destination.payer.diverted else ""
    way_out = goes_to(queueing.overflow(book, found, called))
    refusal = queueing.lets_in(book, found, 0)
    if refusal:
        yield f"queue {found.name} is {_why_not(found, refusal)}: {way_out}"
        return
    yield f"queue {found.name} ({found.strategy}){_asked(found, destination.asked)}"
    if welcome := media(book, found.welcome):
        yield f"it plays {welcome}"
    yield from _members(book, found)
    if limits := _limits(found):
        yield f"when {limits}: {way_out}"
    if found.exit_key:
        yield f"key {found.exit_key}: {goes_to(queueing.exit(book, found, called))}"
    if found.callback_key:
        yield f"key {found.callback_key}: the caller asks to be called back"


def code(book: Book, asked: AgentCode, owner: Extension | None) -> str:
    """Tell what a code of an agent does."""
    number = asked.extension or (owner.number if owner else "")
    agent = book.extension(number)
    if agent is None or not book.queue_members.queues_of(agent.id):
        return f"refused: extension {number} is in no queue"
    own = owner is not None and agent.id == owner.id
    pin = "" if own else ", with the PIN of its mailbox"
    return f"{_done(book, asked, agent)}{pin}"


def _done(book: Book, asked: AgentCode, agent: Extension) -> str:
    if asked.act is Act.END_WRAP_UP:
        return f"the wrap-up of extension {agent.number} ends"
    if asked.act is Act.BREAK:
        reason = agents.break_reason(book, asked.reason)
        begins = agents.break_turned_over(book, agent.id, reason) is Wanted.BREAK
        why = f" ({reason})" if reason else ""
        return f"extension {agent.number} {f'takes a break{why}' if begins else 'ends its break'}"
    queue = book.queues.at(asked.queue) if asked.queue else None
    if asked.queue and (queue is None or not queue.active):
        return f"refused: no queue has the number {asked.queue} (unallocated_number)"
    wanted = agents.login_turned_over(book, agent.id, queue.id if queue else None)
    does = "logs out of" if wanted is Wanted.OFFLINE else "logs in to"
    return f"extension {agent.number} {does} {f'queue {queue.name}' if queue else 'all queues'}"


def _why_not(queue: Queue, refusal: str) -> str:
    if refusal == queueing.CLOSED:
        return "paused" if queue.status is QueueStatus.PAUSED else "inactive"
    return "without an agent" if refusal == queueing.EMPTY else "closed to all callers"


def _asked(queue: Queue, asked: Asked) -> str:
    priority = queue.priority if asked.priority is None else asked.priority
    skills = f", asking for {', '.join(asked.skills)}" if asked.skills else ""
    return f", priority {priority}{skills}"


def _members(book: Book, queue: Queue) -> Iterator[str]:
    members = sorted(book.queue_members.of(queue.id), key=lambda one: (one.priority, one.penalty))
    for member in members:
        found = book.extensions.get(member.extension)
        number = found.number if found else str(member.extension)
        yield f"agent {number}: {_state(book, queue, member)}"
    if not members:
        yield "it has no agents"


def _state(book: Book, queue: Queue, member: Member) -> str:
    hindrance = agents.hindrance(book, member.extension)
    asked = agents.presences(book, member.extension, queue.id)
    away = next((one.wanted for one in asked if one.wanted is not Wanted.AVAILABLE), None)
    if hindrance or away:
        return f"does not ring ({away or hindrance})"
    return f"rings for {queue.ring_seconds:g} s"


def _limits(queue: Queue) -> str:
    limits = []
    if queue.max_size is not None:
        limits.append(f"{queue.max_size} callers wait")
    if queue.max_wait_seconds is not None:
        limits.append(f"{queue.max_wait_seconds:g} s have passed")
    if queue.when_empty is WhenEmpty.LEAVE:
        limits.append("no agent is logged in")
    return " or ".join(limits)
