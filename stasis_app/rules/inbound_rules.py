"""The inbound rules, found by the number that was called."""

from collections.abc import Sequence
from functools import partial

from . import rows
from .did import DidIndex
from .models import InboundRule
from .shelf import Shelf
from .system_settings import SystemSettings


class InboundShelf(Shelf[InboundRule]):
    """Rules by DID; the cost of a look-up does not grow with their number."""

    def __init__(self, settings: SystemSettings) -> None:
        super().__init__(partial(rows.inbound_rule, country=settings.country))
        self._index: DidIndex[InboundRule] = DidIndex()

    def offer(self, item: InboundRule) -> None:
        self._index.add(item.pattern, item)

    def withdraw(self, item: InboundRule) -> None:
        self._index.remove(item.pattern, item)

    def matching(self, did: Sequence[str]) -> list[InboundRule]:
        """Return the rules for a called number (in all its forms) in the order they are tried.

        Exact numbers before patterns, longer literal prefixes first, then `priority`; of two that
        are equal so far, the one that asks for a trunk, then the one that asks for a caller.
        """
        found = [rule for _, rule in self._index.find(did) if rule.active]
        return sorted(found, key=precedence)


def precedence(rule: InboundRule) -> tuple[object, ...]:
    return (
        rule.pattern.specificity,
        rule.priority,
        rule.trunk is None,
        rule.caller_pattern is None,
        rule.name,
        str(rule.id),
    )
