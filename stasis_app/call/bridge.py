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
        self._note_caller(self._members)

    async def make(self) -> None:
        if not self._made:
            self._made = True
            await self._call.exchange.door.create_bridge(self.id)

    async def join(self, channels: Iterable[str], *, update_displays: bool) -> None:
        """Put the channels in that are not in it; their phones may be told whom they speak to."""
        missing = [channel for channel in channels if channel not in self._members]
        if missing:
            self._note_caller(missing)
            await self._call.exchange.door.add_to_bridge(
                self.id, missing, update_displays=update_displays
            )
            self._members.update(missing)

    def _note_caller(self, channels: Iterable[str]) -> None:
        caller = self._call.caller
        caller.bridged = caller.bridged or caller.id in channels

    def close(self, *, answered: bool) -> None:
        """Destroy the bridge. A leg that nobody answered may have ended while it was put in."""
        if not self._made:
            return
        door = self._call.exchange.door
        self._call.leaves_bridge(self._call.behind(partial(door.destroy_bridge, self.id)))
        if not answered:
            self._call.behind(partial(door.forget_bridge, self.id), insist=False)
