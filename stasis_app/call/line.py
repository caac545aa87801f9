"""A channel in our hands: the caller's, or one that we dial."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from stasis_app.ari.events import Destroyed, Event, StasisEnd, StasisStart, StateChanged
from stasis_app.ari.inboxes import Inboxes

LOST_AFTER = 2.0

Watcher = Callable[["Line", Event], None]


class Line:
    """Takes the events of one channel; its `watchers` are told of each, in order, at once.

    `started` is False when the channel ended without having entered the application.
    `bridged` is True once it was put into a bridge, `label` names it in the timeline. It leaves the
    inboxes by itself when the channel is destroyed.
    """

    __slots__ = (
        "_inboxes",
        "_lost",
        "_waiting",
        "bridged",
        "closed",
        "gone",
        "id",
        "insisting",
        "is_caller",
        "label",
        "ringing",
        "started",
        "up",
        "watchers",
    )

    def __init__(
        self, channel: str, label: str, inboxes: Inboxes, *, is_caller: bool = False
    ) -> None:
        self.id = channel
        self.label = label
        self.up = False
        self.bridged = False
        self.ringing = False
        self.closed = False
        self.insisting = False
        self.is_caller = is_caller
        self.gone: Destroyed | None = None
        self.started: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.watchers: list[Watcher] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._inboxes = inboxes
        self._lost: asyncio.TimerHandle | None = None
        inboxes.enter(channel, self)

    def deliver(self, event: Event) -> None:
        if isinstance(event, StasisStart) and not self.started.done():
            self.started.set_result(True)
        elif isinstance(event, StateChanged) and event.state == "Up":
            self.up = True
        elif isinstance(event, Destroyed):
            self._end(event)
        elif isinstance(event, StasisEnd):
            self._leave(event.at)
        for watcher in tuple(self.watchers):
            watcher(self, event)

    async def ended(self) -> Destroyed:
        """Return the channel's end, when it has come."""
        while self.gone is None:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        return self.gone

    def lose(self, at: datetime | None = None) -> None:
        """Take the channel as ended: Asterisk has it no more, or not in our application."""
        if self.gone is None:
            self.deliver(Destroyed(at or datetime.now(UTC), self.id, cause=0))

    def lose_soon(self, at: datetime | None = None) -> None:
        """Take the channel as ended unless its end comes within moments: it is under way."""
        if self._lost is None and self.gone is None:
            self._lost = asyncio.get_running_loop().call_later(LOST_AFTER, self.lose, at)

    @property
    def ending(self) -> bool:
        """Return whether the channel has left the application or is gone."""
        return self.gone is not None or self._lost is not None

    def _leave(self, at: datetime) -> None:
        """Asterisk tells no more of a caller who was never bridged: this is the end."""
        if self.is_caller and not (self.up and self.bridged):
            self.lose(at)
        else:
            self.lose_soon(at)

    def forget(self) -> None:
        """Leave the inboxes without a last word: the channel was never made."""
        self._inboxes.leave(self.id)

    def _end(self, event: Destroyed) -> None:
        self.gone = event
        self._inboxes.leave(self.id)
        if self._lost:
            self._lost.cancel()
        if not self.started.done():
            self.started.set_result(False)
        for turn in self._waiting:
            if not turn.done():
                turn.set_result(None)
