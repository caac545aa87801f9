"""A call: one coroutine that tells what its caller lives through."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from stasis_app.ari.errors import AriError, Gone
from stasis_app.ari.events import Event, HangupRequested, Held, KeyPressed, Unheld
from stasis_app.rules.models import Asked, Position
from stasis_app.rules.queueing import merged
from stasis_app.rules.sentences import Sentence, say
from stasis_app.words import Direction, HangupCause, Moment

from . import causes
from .arrival import Origin
from .dialogue import PREFIX, Dialogue
from .exchange import Exchange
from .journal import Journal
from .lifeline import Hangup, Lifeline
from .line import Line

log = structlog.get_logger()

HANGUP_SECONDS = 5.0
MEDIA_SECONDS = 0.3
INSIST_SECONDS = 1.0
DEFAULT_CAUSE = HangupCause.NORMAL_CLEARING
REFUSAL = "refusal"
UUID_LENGTH = 36
SAID_LANGUAGE = "said_language"
ASKED = "asked"

ANNOUNCEMENTS: dict[HangupCause, Sentence] = {
    HangupCause.UNALLOCATED_NUMBER: Sentence.NOT_IN_SERVICE,
    HangupCause.NO_ANSWER: Sentence.NOT_ANSWERING,
    HangupCause.CONGESTION: Sentence.CIRCUITS_BUSY,
    HangupCause.NOT_IMPLEMENTED: Sentence.FEATURE_NOT_AVAILABLE,
    HangupCause.NORMAL_CLEARING: Sentence.GOODBYE,
}


class Call(Dialogue):
    """The words of a flow that concern the caller. `cause` is why the call ends, once decided.

    `hops` counts where it went on by itself, `menus` those that the caller has entered. `asked` is
    what the rules and menus on its way want of a queue.
    """

    def __init__(self, exchange: Exchange, caller: Line, journal: Journal, origin: Origin) -> None:
        super().__init__(exchange, caller, journal)
        self.origin = origin
        self.began_at = journal.initiated_at
        self.hops = 0
        self.menus = 0
        self.asked = Asked()
        self.cause: HangupCause | None = None
        self.context: Context | None = None
        self._leaving: list[asyncio.Task[None]] = []
        self._holding: set[str] = set()
        caller.watchers.append(self.hears)

    async def tell(self, story: Callable[[], Awaitable[None]]) -> None:
        """Run the story to its end or to the caller's hangup, then close the call's books."""
        self.context = copy_context()
        try:
            await self._live(story)
        except Hangup:
            log.debug("caller has hung up", action="hangup")
        except AriError as error:
            self.cause = self.cause or HangupCause.FAILURE
            log.warning("asterisk failed a call", action="call_refused", error=str(error))
        except Exception:
            self.cause = HangupCause.FAILURE
            raise
        finally:
            if not self.exchange.leaving:
                await self._conclude()

    async def _live(self, story: Callable[[], Awaitable[None]]) -> None:
        async with Lifeline(self.caller):
            await self._to_its_end(story)

    async def _to_its_end(self, story: Callable[[], Awaitable[None]]) -> None:
        """If a story fails because something is gone, its event says what: it may be the caller."""
        try:
            await story()
        except Gone:
            await self._await_end()
            raise

    def behind(
        self, step: Callable[[], Coroutine[Any, Any, None]], *, insist: bool = True
    ) -> asyncio.Task[None]:
        """Have a step done that the story does not wait for, in the order of its requests."""
        return self.exchange.behind(step, self.context, insist=insist)

    def leaves_bridge(self, done: asyncio.Task[None]) -> None:
        """Take note that a bridge is being destroyed in which the caller was."""
        self._leaving.append(done)

    async def unbridged(self) -> None:
        """Return when the caller has left every bridge: who is in one can't be recorded."""
        if self._leaving:
            await asyncio.wait(self._leaving)

    def drop(self, line: Line, cause: int) -> None:
        """Hang up one of the call's channels with a Q.850 cause, behind the story."""
        self.exchange.drop(line, cause, self.context)

    def stands(
        self,
        step: str,
        arguments: Mapping[str, Any],
        *,
        bridge: str | None = None,
        legs: Sequence[str] = (),
    ) -> None:
        """Write down where the story stands, so that it can be entered there again."""
        if self.said_language:
            arguments = {**arguments, SAID_LANGUAGE: self.said_language}
        if self.asked != Asked():
            arguments = {**arguments, ASKED: [self.asked.priority, self.asked.skills]}
        since = datetime.now(UTC)
        self._position = Position(self.caller.id, step, arguments, self.hops, since, bridge, legs)
        self.journal.stand(self._position)

    def amends(self, arguments: Mapping[str, Any]) -> None:
        """Write down what else is known of where the story stands: it has not gone on."""
        if self._position:
            arguments = {**self._position.arguments, **arguments}
            self._position = replace(self._position, arguments=arguments)
            self.journal.stand(self._position)

    def asks(self, asked: Asked) -> None:
        """Take note of what a rule or menu wants of a queue; what it does not say stays."""
        self.asked = merged(self.asked, asked)

    async def refuse(
        self,
        cause: HangupCause,
        *,
        in_words: bool = False,
        sentence: Sentence | None = None,
        **details: Any,
    ) -> None:
        """End the call with the true SIP answer. An answered caller hears it in words.

        So does any other if it is to be told `in_words`, or in this `sentence`: as early media,
        before the answer.
        """
        self.cause = cause
        self.stands(REFUSAL, {"cause": cause})
        self.journal.note(Moment.REFUSED, cause=cause, **details)
        if self.caller.up or in_words or sentence:
            await self.announce(sentence or ANNOUNCEMENTS.get(cause, Sentence.CANNOT_COMPLETE))

    async def answer(self, *, settle: bool = True) -> None:
        """Answer the caller ourselves, and wait until the first syllable would be heard.

        A process that is gone may have answered, and not have come to write it down. Without
        `settle` nobody waits: who speaks next must.
        """
        if not self.caller.up:
            await self.exchange.door.answer(self.caller.id)
        self.exchange.setting_up.discard(self.id)
        if not self.journal.answered:
            self.keys.clear()
            self.journal.answer(datetime.now(UTC))
            if settle:
                await asyncio.sleep(MEDIA_SECONDS)

    async def withhold(self) -> None:
        """Have the caller's number shown to nobody, wherever the call goes."""
        hidden = replace(self.origin.identity, private=True)
        self.origin = replace(self.origin, identity=hidden)
        await self.exchange.door.set_channel_variable(self.caller.id, "CALLERID(pres)", "prohib")

    def beep(self) -> None:
        """Let the caller hear a tone, whatever goes on."""
        door, playback = self.exchange.door, self.new_id()
        beep = partial(door.play, self.caller.id, playback, ["sound:beep"])
        self.behind(beep, insist=False)

    def goes_out(self, trunk: UUID) -> None:
        """Note the trunk that the call goes out over; one that came in over a trunk keeps that."""
        if self.origin.direction is not Direction.INBOUND:
            self.journal.goes_out(trunk)

    async def announce(self, sentence: Sentence) -> None:
        """Say a sentence to its end: nothing is set up now."""
        self.exchange.setting_up.discard(self.id)
        await self.say(*say(sentence, self.language), keys="")
        self.journal.note(Moment.ANNOUNCED, sentence=sentence.name.lower())

    def hears(self, line: Line, event: Event) -> None:
        """Note what any channel of this call does that its row and its timeline show."""
        if isinstance(event, KeyPressed) and line is self.caller:
            self.keys.press(event.key)
        elif isinstance(event, Held):
            self._holding.add(line.id)
            self.journal.hold(event.at, line.label)
        elif isinstance(event, Unheld):
            self._holding.discard(line.id)
            self.journal.resume(event.at, line.label, held=bool(self._holding))
        elif isinstance(event, HangupRequested) and not line.closed and not line.insisting:
            line.insisting = True
            asyncio.get_running_loop().call_later(INSIST_SECONDS, self._insist, line)

    def _insist(self, line: Line) -> None:
        """Hang up what was to end and did not: a CANCEL that crosses the answer leaves it up."""
        if not line.ending and not line.closed:
            self.drop(line, causes.NORMAL_CLEARING)

    async def _conclude(self) -> None:
        self.exchange.setting_up.discard(self.id)
        if not self.caller.ending and not self.caller.closed:
            self.drop(self.caller, causes.ANSWER_TO_CALLER[self.cause or DEFAULT_CAUSE])
        await self._until_gone()
        end = self.caller.gone
        at = end.at if end else datetime.now(UTC)
        self.journal.end(at, self._final_cause())

    async def _until_gone(self) -> None:
        try:
            async with asyncio.timeout(HANGUP_SECONDS):
                await self.caller.ended()
        except TimeoutError:
            log.warning("caller's channel did not end", action="hangup_unconfirmed")
            self.caller.forget()

    def _final_cause(self) -> HangupCause:
        if self.cause:
            return self.cause
        if self.journal.answered and self.caller.gone:
            return causes.of_answered(self.caller.gone)
        return HangupCause.NORMAL_CLEARING if self.journal.answered else HangupCause.CANCEL


def call_of(made_id: str) -> UUID | None:
    """Return the call that an id made by `new_id` belongs to; None for any other id."""
    if not made_id.startswith(PREFIX):
        return None
    try:
        return UUID(made_id.removeprefix(PREFIX)[:UUID_LENGTH])
    except ValueError:
        return None
