"""A mixing bridge of one call."""

from collections.abc import Iterable
from functools import partial

from .call import Call
from .present import Present


class Bridge:
    """Made when it is needed, destroyed by `close`. Its id is never used again."""

    def __init__(self, call: Call, identity: str) -> None:
        self.id = identity
        self._call = call
        self._made = False
        self._members: set[str] = set()

    def adopt(self, asterisk: Present) -> None:
        """Take over what an earlier process has made."""
        found = asterisk.bridges.get(self.id)
        self._made = found is not None
        self._members = set(found.channels) if found else set()

    async def make(self) -> None:
        if not self._made:
            self._made = True
            await self._call.exchange.door.create_bridge(self.id)

    async def join(self, channels: Iterable[str], *, update_displays: bool) -> None:
        """Put the channels in that are not in it; their phones may be told whom they speak to."""
        missing = [channel for channel in channels if channel not in self._members]
        if missing:
            await self._call.exchange.door.add_to_bridge(
                self.id, missing, update_displays=update_displays
            )
            self._members.update(missing)

    def close(self) -> None:
        if self._made:
            self._call.behind(partial(self._call.exchange.door.destroy_bridge, self.id))
