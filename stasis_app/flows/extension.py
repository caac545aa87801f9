"""A call for an extension: its phones ring, somebody answers, or it goes elsewhere."""

from collections.abc import Sequence
from datetime import UTC, datetime

from stasis_app.call.call import Call
from stasis_app.call.present import Present
from stasis_app.call.ringing import Phone, Ringing
from stasis_app.rules import callee as rules
from stasis_app.rules.forwarding import LeaveMessage, NoRing, Ring
from stasis_app.rules.models import (
    Contact,
    Destination,
    DestinationKind,
    Extension,
    Position,
    Refuse,
)
from stasis_app.words import HangupCause, Moment

from .talk import talk, talked_unwatched, was_over

STEP = "extension"
VOICEMAIL = "voicemail"


async def extension(call: Call, destination: Destination) -> Destination | None:
    """Ring an extension, or forward or refuse the call, as its row says."""
    number = destination.number
    book = call.exchange.book
    callee = book.extension(number)
    if callee is None:
        await call.refuse(HangupCause.UNALLOCATED_NUMBER, number=number)
        return None
    call.journal.callee(callee.id, callee.display_name)
    call.language = rules.spoken(book, call.said_language, callee)
    for problem in callee.problems:
        call.journal.note(Moment.CONFIG_IGNORED, number=number, problem=problem)
    verdict = rules.decide(
        book,
        callee,
        caller=call.origin.extension,
        number=call.origin.identity.number,
        at=call.began_at,
        engaged=call.exchange.engaged[callee.id],
    )
    if isinstance(verdict, Ring):
        return await settle(call, number, await ring(call, callee, verdict.seconds))
    return await settle(call, number, verdict)


async def ring(call: Call, callee: Extension, seconds: float) -> NoRing | None:
    """Let all phones of the extension ring; None when a conversation was had."""
    number = callee.number
    contacts = call.exchange.book.contacts(callee.id)
    ringing = Ringing(call, number, call.new_id(), phones(call, number, contacts))
    arguments = {"number": number, "seconds": seconds}
    legs = [phone.channel for phone in ringing.phones]
    call.stands(STEP, arguments, bridge=ringing.bridge.id, legs=legs)
    call.journal.note(Moment.OFFERED, number=number, phones=len(contacts), seconds=seconds)
    with call.exchange.engaged.hold(callee.id):
        async with ringing:
            await ringing.dial()
            return await until_over(call, callee, ringing, seconds)


async def ring_again(call: Call, position: Position, asterisk: Present) -> Destination | None:
    """Enter the story where a process that is gone has left it, ringing or talking.

    A row that has gone meanwhile ends no conversation, but the ringing. Phones that had not begun
    to ring are dialled anew.
    """
    number = position.arguments["number"]
    callee = call.exchange.book.extension(number)
    call.language = rules.spoken(call.exchange.book, call.said_language, callee)
    verdict: NoRing | None
    ringing = Ringing(
        call, number, position.bridge or call.new_id(), [Phone(leg, "") for leg in position.legs]
    )
    spent = (datetime.now(UTC) - position.since).total_seconds()
    seconds = max(position.arguments["seconds"] - spent, 0.0)
    with call.exchange.engaged.hold(callee.id if callee else None):
        async with ringing:
            ringing.adopt(asterisk)
            if was_over(call, ringing):
                return None
            if not (callee or ringing.answered):
                verdict = Refuse(HangupCause.UNAVAILABLE, "deleted")
            elif ringing.rings or ringing.answered or not seconds:
                verdict = await until_over(call, callee, ringing, seconds)
            else:
                call.hops -= 1  # to the same extension again is no forward
                return Destination(DestinationKind.EXTENSION, number)
    return await settle(call, number, verdict)


async def until_over(
    call: Call, callee: Extension | None, ringing: Ringing, seconds: float
) -> NoRing | None:
    outcome = await ringing.outcome(seconds)
    if talked_unwatched(call, ringing):
        return None
    if isinstance(outcome, HangupCause):
        if callee is None:
            return Refuse(outcome, "deleted")
        return rules.after_failure(call.exchange.book, callee, outcome)
    arguments = {"number": ringing.label, "seconds": seconds}
    call.stands(STEP, arguments, bridge=ringing.bridge.id, legs=[outcome.id])
    await ringing.connect(outcome)
    await talk(call, outcome)
    return None


async def settle(call: Call, number: str, verdict: NoRing | None) -> Destination | None:
    if verdict is None:
        return None
    if isinstance(verdict, Refuse):
        await call.refuse(verdict.cause, number=number, reason=verdict.reason)
        return None
    to = VOICEMAIL if isinstance(verdict, LeaveMessage) else verdict.number
    call.journal.note(Moment.FORWARDED, number=number, to=to, reason=verdict.reason)
    return rules.onward(call.exchange.book, number, verdict)


def phones(call: Call, number: str, contacts: Sequence[Contact]) -> list[Phone]:
    """Return a channel to dial for each phone. A single one is found by Asterisk itself.

    So is one that has registered this moment and is not in the snapshot yet.
    """
    if len(contacts) <= 1:
        return [Phone(call.new_id(), f"PJSIP/{number}")]
    return [Phone(call.new_id(), f"PJSIP/{number}/{contact.uri}") for contact in contacts]
