"""What calls ask of the store and of the media: given to them by the process, never imported."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol
from uuid import UUID

from stasis_app.rules.mailbox import Greeting, Message, PinAnswer
from stasis_app.rules.times import Override

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
