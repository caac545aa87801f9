"""A prompt is recorded by phone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from stasis_app.call.call import Call
from stasis_app.call.present import Present
from stasis_app.rules.callee import spoken
from stasis_app.rules.codes import may_record
from stasis_app.rules.models import Destination, Position
from stasis_app.rules.sentences import Sentence, say
from stasis_app.rules.spoken import Language
from stasis_app.words import DeliveryKind, HangupCause

from . import review
from .review import record_reviewed
from .take import Outcome, Purpose

STEP = "record_prompt"
CODE = "*77"


@dataclass(frozen=True, slots=True)
class Work:
    """Which prompt is recorded, and which extension does it. `media` None: a new one."""

    recorder: str
    code: str
    media: UUID | None

    def arguments(self, spoken: Language) -> dict[str, Any]:
        return {
            "recorder": self.recorder,
            "code": self.code,
            "media": str(self.media) if self.media else None,
            "language": spoken,
        }

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> "Work":
        media = arguments["media"]
        return cls(arguments["recorder"], arguments["code"], UUID(media) if media else None)


async def record_prompt(call: Call, destination: Destination) -> Destination | None:
    """Record the prompt with the `record_code` that was dialled; without a code a new one."""
    book = call.exchange.book
    recorder = book.owner(destination.payer)
    if recorder is None or not may_record(book, recorder):
        await call.refuse(HangupCause.FORBIDDEN, reason="role")
        return None
    if destination.number and destination.id is None:
        await call.refuse(HangupCause.UNALLOCATED_NUMBER, reason="no_such_code")
        return None
    call.language = spoken(book, call.said_language, recorder)
    await call.answer()
    work = Work(recorder.number, destination.number, destination.id)
    outcome = await record_reviewed(call, purpose(call, work), *instruction(call))
    await farewell(call, outcome)
    return None


async def go_on(call: Call, position: Position, asterisk: Present) -> Destination | None:
    """Enter the story where a process that is gone has left it."""
    call.language = Language(position.arguments["language"])
    work = purpose(call, Work.of(position.arguments))
    outcome = await review.go_on(call, work, position.arguments, *instruction(call))
    await farewell(call, outcome)
    return None


async def farewell(call: Call, outcome: Outcome) -> None:
    if outcome is Outcome.KEPT:
        await call.announce(Sentence.RECORDING_SAVED)
    if outcome is not Outcome.FAILED:
        await call.announce(Sentence.GOODBYE)


def instruction(call: Call) -> tuple[str, ...]:
    return say(Sentence.RECORD_PROMPT, call.language)


def purpose(call: Call, work: Work) -> Purpose:
    """Return what is recorded. One that is there keeps its name."""
    name = f"Recorded by {work.recorder} {call.began_at:%Y-%m-%d %H:%M:%S} UTC"
    return Purpose(
        STEP,
        work.arguments(call.language),
        DeliveryKind.PROMPT,
        CODE + work.code,
        details={"media": str(work.media)} if work.media else {"name": name},
    )
