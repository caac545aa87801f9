"""Two people talk."""

import asyncio
from datetime import UTC, datetime

from stasis_app.call import causes
from stasis_app.call.call import Call
from stasis_app.call.line import Line
from stasis_app.call.ringing import Ringing
from stasis_app.words import HangupCause, Moment

DEFAULT_WARN_SECONDS = 30.0


async def talk(call: Call, other: Line) -> None:
    """Let the two talk until the other side hangs up; the caller's hangup ends the story anyway."""
    end = await other.ended()
    call.journal.note(Moment.HUNG_UP, end.at, by=other.label)
    call.cause = causes.of_answered(end)


def talked_unwatched(call: Call, ringing: Ringing) -> bool:
    """Return whether the callee answered and hung up while nobody watched; it is noted then.

    An answer passes to the caller by itself.
    """
    if ringing.answered or call.journal.answered or not call.caller.up:
        return False
    call.journal.answer(datetime.now(UTC), number=ringing.label, unwatched=True)
    call.journal.note(Moment.HUNG_UP, by=ringing.label, unwatched=True)
    return True


def was_over(call: Call, ringing: Ringing) -> bool:
    """Return whether the conversation of an adopted call was over already; it is noted then."""
    if call.journal.answered and not ringing.answered:
        call.journal.note(Moment.HUNG_UP, by=ringing.label, unwatched=True)
        return True
    return talked_unwatched(call, ringing)


async def talk_until(call: Call, other: Line, cut_at: datetime | None) -> None:
    """Let them talk until `cut_at` at the most; the caller hears a tone some time before."""
    if cut_at is None:
        await talk(call, other)
        return
    left = (cut_at - datetime.now(UTC)).total_seconds()
    warn = call.exchange.book.number("outbound.warn_seconds", DEFAULT_WARN_SECONDS)
    if warn < left:
        if await _talks_longer_than(left - warn, call, other):
            call.beep()
            call.journal.note(Moment.LIMIT_NEARS, seconds=warn)
        else:
            return
    left = (cut_at - datetime.now(UTC)).total_seconds()
    if await _talks_longer_than(left, call, other):
        call.journal.note(Moment.LIMIT_REACHED)
        call.cause = HangupCause.NORMAL_CLEARING


async def _talks_longer_than(seconds: float, call: Call, other: Line) -> bool:
    try:
        async with asyncio.timeout(max(seconds, 0.0)):
            await talk(call, other)
    except TimeoutError:
        return True
    return False
