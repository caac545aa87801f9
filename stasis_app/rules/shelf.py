"""One table in memory: rows by id, made into what rules decide on, and how they are found."""

from collections.abc import Callable, Collection, Iterable
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from .columns import Row, RowError


class Identified(Protocol):
    """A model of a row."""

    @property
    def id(self) -> UUID: ...


T = TypeVar("T", bound=Identified)

Build = Callable[[Row], T]


class Shelf(Generic[T]):
    """The rows of one table. One that can't be used is left out; `broken` says which and why."""

    def __init__(self, build: Build[T]) -> None:
        self._build = build
        self.items: dict[UUID, T] = {}
        self.broken: dict[UUID, RowError] = {}

    def get(self, identity: UUID | None) -> T | None:
        return self.items.get(identity) if identity else None

    def forget(self, ids: Collection[UUID]) -> None:
        for identity in ids:
            self.broken.pop(identity, None)
            item = self.items.pop(identity, None)
            if item is not None:
                self.withdraw(item)

    def put(self, rows: Iterable[Row]) -> None:
        """Add rows; one takes the place of what was there under its id."""
        for row in rows:
            identity = row["id"]
            self.forget((identity,))
            try:
                item = self._build(row)
            except RowError as error:
                self.broken[identity] = error
                continue
            except (AttributeError, LookupError, TypeError, ValueError) as error:
                self.broken[identity] = RowError(str(identity), f"can't be read: {error}")
                continue
            self.keep(identity, item)

    def keep(self, identity: UUID, item: T) -> None:
        self.items[identity] = item
        self.offer(item)

    def settle(self) -> None:
        """Do what is done once for many rows, before a call asks."""

    def offer(self, item: T) -> None:
        """Make the item findable by more than its id."""

    def withdraw(self, item: T) -> None:
        """Take back what `offer` did."""


class Numbered(Shelf[T]):
    """Found by a number as well. Of rows with one number the one with the lowest id has it."""

    def __init__(self, build: Build[T], number: Callable[[T], str | None]) -> None:
        super().__init__(build)
        self._number = number
        self._by_number: dict[str, dict[UUID, T]] = {}

    def at(self, number: str) -> T | None:
        sharing = self._by_number.get(number)
        return sharing[min(sharing)] if sharing else None

    def offer(self, item: T) -> None:
        number = self._number(item)
        if number:
            self._by_number.setdefault(number, {})[item.id] = item

    def withdraw(self, item: T) -> None:
        number = self._number(item)
        sharing = self._by_number.get(number) if number else None
        if number and sharing:
            sharing.pop(item.id, None)
            if not sharing:
                del self._by_number[number]
