"""The agents of the queues, found by queue and by extension, and what each has asked for."""

from collections.abc import Collection
from uuid import UUID

from . import rows_of_queues
from .queues import Member, Presence
from .shelf import Shelf


class MemberShelf(Shelf[Member]):
    """To ask costs the same with any number of members; what is returned is not to be kept."""

    def __init__(self) -> None:
        super().__init__(rows_of_queues.member)
        self._by_queue: dict[UUID, dict[UUID, Member]] = {}
        self._by_extension: dict[UUID, dict[UUID, Member]] = {}

    def of(self, queue: UUID) -> Collection[Member]:
        """Return the members of a queue."""
        return self._by_queue.get(queue, {}).values()

    def queues_of(self, extension: UUID) -> Collection[Member]:
        """Return the memberships of an extension."""
        return self._by_extension.get(extension, {}).values()

    def offer(self, item: Member) -> None:
        self._by_queue.setdefault(item.queue, {})[item.id] = item
        self._by_extension.setdefault(item.extension, {})[item.id] = item

    def withdraw(self, item: Member) -> None:
        for index, key in ((self._by_queue, item.queue), (self._by_extension, item.extension)):
            sharing = index[key]
            del sharing[item.id]
            if not sharing:
                del index[key]


class PresenceShelf(Shelf[Presence]):
    """Of two rows for the same the younger one counts: a row may be put in before the old goes."""

    def __init__(self) -> None:
        super().__init__(rows_of_queues.presence)
        self._by_agent: dict[tuple[UUID, UUID | None], dict[UUID, Presence]] = {}

    def of(self, extension: UUID, queue: UUID | None) -> Presence | None:
        """Return what an agent has asked for, in all queues (None) or in one."""
        found = self._by_agent.get((extension, queue))
        return max(found.values(), key=_age) if found else None

    def offer(self, item: Presence) -> None:
        self._by_agent.setdefault((item.extension, item.queue), {})[item.id] = item

    def withdraw(self, item: Presence) -> None:
        key = (item.extension, item.queue)
        del self._by_agent[key][item.id]
        if not self._by_agent[key]:
            del self._by_agent[key]


def _age(presence: Presence) -> tuple[object, ...]:
    return presence.since, presence.id
