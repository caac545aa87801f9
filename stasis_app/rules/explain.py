"""`pbx explain`: what would happen to a call, and why, told by the code that routes calls."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from stasis_app.words import HangupCause

from . import forwarding, inbound, outbound
from .book import Book
from .caller_id import CallerId, caller_id
from .codes import CallAnonymously, feature_code
from .considered import Considered
from .dialling import meaning
from .forwarding import Forward, Ring
from .inbound import Incoming, caller_forms
from .models import Destination, DestinationKind, Extension, Payer, Refuse, Trunk
from .numbers import is_anonymous

MAX_HOPS = 10
CALLER_INACTIVE = Refuse(HangupCause.FORBIDDEN, "caller_inactive")
TRUNK_INACTIVE = Refuse(HangupCause.FORBIDDEN, "trunk_inactive")


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
        hops += 1
        if destination.kind is DestinationKind.EXTENSION:
            destination = yield from _extension(book, question, destination.number)
        elif destination.kind is DestinationKind.CODE:
            destination = yield from _code(book, destination)
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
    verdict = forwarding.on_arrival(
        callee,
        caller=caller.id if caller else None,
        engaged=0,
        default_ring_seconds=book.number("calls.default_ring_seconds", 30.0),
        closed=_is_closed(book, callee, question),
    )
    if isinstance(verdict, Forward):
        yield f"extension {number} forwards to {verdict.number} ({verdict.reason})"
        payer = Payer(extension=number, diverted=(number, verdict.reason))
        return meaning(book, verdict.number, payer)
    if isinstance(verdict, Refuse):
        yield _refusal(verdict)
        return None
    yield from _rings(book, callee, verdict)
    return None


def _code(book: Book, destination: Destination) -> Generator[str, None, Destination | None]:
    asked = feature_code(destination.number)
    yield f"feature code: {asked}"
    if isinstance(asked, CallAnonymously):
        payer = replace(destination.payer, anonymous=True)
        return meaning(book, asked.number, payer, by_hand=True)
    return None


def _rings(book: Book, callee: Extension, verdict: Ring) -> Iterator[str]:
    phones = len(book.contacts(callee.id))
    yield f"extension {callee.number} rings for {verdict.seconds:g} s on {phones} phone(s)"
    if callee.forward_on_no_answer:
        yield f"then, or without a phone, it goes to {callee.forward_on_no_answer}"
    if callee.forward_on_busy:
        yield f"when it is busy it goes to {callee.forward_on_busy}"


def _is_closed(book: Book, callee: Extension, question: Question) -> bool:
    user = book.user_of(callee)
    if user is None or not book.is_closed(user.time_profile, question.at):
        return False
    return not book.is_welcome(caller_forms(book, question.caller))


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


def _considered(kind: str, considered: Sequence[Considered]) -> Iterator[str]:
    for one in considered:
        yield f"{kind} {one.rule}: {one.why}{' -> taken' if one.taken else ''}"


def _refusal(refusal: Refuse) -> str:
    return f"refused: {refusal.reason} ({refusal.cause})"
