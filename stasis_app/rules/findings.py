"""What is wrong with the configuration, for `config_problems` and `pbx check`.

What can't be used is an error: calls go on without it. What will surprise somebody is a warning.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator

from stasis_app.words import CallerIdMode, Role, TargetType

from . import times
from .book import TABLES, Book
from .codes import feature_code
from .did import covers
from .finding import ERROR, WARNING, Finding, Steps
from .findings_of_forwards import forward_loops, forwards, way_out
from .findings_of_trunks import shared_addresses, trunks
from .inbound import resolve
from .inbound_rules import precedence
from .models import InboundRule, Named, OutboundRule, Payer, Target
from .outbound import chain

__all__ = ["ERROR", "WARNING", "Finding", "Steps", "dangling", "findings"]

PREPEND = re.compile(r"\+?[0-9*#]*", re.ASCII)


def findings(book: Book, lost: Collection[str] = ()) -> Steps:
    """Look at everything, a row at each step. Rows that change meanwhile do no harm.

    `lost` are the hosts whose addresses can't be found.
    """
    yield from broken_rows(book)
    yield from settings(book)
    yield from trunks(book, lost)
    for look in (
        shared_addresses,
        inbound_rules,
        shadowed_inbound_rules,
        outbound_rules,
        time_profiles,
        numbers_used_twice,
        extensions,
        forwards,
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
    for severity, problem in dangling(book, target) if target else ():
        yield Finding("system_settings", None, "inbound.catch_all", severity, problem)


def inbound_rules(book: Book) -> Steps:
    for rule in tuple(book.inbound_rules.items.values()):
        yield None
        if not rule.active:
            continue
        for column, target in (("destination", rule.target), ("fallback", rule.fallback)):
            for severity, why in dangling(book, target) if target else ():
                problem = f"{column}: {why}"
                yield Finding("inbound_rules", rule.id, rule.name, severity, problem)
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
    if not PREPEND.fullmatch(rule.prepend):
        yield WARNING, f"prepend '{rule.prepend}' can't be dialled"
    unknown = sorted(rule.roles.difference(Role))
    if unknown:
        yield WARNING, f"allowed_for_roles has {', '.join(unknown)}: there is no such role"
    if rule.max_seconds == 0:
        yield WARNING, "max_duration_seconds is not more than 0: calls are not cut"


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


def dangling(book: Book, target: Target) -> Iterator[tuple[str, str]]:
    """Say why a target can't take calls, or should not: severity and problem."""
    if target.type is TargetType.EXTERNAL:
        for severity, why in way_out(book, target.number or "", Payer(rule="external")):
            yield severity, f"external {target.number}: {why}"
        return
    if target.type is TargetType.EXTENSION:
        found = book.extensions.get(target.id) if target.id else book.extension(target.number or "")
        if found is None or found.deleted:
            yield ERROR, f"extension {target.id or target.number} does not exist"
        return
    if book.named(target) is None:
        yield ERROR, f"{target.type} {target.id} does not exist"
    else:
        yield ERROR, f"calls for a {target.type} end with an announcement: it is not built yet"
