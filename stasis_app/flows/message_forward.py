"""A message is forwarded to another mailbox, with or without a comment."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any
from uuid import UUID

from stasis_app.call.recording import NotWritten, kept
from stasis_app.rules.mailbox import Message
from stasis_app.rules.models import Box
from stasis_app.rules.sentences import Sentence, say
from stasis_app.rules.voicemail import most_messages
from stasis_app.words import DeliveryKind, Moment

from .digits import digits
from .mailbox_visit import STEP, Answer, Menu, Visit, after, explained_by, submenu
from .review import go_on, record_reviewed
from .take import Purpose

COMMENT = "comment"
TRIES = 3


@dataclass(frozen=True, slots=True)
class Copy:
    """What is sent on, and the box it is for. It stays as it is if the message is deleted."""

    box: str
    number: str
    details: Mapping[str, Any]


async def forward(visit: Visit, message: Message) -> Answer:
    """Ask whom for, and whether something is to be said before it."""
    call = visit.call
    box = await ask_for_box(visit)
    if box is None:
        return None
    held = await call.exchange.mailboxes.count(box.id)
    if held >= most_messages(call.exchange.book, box):
        return await visit.say(Sentence.MAILBOX_FULL)
    copy = copied(visit, message, box)
    actions = {"1": partial(with_comment, copy=copy), "2": partial(alone, copy=copy)}
    return await submenu(visit, Menu(explained_by(Sentence.PREPEND), actions, once=True))


async def ask_for_box(visit: Visit) -> Box | None:
    """Return the box that is typed; None if none is, or only numbers without one."""
    book, language = visit.call.exchange.book, visit.call.language
    sorry: tuple[str, ...] = ()
    for _ in range(TRIES):
        number = await digits(visit.call, *sorry, *say(Sentence.ENTER_EXTENSION, language))
        if not number:
            return None
        box = book.box_of(book.extension(number))
        if box:
            return box
        sorry = say(Sentence.INVALID_EXTENSION, language)
    await visit.call.say(*sorry)
    return None


def copied(visit: Visit, message: Message, box: Box) -> Copy:
    """Return what the copy says of itself: it is from the caller, sent on by the box's owner."""
    details = {
        "forwarded_from": str(message.id),
        "forwarded_by": visit.box.number,
        "caller_number": message.caller_number,
        "caller_name": message.caller_name,
        "urgent": message.urgent,
        "from_inside": message.from_inside,
    }
    return Copy(str(box.id), box.number, details)


async def alone(visit: Visit, copy: Copy) -> Answer:
    try:
        with kept(visit.call, DeliveryKind.MESSAGE, box=UUID(copy.box), **copy.details):
            visit.call.journal.note(Moment.MESSAGE_LEFT, number=copy.number)
    except NotWritten:
        return await visit.say(Sentence.TRY_LATER)
    return await visit.say(Sentence.FORWARDED)


async def with_comment(visit: Visit, copy: Copy) -> Answer:
    outcome = await record_reviewed(visit.call, _comment(visit, copy), *_instruction(visit))
    return await after(visit, outcome, Sentence.FORWARDED)


async def go_on_forwarding(visit: Visit, place: Mapping[str, Any]) -> Answer:
    """Go on with a comment that a process which is gone has begun."""
    comment = _comment(visit, Copy(**place[COMMENT]))
    outcome = await go_on(visit.call, comment, place, *_instruction(visit))
    return await after(visit, outcome, Sentence.FORWARDED)


def _instruction(visit: Visit) -> tuple[str, ...]:
    return say(Sentence.RECORD_COMMENT, visit.call.language)


def _comment(visit: Visit, copy: Copy) -> Purpose:
    return Purpose(
        step=STEP,
        place=visit.place(**{COMMENT: asdict(copy)}),
        kind=DeliveryKind.MESSAGE,
        label=copy.number,
        box=UUID(copy.box),
        details=copy.details,
    )
