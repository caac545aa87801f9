"""The phones and lines around a fake Asterisk: what happens without a request of ours.

Time is the event loop's (see virtual_time). Events arrive in order, as many at once as are due.
"""

import asyncio
import contextvars
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import cycle
from typing import Any, TypeVar

from stasis_app.ari import events
from stasis_app.ari.inboxes import Inboxes

from .fake_phones import DEAD, EPOCH, Channel, Fault, Phone

T = TypeVar("T")

DEADLINE = 5.0
NORMAL = 16
TICK = 1e-6


@dataclass(eq=False)
class FakeNetwork:
    """`phones` are what is dialled by endpoint, `faults` by the number of the request (from 0).

    `delays` are the seconds that requests, answers and events take, in turn, again and again;
    a leg takes `start_seconds` more to enter the application.
    `before` holds what is to happen just before a request acts, by its number; one in `unsent`
    never acts. `tones` are the answered channels that hear ringing, `rung_too_late` those that do
    while they talk.
    `music` is the class that each channel has, heard while nothing else is played to it;
    `music_too_late` are the channels that had some while they talked.
    `played` is what was played: from when, to whom, which media; `displays_updated` are channels
    whose phones were told whom they speak to.
    `variables` are those of every channel, beside its own; `objects` are PJSIP's by kind and name.
    """

    inboxes: Inboxes = field(default_factory=Inboxes)
    phones: dict[str, Phone] = field(default_factory=dict)
    faults: Mapping[int, Fault] = field(default_factory=dict)
    before: dict[int, Callable[[], None]] = field(default_factory=dict)
    delays: Sequence[float] = (0.001,)
    start_seconds: float = 0.0
    channels_made: dict[str, Channel] = field(default_factory=dict)
    bridges_made: dict[str, set[str]] = field(default_factory=dict)
    together: set[frozenset[str]] = field(default_factory=set)
    requests: list[tuple[str, str]] = field(default_factory=list)
    unsent: set[int] = field(default_factory=set)
    tones: set[str] = field(default_factory=set)
    rung_too_late: set[str] = field(default_factory=set)
    music: dict[str, str] = field(default_factory=dict)
    music_too_late: set[str] = field(default_factory=set)
    played: list[tuple[float, str, str]] = field(default_factory=list)
    displays_updated: set[str] = field(default_factory=set)
    hang_ups: Counter[str] = field(default_factory=Counter)
    destroyed: Counter[str] = field(default_factory=Counter)
    variables: dict[str, str] = field(default_factory=dict)
    objects: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    globals: dict[str, str] = field(default_factory=dict)
    device_states: dict[str, str] = field(default_factory=dict)
    started: datetime = EPOCH
    sealed: bool = False

    def __post_init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        self._delay: Iterator[float] = cycle(self.delays)
        self._lanes: dict[int, float] = {}
        self._pipe: deque[tuple[float, events.Event]] = deque()
        self.failed: set[tuple[str, str]] = set()
        self.awaited: set[asyncio.Future[Any]] = set()
        self.deaf = False
        self._left_at = self.seconds_away = 0.0
        self.connections = 0

    # what happens outside

    def call(
        self, endpoint: str, exten: str, sip_call_id: str = "a@phone", agent: str = "phone"
    ) -> Channel:
        """Let a phone dial."""
        return self._arrive(("phone", endpoint, agent), exten, sip_call_id, endpoint)

    def deliver(
        self, trunk: str, exten: str, caller: str, to_user: str = "", presentation: str = "allowed"
    ) -> Channel:
        """Let the carrier behind the endpoint `trunk` call the number `exten`."""
        args = ("trunk", trunk, to_user or exten, presentation)
        return self._arrive(args, exten, "a@carrier", caller)

    def at(self, seconds: float, act: Callable[[], None]) -> None:
        """Let something happen `seconds` from now."""
        self._loop.call_at(self._loop.time() + seconds, act, context=self._context)

    def end(self, channel: Channel, cause: int = NORMAL, sip: int = 0) -> None:
        """Let a channel end, by its phone's will or by ours."""
        if not channel.alive:
            return
        self._leave(channel)
        if channel.entered:
            self.emit(events.StasisEnd(self.now(), channel.id))
        self.emit(events.Destroyed(self.now(), channel.id, cause, sip))

    def end_untold(self, channel: Channel, seconds: float) -> None:
        """Let a caller who is waiting end; that is told so many seconds later."""
        self._leave(channel)
        self.at(seconds, lambda: self.emit(events.StasisEnd(self.now(), channel.id)))

    def _leave(self, channel: Channel) -> None:
        channel.ended_at = self._loop.time()
        self.music.pop(channel.id, None)
        for members in self.bridges_made.values():
            members.discard(channel.id)

    def set_state(self, channel: Channel, state: str) -> None:
        if channel.alive and channel.state not in (state, "Up"):
            channel.state = state
            if state == "Up":
                channel.up_at = self._loop.time()
            self._note_who_talks()
            self.emit(events.StateChanged(self.now(), channel.id, state))

    def emit(self, event: events.Event) -> None:
        if self.deaf:
            return
        due = max(self._loop.time() + next(self._delay), self._pipe[-1][0] if self._pipe else 0.0)
        self._pipe.append((due, event))
        self._loop.call_at(due, self._flush, context=self._context)

    def disconnect(self) -> None:
        """Let the connection break: events under way are lost, and all that come until `connect`.

        Meanwhile no channel can enter the application, and one that would ends.
        """
        if not self.deaf:
            self._left_at = self._loop.time()
        self.deaf = True
        self._pipe.clear()

    def connect(self, inboxes: Inboxes) -> None:
        if self.deaf:
            self.seconds_away += self._loop.time() - self._left_at
            self.connections += 1
        self.deaf = self.sealed = False
        self.inboxes = inboxes

    def restart(self, started: datetime) -> None:
        """Asterisk goes down, and with it all but the device states, and comes again."""
        self.disconnect()
        for channel in self.channels_made.values():
            self.end(channel)
        self.destroyed.update(name for name in self.bridges_made if not self.destroyed[name])
        self.objects.clear()
        self.globals.clear()
        self.started = started

    def hold(self, channel: Channel, *, held: bool) -> None:
        if channel.alive:
            kind = events.Held if held else events.Unheld
            self.emit(kind(self.now(), channel.id))

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self._loop.time())

    @property
    def callers(self) -> list[Channel]:
        """Phones that dialled, and carriers that called."""
        return [
            channel
            for channel in self.channels_made.values()
            if channel.args[0] in ("phone", "trunk")
        ]

    def living(self) -> list[str]:
        return [channel.id for channel in self.channels_made.values() if channel.alive]

    def _flush(self) -> None:
        while self._pipe and self._pipe[0][0] <= self._loop.time() + TICK / 2:
            self.inboxes.deliver(self._pipe.popleft()[1])

    def _arrive(self, args: tuple[str, ...], exten: str, sip_call_id: str, caller: str) -> Channel:
        name = f"caller-{len(self.channels_made)}"
        channel = Channel(name, f"PJSIP/{args[1]}", "Ring", args, exten, sip_call_id, caller)
        channel.made_at = self._loop.time()
        self.channels_made[name] = channel
        self._enter(channel)
        return channel

    def _enter(self, channel: Channel) -> None:
        if self.deaf:
            self.end(channel)
        elif channel.alive:
            channel.entered = True
            self.emit(events.StasisStart(self.now(), channel.id, channel.described(), channel.args))

    # what a phone does

    def _dialled(self, channel: Channel) -> None:
        phone = self.phones.get(channel.endpoint, DEAD)
        self.emit(events.Dialled(self.now(), channel.id, ""))
        if phone.trying is not None:
            self.at(phone.trying, lambda: _responds(channel, "100 Trying"))
        if phone.progresses is not None:
            self.at(phone.progresses, lambda: self._progresses(channel))
        if phone.rings is not None:
            self.at(phone.rings, lambda: self._rings(channel))
        if phone.answers is not None:
            self.at(phone.answers, lambda: self._answers(channel, phone))
        if phone.rejects is not None:
            seconds, cause, sip = phone.rejects
            self.at(seconds, lambda: self._rejects(channel, cause, sip))

    def _rings(self, channel: Channel) -> None:
        _responds(channel, "180 Ringing")
        if channel.alive and channel.state == "Down":
            self.set_state(channel, "Ringing")
            self.emit(events.Dialled(self.now(), channel.id, "RINGING"))

    def _progresses(self, channel: Channel) -> None:
        _responds(channel, "183 Session Progress")
        if channel.alive and channel.state != "Up":
            self.emit(events.Dialled(self.now(), channel.id, "PROGRESS"))

    def _rejects(self, channel: Channel, cause: int, sip: int) -> None:
        if channel.state != "Up":
            self.end(channel, cause, sip)

    def _answers(self, channel: Channel, phone: Phone) -> None:
        if not channel.alive:
            return
        _responds(channel, "200 OK")
        self.set_state(channel, "Up")
        self.emit(events.Dialled(self.now(), channel.id, "ANSWER"))
        for members in self.bridges_made.values():
            if channel.id in members:
                self._pass_answer(members)
        if phone.holds is not None:
            holds, resumes = phone.holds
            self.at(holds, lambda: self.hold(channel, held=True))
            self.at(resumes, lambda: self.hold(channel, held=False))
        if phone.hangs_up is not None:
            self.at(phone.hangs_up, lambda: self.end(channel))

    def _pass_answer(self, members: set[str]) -> None:
        """An answer passes through a bridge to a caller who is still waiting."""
        for member in sorted(members):
            if self.channels_made[member].state == "Ring":
                self.set_state(self.channels_made[member], "Up")

    def _note_who_talks(self) -> None:
        for members in self.bridges_made.values():
            up = frozenset(name for name in members if self.channels_made[name].state == "Up")
            if len(up) > 1:
                self.together.add(up)
                self.rung_too_late |= up & self.tones
                self.music_too_late |= up & self.music.keys()


def _responds(channel: Channel, response: str) -> None:
    """The first SIP response makes one function name the channel, another tells the last one."""
    channel.variables["HANGUPCAUSE_KEYS()"] = channel.name
    channel.variables[f"HANGUPCAUSE({channel.name},tech)"] = f"SIP {response}"
