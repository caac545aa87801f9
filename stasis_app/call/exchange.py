"""What all calls share: Asterisk's door, the book of the rules, the journal, who is engaged."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextvars import Context
from typing import Any
from uuid import UUID

import structlog

from stasis_app.ari.door import Door
from stasis_app.ari.errors import AriError, Gone
from stasis_app.ari.inboxes import Inboxes
from stasis_app.rules.book import Book

from .floor import Floor
from .journal import Write
from .line import Line
from .occupancy import Occupancy, Pace
from .stock import Agents, Audio, Mailboxes, SetOverride
from .waits import Waits

log = structlog.get_logger()

MAX_SETTING_UP = 25
PAUSES_SECONDS = (0.5, 2.0, 0.0)

Step = Callable[[], Coroutine[Any, Any, None]]


class Exchange:
    """Shared by every call of one process."""

    def __init__(
        self,
        door: Door,
        inboxes: Inboxes,
        book: Book,
        write: Write,
        set_override: SetOverride,
        *,
        audio: Audio,
        mailboxes: Mailboxes,
        agents: Agents,
    ) -> None:
        self.door = door
        self.inboxes = inboxes
        self.book = book
        self.set_override = set_override
        self.audio = audio
        self.mailboxes = mailboxes
        self.agents = agents
        self._write = write
        self.engaged = Occupancy()
        self.waits = Waits(agents)
        self.floor = Floor(book, agents, self.write, self.engaged)
        self.calling_out = Occupancy()
        self.pace = Pace()
        self._resting: dict[UUID, float] = {}
        self.leaving = False
        self.setting_up: set[UUID] = set()
        self._behind: set[asyncio.Task[None]] = set()

    def rest(self, trunk: UUID, seconds: float) -> None:
        """Have a trunk that failed us tried last for a while."""
        self._resting[trunk] = self._now() + seconds

    def rests(self, trunk: UUID) -> bool:
        return self._resting.get(trunk, 0.0) > self._now()

    def admits(self, owner: UUID, most: float | None) -> bool:
        """Return whether an extension or trunk may begin one more outside call in this minute."""
        return self.pace.admits(owner, most, self._now())

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    @property
    def overloaded(self) -> bool:
        """Return whether more calls are being set up than can be served in good time."""
        most = self.book.number("calls.max_setting_up", MAX_SETTING_UP)
        return len(self.setting_up) >= most

    def write(self, record: Mapping[str, Any]) -> bool:
        """Write to the journal, unless the process is leaving: the next one will know better.

        Returns whether it was written.
        """
        return not self.leaving and self._write(record)

    def drop(self, line: Line, cause: int, context: Context | None = None) -> None:
        """Hang a channel up with a Q.850 cause, behind the story."""
        line.closed = True
        self.behind(lambda: self._drop(line, cause), context)

    async def _drop(self, line: Line, cause: int) -> None:
        try:
            await self.door.hang_up(line.id, cause)
        except Gone:
            if line.started.done():
                line.lose_soon()
            else:
                line.forget()

    def leave(self) -> None:
        """Go without a word: the process ends, its calls live on and will be adopted."""
        self.leaving = True
        self.floor.close()
        self.door.seal()

    def behind(
        self, step: Step, context: Context | None = None, *, insist: bool = True
    ) -> asyncio.Task[None]:
        """Have a step done that nobody waits for: tidying up must not be cut off by a hangup.

        In the `context` of a call its requests keep the call's order. What Asterisk fails is
        repeated if we `insist`: what stays open is a channel nobody knows of.
        """
        pauses = PAUSES_SECONDS if insist else (0.0,)
        task = asyncio.create_task(self._try(step, pauses), name="behind", context=context)
        self._behind.add(task)
        task.add_done_callback(self._behind.discard)
        return task

    async def settled(self) -> None:
        """Return when all the work behind is done."""
        while self._behind:
            await asyncio.wait(self._behind)

    async def _try(self, step: Step, pauses: Sequence[float]) -> None:
        for pause in pauses:
            try:
                await step()
                break
            except Gone:
                log.debug("already gone", action="already_gone")
                break
            except AriError as error:
                if self.leaving:
                    break
                log.warning("asterisk failed a request", action="ari_failed", error=str(error))
                await asyncio.sleep(pause)
