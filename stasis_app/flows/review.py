"""Something is recorded, and whoever spoke may listen to it, record it again and accept it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from stasis_app.call.call import Call
from stasis_app.call.playback import LONGEST_SECONDS
from stasis_app.call.recording import (
    Kept,
    NotWritten,
    Recorded,
    go_on_recording,
    kept,
    record,
    still_kept,
)
from stasis_app.call.said import Said
from stasis_app.rules.sentences import Sentence, review, say
from stasis_app.rules.system_settings import MAX_SECONDS, MIN_SECONDS
from stasis_app.rules.voicemail import worth_keeping
from stasis_app.words import HangupCause, Moment

from .take import Outcome, Purpose, Stage, Take

SILENCE_SECONDS = 10.0

CHOICE_SECONDS = 5.0
MOST_CHOICES = 25
MOST_POOR_TAKES = 3

SKIP = "#"
ACCEPT, LISTEN, AGAIN, URGENT, OPERATOR = "1", "2", "3", "4", "0"


async def record_reviewed(call: Call, purpose: Purpose, *before: Said) -> Outcome:
    """Say what comes `before` (# skips it), record after the tone, and have it reviewed.

    What is kept is on its way when this returns. Thanks and goodbye are left to the flow.
    """
    take = Take(urgent=purpose.details.get("urgent") is True)
    if before:
        _stands(call, purpose, take)
    return await _takes(call, purpose, take, before)


async def go_on(
    call: Call, purpose: Purpose, arguments: Mapping[str, Any], *before: Said
) -> Outcome:
    """Enter `record_reviewed` where a process that is gone has left it."""
    take = Take.of(arguments)
    if take.stage is Stage.READY:
        if take.delivery:
            Kept(call, take.delivery, None).discard()
        _stands(call, purpose, take)
        return await _takes(call, purpose, take, before)
    keeping = Kept(call, UUID(arguments["delivery"]), take.recording, take.seconds)
    with still_kept(keeping):
        if take.stage is Stage.SETTLED:
            return Outcome(take.outcome)
        draft = _Draft(call, purpose, take, keeping)
        outcome = await draft.go_on()
    if outcome:
        return await _surely(call, purpose, keeping, outcome)
    return await _takes(call, purpose, draft.take, draft.said)


async def _takes(call: Call, purpose: Purpose, take: Take, before: Sequence[Said]) -> Outcome:
    try:
        return await _until_settled(call, purpose, take, before)
    except NotWritten:
        return await _sorry(call)


async def _sorry(call: Call) -> Outcome:
    """Nothing can be written down now: nobody is told that something was saved."""
    await call.announce(Sentence.TRY_LATER)
    return Outcome.NOTHING


async def _surely(call: Call, purpose: Purpose, keeping: Kept, outcome: Outcome) -> Outcome:
    """A message is delivered once it is promised; anything else only if it is accepted too."""
    arrives = purpose.is_message or keeping.finished
    return await _sorry(call) if outcome is Outcome.KEPT and not arrives else outcome


async def _until_settled(
    call: Call, purpose: Purpose, take: Take, before: Sequence[Said]
) -> Outcome:
    while True:
        await call.say(*before, keys=SKIP)
        mark = {"urgent": take.urgent} if purpose.is_message else {}
        with kept(
            call,
            purpose.kind,
            box=purpose.box,
            recording=call.new_id(),
            **{**purpose.details, **mark},
        ) as keeping:
            draft = _Draft(call, purpose, take, keeping)
            outcome = await draft.begin()
        if outcome:
            return await _surely(call, purpose, keeping, outcome)
        take, before = draft.take, draft.said


def _stands(call: Call, purpose: Purpose, take: Take) -> None:
    call.stands(purpose.step, {**purpose.place, **take.arguments()})


class _Draft:
    """One take, until it is settled or discarded. `said` is what comes before the next."""

    def __init__(self, call: Call, purpose: Purpose, take: Take, keeping: Kept) -> None:
        self.call = call
        self.purpose = purpose
        self.take = take
        self.keeping = keeping
        self.said: tuple[str, ...] = ()
        self._began: datetime | None = None
        self._over = False

    async def begin(self) -> Outcome | None:
        """Record and review; None when it was discarded and another take is to follow."""
        with self._until_hangup():
            keeping = self.keeping
            self._stand(
                stage=Stage.RECORDING,
                delivery=keeping.id,
                recording=keeping.recording or "",
                seconds=None,
            )
            self._note(Moment.MESSAGE_BEGUN)
            return await self._judge(await self._record())

    async def go_on(self) -> Outcome | None:
        with self._until_hangup():
            if self.take.stage is Stage.REVIEW:
                return await self._review()
            recorded = await go_on_recording(self.call, self.keeping, max_seconds=self._max_seconds)
            return await self._judge(recorded or await self._record())

    @contextmanager
    def _until_hangup(self) -> Iterator[None]:
        """A caller who hangs up leaves his message; a prompt that nobody accepted is none."""
        try:
            yield
        finally:
            if not self._over and self._is_empty:
                self._discard("nothing_recorded")
            elif not self._over and self.purpose.is_message:
                self._note_kept(self.take.seconds or self._elapsed)
            elif not self._over:
                self._discard("not_accepted")

    @property
    def _is_empty(self) -> bool:
        """Whether a message is nothing: he hung up during the tone. One that is sent on is more."""
        alone = self.purpose.is_message and "forwarded_from" not in self.purpose.details
        return alone and self.keeping.seconds == 0

    @property
    def _elapsed(self) -> float | None:
        """How long it was recorded until now, with the tone; None if another process began it."""
        since = self._began and datetime.now(UTC) - self._began
        return round(since.total_seconds(), 1) if since else None

    async def _record(self) -> Recorded:
        self._began = datetime.now(UTC)
        return await record(
            self.call,
            self.keeping,
            max_seconds=self._max_seconds,
            silence_seconds=self._setting("silence_seconds", SILENCE_SECONDS),
        )

    async def _judge(self, recorded: Recorded) -> Outcome | None:
        if recorded.failed or self._is_lost(recorded):
            self._discard("failed")
            await self.call.refuse(HangupCause.FAILURE, reason="recording_failed")
            return Outcome.FAILED
        self.take = replace(self.take, stage=Stage.REVIEW, seconds=recorded.seconds)
        flaw = self._flaw(recorded)
        return await self._repeat(flaw) if flaw else await self._review()

    def _is_lost(self, recorded: Recorded) -> bool:
        """What came before the disk was full is kept if it is long enough."""
        return recorded.cut_off and (recorded.seconds or 0.0) <= self._least_seconds

    def _flaw(self, recorded: Recorded) -> str | None:
        """Asterisk counts half seconds: of a name that was said it may say 0."""
        if not self.purpose.is_message or recorded.seconds is None:
            return None
        if worth_keeping(recorded.seconds, recorded.talking, self._least_seconds):
            return None
        return "too_short" if recorded.seconds < self._least_seconds else "silent"

    async def _repeat(self, flaw: str) -> Outcome | None:
        self.take = replace(self.take, poor=self.take.poor + 1)
        self._discard(flaw)
        self.said = say(Sentence.TOO_SHORT, self.call.language)
        if self.take.poor < MOST_POOR_TAKES:
            return None
        await self.call.say(*self.said, keys=SKIP)
        return Outcome.NOTHING

    async def _review(self) -> Outcome | None:
        """Have it accepted, by no key too: who goes away without a word has said all."""
        said: tuple[str, ...] = ()
        while self.take.choices < MOST_CHOICES:
            self._stand(choices=self.take.choices + 1)
            key = await self._choice(said)
            if key == AGAIN:
                self._discard("recorded_again")
                return None
            if key == OPERATOR:
                return self._settle(Outcome.OPERATOR)
            if key == LISTEN:
                said = (f"recording:{self.take.recording}",)
            elif key == URGENT:
                said = self._mark()
            else:
                break
        return self._settle(Outcome.KEPT)

    async def _choice(self, said: tuple[str, ...]) -> str | None:
        call, purpose = self.call, self.purpose
        keys = ACCEPT + LISTEN + AGAIN + URGENT * purpose.is_message + OPERATOR * purpose.operator
        urgent = self.take.urgent if purpose.is_message else None
        menu = review(call.language, urgent=urgent, operator=purpose.operator)
        longest = LONGEST_SECONDS + self._max_seconds
        key = await call.say(*said, *menu, keys=keys, longest=longest)
        return key or await call.key(CHOICE_SECONDS, keys)

    def _mark(self) -> tuple[str, ...]:
        urgent = not self.take.urgent
        self.keeping.change(urgent=urgent)
        self.take = replace(self.take, urgent=urgent)
        sentence = Sentence.MARKED_URGENT if urgent else Sentence.UNMARKED_URGENT
        return say(sentence, self.call.language)

    def _settle(self, outcome: Outcome) -> Outcome:
        self._over = True
        self._note_kept(self.take.seconds)
        self._stand(stage=Stage.SETTLED, outcome=outcome)
        return outcome

    def _discard(self, why: str) -> None:
        """The position is written first: whoever enters there discards it again."""
        self._over = True
        self._stand(stage=Stage.READY)
        self.keeping.discard()
        self._note(Moment.MESSAGE_DISCARDED, reason=why)

    def _note_kept(self, seconds: float | None) -> None:
        if self.purpose.is_message:
            self._note(Moment.MESSAGE_LEFT, seconds=seconds, urgent=self.take.urgent)
        else:
            self._note(Moment.PROMPT_RECORDED, seconds=seconds)

    def _note(self, moment: Moment, **details: Any) -> None:
        self.call.journal.note(moment, number=self.purpose.label, **details)

    def _stand(self, **changes: Any) -> None:
        self.take = replace(self.take, **changes)
        _stands(self.call, self.purpose, self.take)

    @property
    def _max_seconds(self) -> float:
        return self._setting("max_seconds", MAX_SECONDS)

    @property
    def _least_seconds(self) -> float:
        return self._setting("min_seconds", MIN_SECONDS)

    def _setting(self, name: str, default: float) -> float:
        return self.call.exchange.book.number(f"voicemail.{name}", default)
