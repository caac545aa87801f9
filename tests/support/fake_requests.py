"""How requests travel to a fake Asterisk, and how they go wrong.

Requests of one call that go over a control session are served in order, others when they come.
A request acts although the one who sent it has gone away.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from stasis_app.ari.errors import AriError, Gone, Unreachable
from stasis_app.ari.transport import lane

from .fake_media import FakeMedia
from .fake_network import TICK
from .fake_phones import Channel, Fault

T = TypeVar("T")

DEADLINE = 5.0
OVER_HTTP = frozenset(
    {
        "answer",
        "channel_variable",
        "control_playback",
        "fetch_recording",
        "play",
        "put_mailboxes",
        "record",
        "recording_lives",
        "remind_phones",
        "start_music",
        "stop_music",
        "stored_recordings",
    }
)


class FakeRequests(FakeMedia):
    """What happens, and requests that ask for it."""

    async def _serve(self, verb: str, subject: str, act: Callable[[], T]) -> T:
        if self.sealed:
            raise Unreachable(verb, "the door is closed")
        number = len(self.requests)
        self.requests.append((verb, subject))
        answer: asyncio.Future[T] = self._loop.create_future()
        self.awaited.add(answer)
        answer.add_done_callback(self.awaited.discard)
        due = self._loop.time() + next(self._delay)
        line = lane.get()
        if line is not None and verb not in OVER_HTTP:
            due = max(due, self._lanes.get(line, 0.0) + TICK)
            self._lanes[line] = due
        self._loop.call_at(
            due, self._act, number, verb, subject, act, answer, context=self._context
        )
        return await answer

    def _act(
        self,
        number: int,
        verb: str,
        subject: str,
        act: Callable[[], T],
        answer: "asyncio.Future[T]",
    ) -> None:
        fault = self.faults.get(number)
        if number in self.before:
            self.before[number]()
        if number in self.unsent:
            return
        result: T | AriError
        if fault in (Fault.UNREACHABLE, Fault.LOST):
            if fault is Fault.LOST:
                self._try(act)
            result = Unreachable(verb, "no answer")
        elif fault is Fault.REFUSED:
            result = AriError(500, verb, "refused")
        elif fault is Fault.GONE:
            result = Gone(404, verb, "not found")
        else:
            result = self._try(act)
        if fault not in (None, Fault.LOST):
            self.failed.add((verb, subject))
        seconds = DEADLINE if isinstance(result, Unreachable) else next(self._delay)
        self._loop.call_later(seconds, _settle, answer, result, context=self._context)

    def _try(self, act: Callable[[], T]) -> T | AriError:
        try:
            return act()
        except AriError as error:
            return error

    def _channel(self, channel: str) -> Channel:
        found = self.channels_made.get(channel)
        if found is None or not found.alive:
            raise Gone(404, "channel", "not found")
        return found


def _settle(answer: "asyncio.Future[T]", result: T | AriError) -> None:
    if answer.done():
        return
    if isinstance(result, AriError):
        answer.set_exception(result)
    else:
        answer.set_result(result)
