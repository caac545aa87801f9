"""Where a call from outside goes (issue 3)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from stasis_app.words import HangupCause, TargetType

from .book import Book
from .considered import Considered, Decision
from .models import (
    Asked,
    Destination,
    DestinationKind,
    Extension,
    InboundRule,
    Menu,
    Payer,
    Refuse,
    Target,
    Trunk,
)
from .numbers import is_anonymous
from .queues import Queue

Outcome = Destination | Refuse

CATCH_ALL = "inbound.catch_all"
UNKNOWN = Refuse(HangupCause.UNALLOCATED_NUMBER, "no_inbound_rule")
NOTHING_ASKED = Asked()


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
        payer = sends_on(rule.name, call.did)
        said = rule.language or ""
        outcome = resolve(book, target, payer, said, asked=rule.asked) if target else None
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


def sends_on(rule: str, called: str) -> Payer:
    """Return who pays for an outside number in a row: the row, whatever number was called."""
    return Payer(rule=rule, diverted=(called, "unconditional") if called else None)


def resolve(
    book: Book,
    target: Target,
    payer: Payer,
    language: str = "",
    *,
    by_hand: bool = False,
    asked: Asked = NOTHING_ASKED,
) -> Destination | None:
    """Return where a row's target is; None when the row it means is missing.

    `payer` answers for outside numbers. A menu's own language wins over `language`. `asked` is for
    the queue that the call comes to, be it behind a menu.
    """
    found = _resolve(book, target, payer)
    if found is None:
        return None
    said = found.language or language
    return replace(found, by_hand=by_hand, language=said, asked=asked)


def _resolve(book: Book, target: Target, payer: Payer) -> Destination | None:
    match target.type:
        case TargetType.EXTERNAL:
            return Destination(DestinationKind.OUTSIDE, target.number or "", payer)
        case TargetType.EXTENSION:
            found = extension_of(book, target)
            return Destination(DestinationKind.EXTENSION, found.number) if found else None
        case TargetType.IVR:
            menu = book.ivr_menus.get(target.id)
            return to_menu(menu, payer) if menu else None
        case TargetType.QUEUE:
            queue = book.queues.get(target.id)
            return to_queue(queue, payer) if queue and queue.active else None
        case TargetType.VOICEMAIL:
            box = book.box(target)
            kind = DestinationKind.VOICEMAIL
            return Destination(kind, box.number, id=box.id) if box else None
        case _:
            named = book.named(target)
            name = f"{target.type} {named.name}" if named else ""
            return Destination(DestinationKind.UNBUILT, name) if named else None


def to_menu(menu: Menu, payer: Payer) -> Destination:
    """Return the way to a menu; `payer` tells it which number was called."""
    spoken = menu.language or ""
    return Destination(DestinationKind.IVR, f"ivr {menu.name}", payer, id=menu.id, language=spoken)


def to_queue(queue: Queue, payer: Payer) -> Destination:
    """Return the way to a queue, also one that is paused: its overflow takes the call."""
    return Destination(DestinationKind.QUEUE, f"queue {queue.name}", payer, id=queue.id)


def extension_of(book: Book, target: Target) -> Extension | None:
    """Return the extension that a target means, also an inactive one; a deleted one is gone."""
    found = book.extensions.get(target.id) if target.id else book.extension(target.number or "")
    return None if found is None or found.deleted else found


def _catch_all(book: Book, did: str) -> Outcome:
    target = book.settings.catch_all
    return (target and resolve(book, target, sends_on(CATCH_ALL, did))) or UNKNOWN
