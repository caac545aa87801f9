"""A random day of two queues that share agents, and what must hold in every moment of it."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from stasis_app.rules.dispatch import Dispatch, Match
from stasis_app.rules.models import Asked
from stasis_app.rules.queues import Slot
from stasis_app.words import QueueStrategy, Wanted
from tests.support.fake_phones import Channel, Phone

from .queue_stage import Scene, number_of, watching, world_of_queues
from .restarts import CONNECTING
from .rows import endpoint_of, identity, inbound_rule, to_queue
from .stage import with_trunks

QUEUES = {"sales": "8000", "support": "8001"}
AGENTS: Mapping[str, tuple[str, str]] = {
    "1001": ("sales", ""),
    "1002": ("sales support", "french"),
    "1003": ("sales support", "french tax"),
    "1004": ("support", "tax"),
}
SKILLS: Sequence[tuple[str, ...]] = ((), ("french",), ("french", "tax"))
PATIENCE = 4.0
"""Seconds after which nobody may wait who could be served."""
DAY = 260.0


@dataclass(frozen=True)
class Event:
    """Something happens so many seconds after the event before; `value` is a detail, 0 to 9."""

    after: float
    kind: str
    who: int
    value: int


@dataclass(frozen=True)
class Plan:
    """What the phones of the agents do, one time after another, and what happens."""

    strategies: tuple[QueueStrategy, QueueStrategy]
    columns: Mapping[str, Any]
    phones: tuple[Phone, ...]
    delays: tuple[float, ...]
    events: tuple[Event, ...]


class Phones(dict[str, Phone]):
    """Each phone does what comes next in the list, whenever it is dialled."""

    def __init__(self, behaviours: Sequence[Phone]) -> None:
        super().__init__()
        self._behaviours = behaviours
        self._dialled = 0

    def get(self, key: str, default: Any = None) -> Any:
        self._dialled += 1
        return self._behaviours[self._dialled % len(self._behaviours)]


@dataclass
class Day:
    """`late` counts for how many seconds somebody waited whom a free agent could have served."""

    plan: Plan
    scene: Scene
    late: Counter[tuple[UUID, str]] = field(default_factory=Counter)
    disturbed_until: float = 0.0
    down: bool = False

    # what happens

    def happens(self, event: Event) -> None:
        getattr(self, f"_{event.kind}")(event.who, event.value)

    def _calls(self, who: int, value: int) -> None:
        caller = str(2001 + who)
        hangs_up = (0.5, 3.0, 8.0, 15.0, 30.0, 60.0, 90.0, 120.0, 120.0, 120.0)[value]
        busy = any(one.alive and one.caller_number == caller for one in self.scene.asterisk.callers)
        if not busy:
            self.scene.calls(QUEUES["sales" if who % 2 else "support"], caller, hangs_up)

    def _delivers(self, who: int, value: int) -> None:
        asterisk = self.scene.asterisk
        channel = asterisk.deliver(endpoint_of("A"), f"+49309{who % 3}{value % 2}", f"+4940{who}")
        asterisk.at(5.0 + 12 * value, partial(asterisk.end, channel))

    def _presses(self, who: int, value: int) -> None:
        waiting = [one for one in self.scene.asterisk.callers if one.alive]
        if waiting:
            self.scene.asterisk.press(waiting[who % len(waiting)], "0" if value < 5 else "7")

    def _wants(self, who: int, value: int) -> None:
        wanted = tuple(Wanted)[value % 3] if value < 5 else Wanted.AVAILABLE
        queue = identity("sales") if value in (1, 2, 6) else None
        self.scene.world.agents.want(identity(number(who)), queue, wanted)

    def _registers(self, who: int, value: int) -> None:
        self.scene.register(number(who), int(value > 3))

    def _disturbs(self, who: int, value: int) -> None:
        self.scene.change(number(who), dnd=value < 3)

    def _dials(self, who: int, value: int) -> None:
        self.scene.calls("*47" if value < 3 else "1009", number(who), 2.0 + 3 * value)

    def _changes(self, who: int, value: int) -> None:
        columns: Sequence[Mapping[str, Any]] = (
            {"strategy": tuple(QueueStrategy)[value % 5]},
            {"wrap_up_seconds": float(value)},
            {"ring_seconds": 3.0 + value},
            {"weight": 1.0 + value},
            {"max_wait_seconds": 5.0 + 10 * value},
            {"max_size": value or None},
        )
        name = "sales" if value % 2 else "support"
        self.scene.queue(name, QUEUES[name], **columns[who % len(columns)])

    def _kills(self, who: int, value: int) -> None:
        if not self.down:
            self.down = True
            self.scene.world.kill()
            self._calm_after(0.1 + 0.4 * value)
            self.scene.asterisk.at(0.1 + 0.4 * value, self._next_process)

    def _cuts(self, who: int, value: int) -> None:
        if not self.down:
            self.down = True
            self.scene.asterisk.disconnect()
            self._calm_after(0.1 + 0.4 * value)
            self.scene.asterisk.at(0.1 + 0.4 * value, self._reconnect)

    def _loses_postgres(self, who: int, value: int) -> None:
        self.scene.world.postgres_away = True
        self._calm_after(1.0 + 2 * value)
        self.scene.asterisk.at(1.0 + 2 * value, self._has_postgres)

    # what is mended

    def _next_process(self) -> None:
        self.scene.world = self.scene.world.next_process()
        self._watch_decisions()
        self._begin()

    def _reconnect(self) -> None:
        self.scene.asterisk.connect(self.scene.asterisk.inboxes)
        self._begin()

    def _begin(self) -> None:
        self._beginning = asyncio.create_task(self._reconcile())

    async def _reconcile(self) -> None:
        await asyncio.sleep(CONNECTING)
        while True:
            try:
                await self.scene.begin()
                break
            except ConnectionError:
                await asyncio.sleep(1)
        self.down = False

    def _has_postgres(self) -> None:
        self.scene.world.postgres_away = False

    def _calm_after(self, seconds: float) -> None:
        now = asyncio.get_running_loop().time()
        self.disturbed_until = max(self.disturbed_until, now + seconds + 3.0)

    # what must hold

    def _watch_decisions(self) -> None:
        dispatch = self.scene.world.exchange.floor._dispatch
        decide = dispatch.matches

        def matches(now: datetime) -> list[Match]:
            made = decide(now)
            for match in made:
                nobody_was_before(dispatch, match)
            return made

        dispatch.matches = matches  # type: ignore[method-assign]

    async def watch(self) -> None:
        """Look every second whether anybody waits in vain."""
        while True:
            await asyncio.sleep(1)
            now = asyncio.get_running_loop().time()
            if self.down or now < self.disturbed_until:
                self.late.clear()
                continue
            pairs = set(self._could_be_served())
            self.late = Counter({pair: self.late[pair] + 1 for pair in pairs})
            assert not any(count > PATIENCE for count in self.late.values()), "waits in vain"

    def _could_be_served(self) -> list[tuple[UUID, str]]:
        floor = self.scene.world.exchange.floor
        free = [one for one in AGENTS if self._is_free(one)]
        found = []
        for place in floor.places.values():
            if floor._dispatch._calls[place.call].line is None:
                continue
            for agent in free:
                queues, skills = AGENTS[agent]
                in_queue = place.queue in {identity(name) for name in queues.split()}
                fits = set(place.skills) <= set(skills.split())
                wanted = self._wants_calls(agent, place.queue)
                if in_queue and fits and wanted and identity(agent) not in place.spared:
                    found.append((place.call, agent))
        return found

    def _wants_calls(self, agent: str, queue: UUID) -> bool:
        asked = (self.scene.world.agents.presence(identity(agent), one) for one in (None, queue))
        return all(one is None or one.wanted is Wanted.AVAILABLE for one in asked)

    def _is_free(self, agent: str) -> bool:
        row = self.scene.world.book.extension(agent)
        slot: Slot = self.scene.slot(agent)
        now = self.scene.asterisk.now()
        rests = any(until and until > now for until in (slot.wrap_up_until, slot.rests_until))
        calls = [one for one in self.scene.asterisk.channels_made.values() if is_at(one, agent)]
        there = row is not None and not row.dnd and bool(self.scene.world.book.contacts(row.id))
        return there and not rests and slot.call is None and not any(one.alive for one in calls)


def nobody_was_before(dispatch: Dispatch, match: Match) -> None:
    """Whoever is offered an agent had nobody before him in that queue who fits the agent."""
    served = dispatch._calls[match.call]
    for other in dispatch._calls.values():
        if other.line is None or other.room is not served.room or other.place >= served.place:
            continue
        for agent in match.agents:
            skills = next(set(s.split()) for n, (_, s) in AGENTS.items() if identity(n) == agent)
            assert not (other.asked <= skills and agent not in other.refused), "out of turn"


def number(who: int) -> str:
    return tuple(AGENTS)[who % len(AGENTS)]


def is_at(channel: Channel, agent: str) -> bool:
    return number_of(channel) == agent


async def live(plan: Plan) -> Scene:
    """Let the day pass, and return what came of it."""
    scene = Scene(world_of_queues(delays=plan.delays))
    day = Day(plan, scene)
    with watching(scene):
        await open_queues(scene, plan)
        day._watch_decisions()
        watcher = asyncio.create_task(day.watch())
        for event in plan.events:
            await asyncio.sleep(event.after)
            day.happens(event)
        await asyncio.sleep(DAY)
        watcher.cancel()
        await asyncio.wait([watcher])
        if not watcher.cancelled():
            watcher.result()
        await scene.world.exchange.settled()
        await asyncio.sleep(30)
        await scene.heal()
    return scene


async def open_queues(scene: Scene, plan: Plan) -> None:
    with_trunks(scene.world)
    for name, strategy in zip(QUEUES, plan.strategies, strict=True):
        other = next(one for one in QUEUES if one != name)
        columns = {"exit_key": "0", "exit_target": to_queue(other), **plan.columns}
        scene.queue(name, QUEUES[name], strategy=strategy, **columns)
    for agent, (queues, skills) in AGENTS.items():
        scene.agent(agent, Phone(), queues, skills)
    scene.world.extension("1009")
    for n, asked_for in enumerate(SKILLS):
        for value, name in enumerate(QUEUES):
            did = f"+49309{n}{value}"
            asked = Asked(value * n or None, asked_for)
            rule = inbound_rule(did, did, to_queue(name), asked=asked)
            scene.world.keep(inbound_rules=rule)
    scene.asterisk.phones = Phones(plan.phones)
    await scene.begin()
