"""Those who are called back stand in the line of their queue, and are called in their turn."""

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Protocol
from uuid import UUID

import structlog

from .call.call import Call
from .call.exchange import Exchange
from .call.place import Kept, Place
from .flows.callback import begin, call_back
from .flows.callback_errand import Errand
from .flows.outside import RING_SECONDS
from .rules import queueing
from .rules.callbacks import Callback, reserved_seconds
from .rules.queues import Queue
from .words import CallbackState, HangupCause

log = structlog.get_logger()

LOOK_SECONDS = 30.0
AGAIN_SECONDS = 1.0
NO_QUEUE = "no_queue"
NOBODY = UUID(int=0)

Start = Callable[[Call, str, Callable[[], Awaitable[None]]], None]
"""Gives a call its coroutine (`Switchboard.start`)."""


class Rows(Protocol):
    """`store.callbacks`. Each raises ConnectionError when Postgres is away."""

    async def waiting(self) -> Sequence[Callback]: ...

    async def take(self, wanted: Callback, call: UUID) -> bool: ...

    async def release_lost(self) -> None: ...


class Callbacks:
    """`changed` is set when a row is another, `connected` while Asterisk can be asked for calls."""

    def __init__(
        self,
        exchange: Exchange,
        rows: Rows,
        start: Start,
        changed: asyncio.Event,
        connected: asyncio.Event,
    ) -> None:
        self._exchange = exchange
        self._rows = rows
        self._start = start
        self._changed = changed
        self._connected = connected
        self._standing: dict[UUID, tuple[Callback, asyncio.Task[None]]] = {}
        self._taking: set[UUID] = set()

    async def follow(self) -> None:
        """Stand in line for everybody who waits, for ever."""
        try:
            while True:
                await self._connected.wait()
                self._changed.clear()
                seconds = LOOK_SECONDS if await self._look() else AGAIN_SECONDS
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await self._changed.wait()
        finally:
            for row, _ in tuple(self._standing.values()):
                self._drop(row)

    async def _look(self) -> bool:
        """Return whether the rows could be read."""
        try:
            await self._rows.release_lost()
            waiting = {row.id: row for row in await self._rows.waiting()}
        except ConnectionError as error:
            log.warning("callbacks are not known", action="callbacks_stale", error=str(error))
            return False
        for row, _ in tuple(self._standing.values()):
            if waiting.get(row.id) != row and row.id not in self._taking:
                self._drop(row)
        for row in waiting.values():
            if row.id not in self._standing:
                task = asyncio.create_task(self._stand(row), name="callback")
                task.add_done_callback(partial(self._note_failure, row))
                self._standing[row.id] = (row, task)
        return True

    def _drop(self, row: Callback) -> None:
        _, task = self._standing.pop(row.id)
        task.cancel()

    def _note_failure(self, row: Callback, task: asyncio.Task[None]) -> None:
        """Whom an unexpected error throws out of the line stands in it again some time later."""
        if not task.cancelled() and task.exception():
            self._standing.pop(row.id, None)
            log.error("a callback failed", action="callback_failed", exc_info=task.exception())

    async def _stand(self, row: Callback) -> None:
        """Stand in line, and call who waits when an agent is kept for him."""
        await asyncio.sleep((row.next_try_at - datetime.now(UTC)).total_seconds())
        with ExitStack() as line:
            place = line.enter_context(self._line_up(row))
            agent = await self._kept(row, place)
            if agent:
                self._begin(row, agent, place, line)

    def _line_up(self, row: Callback) -> AbstractContextManager[Place]:
        book = self._exchange.book
        ring_seconds = book.number("outbound.ring_seconds", RING_SECONDS)
        return self._exchange.floor.line_up(
            uuid.uuid4(),
            self._queue(row),
            priority=row.priority,
            joined_at=row.joined_at,
            skills=self._skills(row),
            absent_seconds=reserved_seconds(book, ring_seconds),
        )

    async def _kept(self, row: Callback, place: Place) -> UUID | None:
        """Return the agent who is reserved; None: it is another's, or given up."""
        while True:
            agent = await self._agent_for(row, place)
            taken = await self._take_for(agent, row, place.call)
            if taken and agent is None:
                self._give_up(row, place.call)
            if taken is not None:
                return agent if taken else None
            await asyncio.sleep(AGAIN_SECONDS)
            await self._connected.wait()
            if agent:
                self._exchange.floor.ask_again(place.call)

    async def _take_for(self, agent: UUID | None, row: Callback, call: UUID) -> bool | None:
        """Return whether a row is ours now; else its agent is free again. None: not known yet."""
        taken: bool | None = None
        try:
            if self._connected.is_set():
                taken = await self._take(row, call)
        except ConnectionError as error:
            log.warning("a callback waits", action="callback_waits", error=str(error))
        finally:
            if agent and not taken:
                self._exchange.floor.released(agent, call)
        return taken

    async def _take(self, row: Callback, call: UUID) -> bool:
        """Take over a row. That it is another now may be told before the answer comes."""
        self._taking.add(row.id)
        try:
            return await self._rows.take(row, call)
        finally:
            self._taking.remove(row.id)
            self._changed.set()

    async def _agent_for(self, row: Callback, place: Place) -> UUID | None:
        """Return the first agent who is offered; one is enough, however many ring for others.

        None: the queue is deleted or inactive, so there will be none.
        """
        floor = self._exchange.floor
        while not place.offered.done():
            if not self._queue(row).active:
                return None
            floor.ask_less(place.call, self._skills(row))
            await place.happening((), self._next_relax(row))
        agent, *others = place.take()
        for other in others:
            floor.released(other, place.call)
        return agent

    def _give_up(self, row: Callback, identity: UUID) -> None:
        """Let the attempt be the last. It is a call like any other, but nobody is dialled."""
        call = begin(self._exchange, Errand(row, NOBODY), identity)
        self._start(call, str(call.id), partial(_fail, call, row))

    def _begin(self, row: Callback, agent: UUID, place: Place, line: ExitStack) -> None:
        """Begin the call. From then on it sees to the agent and the place."""
        errand = Errand(row, agent)
        with ExitStack() as failed:
            failed.callback(self._exchange.floor.released, agent, place.call)
            call = begin(self._exchange, errand, place.call)
            failed.pop_all()
        kept = Kept(line.pop_all(), place, agent)
        self._start(call, str(call.id), partial(call_back, call, errand, kept))

    def _queue(self, row: Callback) -> Queue:
        return queueing.queue_of(self._exchange.book, row.queue)

    def _skills(self, row: Callback) -> tuple[str, ...]:
        relax = self._queue(row).relax_seconds
        return queueing.skills_left(row.skills, _waited(row), relax)

    def _next_relax(self, row: Callback) -> float | None:
        return queueing.next_relax(row.skills, _waited(row), self._queue(row).relax_seconds)


async def _fail(call: Call, row: Callback) -> None:
    """Write down that somebody is not called back, as the queue is deleted or inactive."""
    call.cause, now = HangupCause.UNAVAILABLE, datetime.now(UTC)
    call.journal.callback(
        row.id, state=CallbackState.FAILED, problem=NO_QUEUE, next_try_at=None, done_at=now
    )


def _waited(row: Callback) -> float:
    return (datetime.now(UTC) - row.joined_at).total_seconds()
