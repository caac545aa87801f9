"""Menus: what a key costs, and how soon it is heard, beside Background() in the dialplan.

Callers go to and fro between two menus whose prompts are tones, and choose an extension in the
end. A key counts from when it is let go: until then nobody acts on it.
"""

import asyncio
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from . import processes
from .phones import Audio, Caller, calling, tones_of
from .report import Figure, quantile, spread
from .session import Session
from .stack import CALLERS, NATIVE, PRODUCT, Stack
from .two_menus import CHOICE, DIALLED, ONWARD, TONES, two_menus
from .wire import SNAP_BYTES, UDP, Replies, Sniffer

PART = "menus"
NAMES = (NATIVE.name, PRODUCT.name)
PACE_SECONDS, JITTER_SECONDS = 0.6, 0.4
BEFORE_FIRST_SECONDS = 1.0
MOST_STEPS = 25  # ivr.max_menus is 30
CALLS_APART_SECONDS = 0.05
FEW = 10
COUNTED_STEPS = (1, 6)
MOST_GROWTH = 1.5
PARTS = ("asterisk", "app", "postgres")
SHOWN = re.compile(rb"^INVITE .*?^From: [^\r]*<sip:(\d+)@", re.MULTILINE | re.DOTALL)


class Invites(Sniffer):
    """Sees the INVITEs to a UDP port."""

    def at(self) -> Mapping[str, float]:
        """Return when each caller's first INVITE came, by the number that it shows."""
        seen: dict[str, float] = {}
        for at, message in self.packets:
            if found := SHOWN.match(message):
                seen.setdefault(found[1].decode(), at)
        return seen


@dataclass(frozen=True)
class Step:
    """Seconds from a key to the last packet of the old prompt, and to the first of the new one."""

    silence: float
    following: float


@dataclass(frozen=True)
class Run:
    """Callers in menus at once: what they lived through and what it cost.

    `destinations` are the seconds from the last key to the INVITE of who is called. `requests` are
    all of ARI, `cpu` milliseconds of Asterisk, the app and Postgres for one key.
    """

    variant: str
    callers: int
    keys: int
    steps: Sequence[Step]
    destinations: Sequence[float]
    requests: int
    cpu: Mapping[str, float]
    foreign: float

    def __str__(self) -> str:
        waited = [step.following for step in self.steps]
        cpu = " ".join(f"{part} {cost:.2f}" for part, cost in self.cpu.items())
        return (
            f"{self.variant:10}{self.callers:4} callers {self.keys:5} keys,"
            f" {len(self.steps)} heard the next prompt"
            f" after {quantile(waited, 0.5) * 1000:.1f} {quantile(waited, 0.99) * 1000:.1f} ms"
            f"  {cpu} ms/key  foreign {self.foreign:.0%}"
        )


