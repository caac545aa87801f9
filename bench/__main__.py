"""`make bench`."""

import argparse
import asyncio
import tempfile
from pathlib import Path

from tests.support.sipp import Sipp

from . import load
from .stack import AIOARI, FLOOR, NATIVE, PRODUCT, floors, register, running

import os
ALL = {v.name: v for v in (NATIVE, FLOOR, AIOARI, PRODUCT)}
ORDER = [ALL[n] for n in os.environ.get("V", ",".join(ALL)).split(",")]


async def main(arguments):
    state = arguments.state or Path(tempfile.mkdtemp(prefix="pbx-bench-"))
    async with running(state, arguments.port_base) as stack, floors(stack, ORDER) as pids:
        pids[PRODUCT.name] = stack.pid("app")
        async with Sipp(Path(__file__).parent/"scenarios"/"answer.xml", local_port=30999, within=3600) as callee:
            await register(stack, 30999)
            await asyncio.sleep(1)
            for rate in arguments.rates:
                for variant in (*ORDER, *reversed(ORDER)):
                    r = await load.run(stack, variant, pids.get(variant.name), rate, arguments.seconds)
                    c = r.cost
                    print(f"{r.variant:20} {rate:4} cps fail {r.failed:4}/{r.calls} retr {r.retransmitted:4} pdd {r.delay_p50:6.1f}/{r.delay_p99:7.1f} ms  ast {c.asterisk:5.2f} app {c.app:5.2f} pg {c.postgres:5.2f} sipp {c.sipp:.2f} bench {c.bench:.2f} foreign {c.foreign:.2f} lost {r.lost_packets}", flush=True)
                    print((await stack.cli('core show channels count')).strip().split(chr(10))[0]) 


p = argparse.ArgumentParser()
p.add_argument("--state", type=Path)
p.add_argument("--port-base", type=int, default=30000)
p.add_argument("--rates", type=lambda t: [int(x) for x in t.split(",")], default=[60])
p.add_argument("--seconds", type=float, default=10)
asyncio.run(main(p.parse_args()))
