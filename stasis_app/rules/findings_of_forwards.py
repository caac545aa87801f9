"""Where forwards and other destinations lead, and where they should not."""

from collections.abc import Iterator
from functools import partial

from stasis_app.words import TargetType

from .book import Book
from .circles import circles
from .dialling import is_own_box, meaning
from .finding import ERROR, WARNING, Finding, Steps
from .inbound import extension_of
from .models import DestinationKind, Extension, InboundRule, Payer, Refuse, Target
from .outbound import decide

OWN_PREFIX = 8  # a pattern with so many fixed characters is of our own numbers: +4930100.


def forwards(book: Book) -> Steps:
    for extension in tuple(book.extensions.items.values()):
        yield None
        for forward in every_forward(extension) if extension.active else ():
            for severity, why in _leads_nowhere(book, extension, forward):
                problem = f"forward to {forward}: {why}"
                yield Finding("extensions", extension.id, extension.number, severity, problem)


def every_forward(extension: Extension) -> list[str]:
    every = (
        extension.forward_unconditional,
        extension.forward_on_busy,
        extension.forward_on_no_answer,
    )
    return list(dict.fromkeys(forward for forward in every if forward))


def _leads_nowhere(book: Book, extension: Extension, forward: str) -> Iterator[tuple[str, str]]:
    destination = meaning(book, forward, Payer(extension=extension.number))
    if destination.kind is DestinationKind.NOWHERE:
        yield ERROR, "it has no mailbox" if is_own_box(forward) else "nobody has this number"
    if destination.kind is DestinationKind.OUTSIDE:
        yield from way_out(book, destination.number, destination.payer)


def dangling(book: Book, target: Target) -> Iterator[tuple[str, str]]:
    """Say why a target can't take calls, or should not: severity and problem."""
    what = f"{target.type} {target.id or target.number}"
    match target.type:
        case TargetType.EXTERNAL:
            for severity, why in way_out(book, target.number or "", Payer(rule="external")):
                yield severity, f"external {target.number}: {why}"
        case TargetType.EXTENSION:
            if extension_of(book, target) is None:
                yield ERROR, f"{what} does not exist"
        case TargetType.IVR:
            if book.ivr_menus.get(target.id) is None:
                yield ERROR, f"{what} does not exist"
        case TargetType.QUEUE:
            queue = book.queues.get(target.id)
            if queue is None or not queue.active:
                yield ERROR, f"{what} {'is inactive' if queue else 'does not exist'}"
        case TargetType.VOICEMAIL:
            if book.box(target) is None:
                yield ERROR, f"{what} does not exist, or its extension takes no messages"
        case _ if book.named(target) is None:
            yield ERROR, f"{what} does not exist"
        case _:
            yield ERROR, f"calls for a {target.type} end with an announcement: it is not built yet"


def way_out(book: Book, number: str, payer: Payer) -> Iterator[tuple[str, str]]:
    """Say what is wrong with an outside number that calls are sent to: severity and problem."""
    outcome = decide(book, number, payer).outcome
    if isinstance(outcome, Refuse):
        yield ERROR, f"it may not be called ({outcome.reason})"
    elif _is_own(book, book.forms(outcome.number)):
        yield WARNING, "it is a number of our own: the call goes out and comes back"


def _is_own(book: Book, did: tuple[str, ...]) -> bool:
    """Return whether a number is surely ours, and an inbound rule takes its calls."""
    rules = book.inbound_rules.matching(did)
    if any(_names_our_numbers(rule) for rule in rules):
        return True
    ranges = (one for trunk in book.trunks.items.values() for one in trunk.did_ranges)
    return bool(rules) and any(one.contains(form) for one in ranges for form in did)


def _names_our_numbers(rule: InboundRule) -> bool:
    return rule.pattern.exact or len(rule.pattern.literal) >= OWN_PREFIX


def forward_loops(book: Book) -> Steps:
    """Follow every forward. Unconditional ones surely go round, others when nobody answers."""
    numbers = (extension.number for extension in tuple(book.extensions.items.values()))
    for circle in circles(numbers, partial(_next, book)):
        yield _round(book, circle) if circle else None


def _round(book: Book, circle: list[str]) -> Finding | None:
    members = [book.extension(number) for number in circle]
    if members[0] is None:
        return None
    surely = all(member and member.forward_unconditional for member in members)
    what = "unconditional forwards go round" if surely else "forwards can go round"
    problem = f"{what}: {' -> '.join([*circle, circle[0]])}"
    severity = ERROR if surely else WARNING
    return Finding("extensions", members[0].id, members[0].number, severity, problem)


def _next(book: Book, number: str) -> list[str]:
    """Return the extensions that an extension forwards to; an unconditional forward is the only."""
    found = book.extension(number)
    if found is None or not found.active:
        return []
    every = [found.forward_unconditional] if found.forward_unconditional else every_forward(found)
    following = [meaning(book, forward, Payer()) for forward in every if forward]
    return [one.number for one in following if one.kind is DestinationKind.EXTENSION]
