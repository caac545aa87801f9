"""Where a call from outside goes (issue 3)."""

from dataclasses import dataclass
from datetime import datetime

from stasis_app.words import HangupCause, TargetType

from .book import Book
from .considered import Considered, Decision
from .models import (
    Destination,
    DestinationKind,
    InboundRule,
    Payer,
    Refuse,
    Target,
    Trunk,
)
from .numbers import is_anonymous

Outcome = Destination | Refuse

UNKNOWN = Refuse(HangupCause.UNALLOCATED_NUMBER, "no_inbound_rule")


@dataclass(frozen=True, slots=True)
class Incoming:
    """A call from outside, as the carrier told it. `at` is when it began."""

    trunk: Trunk
    did: str
    caller: str
    at: datetime
    user_agent: str = ""


def decide(book: Book, call: Incoming) -> Decision[Outcome]:
    """Black list, the trunk's own numbers, the rules in their order, the catch-all; else 404."""
    did, caller = book.forms(call.did), caller_forms(book, call.caller)
    if book.blacklist.number(caller, call.at):
        return Decision(Refuse(HangupCause.REJECTED, "blacklist"))
    ranges = call.trunk.did_ranges
    if ranges and not any(one.contains(form) for one in ranges for form in did):
        return Decision(Refuse(HangupCause.UNALLOCATED_NUMBER, "not_in_did_ranges"))
    considered: list[Considered] = []
    for rule in book.inbound_rules.matching(did):
        why, target = _consider(book, rule, call, caller)
        outcome = resolve(book, target, rule.name, call.did) if target else None
        if target and outcome is None:
            why = f"{why}, but its {target.type} is missing"
        considered.append(Considered(rule.name, why, taken=outcome is not None))
        if outcome:
            return Decision(outcome, tuple(considered))
    return Decision(_catch_all(book, call.did), tuple(considered))


def caller_forms(book: Book, caller: str) -> tuple[str, ...]:
    """Return the forms of a caller's number; one that is withheld has the form `anonymous`."""
    return ("anonymous",) if is_anonymous(caller) else book.forms(caller)


def _consider(
    book: Book, rule: InboundRule, call: Incoming, caller: tuple[str, ...]
) -> tuple[str, Target | None]:
    """Return why the rule does not take the call, or why and where it sends it."""
    if rule.trunk and rule.trunk != call.trunk.id:
        wanted = book.trunks.get(rule.trunk)
        return f"is for trunk {wanted.name if wanted else rule.trunk}", None
    if rule.caller_pattern and not any(rule.caller_pattern.search(form) for form in caller):
        return f"wants a caller like {rule.caller_pattern.pattern}", None
    if not book.is_closed(rule.time_profile, call.at):
        return "matches", rule.target
    if book.is_welcome(caller):
        return "is closed, but the caller is on the white list", rule.target
    if rule.fallback:
        return "is closed: fallback", rule.fallback
    return "is closed and has no fallback", None


def resolve(book: Book, target: Target, rule: str, did: str) -> Destination | None:
    """Return where a row's target is; None when the row it means is missing."""
    if target.type is TargetType.EXTERNAL:
        payer = Payer(rule=rule, diverted=(did, "unconditional"))
        return Destination(DestinationKind.OUTSIDE, target.number or "", payer)
    if target.type is TargetType.EXTENSION:
        found = book.extensions.get(target.id) if target.id else book.extension(target.number or "")
        if found is None or found.deleted:
            return None
        return Destination(DestinationKind.EXTENSION, found.number)
    named = book.named(target)
    return Destination(DestinationKind.UNBUILT, f"{target.type} {named.name}") if named else None


def _catch_all(book: Book, did: str) -> Outcome:
    target = book.settings.catch_all
    return (target and resolve(book, target, "inbound.catch_all", did)) or UNKNOWN
