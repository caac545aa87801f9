"""`make bench`: PBX-X beside native Dial() and the floor of ARI, in one run on one Asterisk."""

import argparse
import asyncio
import tempfile
from collections.abc import Awaitable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import (
    decisions,
    knee,
    memory,
    menus,
    overload,
    queues,
    rates,
    registrations,
    report,
    rows,
    rules,
    trunks,
    voicemail,
)
from .report import Figure
from .session import Options, session
from .stack import PHONES

PARTS = {
    module.PART: module.measure
    for module in (
        rates,
        knee,
        trunks,
        memory,
        rows,
        overload,
        menus,
        voicemail,
        queues,
        registrations,
    )
}
ALONE = {module.PART: module.measure for module in (rules, decisions)}  # what needs no calls
ALL = [*ALONE, *PARTS]
QUICK_SECONDS, QUICK_CALLERS = 2.0, 10


async def measure(state: Path, port_base: int, parts: list[str], options: Options) -> None:
    """Measure part after part; what was measured is kept, also when a part breaks."""
    started = datetime.now(UTC)
    figures: list[Figure] = []
    runs: list[dict[str, Any]] = []
    with_calls = [part for part in parts if part in PARTS]
    try:
        for part in (part for part in parts if part in ALONE):
            figures += await _tell(part, ALONE[part](runs))
        if with_calls:
            async with session(state, port_base, options, runs) as opened:
                for part in with_calls:
                    figures += await _tell(part, PARTS[part](opened))
    finally:
        print(f"raw results: {report.save(started, figures, runs)}")


async def _tell(part: str, measuring: Awaitable[list[Figure]]) -> list[Figure]:
    print(part, flush=True)
    figures = await measuring
    print(report.table(figures), flush=True)
    return figures


def _parts(text: str) -> list[str]:
    wanted = text.split(",")
    if unknown := set(wanted) - set(ALL):
        raise argparse.ArgumentTypeError(f"no such part: {', '.join(sorted(unknown))}")
    return [part for part in ALL if part in wanted]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    add = parser.add_argument
    add("--only", type=_parts, default=ALL, metavar="PART,…", help=", ".join(ALL))
    add("--seconds", type=float, default=10.0, help="length of one run")
    add("--rates", type=int, nargs="+", default=[50, 100], metavar="CALLS/S")
    add("--knee", type=float, default=100.0, metavar="CALLS/S", help="if the part is left out")
    add("--calls", type=int, default=20_000, help="calls after which memory should be flat")
    add("--most-setting-up", type=int, nargs="+", default=[25], metavar="N", help="for overload")
    add("--search-seconds", type=float, default=170.0, help="for the knees of trunks")
    add("--callers", type=int, default=PHONES, metavar="N", help="who leave a message at once")
    add("--quick", action="store_true", help="short runs: whether it works, not how fast")
    add("--state", type=Path, help="state of the stack; a new one if left out")
    add("--port-base", type=int, default=30000, metavar="N")
    return parser.parse_args()


def main() -> None:
    asked = _arguments()
    if asked.quick:
        asked.seconds, asked.search_seconds = QUICK_SECONDS, 0.0
        asked.callers = QUICK_CALLERS
    options = Options(
        asked.seconds,
        asked.rates,
        asked.knee,
        asked.calls,
        asked.most_setting_up,
        asked.search_seconds,
        min(asked.callers, PHONES),
    )
    with tempfile.TemporaryDirectory(prefix="pbx-bench-") as throw_away:
        state = (asked.state or Path(throw_away)).resolve()
        asyncio.run(measure(state, asked.port_base, asked.only, options))


if __name__ == "__main__":
    main()
