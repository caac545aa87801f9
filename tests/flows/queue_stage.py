"""Setting the scene of a queue: agents with phones, callers who wait, and what must hold always."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast
from uuid import UUID

from stasis_app.clocks.proof import Proof
from stasis_app.rules.queues import Member
from stasis_app.store import agents as store
from stasis_app.words import HangupCause, Left
from tests.support.fake_mailboxes import media_address
from tests.support.fake_phones import Channel, Phone
from tests.support.virtual_time import run

from .invariants import check
from .queue_fakes import QueueAgents, QueueAsterisk
from .restarts import CONNECTING
from .rows import identity, member, queue
from .stage import ANSWERS
from .world import World, endpoint

LINE = "8000"


@dataclass
class Scene:
    """`world` is the process that runs now. `problems` are what the event loop complained of."""

    world: World
    problems: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def asterisk(self) -> QueueAsterisk:
        assert isinstance(self.world.asterisk, QueueAsterisk)
        return self.world.asterisk

    # rows

    def queue(self, name: str = "sales", number: str | None = LINE, **columns: Any) -> None:
        """Make a queue, or put the columns of one."""
        found = self.world.book.queues.get(identity(name)) or queue(name, number=number)
        self.world.keep(queues=replace(found, **columns))

    def agent(
        self,
        number: str,
        phone: Phone | None = ANSWERS,
        queues: str = "sales",
        skills: str = "",
        **columns: Any,
    ) -> Member:
        """Make an agent of some queues (names with spaces between) who has some skills.

        Without a phone, none is registered.
        """
        if not self.world.book.extension(number):
            self.world.extension(number, contacts=phone is not None)
        if phone:
            self.phone(number, phone)
        for name in queues.split():
            made = member(name, number, *skills.split(), **columns)
            self.world.keep(queue_members=made)
        return made

    def phone(self, number: str, phone: Phone) -> None:
        """Let an agent's phone do this from now on."""
        self.asterisk.phones[endpoint(number)] = phone

    def change(self, number: str, **columns: Any) -> None:
        """Change the row of an extension."""
        found = self.world.book.extension(number)
        assert found
        self.world.keep(extensions=replace(found, **columns))

    def register(self, number: str, contacts: int = 1) -> None:
        """Let phones of an extension register, or (0) be gone."""
        found = self.world.book.extension(number)
        assert found
        self.world.extension(number, contacts=contacts)
        self.world.keep(extensions=found)

    def delete(self, table: str, row: UUID) -> None:
        self.world.book.shelf(table).forget([row])
        self.world.exchange.floor.changed({table: {row}})

    # people

    def calls(self, number: str = LINE, caller: str = "", hangs_up: float = 200.0) -> Channel:
        """Let somebody call a queue."""
        caller = caller or str(2001 + len(self.asterisk.callers))
        if not self.world.book.extension(caller):
            self.world.extension(caller)
        channel = self.asterisk.call(caller, number, f"{len(self.asterisk.callers)}@phone")
        self.asterisk.at(hangs_up, partial(self.asterisk.end, channel))
        return channel

    def calls_later(self, after: float, number: str, caller: str, hangs_up: float) -> None:
        def begin() -> None:
            self.calls(number, caller, hangs_up)

        self.asterisk.at(after, begin)

    def hangs_up(self, channel: Channel) -> None:
        self.asterisk.end(channel)

    # what came of it

    def rings(self) -> list[tuple[float, str]]:
        """Return when (in tenths of a second) whose phone was rung, in order."""
        return [(round(leg.made_at, 1), number_of(leg)) for leg in self.world.legs()]

    def rung(self) -> list[str]:
        """Return whose phones were rung, in order."""
        return [number for _, number in self.rings()]

    def legs_of(self, number: str) -> list[Channel]:
        return [leg for leg in self.world.legs() if number_of(leg) == number]

    def partner(self, caller: Channel) -> list[str]:
        """Return the agents to whom a caller has talked."""
        made = self.asterisk.channels_made
        pairs = [pair - {caller.id} for pair in self.asterisk.together if caller.id in pair]
        return sorted(number_of(made[other]) for [other] in pairs)

    def talk(self, caller: Channel) -> bool:
        """Return whether a caller is in a bridge with somebody."""
        bridges = self.asterisk.bridges_made.values()
        return any(caller.id in members and len(members) > 1 for members in bridges)

    def visits(self) -> list[dict[str, Any]]:
        """Return the rows of `queue_calls` in the order of the entries."""
        rows = self.world.agents.visits.values()
        return sorted(rows, key=lambda row: str(row["entered_at"]))

    def ways_out(self) -> list[str]:
        return [str(visit["left_how"]) for visit in self.visits()]

    def slot(self, number: str) -> Any:
        """Return an agent's slot as Postgres knows it."""
        return self.world.agents.slot(identity(number))

    def misses(self) -> list[tuple[str, str]]:
        """Return who missed a call, and why."""
        return [(one["agent"], one["cause"]) for one in self.world.details("RINGNOANSWER")]

    # what happens to the process

    async def begin(self) -> None:
        await self.world.switchboard.reconcile()

    async def restart(self, away: float = 1.0) -> None:
        """Kill the process, and let the next one come after a while."""
        self.world.kill()
        await asyncio.sleep(away)
        self.world = self.world.next_process()
        await asyncio.sleep(CONNECTING)
        await self.begin()

    async def heal(self) -> None:
        """Prove all slots three times, as the process does every ten seconds."""
        agents = self.world.agents
        assert isinstance(agents, QueueAgents)
        agents.world = self.world
        calls = self.world.switchboard.calls.keys()
        proof = Proof(self.world.exchange, calls, cast("store.Agents", agents))
        for _ in range(3):
            await proof.look()
            await asyncio.sleep(10)

    async def over(self) -> None:
        await self.world.over()


