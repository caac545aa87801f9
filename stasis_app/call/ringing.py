"""Phones that ring together: the first to answer takes the call.

One phone is put into a bridge with the caller before it is dialled, so that its ringing, its early
media and its answer pass by themselves. Of several phones none may speak for all: the caller hears
ringing, and the bridge is made for the winner.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Any, NamedTuple

import structlog

from stasis_app.ari.errors import AriError, Gone, Unreachable
from stasis_app.ari.events import Destroyed, Dialled, Event, StateChanged
from stasis_app.rules.forwarding import worst
from stasis_app.words import HangupCause, Moment

from . import causes
from .bridge import Bridge
from .call import Call
from .line import LOST_AFTER, Line
from .present import Present

log = structlog.get_logger()

START_SECONDS = 5.0
SIGNS_OF_LIFE = frozenset({"RINGING", "PROGRESS"})


class Phone(NamedTuple):
    """A channel to be dialled: its id, and what it dials.

    With `variables` it says by itself who calls; without, it shows the caller. `label` names it in
    the timeline, if it is not what all are called.
    """

    channel: str
    endpoint: str
    variables: Mapping[str, str] | None = None
    label: str = ""

    @property
    def shows_caller(self) -> bool:
        return self.variables is None


class Ringing:
    """`async with ringing:` around dialling and talking; leaving it ends every leg and the bridge.

    What the caller has pressed meanwhile means nothing afterwards.

    `answered` is the winner's line once there is one, `failed` the causes of those that gave up,
    `label` the number in the timeline. `early` says whether the caller is bridged from the start
    and so needs neither ringing nor an answer from us. `dialled` says whether any phone may have
    been asked, `reached` whether any rang or sent early media; `end` is how the last one failed,
    which `means` puts into a word.
    """

    def __init__(
        self,
        call: Call,
        label: str,
        bridge: str,
        phones: Sequence[Phone],
        means: Callable[[Destroyed], HangupCause] = causes.of_leg,
    ) -> None:
        self.call = call
        self.label = label
        self.bridge = Bridge(call, bridge)
        self.phones = phones
        self.early = len(phones) == 1
        self.answered: Line | None = None
        self.failed: list[HangupCause] = []
        self.dialled = False
        self.reached = False
        self.end: Destroyed | None = None
        self._means = means
        self._door = call.exchange.door
        self._lines: dict[str, Line] = {}
        self._dialling: list[asyncio.Task[None]] = []
        self._tone = False
        self._decided = asyncio.Event()
        self._alive = asyncio.Event()

    async def __aenter__(self) -> "Ringing":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._dialling:
            task.cancel()
        if self.call.exchange.leaving:
            return
        self._forget_keys()
        self._drop_all_but(None)
        self._end_tone()
        self.bridge.close(answered=self.answered is not None)

    @property
    def rings(self) -> bool:
        """Return whether any phone rings now."""
        return any(line.ringing and not line.ending for line in self._lines.values())

    async def dial(self) -> None:
        """Send the calls out. A phone that can't be dialled has failed; the others go on."""
        for phone in self.phones:
            self._enter(phone)
        if self.early:
            await self._dial_bridged(self.phones[0])
        else:
            self._dialling = [asyncio.create_task(self._dial_alone(p)) for p in self.phones]
        self.call.exchange.setting_up.discard(self.call.id)

    def adopt(self, asterisk: Present) -> None:
        """Take over legs that an earlier process has dialled."""
        self.bridge.adopt(asterisk)
        self.early = False
        self.dialled = True
        self._tone = self.call.caller.up and not self.call.caller.bridged
        for phone in self.phones:
            channel = asterisk.channels.get(phone.channel)
            line = self._enter(phone)
            if channel is None:
                line.forget()
                line.closed = True
                self._fail(line, HangupCause.NO_ANSWER)
                continue
            line.started.set_result(True)
            line.ringing = channel.state == "Ringing"
            line.up = channel.state == "Up"
            if line.ringing:
                self.reach()
            if line.up:
                self._answers(line, datetime.now(UTC))

    def reach(self) -> None:
        """Take note that a phone rings, sends early media or has answered."""
        self.reached = True
        self._alive.set()

    async def shows_life(self, seconds: float) -> bool:
        """Wait until a phone rings, sends early media, answers or fails, `seconds` at the most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._alive.wait()
        return self._alive.is_set()

    async def outcome(self, seconds: float) -> Line | HangupCause:
        """Return the line that answered, or why none did after at most `seconds`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._decided.wait()
        if self.answered:
            return self.answered
        if self._decided.is_set():
            return worst(self.failed)
        return worst([*self.failed, HangupCause.NO_ANSWER])

    async def connect(self, winner: Line) -> None:
        """Join the caller and the winner; the others are told it was answered elsewhere."""
        self._drop_all_but(winner)
        caller = self.call.caller
        self._end_tone()
        try:
            await self.bridge.make()
            await self.bridge.join([caller.id, winner.id], update_displays=True)
            if not caller.up and not self.early:
                await self._door.answer(caller.id)
        except AriError:
            await self._end_of(winner)
            if winner.gone is None:
                raise

    def _forget_keys(self) -> None:
        self.call.keys.clear()

    def _enter(self, phone: Phone) -> Line:
        line = Line(phone.channel, phone.label or self.label, self.call.exchange.inboxes)
        line.watchers += [self.call.hears, self._on_event]
        self._lines[phone.channel] = line
        return line

    async def _dial_bridged(self, phone: Phone) -> None:
        caller = self.call.caller.id
        try:
            await asyncio.gather(self._create(phone), self.bridge.make())
            self.dialled = True
            await asyncio.gather(
                self.bridge.join([caller, phone.channel], update_displays=False),
                self._door.dial(phone.channel, caller if phone.shows_caller else None),
            )
        except AriError as error:
            self.early = False
            await self._fails(phone, error)

    async def _dial_alone(self, phone: Phone) -> None:
        try:
            await self._create(phone)
            self.dialled = True
            caller = self.call.caller.id if phone.shows_caller else None
            await self._door.dial(phone.channel, caller)
        except AriError as error:
            await self._fails(phone, error)
        except Exception:
            log.exception("a phone could not be dialled", action="dial_failed")
            self._give_up(phone, HangupCause.FAILURE, "internal error")

    async def _create(self, phone: Phone) -> None:
        """Make the channel and wait until it has entered the application."""
        line = self._lines[phone.channel]
        await self._door.create_channel(
            phone.channel, phone.endpoint, self.call.caller.id, phone.variables
        )
        started = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                started = await asyncio.shield(line.started)
        if not started:
            raise Gone(0, "StasisStart", "the leg did not start")

    async def _fails(self, phone: Phone, error: AriError) -> None:
        """Give a phone up. If something is gone, its own event says what: it may be the caller."""
        line = self._lines[phone.channel]
        if isinstance(error, Gone) and line.started.done():
            await self._end_of(line)
        unreachable = isinstance(error, Unreachable)
        cause = HangupCause.FAILURE if unreachable else HangupCause.UNAVAILABLE
        self._give_up(phone, cause, error.reason)

    async def _end_of(self, line: Line) -> None:
        """Wait some moments for the line's end, or for the caller's, which ends the story."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOST_AFTER):
                await line.ended()

    def _give_up(self, phone: Phone, cause: HangupCause, reason: str) -> None:
        line = self._lines[phone.channel]
        if not line.closed and line.gone is None and line is not self.answered:
            self._drop(line)
            self._note_failure(line, cause, error=reason)

    def _drop_all_but(self, winner: Line | None) -> None:
        for line in self._lines.values():
            if line is not winner and not line.closed and line.gone is None:
                self._drop(line)

    def _drop(self, line: Line) -> None:
        elsewhere = self.answered is not None and line is not self.answered
        cause = causes.ANSWERED_ELSEWHERE if elsewhere else causes.NORMAL_CLEARING
        self.call.drop(line, cause)

    def _on_event(self, line: Line, event: Event) -> None:
        if line.closed:
            return
        if isinstance(event, StateChanged):
            if event.state == "Ringing":
                self._rings(line, event.at)
            elif event.state == "Up":
                self._answers(line, event.at)
        elif isinstance(event, Dialled) and event.status in SIGNS_OF_LIFE:
            self.reach()
        elif isinstance(event, Destroyed) and line is not self.answered:
            self.end = event
            self._note_failure(line, self._means(event), sip=event.tech_cause or None)

    def _rings(self, line: Line, at: datetime) -> None:
        call = self.call
        if not self.early and not any(other.ringing for other in self._lines.values()):
            self._tone = call.caller.up
            call.behind(partial(self._door.ring, call.caller.id), insist=False)
        line.ringing = True
        self.reach()
        call.journal.rang(at, number=self.label)

    def _end_tone(self) -> None:
        """A caller who was answered before, by a menu perhaps, hears the ringing as a tone."""
        if self._tone:
            self._tone = False
            self.call.behind(partial(self._door.stop_ringing, self.call.caller.id), insist=False)

    def _answers(self, line: Line, at: datetime) -> None:
        """Take the first answer; one that crosses it on the wire comes too late."""
        if self.answered:
            if line is not self.answered:
                self._drop(line)
            return
        self.answered = line
        self.reach()
        if not self.call.journal.answered:
            self.call.journal.answer(at, number=self.label)
        self._decided.set()

    def _note_failure(self, line: Line, cause: HangupCause, **details: Any) -> None:
        self.call.journal.note(Moment.LEG_FAILED, number=line.label, cause=cause, **details)
        self._fail(line, cause)

    def _fail(self, line: Line, cause: HangupCause) -> None:
        self.failed.append(cause)
        self._alive.set()
        if len(self.failed) == len(self.phones) or cause is HangupCause.REJECTED:
            self._decided.set()
