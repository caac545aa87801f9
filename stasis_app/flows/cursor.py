"""Going through the messages of a mailbox."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from stasis_app.rules.mailbox import Message


class Cursor:
    """Where somebody is among the messages of a box, which keep the order they were found in.

    What is deleted here keeps its place, so that it can be taken back. What is deleted elsewhere
    is passed over. What comes meanwhile waits behind the last one until it is let in.
    """

    def __init__(self, found: Sequence[Message]) -> None:
        self._messages = list(found)
        self._place = -1
        self._gone: set[UUID] = set()
        self._waiting: list[Message] = []
        self.deleted: set[UUID] = set()

    @property
    def message(self) -> Message | None:
        """The message that is listened to; None before the first, and if it is gone."""
        if self._place < 0 or self._messages[self._place].id in self._gone:
            return None
        return self._messages[self._place]

    @property
    def messages(self) -> list[Message]:
        """The messages that are left, and those deleted here."""
        return [one for one in self._messages if one.id not in self._gone]

    @property
    def count(self) -> int:
        return len(self.messages)

    @property
    def position(self) -> int:
        """The message's number among those that are left, from 1."""
        return sum(1 for one in self._messages[: self._place + 1] if one.id not in self._gone)

    def look(self, present: Sequence[Message]) -> None:
        """Take note of what the box holds now."""
        now = {one.id: one for one in present}
        self.deleted -= now.keys()
        known = {one.id for one in self._messages}
        self._gone = known - now.keys() - self.deleted
        self._messages = [now.get(one.id, one) for one in self._messages]
        self._waiting = [one for one in present if one.id not in known and not one.read]

    def let_in(self) -> Sequence[Message]:
        """Behind the last message, have what has come meanwhile follow it, and return it."""
        if any(one.id not in self._gone for one in self._messages[self._place + 1 :]):
            return ()
        came, self._waiting = self._waiting, []
        self._messages += came
        return came

    def first(self) -> Message | None:
        return self._to(range(len(self._messages)))

    def forth(self) -> Message | None:
        return self._to(range(self._place + 1, len(self._messages)))

    def back(self) -> Message | None:
        return self._to(range(self._place - 1, -1, -1))

    def seek(self, message: UUID) -> Message | None:
        """Go to a message; None if it is not here."""
        places = range(len(self._messages))
        return self._to(place for place in places if self._messages[place].id == message)

    def _to(self, places: Iterable[int]) -> Message | None:
        """Go to the first of these places whose message is there; else stay."""
        for place in places:
            if self._messages[place].id not in self._gone:
                self._place = place
                return self._messages[place]
        return None
