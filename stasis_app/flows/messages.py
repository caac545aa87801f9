"""The messages of a mailbox: one after the other they are heard, kept and deleted."""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import structlog

from stasis_app.call.call import Call
from stasis_app.call.playback import LONGEST_SECONDS
from stasis_app.call.said import Voicemail
from stasis_app.rules import sentences
from stasis_app.rules.dialling import meaning
from stasis_app.rules.mailbox import Message
from stasis_app.rules.models import Destination, DestinationKind, Extension, Payer
from stasis_app.rules.sentences import Sentence, messages_waiting
from stasis_app.words import Direction, Moment

from .digits import DIGITS
from .mailbox_visit import Answer, Menu, Visit, explained_by, of_message, submenu

log = structlog.get_logger()

HEARD_SECONDS = 5.0
WINDING = {"*": "reverse", "#": "forward"}
PHONE_NUMBER = re.compile(r"\+?[0-9]+", re.ASCII)
YES = "1"


async def play(visit: Visit) -> Answer:
    """Say which message it is, from whom and of when, and play it."""
    message, cursor = visit.cursor.message, visit.cursor
    if message is None:
        return await following(visit)
    visit.stands()
    said = sentences.message_number(
        cursor.position, cursor.count, visit.call.language, urgent=message.urgent
    )
    return await visit.call.say(*said, *envelope_of(visit, message)) or await hear(visit, message)


async def hear(visit: Visit, message: Message) -> Answer:
    """Play a message. What can't be played is said to, and stays new."""
    call, now = visit.call, asyncio.get_running_loop().time
    longest = message.seconds + LONGEST_SECONDS
    began = now()
    try:
        heard = await call.hear(
            Voicemail(message.id), keys=DIGITS, controls=WINDING, longest=longest
        )
    except asyncio.CancelledError:  # a hangup
        note_heard(call, message, now() - began)
        raise
    if heard.skipped:
        return await visit.say(Sentence.TRY_LATER)
    note_heard(call, message, now() - began, ended=heard.key is None)
    return heard.key or await news(visit)


def note_heard(call: Call, message: Message, seconds: float, *, ended: bool = False) -> None:
    """Note that a message was played. It is read if that was for 5 s or to its end."""
    if call.exchange.leaving:
        return
    call.journal.note(Moment.MESSAGE_PLAYED, message=str(message.id), seconds=round(seconds, 1))
    if not message.read and (ended or seconds >= HEARD_SECONDS):
        call.behind(partial(mark_read, call, message.id), insist=False)


async def mark_read(call: Call, message: UUID) -> None:
    try:
        await call.exchange.mailboxes.mark_read(message)
    except ConnectionError:
        log.warning("a message that was heard stays new", action="message_not_marked")


async def news(visit: Visit) -> Answer:
    """Behind the last message say how many have come meanwhile; they follow it."""
    await visit.look()
    came = visit.cursor.let_in()
    if not came:
        return None
    urgent = sum(message.urgent for message in came)
    said = messages_waiting(len(came), 0, visit.call.language, urgent=urgent)
    return await visit.call.say(*said)


async def first(visit: Visit) -> Answer:
    await visit.look()
    visit.cursor.first()
    return await play(visit)


async def following(visit: Visit) -> Answer:
    await visit.look()
    if not visit.cursor.forth():
        key = await news(visit)
        if key:
            return key
        if not visit.cursor.forth():
            return await visit.say(Sentence.NO_MORE_MESSAGES)
    return await play(visit)


async def previous(visit: Visit) -> Answer:
    await visit.look()
    if not visit.cursor.back():
        return await visit.say(Sentence.NO_MORE_MESSAGES)
    return await play(visit)


async def again(visit: Visit) -> Answer:
    await visit.look()
    return await play(visit)


async def delete(visit: Visit, message: Message) -> Answer:
    """Delete the message and go on to the next, or take a deleted one back."""
    mailboxes, deleted = visit.call.exchange.mailboxes, visit.cursor.deleted
    if message.id in deleted:
        await mailboxes.undelete(message.id)
        deleted.discard(message.id)
        return await visit.say(Sentence.UNDELETED)
    await mailboxes.mark_read(message.id)
    await mailboxes.delete(message.id)
    deleted.add(message.id)
    return await visit.say(Sentence.DELETED) or await following(visit)


async def save(visit: Visit, message: Message) -> Answer:
    """Keep the message for ever, also one that was deleted."""
    mailboxes, cursor = visit.call.exchange.mailboxes, visit.cursor
    if message.id in cursor.deleted:
        await mailboxes.undelete(message.id)
        cursor.deleted.discard(message.id)
    await mailboxes.mark_read(message.id)
    await mailboxes.save(message.id)
    return await visit.call.say(*sentences.message_saved(cursor.position, visit.call.language))


async def envelope(visit: Visit, message: Message) -> Answer:
    return await visit.call.say(*envelope_of(visit, message))


def envelope_of(visit: Visit, message: Message) -> tuple[str, ...]:
    internal = may_be_inside(message) and extension_of(visit, message) is not None
    received = message.received_at.astimezone(visit.zone)
    now = datetime.now(UTC).astimezone(visit.zone)
    number = message.caller_number
    return sentences.envelope(number, received, now, visit.call.language, internal=internal)


def extension_of(visit: Visit, message: Message) -> Extension | None:
    return visit.call.exchange.book.extension(message.caller_number)


def may_be_inside(message: Message) -> bool:
    """Whoever calls from outside can show an extension's number. Of some rows it is not known."""
    return message.from_inside is not False


async def call_back(visit: Visit, message: Message) -> Answer:
    """Have the caller of a message called, with the rights of the mailbox's owner."""
    outside = visit.call.origin.direction is Direction.INBOUND
    settings = visit.call.exchange.book.settings
    if outside and not settings.flag("voicemail.callback_from_outside"):
        return await visit.say(Sentence.FEATURE_NOT_AVAILABLE)
    destination = destination_of(visit, message)
    if destination is None:
        return await visit.say(Sentence.NO_CALLBACK)
    said = sentences.callback(message.caller_number, visit.call.language)
    connect = partial(connected, destination=destination)
    return await submenu(visit, Menu(lambda _: said, {YES: connect}, once=True))


def destination_of(visit: Visit, message: Message) -> Destination | None:
    """Return where the caller of a message is; None if what was shown is no number to call.

    Whoever calls can show what he likes: a code of our carrier's must not come of it, nor an
    extension of ours.
    """
    payer = Payer(extension=visit.box.number)
    found = meaning(visit.call.exchange.book, message.caller_number, payer)
    inside = found.kind is DestinationKind.EXTENSION and may_be_inside(message)
    outside = found.kind is DestinationKind.OUTSIDE and PHONE_NUMBER.fullmatch(found.number)
    return replace(found, by_hand=True) if inside or outside else None


async def connected(visit: Visit, destination: Destination) -> Answer:
    visit.call.keys.clear()
    await visit.call.announce(Sentence.CONNECTING)
    return destination


ADVANCED = Menu(
    explained_by(Sentence.ADVANCED_OPTIONS),
    {"2": of_message(call_back), "3": of_message(envelope)},
    once=True,
)


async def advanced(visit: Visit, _: Message) -> Answer:
    return await submenu(visit, ADVANCED)
