"""The agents of the queues: who is there, who is free and for what, and who rests."""

import asyncio
import math
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from stasis_app.rules import agents as rules
from stasis_app.rules.book import Book
from stasis_app.rules.dispatch import Seat
from stasis_app.rules.queues import Member, Queue
from stasis_app.words import HangupCause, QueueStrategy

from .journal import Write
from .lots import Lots
from .occupancy import Occupancy
from .slots import Slots

LEAST_REST_SECONDS = 1.0


class Staff:
    """What is known of every agent. Who waits for them is the concern of `Floor`."""

    def __init__(self, book: Book, write: Write, engaged: Occupancy) -> None:
        self._book = book
        self._engaged = engaged
        self._lots = Lots()
        self.slots = Slots(write, self.look)
        self._unsure: set[UUID] = set()
        self._there: dict[UUID, set[UUID]] = {}
        self._timers: dict[UUID, asyncio.TimerHandle] = {}
        self._opened = False
        engaged.watchers.append(self.look)

    def _seat(self, agent: UUID, seats: Sequence[Seat]) -> None:
        """Let an agent take calls in these queues; without any, he takes none."""
        raise NotImplementedError

    # what is known of them

    def look(self, agent: UUID) -> None:
        """See whether an agent can take a call now, and in which queues.

        Before the calls of an earlier process are taken over nothing is said of anybody.
        """
        if not self._opened:
            return
        members = self._book.queue_members.queues_of(agent)
        if not members:
            self._seat(agent, ())
            return
        self._note_presence(agent, members)
        slot, now = self.slots.of(agent), datetime.now(UTC)
        hindrance = rules.hindrance(self._book, agent)
        engaged = self._engaged[agent] > (slot.call is not None)
        self.slots.situation(agent, now, engaged=engaged, hindrance=hindrance)
        waits = rules.seconds_to_rest(slot, now)
        if slot.wrap_up_until and not waits:
            self.rested(agent)
            return
        held = math.inf if slot.call else 0.0
        if slot.call and slot.reserved_until and not slot.talking_since:
            held = max((slot.reserved_until - now).total_seconds(), 0.0)
        busy = held or engaged or hindrance or waits or agent in self._unsure
        self._seat(agent, () if busy else self._seats(agent, members, now))
        self._look_again(agent, waits or held)

    def staffed(self, queue: UUID) -> bool:
        """Return whether any agent of a queue is logged in."""
        there = self._there.get(queue)
        if there is None:
            members = self._book.queue_members.of(queue)
            there = {one.extension for one in members if self._is_there(one)}
            self._there[queue] = there
        return bool(there)

    def can_ring(self, agent: UUID, queue: UUID) -> bool:
        """Return whether an agent wants calls of a queue, and has phones that ring."""
        return rules.wants(self._book, agent, queue) and not rules.hindrance(self._book, agent)

    def any_free_beyond(self, agents: Collection[UUID], queue: UUID) -> bool:
        """Return whether anybody is free in the tiers of a queue that these agents are not in."""
        members = self._book.queue_members.of(queue)
        tiers = {(one.priority, one.penalty) for one in members if one.extension in agents}
        return any(
            (one.priority, one.penalty) not in tiers and self._is_free(one) for one in members
        )

    def _is_free(self, member: Member) -> bool:
        agent, now = member.extension, datetime.now(UTC)
        slot = self.slots.of(agent)
        busy = slot.call or self._engaged[agent] or rules.seconds_to_rest(slot, now)
        return not busy and agent not in self._unsure and self.can_ring(agent, member.queue)

    def anybody_but(
        self, spared: Collection[UUID], queue: UUID, skills: Collection[str] = ()
    ) -> bool:
        """Return whether others can ring for a call that asks for these skills, now or later."""
        asked = frozenset(skills)
        return any(
            member.extension not in spared
            and asked <= member.skills
            and self.can_ring(member.extension, queue)
            for member in self._book.queue_members.of(queue)
        )

    def _note_presence(self, agent: UUID, members: Collection[Member]) -> None:
        for member in members:
            there = self._there.get(member.queue)
            if there is not None:
                if self._is_there(member):
                    there.add(agent)
                else:
                    there.discard(agent)

    def _is_there(self, member: Member) -> bool:
        return rules.is_logged_in(self._book, member.extension, member.queue)

    def _seats(self, agent: UUID, members: Collection[Member], now: datetime) -> list[Seat]:
        found = []
        for member in members:
            queue = self._book.queues.get(member.queue)
            if queue and queue.active and rules.wants(self._book, agent, queue.id):
                slot, draw = self.slots.of(agent), self._lots.draw(member)
                rank = rules.strategy_key(queue, member, slot, self._book, draw, now)
                found.append(Seat(agent, queue.id, member.skills, rank))
        return found

    def _look_again(self, agent: UUID, seconds: float) -> None:
        timer = self._timers.pop(agent, None)
        if timer:
            timer.cancel()
        if 0 < seconds < math.inf:
            loop = asyncio.get_running_loop()
            self._timers[agent] = loop.call_later(seconds, self._has_rested, agent)

    def _has_rested(self, agent: UUID) -> None:
        if rules.seconds_to_rest(self.slots.of(agent), datetime.now(UTC)) > 0:
            self.look(agent)
        else:
            self.rested(agent)

    def _everybody(self) -> set[UUID]:
        members = {member.extension for member in self._book.queue_members.items.values()}
        return members | {slot.extension for slot in self.slots}

    # what they do

    def missed(self, agent: UUID, call: UUID, queue: Queue, cause: HangupCause) -> None:
        """Let an agent rest who did not take a call; too many misses are a break.

        Where all ring nobody counts on him alone.
        """
        now = datetime.now(UTC)
        alone = queue.strategy is not QueueStrategy.RING_ALL
        misses = self.slots.of(agent).misses + (alone and cause is HangupCause.NO_ANSWER)
        rest = max(rules.rest_seconds(self._book, cause), LEAST_REST_SECONDS)
        pause = rules.MISSED if 0 < queue.break_after_misses <= misses else ""
        until = now + timedelta(seconds=rest)
        self.slots.missed(agent, call, now, until=until, misses=0 if pause else misses, pause=pause)

    def released(self, agent: UUID, call: UUID) -> None:
        """Free an agent who has done nothing: the caller is gone, or somebody else was faster."""
        self.slots.release(agent, call, datetime.now(UTC))

    def ended(self, agent: UUID, call: UUID, queue: Queue, at: datetime, talked: float) -> None:
        """Let an agent whose conversation is over wrap up."""
        seconds = rules.wrap_up_seconds(self._book, queue)
        wrap_up = at + timedelta(seconds=seconds) if seconds else None
        day = rules.beginning_of_day(self._book, at)
        self.slots.ended(
            agent, call, at, queue=queue.id, talked=talked, day=day, wrap_up_until=wrap_up
        )

    def lost(self, agent: UUID, call: UUID) -> None:
        """Free an agent whose call is unknown to everybody."""
        self.slots.untake(agent, call, unsure=False)

    def rested(self, agent: UUID) -> None:
        """End an agent's wrap-up before its time."""
        self.slots.rested(agent, datetime.now(UTC))
