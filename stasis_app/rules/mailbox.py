"""What a mailbox holds, as its owner hears it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Message:
    """A row of `voicemail_messages`. `saved`: retention does not delete it.

    `from_inside`: an extension has left it; None: not known.
    """

    id: UUID
    caller_number: str
    caller_name: str
    received_at: datetime
    seconds: float
    read: bool
    urgent: bool
    saved: bool
    from_inside: bool | None = None


class PinAnswer(StrEnum):
    """What becomes of a PIN that somebody has typed."""

    RIGHT = "right"
    WRONG = "wrong"
    LOCKED = "locked"


class Greeting(StrEnum):
    """The greetings of a box: for no answer, for busy, for a while, and the name alone."""

    UNAVAILABLE = "unavailable"
    BUSY = "busy"
    TEMPORARY = "temporary"
    NAME = "name"
