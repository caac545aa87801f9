"""What is wrong with the configuration, for `config_problems` and `pbx check`.

What can't be used is an error: calls go on without it. What will surprise somebody is a warning.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator

from stasis_app.words import CallerIdMode, Role

from . import times
from .book import TABLES, Book
from .codes import feature_code
from .did import covers
from .finding import ERROR, WARNING, Finding, Steps
from .findings_of_boxes import boxes, operator
from .findings_of_forwards import dangling, forward_loops, forwards
from .findings_of_menus import menu_loops, menu_options, menus, music, unspoken
from .findings_of_queues import missing_skills, queue_loops, queue_members, queues
from .findings_of_trunks import shared_addresses, trunks
from .inbound import resolve
from .inbound_rules import precedence
from .models import InboundRule, Menu, Named, OutboundRule, Payer
from .outbound import chain
from .queues import Queue

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
        menus,
        menu_options,
        menu_loops,
        boxes,
        queues,
        queue_members,
        queue_loops,
        missing_skills,
    ):
        yield from look(book)


def broken_rows(book: Book) -> Iterator[Finding]:
    for table in TABLES:
        for identity, error in tuple(book.shelf(table).broken.items()):
            yield Finding(table, identity, error.name, ERROR, str(error))


def settings(book: Book) -> Iterator[Finding]:
    for key, problem in tuple(book.settings.check().items()):
        yield Finding("system_settings", None, key, ERROR, problem)
    for key, problem in book.settings.warnings().items():
        yield Finding("system_settings", None, key, WARNING, problem)
    target = book.settings.catch_all
    for severity, problem in dangling(book, target) if target else ():
        yield Finding("system_settings", None, "inbound.catch_all", severity, problem)
    for severity, problem in operator(book, book.settings.operator, Payer(rule="operator")):
        yield Finding("system_settings", None, "voicemail.operator", severity, problem)
    for problem in music(book):
        yield Finding("system_settings", None, "media.default_moh", ERROR, problem)


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
        for severity, problem in unspoken(rule.language):
            yield Finding("inbound_rules", rule.id, rule.name, severity, problem)


def shadowed_inbound_rules(book: Book) -> Steps:
    """A rule is never reached when one before it takes all its calls whatever the time.

    One whose destination is missing takes none.
    """
    alike: defaultdict[object, list[InboundRule]] = defaultdict(list)
    for rule in tuple(book.inbound_rules.items.values()):
        yield None
        if rule.active and resolve(book, rule.target, Payer()):
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
    for table in ("queues", "conferences", "ivr_menus"):
        for row in tuple(book.shelf(table).items.values()):
            yield None
            in_use = isinstance(row, Menu) or row.active
            problem = _used_by_another(book, row.number, row) if in_use else None
            if problem:
                yield Finding(table, row.id, row.name, ERROR, problem)


def _used_by_another(
    book: Book, number: str | None, row: Named | Menu | Queue | None = None
) -> str | None:
    """Return who else has a number.

    An emergency number wins over an extension, that over a queue, a conference, a menu, a code at
    last (see `dialling.meaning`).
    """
    if not number:
        return None
    if number in book.settings.emergency_numbers:
        return f"number {number} is an emergency number: nobody can dial it"
    winner = _before(book, number, row) if row else None
    if winner:
        return f"number {number} is {winner} too, which takes the calls"
    if feature_code(number):
        return f"number {number} is a feature code too, which nobody can dial any more"
    return None


def _before(book: Book, number: str, row: Named | Menu | Queue) -> str | None:
    """Return who takes the calls for the number of a row in its place."""
    extension = book.extension(number)
    if extension and not extension.deleted:
        return "an extension"
    queue, conference = book.queues.at(number), book.conferences.at(number)
    for kind, other in (("a queue's", queue), ("a conference's", conference)):
        if other is row:
            return None
        if other and other.active:
            return kind
    return None


def extensions(book: Book) -> Steps:
    for extension in tuple(book.extensions.items.values()):
        yield None
        if not extension.active:
            continue
        twice = _used_by_another(book, extension.number)
        for problem in (*extension.problems, *((twice,) if twice else ())):
            yield Finding("extensions", extension.id, extension.number, ERROR, problem)
