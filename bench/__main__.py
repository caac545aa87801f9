"""`make bench`: PBX-X beside native Dial() and the floor of ARI, in one run on one Asterisk."""

import argparse
import asyncio
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from . import knee, memory, overload, rates, registrations, report, rows
from .session import Options, session

PARTS = {
    module.PART: module.measure for module in (rates, knee, memory, rows, overload, registrations)
}


async def measure(state: Path, port_base: int, parts: list[str], options: Options) -> None:
    """Measure part after part; what was measured is kept, also when a part breaks."""
    started = datetime.now(UTC)
    async with session(state, port_base, options) as opened:
        try:
            for part in parts:
                print(part, flush=True)
                figures = await PARTS[part](opened)
                opened.figures += figures
                print(report.table(figures), flush=True)
        finally:
            print(f"raw results: {report.save(started, opened.figures, opened.runs)}")


def _parts(text: str) -> list[str]:
    wanted = text.split(",")
    if unknown := set(wanted) - set(PARTS):
        raise argparse.ArgumentTypeError(f"no such part: {', '.join(sorted(unknown))}")
    return [part for part in PARTS if part in wanted]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    add = parser.add_argument
    add("--only", type=_parts, default=list(PARTS), metavar="PART,…", help=", ".join(PARTS))
    add("--seconds", type=float, default=10.0, help="length of one run")
    add("--rates", type=int, nargs="+", default=[50, 100], metavar="CALLS/S")
    add("--knee", type=float, default=100.0, metavar="CALLS/S", help="if the part is left out")
    add("--calls", type=int, default=20_000, help="calls after which memory should be flat")
    add("--most-setting-up", type=int, nargs="+", default=[25], metavar="N", help="for overload")
    add("--state", type=Path, help="state of the stack; a new one if left out")
    add("--port-base", type=int, default=30000, metavar="N")
    return parser.parse_args()


def main() -> None:
    asked = _arguments()
    options = Options(asked.seconds, asked.rates, asked.knee, asked.calls, asked.most_setting_up)
    with tempfile.TemporaryDirectory(prefix="pbx-bench-") as throw_away:
        state = (asked.state or Path(throw_away)).resolve()
        asyncio.run(measure(state, asked.port_base, asked.only, options))


if __name__ == "__main__":
    main()
