"""Where a call from outside goes (issue 3)."""

from collections.abc import Sequence
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
    """A call from outside, as the carrier told it. `at` is when it began.

    `screened` is the number of a caller who withholds it: told to us only, for the black list.
    """

    trunk: Trunk
    did: str
    caller: str
    at: datetime
    screened: str = ""


def decide(book: Book, call: Incoming) -> Decision[Outcome]:
    """Black list, the trunk's own numbers, the rules in their order, the catch-all; else 404."""
    did, caller = book.forms(call.did), caller_forms(book, call.caller)
    known = (*caller, *book.forms(call.screened)) if call.screened else caller
    if book.blacklist.number(known, call.at):
        return Decision(Refuse(HangupCause.REJECTED, "blacklist"))
    if not delivers(call.trunk, did):
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


def delivers(trunk: Trunk, did: Sequence[str]) -> bool:
    """Return whether a trunk may deliver a number, in any of its forms."""
    ranges = trunk.did_ranges
    return not ranges or any(one.contains(form) for one in ranges for form in did)


def deliverer(book: Book, trunk: Trunk, number: str) -> Trunk:
    """Return the trunk whose call this is, of those to one host: Asterisk knows but the address.

    Two blocks of numbers at one carrier are often two trunks.
    """
    did = book.forms(number)
    if delivers(trunk, did):
        return trunk
    there = (one for one in book.trunks.items.values() if one.present and one.host == trunk.host)
    return next((one for one in there if one.did_ranges and delivers(one, did)), trunk)


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
