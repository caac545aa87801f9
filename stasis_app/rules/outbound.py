"""Which way a call goes out, and whether it may (issue 3).

Whoever causes an outside call pays for it: the extension that dialled or forwarded uses its own
rights and its user's; a row that names an outside number is its own permission.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from stasis_app.words import HangupCause, Role

from .book import Book
from .considered import Considered, Decision
from .models import Extension, OutboundRule, Payer, Refuse, Trunk
from .numbers import dialled, dialled_here, e164
from .toll import Toll, toll

DIALABLE = re.compile(r"\+?[0-9*#]{1,40}", re.ASCII)
NO_DIGITS = re.compile(r"[*#]+")
ABROAD = (Toll.INTERNATIONAL, Toll.INTERNATIONAL_MOBILE)
MOBILE = (Toll.MOBILE, Toll.INTERNATIONAL_MOBILE)

NO_RULE = Refuse(HangupCause.UNALLOCATED_NUMBER, "no_outbound_rule")
NO_TRUNK = Refuse(HangupCause.CONGESTION, "no_trunk")
NO_NUMBER = Refuse(HangupCause.INVALID_NUMBER, "leaves_no_number")


@dataclass(frozen=True, slots=True)
class Route:
    """What to dial, and the trunks to try in order. `rule` None: no rule led here."""

    number: str
    trunks: tuple[Trunk, ...]
    rule: OutboundRule | None = None
    emergency: bool = False


Outcome = Route | Refuse


def decide(book: Book, number: str, payer: Payer) -> Decision[Outcome]:
    """Return the route of the first rule, by priority, that matches and may be used."""
    owner = book.owner(payer)
    refusal = _may_not_call(book, payer, owner)
    if refusal:
        return Decision(refusal)
    if payer.trunk:
        return Decision(_in_test(book, number, payer.trunk, owner))
    considered: list[Considered] = []
    final = NO_RULE
    for rule, form in _matching(book, number):
        verdict = _use(book, rule, form, owner)
        if isinstance(verdict, Route):
            considered.append(Considered(rule.name, "matches", taken=True))
            return Decision(verdict, tuple(considered))
        considered.append(Considered(rule.name, verdict.reason))
        final = verdict if final is NO_RULE else final
    return Decision(final, tuple(considered))


def emergency(book: Book, number: str) -> Decision[Outcome]:
    """Any trunk will do: first those of the rules, then the others, those in test at last."""
    ways = [trunk for rule, _ in _matching(book, number) for trunk in chain(book, rule.trunk)]
    others = sorted(book.trunks.items.values(), key=lambda trunk: trunk.name)
    present = dict.fromkeys(trunk for trunk in (*ways, *others) if trunk.present)
    trunks = tuple(sorted(present, key=lambda trunk: not trunk.active))
    return Decision(Route(number, trunks, emergency=True) if trunks else NO_TRUNK)


def chain(book: Book, first: UUID) -> Iterator[Trunk]:
    """Go through a trunk and its backups, each once."""
    seen: set[UUID] = set()
    following: UUID | None = first
    while following and following not in seen:
        seen.add(following)
        trunk = book.trunks.get(following)
        if trunk is None:
            return
        yield trunk
        following = trunk.backup


def _matching(book: Book, number: str) -> Iterator[tuple[OutboundRule, str]]:
    """Go through the rules that match the number as it was dialled.

    If there are none, it is read as E.164, and then as one would dial it here.
    """
    seen: set[str] = set()
    for form in _forms(number, book.settings.country):
        if form in seen or not DIALABLE.fullmatch(form):
            continue
        seen.add(form)
        rules = book.outbound_rules.matching(form)
        yield from ((rule, form) for rule in rules)
        if rules:
            return


def _forms(number: str, country: str) -> Iterator[str]:
    yield dialled(number)
    public = e164(number, country)
    if public:
        yield public
        yield dialled_here(public, country) or ""


def _may_not_call(book: Book, payer: Payer, owner: Extension | None) -> Refuse | None:
    if payer.rule:
        return None
    if owner is None or not owner.active:
        return Refuse(HangupCause.FORBIDDEN, "extension_inactive")
    user = book.user_of(owner)
    if user and not user.active:
        return Refuse(HangupCause.FORBIDDEN, "user_inactive")
    return None


def _in_test(book: Book, number: str, trunk: UUID, owner: Extension | None) -> Outcome:
    found = book.trunks.get(trunk)
    if found is None or not found.present:
        return NO_TRUNK
    if not DIALABLE.fullmatch(number):
        return NO_NUMBER
    barred = owner and _barred(owner, _kinds((number,), book.settings.country))
    return Refuse(HangupCause.FORBIDDEN, barred) if barred else Route(number, (found,))


def _use(book: Book, rule: OutboundRule, form: str, owner: Extension | None) -> Outcome:
    rest = form[rule.strip :]
    number = rule.prepend + rest
    if not rest or not DIALABLE.fullmatch(number):
        return NO_NUMBER
    if owner:
        user = book.user_of(owner)
        if (user.role if user else Role.USER) not in rule.roles:
            return Refuse(HangupCause.FORBIDDEN, "role")
        barred = _barred(owner, _kinds_of_use(form, rest, number, book.settings.country))
        if barred:
            return Refuse(HangupCause.FORBIDDEN, barred)
    trunks = tuple(trunk for trunk in chain(book, rule.trunk) if trunk.active)
    return Route(number, trunks, rule) if trunks else NO_TRUNK


def _kinds_of_use(form: str, rest: str, number: str, country: str) -> set[Toll]:
    """Look at the number as it is sent, and as it is without the prefix.

    Where that is a number nobody knows, what was dialled tells whether it is one abroad.
    """
    bare = _kinds((rest,), country)
    dialled_too = (form,) if bare == {Toll.UNKNOWN} else ()
    return bare | _kinds((number, *dialled_too), country)


def _kinds(numbers: Iterable[str], country: str) -> set[Toll]:
    """Return what the numbers may cost: a carrier may pass over * and #, or read codes in them."""
    parts = [NO_DIGITS.split(number) for number in numbers]
    return {toll("".join(one[at:]), country) for one in parts for at in range(len(one))}


def _barred(owner: Extension, kinds: set[Toll]) -> str | None:
    if not owner.allow_international and kinds.intersection(ABROAD):
        return "international"
    if not owner.allow_mobile and kinds.intersection(MOBILE):
        return "mobile"
    return None
