"""The highest rate that each variant sustains, searched in steps, the variants interleaved."""

from dataclasses import dataclass

from .report import Figure
from .session import Session
from .stack import AIOARI, FLOOR, NATIVE, PRODUCT, Variant

PART = "knee"
STEPS = (40, 60, 80, 100, 120, 140, 160, 200, 240, 280, 320, 360)
FIRST = {NATIVE.name: 200, FLOOR.name: 80, PRODUCT.name: 80}
MOST_TRIES = 5
MOST_FOREIGN = 0.05
SHARE_OF_FLOOR = 0.9


@dataclass
class Search:
    """`good` is the highest rate sustained so far, `bad` the lowest that was not."""

    variant: Variant
    good: int = 0
    bad: int = 0

    @property
    def middle(self) -> int:
        """Return the rate half way between, in steps of 5."""
        return (self.good + self.bad) // 10 * 5


async def measure(session: Session) -> list[Figure]:
    searches = [Search(variant) for variant in (NATIVE, AIOARI, FLOOR, PRODUCT)]
    for rate in STEPS:
        for search in searches:
            if not search.bad and rate >= FIRST.get(search.variant.name, 0):
                await _try(session, search, rate)
    for search in searches:
        if search.good and search.bad - search.good > 10:
            await _try(session, search, search.middle)
    knees = {search.variant.name: search.good for search in searches}
    session.knee = knees[PRODUCT.name] or session.knee
    floor = max(knees[FLOOR.name], knees[AIOARI.name])
    return [
        *(Figure(PART, f"{name} sustains", knee, "calls/s") for name, knee in knees.items()),
        Figure(PART, "C to A", knees[PRODUCT.name] / max(knees[NATIVE.name], 1), "x"),
        Figure(PART, "C to B", knees[PRODUCT.name] / max(floor, 1), "x", SHARE_OF_FLOOR),
    ]


async def _try(session: Session, search: Search, rate: int) -> None:
    """Sustained is what one of two runs sustains; those that others disturbed do not count."""
    undisturbed = 0
    for _ in range(MOST_TRIES):
        result = await session.run(search.variant, rate)
        if result.clean:
            search.good = rate
            return
        undisturbed += result.cost.foreign <= MOST_FOREIGN
        await session.calm()
        if undisturbed == 2:
            break
    search.bad = rate
