"""Options of a mailbox: its greetings and its PIN."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from stasis_app.call.call import Call
from stasis_app.rules.mailbox import Greeting
from stasis_app.rules.sentences import RECORD_GREETING, Sentence, say
from stasis_app.rules.voicemail import pin_problem
from stasis_app.words import DeliveryKind

from .digits import digits
from .mailbox_visit import STEP, Action, Answer, Menu, Visit, after, explained_by, submenu
from .review import go_on, record_reviewed
from .take import Purpose

GREETING = "greeting"


async def options(visit: Visit, first: Action | None = None) -> Answer:
    return await submenu(visit, OPTIONS, first)


async def record_greeting(visit: Visit, which: Greeting) -> Answer:
    """Record a greeting of the box; it is in use as soon as it is stored."""
    outcome = await record_reviewed(visit.call, _purpose(visit, which), *_instruction(visit, which))
    return await after(visit, outcome, Sentence.RECORDING_SAVED)


async def go_on_greeting(visit: Visit, place: Mapping[str, Any]) -> Answer:
    """Go on with a greeting that a process which is gone has begun, then with the options."""
    which = Greeting(place[GREETING])

    async def greeting(visit: Visit) -> Answer:
        said = _instruction(visit, which)
        outcome = await go_on(visit.call, _purpose(visit, which), place, *said)
        return await after(visit, outcome, Sentence.RECORDING_SAVED)

    return await options(visit, greeting)


async def temporary(visit: Visit) -> Answer:
    """Record the temporary greeting; if there is one it may be erased instead."""
    box = visit.call.exchange.book.voicemail_boxes.get(visit.box.id)
    if box is None or box.temporary_greeting is None:
        return await record_greeting(visit, Greeting.TEMPORARY)
    return await submenu(visit, TEMPORARY)


async def erase(visit: Visit) -> Answer:
    mailboxes = visit.call.exchange.mailboxes
    await mailboxes.choose_greeting(visit.box.id, Greeting.TEMPORARY, None)
    return await visit.say(Sentence.TEMPORARY_GREETING_REMOVED)


async def change_pin(visit: Visit) -> Answer:
    """Have a new PIN typed twice. Nothing typed leaves the old one."""
    pin = await _typed(visit.call, Sentence.NEW_PIN)
    if not pin:
        return None
    if pin_problem(pin, visit.box.number):
        return await visit.say(Sentence.PIN_UNUSABLE)
    if await _typed(visit.call, Sentence.NEW_PIN_AGAIN) != pin:
        return await visit.say(Sentence.PIN_MISMATCH)
    await visit.call.exchange.mailboxes.set_pin(visit.box.id, pin)
    return await visit.say(Sentence.PIN_CHANGED)


async def _typed(call: Call, sentence: Sentence) -> str:
    return await digits(call, *say(sentence, call.language))


def _purpose(visit: Visit, which: Greeting) -> Purpose:
    return Purpose(
        step=STEP,
        place=visit.place(**{GREETING: which}),
        kind=DeliveryKind.GREETING,
        label=visit.box.number,
        box=visit.box.id,
        details={"which": which},
    )


def _instruction(visit: Visit, which: Greeting) -> tuple[str, ...]:
    return say(RECORD_GREETING[which], visit.call.language)


OPTIONS = Menu(
    explained_by(Sentence.MAILBOX_OPTIONS),
    {
        "1": partial(record_greeting, which=Greeting.UNAVAILABLE),
        "2": partial(record_greeting, which=Greeting.BUSY),
        "3": partial(record_greeting, which=Greeting.NAME),
        "4": temporary,
        "5": change_pin,
    },
)

TEMPORARY = Menu(
    explained_by(Sentence.TEMPORARY_GREETING),
    {"1": partial(record_greeting, which=Greeting.TEMPORARY), "2": erase},
    once=True,
)
