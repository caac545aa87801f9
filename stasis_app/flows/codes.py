"""Feature codes: somebody dials to have something done."""

from dataclasses import replace
from uuid import UUID

from stasis_app.call.call import Call
from stasis_app.call.present import Present
from stasis_app.rules.codes import (
    AgentCode,
    CallAnonymously,
    OverrideProfile,
    TryTrunk,
    feature_code,
    may_override,
    may_try_trunks,
    trunk_to_try,
    turned_over,
)
from stasis_app.rules.dialling import meaning
from stasis_app.rules.models import Destination, DestinationKind, Payer, Position
from stasis_app.rules.sentences import Sentence
from stasis_app.rules.times import Override, TimeProfile, is_open
from stasis_app.words import HangupCause, Moment

from .agent_codes import agent_code

STEP = "code"

DONE: dict[Override, Sentence] = {
    Override.AUTOMATIC: Sentence.DEACTIVATED,
    Override.OPEN: Sentence.ACTIVATED,
    Override.CLOSED: Sentence.ACTIVATED,
}


async def code(call: Call, destination: Destination) -> Destination | None:
    """Do what a code asks for. One that leads on to a number says so."""
    asked = feature_code(destination.number)
    if isinstance(asked, CallAnonymously):
        payer = replace(destination.payer, anonymous=True)
        onward = meaning(call.exchange.book, asked.number, payer, by_hand=True)
        if onward.kind is not DestinationKind.EMERGENCY:
            await call.withhold()
        return onward
    if isinstance(asked, TryTrunk):
        return await try_trunk(call, asked, destination.payer)
    if isinstance(asked, OverrideProfile):
        await override(call, asked, destination.payer)
    if isinstance(asked, AgentCode):
        await agent_code(call, asked, destination.number)
    return None


async def override(call: Call, asked: OverrideProfile, payer: Payer) -> None:
    """Open or close a time profile by hand, in its row."""
    book = call.exchange.book
    profile = book.time_profiles.at(asked.code)
    if profile is None:
        await call.refuse(HangupCause.UNALLOCATED_NUMBER, reason="no_such_code")
        return
    if not may_override(book, book.owner(payer)):
        await call.refuse(HangupCause.FORBIDDEN, reason="role")
        return
    now_open = is_open(profile, call.began_at)
    value = asked.value or turned_over(profile.override, is_open=now_open)
    await write(call, profile, value)


async def write_again(call: Call, position: Position, asterisk: Present) -> None:
    """Enter the story where a process that is gone has left it: the value is decided already."""
    profile = call.exchange.book.time_profiles.get(UUID(position.arguments["profile"]))
    if profile is None:
        await call.refuse(HangupCause.UNALLOCATED_NUMBER, reason="no_such_code")
        return
    await write(call, profile, Override(position.arguments["override"]))


async def write(call: Call, profile: TimeProfile, value: Override) -> None:
    exchange = call.exchange
    call.stands(STEP, {"profile": str(profile.id), "override": value})
    await call.answer()
    try:
        written = await exchange.set_override(profile.id, value)
    except ConnectionError:
        await call.refuse(HangupCause.FAILURE, reason="postgres_away")
        return
    if not written:
        await call.refuse(HangupCause.UNALLOCATED_NUMBER, reason="no_such_code")
        return
    call.journal.note(Moment.CODE_USED, profile=profile.name, override=value)
    await call.announce(DONE[value])


async def try_trunk(call: Call, asked: TryTrunk, payer: Payer) -> Destination | None:
    """Call through one trunk, to see whether it works."""
    book = call.exchange.book
    trunk = trunk_to_try(book, asked.code)
    if trunk is None:
        await call.refuse(HangupCause.UNALLOCATED_NUMBER, reason="no_such_code")
        return None
    if not may_try_trunks(book, book.owner(payer)):
        await call.refuse(HangupCause.FORBIDDEN, reason="role")
        return None
    return Destination(DestinationKind.OUTSIDE, asked.number, replace(payer, trunk=trunk.id))
