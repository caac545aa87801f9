"""The keys that a caller presses."""

import asyncio
from collections import deque

EVERY_KEY = "0123456789*#"
MOST_KEYS = 64


class Keys:
    """What was pressed and no story has taken yet: who knows the menu need not wait for it.

    Only the newest are kept. One story waits at a time.
    """

    def __init__(self) -> None:
        self._pressed: deque[str] = deque(maxlen=MOST_KEYS)
        self._turn: asyncio.Future[None] | None = None

    def press(self, key: str) -> None:
        self._pressed.append(key)
        if self._turn and not self._turn.done():
            self._turn.set_result(None)

    def __contains__(self, key: str) -> bool:
        return key in self._pressed

    def clear(self) -> None:
        self._pressed.clear()

    def take(self, wanted: str = EVERY_KEY) -> str | None:
        """Return the first of the `wanted` keys; others before it mean nothing here, and go."""
        while self._pressed:
            key = self._pressed.popleft()
            if key in wanted:
                return key
        return None

    async def next(
        self, wanted: str = EVERY_KEY, before: asyncio.Future[str] | None = None
    ) -> str | None:
        """Wait for one of the `wanted` keys; None if the future `before` is done first."""
        while (key := self.take(wanted)) is None:
            if before and before.done():
                return None
            self._turn = asyncio.get_running_loop().create_future()
            waited_for: set[asyncio.Future[None] | asyncio.Future[str]] = {self._turn}
            await asyncio.wait(
                waited_for | ({before} if before else set()), return_when=asyncio.FIRST_COMPLETED
            )
        return key
