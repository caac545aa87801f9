"""Asterisk as the call core sees it through `ari.door.Door`, for races and timeouts only."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from stasis_app.ari import events
from stasis_app.ari.door import Door
from stasis_app.ari.errors import AriError, Gone, refusal

from .fake_media_door import FakeMediaDoor
from .fake_phones import Channel


class FakeAsterisk(FakeMediaDoor, Door):
    """The network, and the requests that act on it."""

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
                self.tones.add(channel)
                self.music.pop(channel, None)
                self._note_who_talks()

        await self._serve("ring", channel, act)

    async def stop_ringing(self, channel: str) -> None:
        def act() -> None:
            self._channel(channel)
            self.tones.discard(channel)

        await self._serve("stop_ringing", channel, act)

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
                if self.is_recorded(channel):
                    raise refusal(409, "bridge", "currently recording")
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
