"""A waiting caller is offered to agents: their phones ring, and the first to answer gets the call.

The caller hears nothing of it: the music goes on until the two are joined.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Any
from uuid import UUID

import structlog

from stasis_app.ari.errors import AriError, Gone
from stasis_app.ari.events import Dialled, Event
from stasis_app.rules.forwarding import worst
from stasis_app.rules.queues import Queue
from stasis_app.rules.sentences import Sentence, say
from stasis_app.words import HangupCause, Moment, QueueStrategy

from .call import Call
from .line import Line
from .playback import playing
from .present import Present
from .ringing import SIGNS_OF_LIFE, Phone, Ringing

log = structlog.get_logger()

TOLD_SECONDS = 10.0
SILENT_SECONDS = 5.0
"""A phone that is there rings within moments (RFC 3261, 13.3.1.1)."""
CROSSING_SECONDS = 0.05
"""So long after the first answer others may be on their way."""


class Offer(Ringing):
    """`async with offer:` around ringing and talking; the agents' slots are free behind it.

    `rung` are the phones of each agent. One who does not answer, or can't, is noted as such at once
    and is free for others. `winner` is the agent who answered; `joined` says whether another
    process has put him and the caller together.
    """

    def __init__(
        self, call: Call, queue: Queue, bridge: str, rung: Mapping[UUID, Sequence[Phone]]
    ) -> None:
        super().__init__(call, "", bridge, [phone for phones in rung.values() for phone in phones])
        self.early = False
        if not self.phones:
            self._decided.set()
        self.winner: UUID | None = None
        self.joined = False
        self.missed: list[tuple[UUID, HangupCause]] = []
        self._queue = queue
        self._floor = call.exchange.floor
        self.began_at = datetime.now(UTC)
        self._agent_of = {phone.channel: agent for agent in rung for phone in rung[agent]}
        self._left = {agent: {phone.channel for phone in rung[agent]} for agent in rung}
        self._late: set[UUID] = set()
        self._lively: set[UUID] = set()
        self._silence: asyncio.TimerHandle | None = None
        self._adopting = False
        self._crossing: asyncio.TimerHandle | None = None
        self._causes: dict[UUID, list[HangupCause]] = {agent: [] for agent in rung}
        self._engaged = {agent: ExitStack() for agent in rung}

    async def __aenter__(self) -> "Offer":
        for agent in self._left:
            self._engaged[agent].enter_context(self.call.exchange.engaged.hold(agent))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for timer in (self._crossing, self._silence):
            if timer:
                timer.cancel()
        await super().__aexit__(kind, error, trace)
        for agent in tuple(self._left):
            if agent not in self._late:
                self._lose(agent)

    async def dial(self) -> None:
        await super().dial()
        later = asyncio.get_running_loop().call_later
        self._silence = later(SILENT_SECONDS, self._drop_silent)

    def adopt(self, asterisk: Present) -> None:
        """Take over what an earlier process has dialled.

        Who was not ringing yet has missed nothing. Nor has who is gone, but others come first then.
        """
        for agent in self._left:
            self._floor.slots.adopt(agent, self.call.id)
        self._adopting = True
        super().adopt(asterisk)
        self._adopting = self._tone = False
        if self.answered:
            self.joined = self.call.caller.bridged
            return
        for agent in tuple(self._left):
            lines = [self._lines[channel] for channel in self._left[agent]]
            if not any(line.ringing for line in lines):
                for line in lines:
                    self._drop(line)
                self._lose(agent)
        if not self._left:
            self._decided.set()

    async def outcome(self, seconds: float) -> Line | HangupCause:
        """Return the line that answered, or why none did; who still rings then has not answered."""
        outcome = await super().outcome(seconds)
        if isinstance(outcome, HangupCause):
            self._drop_all_but(None)
            ring_again = self._ring_again()
            for agent in tuple(self._left):
                if ring_again:
                    self._note(Moment.RINGNOANSWER, agent, cause=HangupCause.NO_ANSWER)
                    self._release(agent)
                else:
                    self._miss(agent, HangupCause.NO_ANSWER)
        return outcome

    def _ring_again(self) -> bool:
        """Return whether all are to ring once more, with who has come: nobody else is free."""
        ring_all = self._queue.strategy is QueueStrategy.RING_ALL
        return ring_all and not self._floor.any_free_beyond(self._left, self._queue.id)

    async def announce(self, winner: Line, media: Sequence[str]) -> None:
        """Let the agent hear something before the caller: he may hang up meanwhile."""
        exchange = self.call.exchange
        ended = asyncio.ensure_future(winner.ended())
        try:
            async with playing(
                exchange, winner.id, self.call.new_id(), media, TOLD_SECONDS
            ) as heard:
                either: set[asyncio.Future[Any]] = {ended, heard.finished}
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        except Gone:
            await self._end_of(winner)
        except AriError as error:
            log.warning("an agent's prompt failed", action="prompt_failed", error=str(error))
        finally:
            ended.cancel()

    def hung_up(self) -> None:
        """Take note that the winner has hung up before he spoke to the caller."""
        if self.winner in self._left:
            self._miss(self.winner, HangupCause.REJECTED)

    async def join(self, winner: Line) -> bool:
        """Let the caller and the winner talk; False when they can't: he has hung up before.

        His display goes on showing the queue's name and the caller.
        """
        try:
            await self.bridge.make()
            await self.bridge.join([self.call.caller.id, winner.id], update_displays=False)
        except AriError as error:
            await self._end_of(winner)
            if not winner.ending:
                log.warning("no conversation", action="join_failed", error=str(error))
                self._drop(winner)
                return False
        if winner.ending or self.winner is None:
            return False
        self._left.pop(self.winner, None)
        return True

    def agent_of(self, line: Line) -> UUID:
        return self._agent_of[line.id]

    def parted(self) -> None:
        """Take note that the winner is free for other calls."""
        if self.winner:
            self._let_go(self.winner)

    def _forget_keys(self) -> None:
        """What the caller presses meanwhile is meant for the queue."""

    def _rings(self, line: Line, at: datetime) -> None:
        line.ringing = True
        self.reach()
        self.call.journal.note(Moment.RANG, at, number=line.label)

    def _answers(self, line: Line, at: datetime) -> None:
        """Take the first answer. One that crosses it on the wire is told that it comes too late."""
        agent = self._agent_of[line.id]
        if self.answered is None:
            self.answered, self.winner = line, agent
            self.reach()
            self._decided.set()
            later = asyncio.get_running_loop().call_later
            self._crossing = later(CROSSING_SECONDS, self._drop_losers)
        elif line is self.answered:
            return
        elif agent in (self.winner, *self._late):
            self._drop(line)
        else:
            line.closed = True
            self._late.add(agent)
            self.call.behind(partial(self._tell_taken, line), insist=False)

    def _on_event(self, line: Line, event: Event) -> None:
        if line.ringing or (isinstance(event, Dialled) and event.status in SIGNS_OF_LIFE):
            self._lively.add(self._agent_of[line.id])
        super()._on_event(line, event)

    def _drop_silent(self) -> None:
        """Nobody waits for phones that give no sign of life: they are off, or out of reach."""
        for agent in tuple(self._left):
            lines = [self._lines[channel] for channel in self._left[agent]]
            rings = agent in self._lively or any(line.ringing for line in lines)
            if not rings and agent not in (self.winner, *self._late):
                for line in lines:
                    self._drop(line)
                self._miss(agent, HangupCause.UNAVAILABLE)
        if not self._left:
            self._alive.set()
            self._decided.set()

    def _drop_losers(self) -> None:
        self._drop_all_but(self.answered)
        for agent in tuple(self._left):
            if agent != self.winner and agent not in self._late:
                self._lose(agent)

    def _fail(self, line: Line, cause: HangupCause) -> None:
        """One phone of an agent has failed. A person who declines speaks for all of his phones."""
        agent = self._agent_of[line.id]
        self.failed.append(cause)
        if agent not in self._left or agent == self.winner:
            return
        self._causes[agent].append(cause)
        self._left[agent].discard(line.id)
        if self._adopting:
            if not self._left[agent]:
                self.missed.append((agent, cause))
                self._lose(agent)
            return
        if cause is HangupCause.REJECTED or not self._left[agent]:
            for channel in self._left[agent]:
                self._drop(self._lines[channel])
            self._miss(agent, worst(self._causes[agent]))
        if not self._left:
            self._alive.set()
            self._decided.set()

    def _miss(self, agent: UUID, cause: HangupCause) -> None:
        self.missed.append((agent, cause))
        self._note(Moment.RINGNOANSWER, agent, cause=cause)
        self._let_go(agent)
        self._floor.missed(agent, self.call.id, self._queue, cause)

    def _lose(self, agent: UUID) -> None:
        self._note(Moment.RINGCANCELED, agent)
        self._release(agent)

    def _release(self, agent: UUID) -> None:
        self._let_go(agent)
        self._floor.released(agent, self.call.id)

    def _let_go(self, agent: UUID) -> None:
        self._left.pop(agent, None)
        self._engaged[agent].close()

    def _note(self, moment: Moment, agent: UUID, **details: Any) -> None:
        row = self.call.exchange.book.extensions.get(agent)
        seconds = round((datetime.now(UTC) - self.began_at).total_seconds(), 3)
        name = row.number if row else str(agent)
        self.call.journal.note(
            moment, queue=self._queue.name, agent=name, seconds=seconds, **details
        )

    async def _tell_taken(self, line: Line) -> None:
        """Tell an agent whose answer crossed another one's on the wire."""
        exchange = self.call.exchange
        sentence = say(Sentence.TAKEN, exchange.book.settings.language)
        with contextlib.suppress(AriError):
            async with playing(
                exchange, line.id, self.call.new_id(), sentence, TOLD_SECONDS
            ) as heard:
                await heard.finished
        self._drop(line)
        self._lose(self._agent_of[line.id])
