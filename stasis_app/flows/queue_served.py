"""A caller in a queue is served: agents ring for him, and one talks to him."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from stasis_app.call.call import Call
from stasis_app.call.dialogue import PLAYBACK
from stasis_app.call.line import Line
from stasis_app.call.offer import Offer
from stasis_app.call.place import Place
from stasis_app.call.present import Present
from stasis_app.call.said import MediaFile, passages
from stasis_app.rules.models import Position
from stasis_app.rules.queues import Queue

from . import queue_notes as notes
from .queue_agents import adopted, rung
from .queue_ear import Ear
from .queue_visit import QueueVisit, Stage
from .talk import talk

STEP = "queue"


class Served:
    """A caller in a queue. One who is `adopted` may hear music already."""

    def __init__(
        self, call: Call, queue: Queue, visit: QueueVisit, *, adopted: bool = False
    ) -> None:
        self.call = call
        self.floor = call.exchange.floor
        self.visit = visit
        self._queue = queue
        self._line = ExitStack()
        self._ear = Ear(call, plays=adopted)

    @property
    def queue(self) -> Queue:
        """Return the row as it is now; one that has gone is known as it was."""
        self._queue = self.call.exchange.book.queues.get(self.visit.queue) or self._queue
        return self._queue

    @property
    def waited(self) -> float:
        return (datetime.now(UTC) - self.visit.entered_at).total_seconds()

    def stand(self, offer: Offer | None = None, legs: Sequence[str] = ()) -> None:
        """Write down where the caller stands, before it is so; what is played goes on."""
        bridge = offer.bridge.id if offer else None
        arguments = {**self.visit.arguments(), PLAYBACK: self.call.playback}
        self.call.stands(STEP, arguments, bridge=bridge, legs=legs)

    def _listen(self, place: Place) -> None:
        """Let the caller hear what there is to hear in the queue."""
        raise NotImplementedError

    # being offered

    def _offer(self, agents: Sequence[UUID]) -> Offer:
        """Write down who is about to ring. Who has no row any more is none of them."""
        phones = rung(self.call, self.queue, agents)
        for agent in agents:
            if agent not in phones:
                self.floor.released(agent, self.call.id)
        offer = Offer(self.call, self.queue, self.call.new_id(), phones)
        legs = {agent: [one.channel for one in phones[agent]] for agent in phones}
        offers = self.visit.offers + len(legs)
        self.visit = replace(self.visit, stage=Stage.RINGING, agents=legs, offers=offers)
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
        engaged = self.call.exchange.engaged[agent]
        if self.floor.can_ring(agent, self.visit.queue) and not engaged:
            return await self._serve(place, self._offer([agent]), self.queue.ring_seconds)
        self.floor.released(agent, self.call.id)
        self.floor.ask_again(self.call.id)
        return False

    async def _serve(self, place: Place, offer: Offer, seconds: float) -> bool:
        """Let agents ring for the caller; True when he has talked to one."""
        async with offer:
            if not offer.dialled:
                await offer.dial()
            winner = await self._first_answer(offer, seconds)
            if winner and await self._connect(place, offer, winner):
                await self._talk(place, offer, winner)
                return True
        self.floor.spare(self.call.id, {agent for agent, _ in offer.missed})
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
        if prompt and not offer.joined:
            [passage] = await passages(self.call.exchange.audio, (MediaFile(prompt),))
            if passage.uris:
                await offer.announce(winner, passage.uris)
        if not winner.ending:
            await self._ear.stop()
            if await offer.join(winner):
                return True
        self._listen(place)
        offer.hung_up()
        return False

    # talking

    async def _talk(self, place: Place, offer: Offer, winner: Line) -> None:
        """Write down that the two talk, and let them."""
        agent, now = offer.agent_of(winner), datetime.now(UTC)
        position = place.position
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
            self.call.journal,
            self.queue,
            self.visit,
            label=winner.label,
            rang=rang,
            position=position,
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
        talked = self.visit.talked(at)
        self.floor.ended(agent, self.call.id, self.queue, at, talked)
        notes.ended(
            self.call.journal, self.queue, self.visit, at, talked, label=label, by_agent=by_agent
        )
        self.is_over()

    def is_over(self) -> None:
        """Write down that all of this visit is written: the call may take a while to end."""
        self.visit = replace(self.visit.alone(), stage=Stage.OVER)
        self.stand()
