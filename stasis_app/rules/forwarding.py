"""What happens to a call for an extension: ring, forward, take a message or refuse."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from stasis_app.words import ExtensionType, HangupCause

from .models import Extension, Refuse

LONGEST_RING_SECONDS = 600.0


class Reason(StrEnum):
    """Why a call was forwarded."""

    UNCONDITIONAL = "unconditional"
    DND = "dnd"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    UNAVAILABLE = "unavailable"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Ring:
    """Let the phones ring for `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Forward:
    number: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class LeaveMessage:
    """The extension's box takes the call."""

    reason: Reason


NoRing = Forward | LeaveMessage | Refuse
Verdict = Ring | NoRing

BUSY_CAUSES = frozenset({HangupCause.BUSY, HangupCause.REJECTED})


def on_arrival(
    callee: Extension,
    *,
    caller: UUID | None,
    engaged: int,
    default_ring_seconds: float,
    closed: bool = False,
    voicemail: bool = False,
) -> Verdict:
    """Decide before any phone rings. `engaged` counts the extension's calls without this one.

    While the time profile of the extension's user is `closed` nobody is there to answer.
    With `voicemail` a box takes what no forward takes.
    Whether a phone is registered is left to Asterisk: it knows of one that came this moment.
    """
    if not callee.active:
        return missing(callee)
    if callee.forward_unconditional:
        return Forward(callee.forward_unconditional, Reason.UNCONDITIONAL)
    if callee.id == caller:
        return Refuse(HangupCause.BUSY, "own_number")
    if closed:
        return absent(callee, voicemail=voicemail)
    if callee.dnd:
        return busy(callee, Reason.DND, voicemail=voicemail)
    limit = callee.max_concurrent_calls
    if limit is not None and engaged >= limit:
        return busy(callee, Reason.BUSY, voicemail=voicemail)
    if callee.type is ExtensionType.VIRTUAL:
        return on_failure(callee, HangupCause.UNAVAILABLE, voicemail=voicemail)
    seconds = callee.ring_seconds if callee.forward_on_no_answer else default_ring_seconds
    return Ring(min(max(seconds, 1.0), LONGEST_RING_SECONDS))


def missing(callee: Extension) -> Refuse:
    if callee.deleted:
        return Refuse(HangupCause.UNALLOCATED_NUMBER, "deleted")
    return Refuse(HangupCause.UNAVAILABLE, "inactive")


def on_failure(callee: Extension, cause: HangupCause, *, voicemail: bool = False) -> NoRing:
    """Decide after the phones have failed: busy and declined are busy, the rest is no answer.

    Without a phone nobody answers either: the no-answer forward takes the call at once.
    """
    if cause in BUSY_CAUSES:
        forward, reason = callee.forward_on_busy, Reason.BUSY
    else:
        missing = cause is HangupCause.UNAVAILABLE
        forward = callee.forward_on_no_answer
        reason = Reason.UNAVAILABLE if missing else Reason.NO_ANSWER
    return _elsewhere(forward, reason, Refuse(cause, "phones"), voicemail=voicemail)


def busy(callee: Extension, reason: Reason, *, voicemail: bool = False) -> NoRing:
    refusal = Refuse(HangupCause.BUSY, reason)
    return _elsewhere(callee.forward_on_busy, reason, refusal, voicemail=voicemail)


def absent(callee: Extension, *, voicemail: bool = False) -> NoRing:
    refusal = Refuse(HangupCause.UNAVAILABLE, Reason.CLOSED)
    forward = callee.forward_on_no_answer
    return _elsewhere(forward, Reason.CLOSED, refusal, voicemail=voicemail)


def _elsewhere(forward: str | None, reason: Reason, refusal: Refuse, *, voicemail: bool) -> NoRing:
    """A forward that somebody has written down wins over the box."""
    if forward:
        return Forward(forward, reason)
    return LeaveMessage(reason) if voicemail else refusal


def worst(causes: Sequence[HangupCause]) -> HangupCause:
    """Return what phones that all failed say together (RFC 3261, 16.7): a person's word first."""
    for cause in (HangupCause.REJECTED, HangupCause.BUSY, HangupCause.NO_ANSWER):
        if cause in causes:
            return cause
    return causes[-1] if causes else HangupCause.UNAVAILABLE
