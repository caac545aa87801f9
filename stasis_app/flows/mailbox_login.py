"""The way into a mailbox: by the own phone, or with the PIN."""

from stasis_app.call.arrival import Origin
from stasis_app.call.call import Call
from stasis_app.rules.callee import spoken
from stasis_app.rules.mailbox import PinAnswer
from stasis_app.rules.models import Box, Destination, MailboxVisit
from stasis_app.rules.sentences import Sentence, say
from stasis_app.words import HangupCause, Moment

from .digits import digits
from .mailbox_visit import STEP, goodbye

TRIES = 3
PIN_ATTEMPTS = 5
LOCKOUT_SECONDS = 900.0
LONGEST_NUMBER = 64


async def log_in(call: Call, destination: Destination, tried: int = 0) -> Box | None:
    """Return the box that is open now; None if the caller may not go on.

    Whether there is no such box, or it has no PIN, or another one, or is locked, sounds alike.
    Raises ConnectionError.
    """
    book = call.exchange.book
    caller = book.extensions.get(call.origin.extension)
    if caller and destination.reason != MailboxVisit.GREETING:
        call.language = spoken(book, "", caller)
    box = book.box_of(book.extension(destination.number))
    own = destination.reason == MailboxVisit.OWN
    if own and (box is None or box.extension != call.origin.extension):
        await call.refuse(HangupCause.UNALLOCATED_NUMBER, reason="no_mailbox")
        return None
    stands(call, destination, tried)
    await call.answer()
    if own and box and not await asks_own_phone(call, box):
        return box
    return await by_pin(call, destination, tried)


def stands(call: Call, destination: Destination, tried: int) -> None:
    place = {"number": destination.number, "reason": destination.reason, "tried": tried}
    call.stands(STEP, {**place, "language": call.language})


async def asks_own_phone(call: Call, box: Box) -> bool:
    """Return whether the phone of the box needs the PIN. Without one it can only be let in."""
    asks = call.exchange.book.settings.flag("voicemail.pin_at_own_phone")
    return asks and await call.exchange.mailboxes.has_pin(box.id)


async def by_pin(call: Call, destination: Destination, tried: int) -> Box | None:
    for attempt in range(tried, TRIES):
        stands(call, destination, attempt)
        box = await attempted(call, destination.number, again=attempt > 0)
        if box:
            return box
    stands(call, destination, TRIES)
    await call.announce(Sentence.WRONG_PIN)
    await goodbye(call)
    return None


async def attempted(call: Call, number: str, *, again: bool) -> Box | None:
    """Have a PIN typed, and the number of the box unless it is known; None if they don't fit."""
    asked = Sentence.WRONG_LOGIN if again else Sentence.LOGIN
    typed = number or await digits(call, *say(asked, call.language))
    if not typed:
        return None
    sorry = say(Sentence.WRONG_PIN, call.language) if number and again else ()
    pin = await digits(call, *sorry, *say(Sentence.PIN, call.language))
    book = call.exchange.book
    box = book.box_of(book.extension(typed))
    answer = await tell_apart(call, typed, pin) if pin else PinAnswer.WRONG
    if answer is PinAnswer.RIGHT and box:
        return box
    call.journal.note(Moment.PIN_REFUSED, number=box.number if box else None, answer=answer)
    return None


async def tell_apart(call: Call, number: str, pin: str) -> PinAnswer:
    book = call.exchange.book
    return await call.exchange.mailboxes.open_with_pin(
        number,
        pin,
        caller=guesser(call.origin),
        attempts=max(int(book.number("voicemail.pin_attempts", PIN_ATTEMPTS)), 1),
        lockout=book.number("voicemail.lockout_seconds", LOCKOUT_SECONDS),
    )


def guesser(origin: Origin) -> str:
    """Return by what wrong PINs of a caller are counted (`voicemail_pin_callers.caller`)."""
    if origin.extension:
        return f"extension:{origin.extension}"
    return f"trunk:{origin.trunk}:{origin.identity.number[:LONGEST_NUMBER]}"
