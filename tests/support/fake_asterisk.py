"""Asterisk as the call core sees it through `ari.door.Door`, for races and timeouts only.

Requests of one call that go over a control session are served in order, others when they come.
A request acts although the one who sent it has gone away.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from stasis_app.ari import events
from stasis_app.ari.door import Door
from stasis_app.ari.errors import AriError, Gone, Unreachable, refusal
from stasis_app.ari.transport import lane

from .fake_network import TICK, FakeNetwork
from .fake_phones import Channel, Fault

T = TypeVar("T")

DEADLINE = 5.0


class FakeAsterisk(FakeNetwork, Door):
    """The network, and the requests that act on it."""

    # how requests travel

    async def _serve(self, verb: str, subject: str, act: Callable[[], T]) -> T:
        if self.sealed:
            raise Unreachable(verb, "the door is closed")
        number = len(self.requests)
        self.requests.append((verb, subject))
        answer: asyncio.Future[T] = self._loop.create_future()
        self.awaited.add(answer)
        answer.add_done_callback(self.awaited.discard)
        due = self._loop.time() + next(self._delay)
        line = lane.get()
        if line is not None and verb not in ("answer", "play", "channel_variable"):
            due = max(due, self._lanes.get(line, 0.0) + TICK)
            self._lanes[line] = due
        self._loop.call_at(
            due, self._act, number, verb, subject, act, answer, context=self._context
        )
        return await answer

    def _act(
        self,
        number: int,
        verb: str,
        subject: str,
        act: Callable[[], T],
        answer: "asyncio.Future[T]",
    ) -> None:
        fault = self.faults.get(number)
        if number in self.before:
            self.before[number]()
        if number in self.unsent:
            return
        result: T | AriError
        if fault in (Fault.UNREACHABLE, Fault.LOST):
            if fault is Fault.LOST:
                self._try(act)
            result = Unreachable(verb, "no answer")
        elif fault is Fault.REFUSED:
            result = AriError(500, verb, "refused")
        elif fault is Fault.GONE:
            result = Gone(404, verb, "not found")
        else:
            result = self._try(act)
        if fault not in (None, Fault.LOST):
            self.failed.add((verb, subject))
        seconds = DEADLINE if isinstance(result, Unreachable) else next(self._delay)
        self._loop.call_later(seconds, _settle, answer, result, context=self._context)

    def _try(self, act: Callable[[], T]) -> T | AriError:
        try:
            return act()
        except AriError as error:
            return error

    def _channel(self, channel: str) -> Channel:
        found = self.channels_made.get(channel)
        if found is None or not found.alive:
            raise Gone(404, "channel", "not found")
        return found

    # the door

    def seal(self) -> None:
        self.sealed = True

    async def create_channel(
        self,
        channel: str,
        endpoint: str,
        originator: str,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        def act() -> None:
            # an originator that is gone is no obstacle (22.10, ast_ari_channels_create)
            made = Channel(channel, endpoint, "Down", ("leg",), variables=dict(variables or {}))
            made.made_at = self._loop.time()
            self.channels_made[channel] = made
            self.at(self.start_seconds + next(self._delay), lambda: self._enter(made))

        await self._serve("create_channel", channel, act)

    async def dial(self, channel: str, caller: str | None) -> None:
        def act() -> None:
            self._channel(channel).dialled_for = caller
            self._dialled(self._channel(channel))

        await self._serve("dial", channel, act)

    async def channel_variable(self, channel: str, name: str) -> str:
        def act() -> str:
            own = self._channel(channel).variables
            return own.get(name, self.variables.get(name, ""))

        return await self._serve("channel_variable", channel, act)

    async def set_channel_variable(self, channel: str, name: str, value: str) -> None:
        def act() -> None:
            self._channel(channel).variables[name] = value

        await self._serve("set_channel_variable", channel, act)

    async def ring(self, channel: str) -> None:
        def act() -> None:
            if self._channel(channel).state == "Up":
                self.rung_too_late.add(channel)

        await self._serve("ring", channel, act)

    async def answer(self, channel: str) -> None:
        await self._serve("answer", channel, lambda: self.set_state(self._channel(channel), "Up"))

    async def hang_up(self, channel: str, cause: int) -> None:
        def act() -> None:
            found = self._channel(channel)
            found.hung_up_with = cause
            self.hang_ups[channel] += 1
            self.end(found, cause)

        await self._serve("hang_up", channel, act)

    async def create_bridge(self, bridge: str) -> None:
        def act() -> None:
            self.bridges_made[bridge] = set()

        await self._serve("create_bridge", bridge, act)

    async def add_to_bridge(
        self, bridge: str, channels: Sequence[str], *, update_displays: bool
    ) -> None:
        def act() -> None:
            if bridge not in self.bridges_made or self.destroyed[bridge]:
                raise Gone(404, "bridge", "not found")
            for channel in channels:
                found = self.channels_made.get(channel)
                if found is None or not found.alive:
                    raise refusal(400, "bridge", "Channel not found")
                if not found.entered:
                    raise refusal(422, "bridge", "Channel not in Stasis application")
            self.bridges_made[bridge].update(channels)
            if update_displays:
                self.displays_updated.update(channels)
            self._note_who_talks()

        await self._serve("add_to_bridge", bridge, act)

    async def destroy_bridge(self, bridge: str) -> None:
        def act() -> None:
            if bridge not in self.bridges_made or self.destroyed[bridge]:
                raise Gone(404, "bridge", "not found")
            self.destroyed[bridge] += 1
            self.bridges_made[bridge].clear()

        await self._serve("destroy_bridge", bridge, act)

    async def forget_bridge(self, bridge: str) -> None:
        await self._serve("forget_bridge", bridge, lambda: None)

    async def play(self, channel: str, playback: str, media: Sequence[str]) -> None:
        def act() -> None:
            self._channel(channel)
            self.played += [(self._loop.time(), channel, one) for one in media]
            done = lambda: self.emit(events.PlaybackFinished(self.now(), playback, "done"))  # noqa: E731
            self.at(2.0, done)

        await self._serve("play", channel, act)

    async def channels(self) -> list[events.Channel]:
        return await self._serve(
            "channels", "", lambda: [c.described() for c in self.channels_made.values() if c.alive]
        )

    async def bridges(self) -> list[events.Bridge]:
        return await self._serve(
            "bridges",
            "",
            lambda: [
                events.Bridge(name, tuple(members))
                for name, members in self.bridges_made.items()
                if not self.destroyed[name]
            ],
        )

    async def our_channels(self) -> frozenset[str]:
        return await self._serve(
            "our_channels",
            "",
            lambda: frozenset(c.id for c in self.channels_made.values() if c.alive and c.entered),
        )

    async def started_at(self) -> datetime:
        return await self._serve("started_at", "", lambda: self.started)

    async def put_object(self, kind: str, name: str, fields: Mapping[str, str]) -> None:
        def act() -> None:
            # Asterisk would go on with the old one, or mix both
            if self.objects.setdefault((kind, name), dict(fields)) != fields:
                raise AriError(500, "put_object", "there is another object of that name")

        await self._serve("put_object", f"{kind}/{name}", act)

    async def delete_object(self, kind: str, name: str) -> None:
        def act() -> None:
            if self.objects.pop((kind, name), None) is None:
                raise Gone(404, "delete_object", "not found")

        await self._serve("delete_object", f"{kind}/{name}", act)

    async def set_global(self, name: str, value: str) -> None:
        await self._serve("set_global", name, lambda: self.globals.update({name: value}))

    async def set_device_state(self, name: str, state: str) -> None:
        def act() -> None:
            self.device_states[name] = state

        await self._serve("set_device_state", name, act)


def _settle(answer: "asyncio.Future[T]", result: T | AriError) -> None:
    if answer.done():
        return
    if isinstance(result, AriError):
        answer.set_exception(result)
    else:
        answer.set_result(result)
