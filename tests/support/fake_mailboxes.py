"""What the store and the media tell calls, from memory: mailboxes and addresses of audio."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from stasis_app.rules.mailbox import Greeting, Message, PinAnswer
from stasis_app.rules.voicemail import pin_problem

from .fake_phones import EPOCH


@dataclass
class FakeBox:
    """One mailbox: `deleted` messages can be undeleted, `greetings` are those that were chosen."""

    id: UUID
    number: str
    pin: str | None = None
    messages: list[Message] = field(default_factory=list)
    deleted: set[UUID] = field(default_factory=set)
    greetings: dict[Greeting, UUID | None] = field(default_factory=dict)
    failures: int = 0
    locked_until: float = 0.0

    @property
    def usable_pin(self) -> str | None:
        return None if self.pin is None or pin_problem(self.pin, self.number) else self.pin

    @property
    def live(self) -> list[Message]:
        return [message for message in self.messages if message.id not in self.deleted]


@dataclass
class FakeMailboxes:
    """The boxes by their id. An answer takes `seconds`; while Postgres is `away` there is none."""

    boxes: dict[UUID, FakeBox] = field(default_factory=dict)
    away: bool = False
    seconds: float = 0.0
    callers: list[str] = field(default_factory=list)

    # what happens outside of calls

    def box(self, identity: UUID, number: str, pin: str | None = None) -> FakeBox:
        """Make the box of an extension."""
        self.boxes[identity] = FakeBox(identity, number, pin)
        return self.boxes[identity]

    def leave(self, box: UUID, caller_number: str = "1001", **columns: Any) -> Message:
        """Put a message into a box; each comes a minute after the one before."""
        found = self.boxes[box]
        at = EPOCH - timedelta(days=1) + timedelta(minutes=len(found.messages))
        plain = Message(uuid4(), caller_number, "", at, 5.0, read=False, urgent=False, saved=False)
        found.messages.append(replace(plain, **columns))
        return found.messages[-1]

    def message(self, identity: UUID) -> Message:
        """Return a message as it is now, also a deleted one."""
        every = (message for box in self.boxes.values() for message in box.messages)
        return next(message for message in every if message.id == identity)

    # what calls ask

    async def count(self, box: UUID) -> int:
        await self._answer()
        return len(self._messages(box))

    async def messages(self, box: UUID) -> Sequence[Message]:
        await self._answer()
        return sorted(self._messages(box), key=_order)

    async def mark_read(self, message: UUID) -> None:
        await self._answer()
        self._change(message, read=True)

    async def delete(self, message: UUID) -> None:
        await self._answer()
        for box in self._holding(message):
            box.deleted.add(message)

    async def undelete(self, message: UUID) -> None:
        await self._answer()
        for box in self._holding(message):
            box.deleted.discard(message)

    async def save(self, message: UUID) -> None:
        await self._answer()
        self._change(message, saved=True)

    async def open_with_pin(
        self, number: str, pin: str, *, caller: str, attempts: int, lockout: float
    ) -> PinAnswer:
        """A number that has no box, and a box without a PIN, answer like a wrong PIN.

        The callers are only noted: no lock of theirs, and none that lasts longer than `lockout`.
        """
        await self._answer()
        self.callers.append(caller)
        now = asyncio.get_running_loop().time()
        box = next((box for box in self.boxes.values() if box.number == number), None)
        if box is None:
            return PinAnswer.WRONG
        if now < box.locked_until:
            return PinAnswer.LOCKED
        if box.usable_pin == pin:
            box.failures = 0
            return PinAnswer.RIGHT
        box.failures += 1
        if box.failures < attempts:
            return PinAnswer.WRONG
        box.failures, box.locked_until = 0, now + lockout
        return PinAnswer.LOCKED

    async def has_pin(self, box: UUID) -> bool:
        await self._answer()
        return box in self.boxes and self.boxes[box].usable_pin is not None

    async def set_pin(self, box: UUID, pin: str) -> None:
        await self._answer()
        if box in self.boxes:
            self.boxes[box].pin = pin

    async def choose_greeting(self, box: UUID, greeting: Greeting, media: UUID | None) -> None:
        await self._answer()
        if box in self.boxes:
            self.boxes[box].greetings[greeting] = media

    async def _answer(self) -> None:
        await asyncio.sleep(self.seconds)
        if self.away:
            raise ConnectionError("the mailboxes can't be read")

    def _messages(self, box: UUID) -> list[Message]:
        return self.boxes[box].live if box in self.boxes else []

    def _holding(self, message: UUID) -> list[FakeBox]:
        """Return the box of a message; a message that is gone has none."""
        boxes = self.boxes.values()
        return [box for box in boxes if any(one.id == message for one in box.messages)]

    def _change(self, message: UUID, **columns: Any) -> None:
        for box in self._holding(message):
            box.messages[:] = [
                replace(one, **columns) if one.id == message else one for one in box.messages
            ]


@dataclass
class FakeAudio:
    """Addresses of audio. What is `missing` has none; an answer takes `seconds`."""

    missing: set[UUID] = field(default_factory=set)
    seconds: float = 0.0

    async def media(self, identity: UUID) -> str | None:
        return await self._find(media_address(identity), identity)

    async def message(self, identity: UUID) -> str | None:
        return await self._find(message_address(identity), identity)

    async def _find(self, address: str, identity: UUID) -> str | None:
        await asyncio.sleep(self.seconds)
        return None if identity in self.missing else address


def media_address(identity: UUID) -> str:
    """Where Asterisk fetches a media file."""
    return f"http://pbx.test/media/{identity}.wav"


def message_address(identity: UUID) -> str:
    """Where Asterisk fetches a message."""
    return f"http://pbx.test/messages/{identity}.wav"


def _order(message: Message) -> tuple[bool, bool, Any]:
    return message.read, not message.urgent, message.received_at
