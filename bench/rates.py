"""All variants at fixed rates, interleaved: what a call costs and how soon it rings."""

from statistics import median

from .load import Result
from .report import Figure
from .session import Session
from .stack import FLOOR, NATIVE, PRODUCT, VARIANTS, Variant

PART = "rates"


async def measure(session: Session) -> list[Figure]:
    return [figure for rate in session.options.rates for figure in await _at(session, rate)]


async def _at(session: Session, rate: int) -> list[Figure]:
    results: dict[str, list[Result]] = {variant.name: [] for variant in VARIANTS}
    for variant in (*VARIANTS, *reversed(VARIANTS)):
        results[variant.name].append(await session.run(variant, rate))

    def mid(variant: Variant, value: str) -> float:
        return median(_value(result, value) for result in results[variant.name])

    figures = [
        Figure(PART, f"{rate}/s {variant.name} {value}", mid(variant, value), "ms")
        for variant in VARIANTS
        for value in ("delay_p50", "delay_p99", "asterisk", "app", "postgres")
        if mid(variant, value)
    ]
    added = {key: mid(PRODUCT, key) - mid(NATIVE, key) for key in ("delay_p50", "delay_p99")}
    ratio = mid(PRODUCT, "app") / mid(FLOOR, "app")
    return [
        *figures,
        Figure(PART, f"{rate}/s delay C adds to A, median", added["delay_p50"], "ms", None, 5),
        Figure(PART, f"{rate}/s delay C adds to A, p99", added["delay_p99"], "ms", None, 15),
        Figure(PART, f"{rate}/s app CPU, C to B", ratio, "x", None, 2),
    ]


def _value(result: Result, name: str) -> float:
    return float(getattr(result if name.startswith("delay") else result.cost, name))
