"""`pbx explain`: what would happen to a call, and why, told by the code that routes calls."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from stasis_app.words import HangupCause

from . import callee as rules
from . import explain_queue, explain_voice, inbound, outbound
from .book import Book
from .caller_id import CallerId, caller_id
from .codes import (
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
from .considered import Considered
from .dialling import meaning
from .forwarding import Forward, LeaveMessage, Ring
from .inbound import Incoming
from .models import Destination, DestinationKind, Extension, Payer, Refuse, Trunk
from .numbers import is_anonymous
from .shelf import Shelf
from .times import is_open

MAX_HOPS = 10
CALLER_INACTIVE = Refuse(HangupCause.FORBIDDEN, "caller_inactive")
TRUNK_INACTIVE = Refuse(HangupCause.FORBIDDEN, "trunk_inactive")

VOICE: Mapping[DestinationKind, Callable[[Book, Destination], Iterator[str]]] = {
    DestinationKind.IVR: explain_voice.menu,
    DestinationKind.VOICEMAIL: explain_voice.message,
    DestinationKind.MAILBOX: explain_voice.mailbox,
    DestinationKind.RECORD_PROMPT: explain_voice.recording,
    DestinationKind.QUEUE: explain_queue.queue,
}


class Unexplained(Exception):
    """The question names something that does not exist."""


@dataclass(frozen=True, slots=True)
class Question:
    """A call at an instant; from an extension, or from outside over a trunk (None: any)."""

    to: str
    caller: str
    at: datetime
    trunk: str | None = None


def explain(book: Book, question: Question) -> Iterator[str]:
    """Return the lines of the answer. Raises Unexplained."""
    caller = _from_inside(book, question)
    if caller:
        yield f"{caller.number} is an extension: a call from inside"
        first = meaning(book, question.to, Payer(extension=caller.number), by_hand=True)
        if caller.active or first.kind is DestinationKind.EMERGENCY:
            yield from _follow(book, question, first)
        else:
            yield _refusal(CALLER_INACTIVE)
        return
    trunk = _trunk(book, question)
    yield f"a call from outside over trunk {trunk.name}"
    if not trunk.present:
        yield _refusal(TRUNK_INACTIVE)
        return
    call = Incoming(trunk, question.to, question.caller, question.at)
    forms = ", ".join(book.forms(question.to))
    yield f"the number is looked for as {forms}"
    yield from _unusable("inbound rule", book.inbound_rules)
    decision = inbound.decide(book, call)
    yield from _considered("inbound rule", decision.considered)
    if isinstance(decision.outcome, Refuse):
        yield _refusal(decision.outcome)
        return
    if decision.rule is None:
        yield "no rule takes it: inbound.catch_all does"
    yield from _follow(book, question, decision.outcome)


def _from_inside(book: Book, question: Question) -> Extension | None:
    caller = book.extension(question.caller) if question.trunk is None else None
    return None if caller and caller.deleted else caller


def _trunk(book: Book, question: Question) -> Trunk:
    trunks = sorted(book.trunks.items.values(), key=lambda trunk: (not trunk.active, trunk.name))
    if question.trunk is not None:
        trunks = [trunk for trunk in trunks if question.trunk in (trunk.name, str(trunk.id))]
        if not trunks:
            raise Unexplained(f"there is no trunk {question.trunk}")
    if not trunks:
        raise Unexplained(f"{question.caller} is no extension, and there is no trunk")
    did = book.forms(question.to)
    may = (t for t in trunks if any(one.contains(form) for one in t.did_ranges for form in did))
    return next(may, trunks[0])


def _follow(book: Book, question: Question, first: Destination) -> Iterator[str]:
    destination: Destination | None = first
    hops = 0
    while destination:
        if hops > book.number("calls.max_hops", MAX_HOPS):
            yield "refused: the forwards go round (loop_detected)"
            return
        hops += destination.kind is not DestinationKind.CODE
        if destination.kind is DestinationKind.EXTENSION:
            destination = yield from _extension(book, question, destination.number)
        elif destination.kind is DestinationKind.CODE:
            destination = yield from _code(book, question, destination)
        elif destination.kind in VOICE:
            yield from VOICE[destination.kind](book, destination)
            return
        else:
            yield from _elsewhere(book, question, destination)
            return


def _extension(
    book: Book, question: Question, number: str
) -> Generator[str, None, Destination | None]:
    callee = book.extension(number)
    if callee is None:
        yield f"refused: extension {number} does not exist"
        return None
    caller = _from_inside(book, question)
    verdict = rules.decide(
        book,
        callee,
        caller=caller.id if caller else None,
        number=question.caller,
        at=question.at,
        engaged=0,
    )
    if isinstance(verdict, Forward):
        yield f"extension {number} forwards to {verdict.number} ({verdict.reason})"
        return rules.onward(book, number, verdict)
    if isinstance(verdict, LeaveMessage):
        yield f"extension {number} does not ring ({verdict.reason})"
        return rules.onward(book, number, verdict)
    if isinstance(verdict, Refuse):
        yield _refusal(verdict)
        return None
    yield from _rings(book, callee, verdict)
    return None


def _code(
    book: Book, question: Question, destination: Destination
) -> Generator[str, None, Destination | None]:
    asked = feature_code(destination.number)
    payer = destination.payer
    owner = book.owner(payer)
    if isinstance(asked, CallAnonymously):
        yield f"a call to {asked.number} that shows no number"
        return meaning(book, asked.number, replace(payer, anonymous=True), by_hand=True)
    if isinstance(asked, TryTrunk):
        trunk = trunk_to_try(book, asked.code)
        if trunk is None:
            yield f"refused: no trunk has the test_code {asked.code} (unallocated_number)"
        elif not may_try_trunks(book, owner):
            yield "refused: trunks.test_roles (forbidden)"
        else:
            payer = replace(payer, trunk=trunk.id)
            return Destination(DestinationKind.OUTSIDE, asked.number, payer)
    if isinstance(asked, OverrideProfile):
        yield _override(book, question, asked, owner)
    if isinstance(asked, AgentCode):
        yield explain_queue.code(book, asked, owner)
    return None


def _override(
    book: Book, question: Question, asked: OverrideProfile, owner: Extension | None
) -> str:
    profile = book.time_profiles.at(asked.code)
    if profile is None:
        return f"refused: no time profile has the code {asked.code} (unallocated_number)"
    if not may_override(book, owner):
        return "refused: time_profiles.override_roles (forbidden)"
    now_open = is_open(profile, question.at)
    value = asked.value or turned_over(profile.override, is_open=now_open)
    return f"time profile {profile.name} is set to {value}"


def _rings(book: Book, callee: Extension, verdict: Ring) -> Iterator[str]:
    phones = len(book.contacts(callee.id))
    yield f"extension {callee.number} rings for {verdict.seconds:g} s on {phones} phone(s)"
    box = "its mailbox" if book.box_of(callee) else None
    if unanswered := callee.forward_on_no_answer or box:
        yield f"then, or without a phone, it goes to {unanswered}"
    if busy := callee.forward_on_busy or box:
        yield f"when it is busy it goes to {busy}"


def _elsewhere(book: Book, question: Question, destination: Destination) -> Iterator[str]:
    number = destination.number
    if destination.kind is DestinationKind.NOWHERE:
        yield f"refused: nobody has the number {number} (unallocated_number)"
    elif destination.kind is DestinationKind.UNBUILT:
        yield f"{number}: an announcement, then refused (not_implemented)"
    else:
        yield from _outside(book, question, destination)


def _outside(book: Book, question: Question, destination: Destination) -> Iterator[str]:
    payer = destination.payer
    if destination.kind is DestinationKind.EMERGENCY:
        yield "an emergency number: no limit counts"
        decision = outbound.emergency(book, destination.number)
    else:
        yield f"an outside call, paid for by {payer.extension or payer.rule}"
        yield from _unusable("outbound rule", book.outbound_rules)
        decision = outbound.decide(book, destination.number, payer)
    yield from _considered("outbound rule", decision.considered)
    route = decision.outcome
    if isinstance(route, Refuse):
        yield _refusal(route)
        return
    original = CallerId(question.caller, private=is_anonymous(question.caller))
    caller = _from_inside(book, question)
    for place, trunk in enumerate(route.trunks):
        shown = caller_id(book, route.rule, trunk, payer, original, caller=caller)
        way = "then, if that fails," if place else "dialled"
        hidden = " withheld" if shown.private else ""
        yield f"{way} {route.number} over trunk {trunk.name}, showing {shown.number}{hidden}"
    if route.rule and route.rule.max_seconds:
        yield f"cut after {route.rule.max_seconds:g} s"


def _unusable(kind: str, shelf: Shelf[Any]) -> Iterator[str]:
    for error in shelf.broken.values():
        yield f"{kind} {error.name}: can't be used: {error}"


def _considered(kind: str, considered: Sequence[Considered]) -> Iterator[str]:
    for one in considered:
        yield f"{kind} {one.rule}: {one.why}{' -> taken' if one.taken else ''}"


def _refusal(refusal: Refuse) -> str:
    return f"refused: {refusal.reason} ({refusal.cause})"
