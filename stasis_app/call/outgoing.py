"""A call that the exchange makes by itself."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from types import TracebackType

from stasis_app.ari.events import Destroyed
from stasis_app.words import HangupCause

from . import causes
from .arrival import Origin
from .call import Call
from .dialogue import made_id
from .exchange import Exchange
from .journal import Journal
from .line import Line
from .ringing import Phone, Ringing

NOBODY = "caller"


class Outgoing(Call):
    """`caller` is who is called: the one who has answered, or else is dialled.

    Before the first is dialled it is nobody; the first leg gets the id that he has.
    """

    def __init__(self, exchange: Exchange, journal: Journal, origin: Origin) -> None:
        self._nobody = Line(made_id(journal.call), NOBODY, exchange.inboxes)
        self._nobody.forget()
        super().__init__(exchange, self._nobody, journal, origin)

    def new_leg(self) -> str:
        """Return the id of the next channel that is dialled."""
        return self.caller.id if self.caller is self._nobody else self.new_id()

    async def _live(self, story: Callable[[], Awaitable[None]]) -> None:
        """Run the story. A hangup is for it to see to: one leg may fail and another answer."""
        await self._to_its_end(story)

    async def _conclude(self) -> None:
        if self.caller is self._nobody:
            self._nobody.lose()
        await super()._conclude()


class Reach(Ringing):
    """`async with reach:` around dialling somebody. Who has answered stays on the line behind it.

    No caller waits meanwhile: nobody hears it ring.
    """

    def __init__(
        self,
        call: Outgoing,
        label: str,
        phones: Sequence[Phone],
        means: Callable[[Destroyed], HangupCause] = causes.of_leg,
    ) -> None:
        super().__init__(call, label, call.new_id(), phones, means)
        self.early = False
        lines = [self._enter(phone) for phone in phones]
        call.caller = lines[0]

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None and self.answered:
            self.call.caller = self.answered
            self._drop_all_but(self.answered)
            return
        await super().__aexit__(kind, error, trace)

    async def dial(self) -> None:
        self._dialling = [asyncio.create_task(self._dial_alone(phone)) for phone in self.phones]

    def _rings(self, line: Line, at: datetime) -> None:
        line.ringing = True
        self.reach()
        self.call.journal.rang(at, number=self.label)
