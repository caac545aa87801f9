"""Somebody listens to the messages of a mailbox (keys: Asterisk's VoiceMailMain)."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from stasis_app.call.call import Call
from stasis_app.call.present import Present
from stasis_app.rules.callee import spoken
from stasis_app.rules.models import Box, Destination, DestinationKind, Position
from stasis_app.rules.sentences import Sentence, message_menu, messages_waiting, say
from stasis_app.rules.spoken import Language
from stasis_app.rules.times import zone_of
from stasis_app.words import HangupCause, Moment

from . import messages
from .cursor import Cursor
from .mailbox_login import log_in
from .mailbox_options import GREETING, go_on_greeting, options
from .mailbox_visit import (
    EXIT,
    OVER,
    STEP,
    Action,
    Answer,
    Menu,
    Visit,
    choose,
    goodbye,
    of_message,
)
from .message_forward import forward, go_on_forwarding
from .take import stands_here


async def mailbox(call: Call, destination: Destination, tried: int = 0) -> Destination | None:
    """Open a mailbox, and do what the keys say until somebody has had enough."""
    try:
        box = await log_in(call, destination, tried)
    except ConnectionError:
        await cannot_now(call)
        return None
    if box is None:
        return None
    place = {"box": str(box.id), "message": None}
    call.stands(STEP, place)
    call.journal.note(Moment.MAILBOX_OPENED, number=box.number)
    return await listen(call, box, place)


async def go_on(call: Call, position: Position, asterisk: Present) -> Destination | None:
    """Enter the story where a process that is gone has left it; no PIN is asked for again."""
    place, book = position.arguments, call.exchange.book
    call.language = Language(place.get("language", call.language))
    if OVER in place:
        await goodbye(call)
        return None
    if "box" not in place:
        kind = DestinationKind.MAILBOX
        destination = Destination(kind, place["number"], by_hand=True, reason=place["reason"])
        return await mailbox(call, destination, place["tried"])
    box = book.voicemail_boxes.get(UUID(place["box"]))
    if box is None:
        await call.refuse(HangupCause.UNALLOCATED_NUMBER, reason="no_mailbox")
        return None
    if not stands_here(place):
        call.stands(STEP, place)
    return await listen(call, box, place)


async def listen(call: Call, box: Box, place: Mapping[str, Any]) -> Destination | None:
    book = call.exchange.book
    owner = book.extensions.get(box.extension)
    call.language = spoken(book, "", owner)
    try:
        found = await call.exchange.mailboxes.messages(box.id)
    except ConnectionError:
        await cannot_now(call)
        return None
    user = book.user_of(owner)
    visit = Visit(call, box, Cursor(found), zone_of(user.timezone if user else ""))
    answer = await choose(visit, MESSAGES, first_of(visit, place))
    if isinstance(answer, Destination):
        return answer
    if not call.cause:
        await goodbye(call)
    return None


async def cannot_now(call: Call) -> None:
    """Tell the caller that Postgres is away."""
    await call.announce(Sentence.TRY_LATER)
    await goodbye(call)


def first_of(visit: Visit, place: Mapping[str, Any]) -> Action:
    """Return what a visit begins with, or goes on with."""
    message = visit.cursor.seek(UUID(place["message"])) if place["message"] else None
    if stands_here(place):
        go_on_recording = go_on_greeting if GREETING in place else go_on_forwarding
        return partial(go_on_recording, place=place)
    return messages.play if message else enter


async def enter(visit: Visit) -> Answer:
    """Say what there is. The first new message is played at once."""
    call, found = visit.call, visit.cursor.messages
    unread = [message for message in found if not message.read]
    urgent = sum(message.urgent for message in unread)
    box = call.exchange.book.voicemail_boxes.get(visit.box.id)
    warning = Sentence.TEMPORARY_GREETING_ACTIVE if box and box.temporary_greeting else None
    said = (
        *(say(warning, call.language) if warning else ()),
        *messages_waiting(len(unread), len(found) - len(unread), call.language, urgent=urgent),
    )
    key = await call.say(*said)
    if key is None and unread:
        return await messages.following(visit)
    return key


async def explain(visit: Visit) -> Answer:
    """Lead to the menu, which says what the keys do."""
    return None


def keys_of(visit: Visit) -> Sequence[str]:
    cursor, language = visit.cursor, visit.call.language
    if cursor.message is None:
        return say(Sentence.MAILBOX_MENU, language)
    deleted = cursor.message.id in cursor.deleted
    return message_menu(cursor.position, cursor.count, language, deleted=deleted)


MESSAGES = Menu(
    keys_of,
    {
        "0": options,
        "1": messages.first,
        "3": of_message(messages.advanced),
        "4": messages.previous,
        "5": messages.again,
        "6": messages.following,
        "7": of_message(messages.delete),
        "8": of_message(forward),
        "9": of_message(messages.save),
        "*": explain,
    },
    leaving=EXIT,
)