def world_of_queues(**asterisk: Any) -> World:
    return World(QueueAsterisk(**asterisk), agents=QueueAgents())


Act = Callable[[Scene], Awaitable[None]]


def number_of(leg: Channel) -> str:
    return leg.endpoint.removeprefix("PJSIP/").split("/")[0]


def told(act: Act, *, left: bool = False, **asterisk: Any) -> Scene:
    """Act, wait for the end of every call, check that all is well, and return what came of it.

    With `left` something may be left behind.
    """

    async def tell() -> Scene:
        scene = Scene(world_of_queues(**asterisk))
        with watching(scene):
            await scene.begin()
            await act(scene)
            await scene.over()
        if not left:
            all_is_well(scene)
        return scene

    return run(tell())


@contextmanager
def watching(scene: Scene) -> Iterator[None]:
    """Take down what the event loop complains of."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: scene.problems.append(context))
    yield


def all_is_well(scene: Scene) -> None:
    check(scene.world)
    assert not scene.problems
    nobody_hears_what_he_should_not(scene)
    assert not scene.asterisk.rung_twice, "a phone rang for two"
    nothing_is_held(scene)
    figures_add_up(scene)


def nobody_hears_what_he_should_not(scene: Scene) -> None:
    asterisk = scene.asterisk
    assert not asterisk.music_too_late, "music is heard in a conversation"
    assert not asterisk.spoken_to_too_late, "an announcement is heard in a conversation"
    assert not asterisk.displays_updated, "a display is changed"
    assert not asterisk.music, "music is left"


def nothing_is_held(scene: Scene) -> None:
    """Nobody waits, every agent is free, here and in Postgres."""
    floor = scene.world.exchange.floor
    assert not floor.places, "places are left"
    assert not floor._dispatch._calls, "calls are left to be matched"
    assert not floor._tasks, "tasks are left"
    held = {slot.extension for slot in floor.slots if slot.call}
    assert not held, "slots are left"
    held = {row.extension for row in scene.world.agents.slots_by_agent.values() if row.call}
    assert not held, "slots are left in Postgres"


def figures_add_up(scene: Scene) -> None:
    """Every entry is a row that has left in one way, and one line of the timeline."""
    rows = scene.visits()
    entered = [row for row in rows if row.get("position")]
    assert len(entered) == len(scene.world.events()) - sum(
        event != "ENTERQUEUE" for event in scene.world.events()
    )
    assert all(row.get("left_how") for row in rows), "who has entered must leave"
    answered = [row for row in rows if row["left_how"] == Left.ANSWERED]
    assert len(answered) == scene.world.events().count("CONNECT")
    ends = scene.world.events().count("COMPLETEAGENT") + scene.world.events().count(
        "COMPLETECALLER"
    )
    assert ends == len(answered), "every conversation ends once"
    assert all(row.get("ended_at") and row.get("agent_extension_id") for row in answered)
    for row in rows:
        assert row["left_at"] >= row["entered_at"] >= row["joined_at"]


def prompt(name: str) -> str:
    """Return what Asterisk plays for the media file of that name."""
    return f"sound:{media_address(identity(name))}"


BUSY, NO_ANSWER = HangupCause.BUSY, HangupCause.NO_ANSWER
REJECTED, UNAVAILABLE = HangupCause.REJECTED, HangupCause.UNAVAILABLE
