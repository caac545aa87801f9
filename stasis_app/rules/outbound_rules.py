"""The outbound rules, found by the number that was dialled."""

import re2

from . import rows
from .models import OutboundRule
from .shelf import Shelf

# sane rules need much less; an automaton that needs more is slower than one rule after the other
SET_BYTES = 4 << 20


class OutboundShelf(Shelf[OutboundRule]):
    """All patterns are one automaton: a thousand rules are asked at once, in linear time.

    If they do not fit into one, they are asked one after the other.
    """

    def __init__(self) -> None:
        super().__init__(rows.outbound_rule)
        self._order: list[OutboundRule] | None = None
        self._patterns: re2.Set | None = None

    def offer(self, item: OutboundRule) -> None:
        self._order = None

    def withdraw(self, item: OutboundRule) -> None:
        self._order = None

    def settle(self) -> None:
        if self._order is None:
            self._arrange()

    def matching(self, number: str) -> list[OutboundRule]:
        """Return the active rules whose pattern is found in `number`, by `priority`."""
        order = self._order
        if order is None:
            order = self._arrange()
        if self._patterns is None:
            return [rule for rule in order if rule.pattern.search(number)]
        return [order[place] for place in sorted(self._patterns.Match(number) or ())]

    def _arrange(self) -> list[OutboundRule]:
        active = (rule for rule in self.items.values() if rule.active)
        order = sorted(active, key=lambda rule: (rule.priority, rule.name, str(rule.id)))
        options = re2.Options()
        options.max_mem = SET_BYTES
        options.log_errors = False
        patterns = re2.Set.SearchSet(options)
        for rule in order:
            patterns.Add(rule.pattern.pattern)
        try:
            patterns.Compile()
        except re2.error:
            patterns = None
        self._patterns = patterns if order else None
        self._order = order
        return order
