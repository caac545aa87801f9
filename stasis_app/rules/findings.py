"""What is wrong with the configuration, for `config_problems` and `pbx check`.

What can't be used is an error: calls go on without it. What will surprise somebody is a warning.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from uuid import UUID

from stasis_app.words import CallerIdMode, TargetType, TrunkStatus, TrunkType

from . import times
from .book import TABLES, Book
from .codes import feature_code
from .dialling import meaning
from .did import covers
from .inbound import resolve
from .inbound_rules import precedence
from .models import (
    DestinationKind,
    Extension,
    InboundRule,
    Named,
    OutboundRule,
    Payer,
    Refuse,
    Target,
    Trunk,
)
from .outbound import chain, decide

ERROR = "error"
WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """A row, and what is wrong with it. `row` None: a setting, `name` is its key."""

    table: str
    row: UUID | None
    name: str
    severity: str
    problem: str


Steps = Iterator[Finding | None]
"""What was found, or None for a step that found nothing: whoever asks may pause at each."""


def findings(book: Book) -> Steps:
    """Look at everything, a row at each step. Rows that change meanwhile do no harm."""
    for look in (
        broken_rows,
        settings,
        trunks,
        inbound_rules,
        shadowed_inbound_rules,
        outbound_rules,
        time_profiles,
        numbers_used_twice,
        extensions,
        forward_loops,
    ):
        yield from look(book)


def broken_rows(book: Book) -> Iterator[Finding]:
    for table in TABLES:
        for identity, error in tuple(book.shelf(table).broken.items()):
            yield Finding(table, identity, error.name, ERROR, str(error))


def settings(book: Book) -> Iterator[Finding]:
    for key, problem in tuple(book.settings.check().items()):
        yield Finding("system_settings", None, key, ERROR, problem)
    target = book.settings.catch_all
    lost = dangling(book, target) if target else None
    if lost:
        yield Finding("system_settings", None, "inbound.catch_all", ERROR, lost)


def trunks(book: Book) -> Steps:
    for trunk in tuple(book.trunks.items.values()):
        yield None
        if trunk.status is not TrunkStatus.INACTIVE and not trunk.deleted:
            for problem in _of_trunk(book, trunk):
                yield Finding("trunks", trunk.id, trunk.name, ERROR, problem)
    yield from _shared_addresses(book)


def _of_trunk(book: Book, trunk: Trunk) -> Iterator[str]:
    if trunk.uri is None:
        yield "host and port can't be part of a SIP address"
    if trunk.type is TrunkType.REGISTER and not (trunk.username and trunk.credentials):
        yield "trunk_type register without username or password"
    if trunk.type is TrunkType.IP_AUTH and not trunk.allowed_ips:
        yield "trunk_type ip_auth without allowed_ips: it can't deliver calls"
    if trunk.backup and trunk.backup not in book.trunks.items:
        yield "backup_trunk_id is a trunk that can't be used"
    ways = list(chain(book, trunk.id))
    if ways and ways[-1].backup in {way.id for way in ways}:
        yield "backup_trunk_id leads round in a circle"


def _shared_addresses(book: Book) -> Iterator[Finding]:
    """Asterisk asks no rule which of two trunks an address belongs to."""
    seen: dict[str, Trunk] = {}
    for trunk in sorted(book.trunks.items.values(), key=lambda trunk: trunk.name):
        for address in trunk.allowed_ips if trunk.present else ():
            other = seen.setdefault(str(ip_network(address, strict=False)), trunk)
            if other is not trunk:
                problem = f"allowed_ips {address} belongs to trunk {other.name} too"
                yield Finding("trunks", trunk.id, trunk.name, ERROR, problem)


def inbound_rules(book: Book) -> Steps:
    for rule in tuple(book.inbound_rules.items.values()):
        yield None
        if not rule.active:
            continue
        for column, target in (("destination", rule.target), ("fallback", rule.fallback)):
            problem = dangling(book, target) if target else None
            if problem:
                yield Finding("inbound_rules", rule.id, rule.name, ERROR, f"{column}: {problem}")
        if rule.fallback and rule.time_profile is None:
            problem = "has a fallback, but no time profile: it is never used"
            yield Finding("inbound_rules", rule.id, rule.name, WARNING, problem)


def shadowed_inbound_rules(book: Book) -> Steps:
    """A rule is never reached when one before it takes all its calls whatever the time.

    One whose destination is missing takes none.
    """
    alike: defaultdict[object, list[InboundRule]] = defaultdict(list)
    for rule in tuple(book.inbound_rules.items.values()):
        yield None
        if rule.active and resolve(book, rule.target, rule.name, ""):
            alike[rule.pattern.specificity, rule.pattern.literal].append(rule)
    for rules in alike.values():
        yield from _shadowed(sorted(rules, key=precedence))


def _shadowed(rules: list[InboundRule]) -> Steps:
    for place, rule in enumerate(rules):
        yield None
        earlier = next((one for one in rules[:place] if _takes_all_of(one, rule)), None)
        if earlier:
            problem = f"is never reached: rule {earlier.name} takes its calls"
            yield Finding("inbound_rules", rule.id, rule.name, WARNING, problem)


def _takes_all_of(earlier: InboundRule, later: InboundRule) -> bool:
    return (
        covers(earlier.pattern, later.pattern)
        and earlier.trunk in (None, later.trunk)
        and earlier.caller_pattern is None
        and (earlier.time_profile is None or earlier.fallback is not None)
    )


def outbound_rules(book: Book) -> Steps:
    taken: dict[str, OutboundRule] = {}
    for rule in sorted(
        book.outbound_rules.items.values(), key=lambda rule: (rule.priority, rule.name)
    ):
        yield None
        if not rule.active:
            continue
        for severity, problem in _of_outbound_rule(book, rule):
            yield Finding("outbound_rules", rule.id, rule.name, severity, problem)
        if not any(trunk.active for trunk in chain(book, rule.trunk)):
            continue
        earlier = taken.setdefault(rule.pattern.pattern, rule)
        if earlier is not rule and rule.roles <= earlier.roles:
            problem = f"is never reached: rule {earlier.name} has the same pattern"
            yield Finding("outbound_rules", rule.id, rule.name, WARNING, problem)


def _of_outbound_rule(book: Book, rule: OutboundRule) -> Iterator[tuple[str, str]]:
    trunks = list(chain(book, rule.trunk))
    if not any(trunk.active for trunk in trunks):
        yield ERROR, "no trunk of it is active"
    if rule.caller_id_mode is CallerIdMode.CUSTOM and not rule.custom_caller_id:
        yield ERROR, "caller_id_mode custom without custom_caller_id"
    if rule.caller_id_mode is CallerIdMode.TRUNK:
        for trunk in trunks:
            if trunk.active and not (trunk.default_caller_id or trunk.username):
                yield WARNING, f"caller_id_mode trunk, but trunk {trunk.name} has no number"


def time_profiles(book: Book) -> Steps:
    for profile in tuple(book.time_profiles.items.values()):
        yield None
        if times.is_empty(profile):
            problem = "is never open"
            yield Finding("time_profiles", profile.id, profile.name, WARNING, problem)


def numbers_used_twice(book: Book) -> Steps:
    for table in ("queues", "conferences"):
        for row in tuple(book.shelf(table).items.values()):
            yield None
            problem = _used_by_another(book, row.number, row) if row.active else None
            if problem:
                yield Finding(table, row.id, row.name, ERROR, problem)


def _used_by_another(book: Book, number: str | None, row: Named | None = None) -> str | None:
    """Return who else has a number.

    An emergency number wins over an extension, that over a queue, a conference, a code at last.
    """
    if not number:
        return None
    if number in book.settings.emergency_numbers:
        return f"number {number} is an emergency number: nobody can dial it"
    extension, queue = book.extension(number), book.queues.at(number)
    if row and extension and not extension.deleted:
        return f"number {number} is an extension too, which takes the calls"
    if row and queue and queue.active and queue is not row:
        return f"number {number} is a queue's too, which takes the calls"
    if feature_code(number):
        return f"number {number} is a feature code too, which nobody can dial any more"
    return None


def extensions(book: Book) -> Steps:
    for extension in tuple(book.extensions.items.values()):
        yield None
        if not extension.active:
            continue
        twice = _used_by_another(book, extension.number)
        for problem in (*extension.problems, *((twice,) if twice else ())):
            yield Finding("extensions", extension.id, extension.number, ERROR, problem)
        for forward in forwards(extension):
            why = _leads_nowhere(book, extension, forward)
            if why:
                problem = f"forward to {forward}: {why}"
                yield Finding("extensions", extension.id, extension.number, ERROR, problem)


def forwards(extension: Extension) -> list[str]:
    every = (
        extension.forward_unconditional,
        extension.forward_on_busy,
        extension.forward_on_no_answer,
    )
    return list(dict.fromkeys(forward for forward in every if forward))


def _leads_nowhere(book: Book, extension: Extension, forward: str) -> str | None:
    destination = meaning(book, forward, Payer(extension=extension.number))
    if destination.kind is DestinationKind.NOWHERE:
        return "nobody has this number"
    if destination.kind is DestinationKind.OUTSIDE:
        return _may_not_be_called(book, destination.number, destination.payer)
    return None


def _may_not_be_called(book: Book, number: str, payer: Payer) -> str | None:
    outcome = decide(book, number, payer).outcome
    return f"it may not be called ({outcome.reason})" if isinstance(outcome, Refuse) else None


def forward_loops(book: Book) -> Steps:
    """Follow unconditional forwards: they are the ones that surely go round."""
    done: set[str] = set()
    for extension in tuple(book.extensions.items.values()):
        yield None
        path: list[str] = []
        number: str | None = extension.number
        while number and number not in done and number not in path:
            path.append(number)
            number = _next(book, number)
        if number in path:
            circle = path[path.index(number) :]
            start = book.extension(circle[0])
            if start:
                way = " -> ".join([*circle, circle[0]])
                problem = f"unconditional forwards go round: {way}"
                yield Finding("extensions", start.id, start.number, ERROR, problem)
        done.update(path)


def _next(book: Book, number: str) -> str | None:
    found = book.extension(number)
    if found is None or not found.active or not found.forward_unconditional:
        return None
    following = meaning(book, found.forward_unconditional, Payer())
    return following.number if following.kind is DestinationKind.EXTENSION else None


def dangling(book: Book, target: Target) -> str | None:
    """Return why a target can't take calls."""
    if target.type is TargetType.EXTERNAL:
        why = _may_not_be_called(book, target.number or "", Payer(rule="external"))
        return f"external {target.number}: {why}" if why else None
    if target.type is TargetType.EXTENSION:
        found = book.extensions.get(target.id) if target.id else book.extension(target.number or "")
        missing = found is None or found.deleted
        return f"extension {target.id or target.number} does not exist" if missing else None
    named = book.named(target)
    if named is None:
        return f"{target.type} {target.id} does not exist"
    return f"calls for a {target.type} end with an announcement: it is not built yet"
