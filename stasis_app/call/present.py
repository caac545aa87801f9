"""What Asterisk carries at one moment, and what has happened since."""

from dataclasses import replace

from stasis_app.ari.door import Door
from stasis_app.ari.events import Bridge, Channel, Destroyed, Event, StasisEnd, StateChanged


class Present:
    """Channels and bridges by id; `ours` are the channels in our application.

    The lists are old when they arrive. Events that nobody claims are told to `hear`, from before
    the question until the lists have been acted on, so that nothing is taken for alive that ended.
    """

    def __init__(self) -> None:
        self.channels: dict[str, Channel] = {}
        self.bridges: dict[str, Bridge] = {}
        self._ours: frozenset[str] = frozenset()
        self._heard: list[Event] = []

    async def look(self, door: Door) -> None:
        self._ours = await door.our_channels()
        self.channels = {channel.id: channel for channel in await door.channels()}
        self.bridges = {bridge.id: bridge for bridge in await door.bridges()}
        for event in self._heard:
            self._apply(event)

    @property
    def ours(self) -> list[Channel]:
        return [self.channels[channel] for channel in self._ours if channel in self.channels]

    def hear(self, event: Event) -> None:
        self._heard.append(event)
        self._apply(event)

    def _apply(self, event: Event) -> None:
        channel = self.channels.get(event.subject)
        if isinstance(event, StasisEnd | Destroyed):
            self.channels.pop(event.subject, None)
        elif isinstance(event, StateChanged) and channel:
            self.channels[channel.id] = replace(channel, state=event.state)
