"""Who gets which event: receivers by the id of the channel, bridge, playback or recording.

A receiver's `deliver` is called in the reader itself: it may not await, and it may not block.
Ids are made by us, and a receiver is entered before the request that creates its object is sent,
so no event can come too early. An event nobody has entered for is given to `unclaimed`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from .events import Event


class Receiver(Protocol):
    def deliver(self, event: Event) -> None:
        """Take note of the event, at once."""


class Inboxes:
    """One dictionary, so that an event costs the same with one call as with a thousand."""

    def __init__(self) -> None:
        self._receivers: dict[str, Receiver] = {}
        self.unclaimed: Callable[[Event], None] = _ignore

    def deliver(self, event: Event) -> None:
        receiver = self._receivers.get(event.subject)
        if receiver is None:
            self.unclaimed(event)
        else:
            receiver.deliver(event)

    def enter(self, subject: str, receiver: Receiver) -> None:
        if subject in self._receivers:
            raise ValueError(f"{subject} has a receiver already")
        self._receivers[subject] = receiver

    def leave(self, subject: str) -> None:
        self._receivers.pop(subject, None)

    @contextmanager
    def open(self, subject: str, receiver: Receiver) -> Iterator[None]:
        self.enter(subject, receiver)
        try:
            yield
        finally:
            self.leave(subject)

    def receivers(self) -> list[Receiver]:
        return list(self._receivers.values())

    def __contains__(self, subject: str) -> bool:
        return subject in self._receivers

    def __len__(self) -> int:
        return len(self._receivers)


def _ignore(event: Event) -> None:
    """Nobody takes new calls yet."""
