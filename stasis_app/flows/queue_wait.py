"""The turn of one caller in a queue: standing in line until agents serve him, or leaving it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from stasis_app.call.offer import Offer
from stasis_app.call.place import Kept, Place
from stasis_app.rules import callbacks
from stasis_app.rules import queueing as rules
from stasis_app.rules.models import Destination
from stasis_app.rules.sentences import Sentence
from stasis_app.words import HangupCause, Left, Moment

from . import queue_notes as notes
from .queue_served import STEP, Served
from .queue_visit import Stage

__all__ = ["STEP", "Turn"]


class Turn(Served):
    """A caller in a queue, from the entry to the end of the conversation or the way out."""

    @property
    def _relaxed(self) -> float:
        """Return since how many seconds the caller's demands are being dropped."""
        since = self.visit.joined_at if self.visit.called_back else self.visit.entered_at
        return (datetime.now(UTC) - since).total_seconds()

    async def wait(
        self, ringing: Offer | None = None, kept: Kept | None = None
    ) -> Destination | None:
        """Stand in line until somebody has talked to the caller; return where he goes without.

        `ringing` is an offer that another process has begun; `kept` is a place that stands in line
        already, and an agent who is reserved.
        """
        place = self._line_up(kept)
        try:
            if ringing and await self._serve_on(place, ringing):
                return None
            await self.call.answer(settle=False)
            self._listen(place)
            if kept and await self._serve_kept(place, kept.agent):
                return None
            return await self._until_served(place)
        finally:
            self._ear.cancel()
            if self.call.id in self.floor.places:
                self._leave(Left.ABANDONED if self._has_hung_up else Left.FAILED)

    @property
    def _has_hung_up(self) -> bool:
        caller = self.call.caller
        cut_off = self.call.cause is HangupCause.SYSTEM_RESTART
        return (caller.ending or caller.insisting) and not cut_off

    # standing in line

    def _line_up(self, kept: Kept | None = None) -> Place:
        """Who is let in stands in line before anybody else asks whether there is room."""
        if kept:
            self._line, place = kept.line.pop_all(), kept.place
            self.floor.arrived(place)
        else:
            place = self._line.enter_context(
                self.floor.line_up(
                    self.call.id,
                    self.queue,
                    priority=self.visit.priority,
                    joined_at=self.visit.joined_at,
                    skills=self._skills(),
                )
            )
        new = not self.visit.position
        self.visit = replace(self.visit, position=self.visit.position or place.position)
        if self.visit.stage is Stage.WAITING:
            self.stand()
        if new:
            notes.entered(self.call, self.queue, self.visit)
        return place

    async def _serve_on(self, place: Place, ringing: Offer) -> bool:
        """Go on with an offer; who is spoken to already hears nothing else."""
        self.floor.hold(self.call.id)
        if not ringing.answered:
            self._listen(place)
        return await self._serve(place, ringing, self._seconds_left(ringing))

    def _listen(self, place: Place) -> None:
        if self._ear.listens:
            return
        new = not self.visit.welcomed
        book, queue = self.call.exchange.book, self.queue
        self._ear.listen(
            queue,
            place,
            new=new,
            welcomed=self._welcomed,
            exits=rules.exit(book, queue, self.visit.called) is not None,
            number=self._number(),
        )

    async def _listen_anew(self, place: Place) -> None:
        """An edited row counts for who is waiting, too."""
        if self._ear.listens and self._ear.queue != self.queue:
            await self._ear.stop()
            self._listen(place)

    def _number(self) -> str | None:
        """Return where the caller can be called back, if the queue does so."""
        if self.visit.called_back or not self.queue.callback_key:
            return None
        book, origin = self.call.exchange.book, self.call.origin
        extension = book.extensions.get(origin.extension) if origin.extension else None
        return callbacks.own_number(book, self.queue, origin.identity, extension)

    def _welcomed(self) -> None:
        self.visit = replace(self.visit, welcomed=True)
        if self.queue.welcome:
            self.call.amends(self.visit.arguments())

    def _skills(self) -> tuple[str, ...]:
        return rules.skills_left(self.visit.skills, self._relaxed, self.queue.relax_seconds)

    async def _until_served(self, place: Place) -> Destination | None:
        while True:
            if self._ear.ended.done():
                if not self._ear.confirmed:
                    return await self._key(self._ear.ended.result())
                if await self._is_called_back():
                    return None
                self._listen(place)
            elif place.offered.done():
                if await self._serve(place, self._offer(place.take()), self.queue.ring_seconds):
                    return None
            elif left := self._reason_to_leave():
                return await self._give_up(left)
            else:
                self.floor.ask_less(self.call.id, self._skills())
                await place.happening({self._ear.ended}, self._pause())
                await self._listen_anew(place)

    def _pause(self) -> float | None:
        queue = self.queue
        ends = [rules.next_relax(self.visit.skills, self._relaxed, queue.relax_seconds)]
        if queue.max_wait_seconds is not None:
            ends.append(queue.max_wait_seconds - self.waited)
        return min((max(end, 0.0) for end in ends if end is not None), default=None)

    def _reason_to_leave(self) -> Left | None:
        found = self.call.exchange.book.queues.get(self.visit.queue)
        if found is None or not found.active:
            return Left.CLOSED
        if not self.floor.serves(found.id):
            return Left.EMPTY
        most = found.max_wait_seconds
        return Left.TIMEOUT if most is not None and self.waited >= most else None

    # leaving without

    async def _is_called_back(self) -> bool:
        """Let the caller hang up, who keeps the place; False: that can't be written down."""
        number = self._number()
        if number is None or not notes.asks_to_be_called(self.call, self.visit, number):
            return False
        self._leave(Left.CALLBACK)
        await self._ear.stop()
        cause, sentence = HangupCause.NORMAL_CLEARING, Sentence.CALLBACK_TAKEN_DOWN
        await self.call.refuse(cause, sentence=sentence, reason="queue_callback")
        return True

    async def _key(self, key: str) -> Destination | None:
        onward = rules.exit(self.call.exchange.book, self.queue, self.visit.called)
        return await self._give_up(Left.KEY, onward, key=key)

    async def _give_up(
        self, how: Left, onward: Destination | None = None, **details: Any
    ) -> Destination | None:
        """Send the caller on, else where the queue sends who was not served; or say goodbye."""
        call, queue = self.call, self.queue
        onward = onward or rules.overflow(call.exchange.book, queue, self.visit.called)
        self.floor.hold(call.id)
        await self._ear.stop()
        self._leave(how, **details)
        if onward is None:
            cause, sentence = HangupCause.NO_ANSWER, Sentence.AGENTS_BUSY
            await call.refuse(cause, sentence=sentence, reason=f"queue_{how}")
            return None
        number = f"queue {queue.name}"
        call.journal.note(Moment.FORWARDED, number=number, to=onward.number, reason=how)
        return onward

    def _leave(self, how: Left, **details: Any) -> None:
        position = self.floor.places[self.call.id].position
        self._line.close()
        now, journal = datetime.now(UTC), self.call.journal
        notes.left(journal, self.queue, self.visit, how, now, position=position, **details)
