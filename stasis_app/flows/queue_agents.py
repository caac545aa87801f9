"""The phones of the agents who are offered a caller, and what they show."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from stasis_app.call.arrival import ANONYMOUS
from stasis_app.call.call import Call
from stasis_app.call.ringing import Phone
from stasis_app.call.trunk_leg import identity
from stasis_app.rules.book import Book
from stasis_app.rules.caller_id import CallerId
from stasis_app.rules.queues import Queue

from .extension import phones


def rung(call: Call, queue: Queue, agents: Iterable[UUID]) -> dict[UUID, Sequence[Phone]]:
    """Return the phones of each agent. They show the queue's name and the caller all the time.

    Forwards of an agent are for who calls him, not for the queue.
    """
    book = call.exchange.book
    variables = identity(shown(call, queue))
    found: dict[UUID, Sequence[Phone]] = {}
    for agent in agents:
        row = book.extensions.get(agent)
        if row:
            made = phones(call, row.number, book.contacts(agent))
            found[agent] = [one._replace(variables=variables, label=row.number) for one in made]
    return found


def shown(call: Call, queue: Queue) -> CallerId:
    """Return what an agent's display shows: `Support: Erika` and her number."""
    caller = call.origin.identity
    if caller.private:
        return CallerId(ANONYMOUS, f"{queue.name}: {ANONYMOUS}")
    return CallerId(caller.number, f"{queue.name}: {caller.name or caller.number}")


def adopted(call: Call, agents: Mapping[UUID, Sequence[str]]) -> dict[UUID, Sequence[Phone]]:
    """Return the phones that another process has dialled."""
    book = call.exchange.book
    return {
        agent: [Phone(leg, "", label=name_of(book, agent)) for leg in agents[agent]]
        for agent in agents
    }


def name_of(book: Book, agent: UUID) -> str:
    """Return the number of an agent as the timeline names him."""
    row = book.extensions.get(agent)
    return row.number if row else str(agent)
