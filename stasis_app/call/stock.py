"""What calls ask of the store and of the media: given to them by the process, never imported."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from stasis_app.rules.mailbox import Greeting, Message, PinAnswer
from stasis_app.rules.queues import Reservation, Slot, Wait
from stasis_app.rules.times import Override
from stasis_app.words import Wanted

__all__ = ["Agents", "Audio", "Mailboxes", "Reservation", "SetOverride", "Wait"]

SetOverride = Callable[[UUID, Override], Awaitable[bool]]
"""Opens or closes a time profile by hand; False: its row is gone. Raises ConnectionError."""


class Audio(Protocol):
    """Addresses at which Asterisk fetches audio; None for what can't be played now."""

    async def media(self, identity: UUID) -> str | None:
        """Return the address of a media file."""

    async def message(self, identity: UUID) -> str | None:
        """Return the address of a message in a mailbox."""


class Mailboxes(Protocol):
    """The messages of every box, by its id. Each raises ConnectionError when Postgres is away."""

    async def count(self, box: UUID) -> int:
        """Return how many messages a box holds."""

    async def messages(self, box: UUID) -> Sequence[Message]:
        """Return the messages in the order in which they are heard."""

    async def mark_read(self, message: UUID) -> None: ...

    async def delete(self, message: UUID) -> None: ...

    async def undelete(self, message: UUID) -> None: ...

    async def save(self, message: UUID) -> None:
        """Keep a message for ever."""

    async def open_with_pin(
        self, number: str, pin: str, *, caller: str, attempts: int, lockout: float
    ) -> PinAnswer:
        """Try a PIN at the box of an extension; so many wrong ones lock it, and the caller out."""

    async def has_pin(self, box: UUID) -> bool: ...

    async def set_pin(self, box: UUID, pin: str) -> None: ...

    async def choose_greeting(self, box: UUID, greeting: Greeting, media: UUID | None) -> None:
        """Use a media file as a greeting of the box; None: that of the exchange."""


class Agents(Protocol):
    """The agents of the queues, as Postgres knows them. Each raises ConnectionError."""

    async def slots(self) -> Sequence[Slot]:
        """Return every agent's slot."""

    async def reserve(self, wishes: Collection[Reservation]) -> Collection[Reservation]:
        """Reserve slots that hold what is expected, of agents who want calls; return those."""

    async def say(self, extension: UUID, queue: UUID | None, wanted: Wanted, reason: str) -> None:
        """Write down what an agent wants, in all queues (None) or in one."""

    async def waits(self, queue: UUID) -> Sequence[Wait]:
        """Return the waits of the last 20 calls that were answered within 8 hours, oldest first."""

    async def earlier(self, queue: UUID, number: str, seconds: float) -> datetime | None:
        """Return since when this caller has waited who hung up so many seconds ago at the most.

        A call back that he waits for is called off, and counts as well.
        """
