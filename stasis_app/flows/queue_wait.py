"""The turn of one caller in a queue: waiting, being offered to agents, talking to one."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from stasis_app.call.call import Call
from stasis_app.call.line import Line
from stasis_app.call.offer import Offer
from stasis_app.call.place import Kept, Place
from stasis_app.call.present import Present
from stasis_app.call.said import MediaFile, passages
from stasis_app.rules import callbacks
from stasis_app.rules import queueing as rules
from stasis_app.rules.models import Destination, Position
from stasis_app.rules.queues import Queue
from stasis_app.rules.sentences import Sentence
from stasis_app.words import HangupCause, Left, Moment

from . import queue_notes as notes
from .queue_agents import adopted, rung
from .queue_ear import Ear
from .queue_visit import QueueVisit, Stage
from .talk import talk

STEP = "queue"


class Turn:
    """A caller in a queue, from the entry to the end of the conversation or the way out."""

    def __init__(self, call: Call, queue: Queue, visit: QueueVisit) -> None:
        self.call = call
        self.floor = call.exchange.floor
        self.visit = visit
        self._queue = queue
        self._line = ExitStack()
        self._ear = Ear(call)
        self._spared: set[UUID] = set()

    @property
    def queue(self) -> Queue:
        """Return the row as it is now; one that has gone is known as it was."""
        self._queue = self.call.exchange.book.queues.get(self.visit.queue) or self._queue
        return self._queue

    @property
    def waited(self) -> float:
        return (datetime.now(UTC) - self.visit.entered_at).total_seconds()

    def stand(self, offer: Offer | None = None, legs: Sequence[str] = ()) -> None:
        """Write down where the caller stands, before it is so."""
        bridge = offer.bridge.id if offer else None
        self.call.stands(STEP, self.visit.arguments(), bridge=bridge, legs=legs)

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
            if ringing and await self._serve(place, ringing, self._seconds_left(ringing)):
                return None
            if kept and await self._serve_kept(place, kept.agent):
                return None
            return await self._until_served(place)
        finally:
            self._ear.cancel()
            if self.call.id in self.floor.places:
                ending = self.call.caller.ending or self.call.caller.insisting
                self._leave(Left.ABANDONED if ending else Left.FAILED)

    # standing in line

    def _line_up(self, kept: Kept | None = None) -> Place:
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
        if not self.visit.position:
            self.visit = replace(self.visit, position=place.position)
            notes.entered(self.call, self.queue, self.visit)
            self.stand()
        self._listen(place)
        return place

    def _listen(self, place: Place) -> None:
        new = not self.visit.welcomed
        number = self._number()
        self._ear.listen(self.queue, place, new=new, welcomed=self._welcomed, number=number)

    def _number(self) -> str | None:
        """Return where the caller can be called back, if the queue does so."""
        if self.visit.called_back or not self.queue.callback_key:
            return None
        book, origin = self.call.exchange.book, self.call.origin
        extension = book.extensions.get(origin.extension) if origin.extension else None
        return callbacks.own_number(book, self.queue, origin.identity, extension)

    def _welcomed(self) -> None:
        self.visit = replace(self.visit, welcomed=True)

    def _skills(self) -> tuple[str, ...]:
        return rules.skills_left(self.visit.skills, self._relaxed, self.queue.relax_seconds)

    async def _until_served(self, place: Place) -> Destination | None:
        while True:
            if place.offered.done():
                if await self._serve(place, self._offer(place.take()), self.queue.ring_seconds):
                    return None
            elif self._ear.ended.done():
                if not self._ear.confirmed:
                    return await self._key(self._ear.ended.result())
                if await self._is_called_back():
                    return None
                self._listen(place)
            elif left := self._reason_to_leave():
                return await self._give_up(left)
            else:
                self.floor.ask_less(self.call.id, self._skills())
                await place.happening({self._ear.ended}, self._pause())

    def _pause(self) -> float | None:
        queue = self.queue
        ends = [rules.next_relax(self.visit.skills, self._relaxed, queue.relax_seconds)]
        if queue.max_wait_seconds is not None:
            ends.append(queue.max_wait_seconds - self.waited)
        return min((max(end, 0.0) for end in ends if end is not None), default=None)

    def _reason_to_leave(self) -> Left | None:
        queue = self.queue
        if not self.floor.serves(queue.id):
            return Left.EMPTY if queue.active else Left.CLOSED
        most = queue.max_wait_seconds
        return Left.TIMEOUT if most is not None and self.waited >= most else None

    # leaving without

    async def _is_called_back(self) -> bool:
        """Let the caller hang up, who keeps the place; False: that can't be written down."""
        number = self._number()
        if number is None or not notes.asks_to_be_called(self.call, self.visit, number):
            return False
        await self._ear.stop()
        self._leave(Left.CALLBACK)
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

    # being served

    def _offer(self, agents: Sequence[UUID]) -> Offer:
        phones = rung(self.call, self.queue, agents)
        offer = Offer(self.call, self.queue, self.call.new_id(), phones)
        legs = {agent: [one.channel for one in phones[agent]] for agent in phones}
        self.visit = replace(self.visit, stage=Stage.RINGING, agents=legs)
        self.stand(offer, [phone.channel for phone in offer.phones])
        return offer

    def take_over(self, position: Position, asterisk: Present) -> Offer:
        """Return the offer that another process has begun, or the conversation."""
        bridge = position.bridge or self.call.new_id()
        offer = Offer(self.call, self.queue, bridge, adopted(self.call, self.visit.agents))
        offer.began_at = position.since
        offer.adopt(asterisk)
        return offer

    def _seconds_left(self, offer: Offer) -> float:
        """A phone that had not begun to ring is not waited for."""
        left = self.queue.ring_seconds - (datetime.now(UTC) - offer.began_at).total_seconds()
        return max(left, 0.0) if offer.rings else 0.0

    async def _serve_kept(self, place: Place, agent: UUID) -> bool:
        """Let the agent ring who was reserved for the caller, if he still can; else any other."""
        if agent in self.floor.reachable(self.visit.queue):
            return await self._serve(place, self._offer([agent]), self.queue.ring_seconds)
        self.floor.released(agent, self.call.id)
        self.floor.ask_again(self.call.id)
        return False

    async def _serve(self, place: Place, offer: Offer, seconds: float) -> bool:
        """Let agents ring for the caller; True when he has talked to one."""
        async with offer:
            if not offer.dialled:
                await offer.dial()
            else:
                self.floor.hold(self.call.id)
            winner = await self._first_answer(offer, seconds)
            if winner and await self._connect(place, offer, winner):
                await self._talk(offer, winner)
                return True
        self._remember(offer)
        self.visit = self.visit.alone()
        self.stand()
        self.floor.ask_again(self.call.id)
        return False

    async def _first_answer(self, offer: Offer, seconds: float) -> Line | None:
        """Return the line that answered; None: nobody did, or the caller has pressed a key."""
        outcome = asyncio.ensure_future(offer.outcome(seconds))
        try:
            either: set[asyncio.Future[Any]] = {outcome, self._ear.ended}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            found = outcome.result() if outcome.done() else None
        finally:
            outcome.cancel()
        return found if isinstance(found, Line) else None

    async def _connect(self, place: Place, offer: Offer, winner: Line) -> bool:
        """Join the two; False when the agent has hung up before: the caller keeps the place."""
        prompt = self.queue.agent_prompt
        if prompt:
            [passage] = await passages(self.call.exchange.audio, (MediaFile(prompt),))
            if passage.uris:
                await offer.announce(winner, passage.uris)
        if winner.gone is None:
            await self._ear.stop()
            if await offer.join(winner):
                return True
            self._listen(place)
        offer.hung_up()
        return False

    def _remember(self, offer: Offer) -> None:
        """Offer the caller to others first; when all have let him down, begin anew."""
        missed = {agent for agent, _ in offer.missed}
        self._spared |= missed
        if missed and self.floor.reachable(self.queue.id) <= self._spared:
            for agent in self._spared:
                self.floor.forgive(self.call.id, agent)
            self._spared.clear()
        else:
            for agent in missed:
                self.floor.spare(self.call.id, agent)

    # talking

    async def _talk(self, offer: Offer, winner: Line) -> None:
        """Write down that the two talk, and let them."""
        agent, now = offer.agent_of(winner), datetime.now(UTC)
        self._line.close()
        self.visit = replace(
            self.visit, stage=Stage.TALKING, agents={agent: [winner.id]}, talking_since=now
        )
        self.stand(offer, [winner.id])
        self.floor.slots.connected(agent, self.call.id, now)
        if not self.visit.called_back:
            self.call.exchange.waits.learn(self.visit.queue, self.visit.position, self.waited)
        rang = (now - offer.began_at).total_seconds()
        notes.connected(
            self.call.journal, self.queue, self.visit, agent, now, label=winner.label, rang=rang
        )
        await self.talk_on(offer, winner)

    async def talk_on(self, offer: Offer, winner: Line) -> None:
        by_agent = False
        try:
            await talk(self.call, winner)
            by_agent = True
        finally:
            at = winner.gone.at if by_agent and winner.gone else datetime.now(UTC)
            offer.parted()
            self.part(offer.agent_of(winner), winner.label, at, by_agent=by_agent)

    def part(self, agent: UUID, label: str, at: datetime, *, by_agent: bool) -> None:
        """Let the agent wrap up, and write down how long they talked."""
        talked = max((at - (self.visit.talking_since or at)).total_seconds(), 0.0)
        self.floor.ended(agent, self.call.id, self.queue, at, talked)
        notes.ended(
            self.call.journal, self.queue, self.visit, at, talked, label=label, by_agent=by_agent
        )
