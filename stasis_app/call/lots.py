"""Lots for the strategy random: whoever is free is as likely to be drawn as anybody else."""

import random
from uuid import UUID

from stasis_app.rules.queues import Member

Tier = tuple[UUID, int, int]


class Lots:
    """An agent keeps his lot while he is free; the lowest of a tier is drawn.

    Lots are exponential, above the one that was drawn last: what is left of the others' above it
    is distributed like a new one. Lots from a fixed range would grow old: who lost would go on
    losing.
    """

    def __init__(self) -> None:
        self._random = random.Random()  # noqa: S311
        self._lots: dict[tuple[UUID, UUID], float] = {}
        self._tiers: dict[tuple[UUID, UUID], Tier] = {}
        self._drawn: dict[Tier, float] = {}

    def draw(self, member: Member) -> float:
        """Return a new lot for an agent of a queue."""
        key = (member.extension, member.queue)
        tier = self._tiers[key] = (member.queue, member.priority, member.penalty)
        lot = self._lots[key] = self._drawn.get(tier, 0.0) + self._random.expovariate(1.0)
        return lot

    def drawn(self, agent: UUID, queue: UUID) -> None:
        """Take note that an agent was chosen."""
        key = (agent, queue)
        if key in self._lots:
            self._drawn[self._tiers[key]] = self._lots[key]
