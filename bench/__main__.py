"""`make bench`: calls of each variant at fixed rates, interleaved, what they cost and how quick."""

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.support.sipp import Sipp

from . import load
from .stack import PRODUCT, VARIANTS, floors, register, running

ANSWER = Path(__file__).parent / "scenarios" / "answer.xml"
CALLEE_OFFSET = 999
LONGEST_SECONDS = 7200.0


async def measure(state: Path, port_base: int, rates: Sequence[int], seconds: float) -> None:
    port = port_base + CALLEE_OFFSET
    async with (
        running(state, port_base) as stack,
        floors(stack, VARIANTS) as pids,
        Sipp(ANSWER, local_port=port, within=LONGEST_SECONDS),
    ):
        await register(stack, port)
        for rate in rates:
            for variant in (*VARIANTS, *reversed(VARIANTS)):
                app = stack.pid("app") if variant is PRODUCT else pids.get(variant.name)
                print(line(await load.run(stack, variant, app, rate, seconds)), flush=True)


def line(result: load.Result) -> str:
    cost = result.cost
    return (
        f"{result.variant:15}{result.rate:5.0f}/s failed {result.failed}/{result.calls}"
        f"  delay {result.delay_p50:6.1f} {result.delay_p99:7.1f} ms"
        f"  asterisk {cost.asterisk:5.2f} app {cost.app:4.2f} postgres {cost.postgres:4.2f}"
        f" sipp {cost.sipp:4.2f} bench {cost.bench:4.2f} ms/call  foreign {cost.foreign:4.0%}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--state", type=Path, help="state of the stack; a new one if left out")
    parser.add_argument("--port-base", type=int, default=30000, metavar="N")
    parser.add_argument("--rates", type=int, nargs="+", default=[50, 100], metavar="CALLS/S")
    parser.add_argument("--seconds", type=float, default=10.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pbx-bench-") as throw_away:
        state = (arguments.state or Path(throw_away)).resolve()
        asyncio.run(measure(state, arguments.port_base, arguments.rates, arguments.seconds))


if __name__ == "__main__":
    main()
