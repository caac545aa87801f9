"""The black list, found by what a caller shows."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from stasis_app.words import BlacklistType

from . import rows
from .models import BlacklistEntry
from .number_lists import NumberList
from .shelf import Shelf
from .system_settings import SystemSettings


class BlacklistShelf(Shelf[BlacklistEntry]):
    """Entries by what they match."""

    def __init__(self, settings: SystemSettings) -> None:
        super().__init__(partial(rows.blacklist_entry, country=settings.country))
        self._numbers: NumberList[BlacklistEntry] = NumberList(settings.country)
        self._agents: dict[UUID, BlacklistEntry] = {}

    def offer(self, item: BlacklistEntry) -> None:
        if item.type is BlacklistType.PHONE_NUMBER:
            self._numbers.add(item.value, item)
        elif item.type is BlacklistType.USER_AGENT:
            self._agents[item.id] = item

    def withdraw(self, item: BlacklistEntry) -> None:
        if item.type is BlacklistType.PHONE_NUMBER:
            self._numbers.remove(item.value, item)
        self._agents.pop(item.id, None)

    def number(self, caller: Sequence[str], at: datetime) -> BlacklistEntry | None:
        """Return the entry that a caller's number meets. Expired ones are dropped on the way."""
        while (found := self._numbers.find(caller)) and has_expired(found, at):
            self._numbers.remove(found.value, found)
        return found

    def user_agent(self, agent: str, at: datetime) -> BlacklistEntry | None:
        said = rows.as_filtered(agent).lower()
        for entry in self._agents.values():
            if entry.value.lower() in said and not has_expired(entry, at):
                return entry
        return None

    def addresses(self, at: datetime) -> list[str]:
        """Return the IP addresses and networks that may not speak to us at all."""
        return sorted(
            entry.value
            for entry in self.items.values()
            if entry.type is BlacklistType.IP and not has_expired(entry, at)
        )


def has_expired(entry: BlacklistEntry, at: datetime) -> bool:
    return entry.expires_at is not None and entry.expires_at <= at
