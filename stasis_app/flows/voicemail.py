"""A caller leaves a message in a box."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from stasis_app.call.arrival import ANONYMOUS
from stasis_app.call.call import Call
from stasis_app.call.present import Present
from stasis_app.call.said import MediaFile, Said
from stasis_app.rules import voicemail as rules
from stasis_app.rules.callee import spoken
from stasis_app.rules.models import (
    Box,
    Destination,
    DestinationKind,
    MailboxVisit,
    Position,
    Target,
)
from stasis_app.rules.sentences import Sentence, on_the_phone, say, unavailable
from stasis_app.rules.spoken import Language, digits
from stasis_app.words import DeliveryKind, Direction, HangupCause, TargetType

from . import review
from .review import OPERATOR, SKIP, record_reviewed
from .take import Outcome, Purpose, stands_here

STEP = "voicemail"
GREETING = "greeting"
LOG_IN = "*"
COUNT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Visit:
    """Whose box it is (`number` of the extension), and why nobody answered."""

    box: UUID
    number: str
    reason: str

    def arguments(self, spoken: Language) -> dict[str, Any]:
        return {
            "box": str(self.box),
            "number": self.number,
            "reason": self.reason,
            "language": spoken,
        }

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> "Visit":
        return cls(UUID(arguments["box"]), arguments["number"], arguments["reason"])


async def voicemail(call: Call, destination: Destination) -> Destination | None:
    """Greet the caller, and take a message for the box. Full, it says so."""
    book = call.exchange.book
    box = book.box(Target(TargetType.VOICEMAIL, destination.id, destination.number))
    callee = book.extensions.get(box.extension) if box else None
    if box is None or callee is None:
        await call.refuse(HangupCause.UNAVAILABLE, number=destination.number, reason="no_box")
        return None
    call.journal.callee(callee.id, callee.display_name)
    call.language = spoken(book, call.said_language, callee)
    return await greet(call, box, Visit(box.id, box.number, destination.reason))


async def go_on(call: Call, position: Position, asterisk: Present) -> Destination | None:
    """Enter the story where a process that is gone has left it.

    A message that was begun is kept although its box is gone: who delivers it says what of it.
    """
    book, arguments = call.exchange.book, position.arguments
    visit = Visit.of(arguments)
    call.language = Language(arguments["language"])
    box = book.box(Target(TargetType.VOICEMAIL, visit.box))
    if stands_here(arguments):
        outcome = await review.go_on(call, purpose(call, visit, box), arguments)
        return await farewell(call, visit, box, outcome)
    if box is None:
        await call.refuse(HangupCause.UNAVAILABLE, number=visit.number, reason="no_box")
        return None
    return await greet(call, box, visit)


async def greet(call: Call, box: Box, visit: Visit) -> Destination | None:
    call.stands(STEP, {**visit.arguments(call.language), "stage": GREETING})
    await call.answer()
    if await is_full(call, box):
        await call.announce(Sentence.MAILBOX_FULL)
        await call.announce(Sentence.GOODBYE)
        return None
    operator = operator_of(call, visit, box)
    keys = SKIP + LOG_IN + (OPERATOR if operator else "")
    key = await call.say(*greeting(call, box, visit.reason), keys=keys)
    if key == LOG_IN:
        kind, visitor = DestinationKind.MAILBOX, MailboxVisit.GREETING
        return Destination(kind, box.number, by_hand=True, id=box.id, reason=visitor)
    if key == OPERATOR:
        return operator
    outcome = await record_reviewed(call, purpose(call, visit, box))
    return await farewell(call, visit, box, outcome)


async def farewell(
    call: Call, visit: Visit, box: Box | None, outcome: Outcome
) -> Destination | None:
    operator = operator_of(call, visit, box) if outcome is Outcome.OPERATOR else None
    if operator:
        return operator
    if outcome in (Outcome.KEPT, Outcome.OPERATOR):
        await call.announce(Sentence.MESSAGE_LEFT)
    if outcome is not Outcome.FAILED:
        await call.announce(Sentence.GOODBYE)
    return None


async def is_full(call: Call, box: Box) -> bool:
    """Return whether the box holds all it may; while that can't be known it takes messages."""
    try:
        async with asyncio.timeout(COUNT_SECONDS):
            count = await call.exchange.mailboxes.count(box.id)
    except (ConnectionError, TimeoutError):
        return False
    return count >= rules.most_messages(call.exchange.book, box)


def greeting(call: Call, box: Box, reason: str) -> Sequence[Said]:
    """Return the box's own greeting, else that of the exchange with the name or the number."""
    spoken, busy = call.language, reason in rules.BUSY
    intro = say(Sentence.LEAVE_MESSAGE, spoken)
    by_number = (on_the_phone if busy else unavailable)(box.number, spoken)
    own = rules.greeting(box, reason)
    if own:
        return (MediaFile(own, instead=(*by_number, *intro)),)
    if box.name_prompt:
        sentence = Sentence.IS_ON_THE_PHONE if busy else Sentence.IS_UNAVAILABLE
        name = MediaFile(box.name_prompt, instead=digits(box.number, spoken))
        return (name, *say(sentence, spoken), *intro)
    return (*by_number, *intro)


def operator_of(call: Call, visit: Visit, box: Box | None) -> Destination | None:
    """Return where 0 leads. That is a hop: an operator may have a box with an operator, …"""
    found = rules.operator(call.exchange.book, box, visit.reason) if box else None
    return replace(found, by_hand=False) if found else None


def purpose(call: Call, visit: Visit, box: Box | None) -> Purpose:
    """Return what is recorded. Who does not show the number shows it to no owner of a box."""
    shown = call.origin.identity
    return Purpose(
        STEP,
        visit.arguments(call.language),
        DeliveryKind.MESSAGE,
        visit.number,
        box=visit.box,
        details={
            "caller_number": ANONYMOUS if shown.private else shown.number,
            "caller_name": "" if shown.private else shown.name,
            "language": call.language,
            "from_inside": call.origin.direction is not Direction.INBOUND,
        },
        operator=operator_of(call, visit, box) is not None,
    )