async def measure(session: Session) -> list[Figure]:
    many = max(session.options.callers // 2, 2)
    few = min(FEW, many // 2)
    steps = min(max(round(session.options.seconds / (PACE_SECONDS + 0.2)), 2), MOST_STEPS)
    async with two_menus(session.stack):
        await _run(session, PRODUCT.name, few, 2)  # Asterisk fetches the prompts
        requests = await _requests(session, few)
        runs = [
            await _run(session, name, callers, steps)
            for name in (*NAMES, *reversed(NAMES))
            for callers in (few, many)
        ]
    return [*requests, *_figures(runs, few, many)]


async def _requests(session: Session, callers: int) -> list[Figure]:
    """Tell apart what a menu, a key and a destination ask for, by calls that differ in one."""
    least, most = COUNTED_STEPS
    short, long = [await _run(session, PRODUCT.name, callers, n) for n in COUNTED_STEPS]
    stays = await _run(session, PRODUCT.name, callers, least, leaves=False)
    key = (long.requests - short.requests) / callers / (most - least)
    destination = (short.requests - stays.requests) / callers
    entry = stays.requests / callers - least * key
    return [
        Figure(PART, "C PBX-X, ARI requests: call and first menu", entry),
        Figure(PART, "C PBX-X, ARI requests: key to next prompt", key),
        Figure(PART, "C PBX-X, ARI requests: key to extension, and the rest", destination),
    ]


def _figures(runs: Sequence[Run], few: int, many: int) -> Iterator[Figure]:
    medians: dict[tuple[str, int], float] = {}
    for callers in (few, many):
        for name in NAMES:
            mine = [run for run in runs if (run.variant, run.callers) == (name, callers)]
            label = f"{name}, {callers} callers: "
            yield from _of_runs(label, mine)
            waited = [step.following for run in mine for step in run.steps]
            medians[name, callers] = quantile(waited, 0.5)
        native, product = (medians[name, callers] for name in NAMES)
        added = (product - native) * 1000
        yield Figure(PART, f"{callers} callers: next prompt, C adds to A, median", added, "ms")
    for name in NAMES:
        grown = medians[name, many] / medians[name, few]
        aim = MOST_GROWTH if name == PRODUCT.name else None
        label = f"{name}: next prompt, median, {many} to {few} callers"
        yield Figure(PART, label, grown, "x", None, aim)


def _of_runs(label: str, runs: Sequence[Run]) -> Iterator[Figure]:
    steps = [step for run in runs for step in run.steps]
    lost = sum(run.keys for run in runs) - len(steps)
    is_product = runs[0].variant == PRODUCT.name
    none = 0 if is_product else None
    yield Figure(PART, f"{label}keys", len(steps))
    yield Figure(PART, f"{label}prompts later than the next key", lost, "", None, none)
    yield from spread(PART, f"{label}key to silence", [step.silence for step in steps])
    yield from spread(PART, f"{label}key to next prompt", [step.following for step in steps])
    called = [seconds for run in runs for seconds in run.destinations]
    yield from spread(PART, f"{label}key to INVITE", called)
    missed = sum(run.callers for run in runs) - len(called)
    yield Figure(PART, f"{label}callers who reached nobody", missed, "", None, none)
    for part in PARTS if is_product else PARTS[:1]:
        cost = sum(run.cpu[part] for run in runs) / len(runs)
        yield Figure(PART, f"{label}CPU of {part} per key", cost, "ms")


async def _run(
    session: Session, name: str, callers: int, steps: int, *, leaves: bool = True
) -> Run:
    """Have so many callers press so many keys each; then they leave the menus, or hang up."""
    stack, keys = session.stack, ONWARD * steps + CHOICE * leaves
    await session.calm()
    async with (
        Audio(listens=True) as audio,
        Replies(stack.ari_port) as replies,
        Invites(session.callees, UDP, SNAP_BYTES) as invites,
        processes.foreign_share(stack.supervisor) as foreign,
    ):
        before = processes.now()
        visitors = await _visits(stack, audio, callers, DIALLED[name], keys)
        after, called = processes.now(), invites.at()
    run = Run(
        name,
        callers,
        callers * steps,
        [step for caller in visitors for step in _steps(caller, audio)],
        _destinations(visitors, called) if leaves else (),
        replies.count(),
        {p: stack.spent(p, before, after) * 1000 / callers / len(keys) for p in PARTS},
        foreign[0],
    )
    print(f"  {run}", flush=True)
    session.runs.append(_kept(run))
    return run


async def _visits(
    stack: Stack, audio: Audio, callers: int, dialled: str, keys: str
) -> Sequence[Caller]:
    visit = partial(_visit, stack, audio, dialled=dialled, keys=keys)
    async with asyncio.TaskGroup() as group:
        visits = [
            group.create_task(visit(number, later=place * CALLS_APART_SECONDS))
            for place, number in enumerate(CALLERS[:callers])
        ]
    return [visited.result() for visited in visits]


async def _visit(
    stack: Stack, audio: Audio, number: str, *, dialled: str, keys: str, later: float
) -> Caller:
    await asyncio.sleep(later)
    async with calling(stack, audio, number, dialled) as caller:
        await asyncio.sleep(BEFORE_FIRST_SECONDS)
        for key in keys:
            await asyncio.sleep(_pause())
            caller.voice.press(key)
        await asyncio.sleep(PACE_SECONDS + JITTER_SECONDS)
        return caller


def _pause() -> float:
    return PACE_SECONDS + secrets.randbelow(1000) / 1000 * JITTER_SECONDS


def _steps(caller: Caller, audio: Audio) -> Iterator[Step]:
    """Find what was heard after each key that leads to the other menu."""
    packets = audio.heard(caller.voice)
    times, hz = np.array([packet.at for packet in packets]), tones_of(packets)
    onward = [press for press in caller.voice.presses if press.key == ONWARD]
    ends = [press.at for press in caller.voice.presses[1:]] + [np.inf]
    for place, (press, end) in enumerate(zip(onward, ends, strict=False)):
        within = (times > press.at) & (times < end)
        old = times[within & (hz == TONES[place % 2])]
        new = times[within & (hz == TONES[(place + 1) % 2])]
        if len(new):
            silence = old[-1] - press.at if len(old) else 0.0
            yield Step(float(silence), float(new[0] - press.at))


def _destinations(visitors: Sequence[Caller], called: Mapping[str, float]) -> Sequence[float]:
    """Return the seconds from each caller's last key to the INVITE that came of it."""
    return [
        called[caller.number] - caller.voice.presses[-1].at
        for caller in visitors
        if caller.number in called
    ]


def _kept(run: Run) -> dict[str, Any]:
    return {
        "part": PART,
        "cost": {"foreign": run.foreign, **run.cpu},
        "variant": run.variant,
        "callers": run.callers,
        "keys": run.keys,
        "requests": run.requests,
        "steps": [(step.silence, step.following) for step in run.steps],
        "destinations": run.destinations,
    }
