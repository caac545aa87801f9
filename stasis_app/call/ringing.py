"""Phones that ring together: the first to answer takes the call.

One phone is put into a bridge with the caller before it is dialled, so that its ringing, its early
media and its answer pass by themselves. Of several phones none may speak for all: the caller hears
ringing, and the bridge is made for the winner.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from stasis_app.ari.errors import AriError, Gone
from stasis_app.ari.events import Destroyed, Event, StateChanged
from stasis_app.rules.forwarding import worst
from stasis_app.words import HangupCause, Moment

from . import causes
from .call import Call
from .exchange import Present
from .line import LOST_AFTER, Line

START_SECONDS = 5.0


@dataclass(slots=True)
class Phone:
    """A channel to be dialled: its id, and what it dials."""

    channel: str
    endpoint: str


@dataclass(slots=True)
class Ringing:
    """`async with Ringing(...) as ringing:` dials; leaving the block ends every leg and the bridge.

    `answered` is the winner's line once there is one, `failed` the causes of those that gave up.
    """

    call: Call
    label: str
    bridge: str
    phones: Sequence[Phone]
    lines: dict[str, Line] = field(default_factory=dict)
    answered: Line | None = None
    failed: list[HangupCause] = field(default_factory=list)
    _bridged: bool = False
    _outcome: asyncio.Future[None] = field(init=False)

    def __post_init__(self) -> None:
        self._outcome = asyncio.get_running_loop().create_future()

    @property
    def early(self) -> bool:
        return len(self.phones) == 1

    async def __aenter__(self) -> "Ringing":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.call.exchange.leaving:
            return
        for line in self.lines.values():
            if line.gone is None and not line.closed:
                self._drop(line)
        if self._bridged:
            self.call.exchange.behind(self.call.exchange.door.destroy_bridge(self.bridge))

    async def dial(self) -> None:
        """Send the calls out. A phone that can't be dialled has failed; the others go on."""
        for phone in self.phones:
            self._enter(phone)
        if self.early:
            await self._dial_bridged(self.phones[0])
        else:
            await asyncio.gather(*(self._dial_alone(phone) for phone in self.phones))
        self.call.exchange.setting_up.discard(self.call.id)

    def adopt(self, asterisk: Present) -> None:
        """Take over legs that an earlier process has dialled."""
        self._bridged = self.bridge in asterisk.bridges
        for phone in self.phones:
            channel = asterisk.channels.get(phone.channel)
            if channel is None:
                self._fail(HangupCause.NO_ANSWER)
                continue
            line = self._enter(phone)
            line.ringing = channel.state == "Ringing"
            line.up = channel.state == "Up"
            if line.up:
                self._answers(line, datetime.now(UTC))

    async def outcome(self, seconds: float) -> Line | HangupCause:
        """Return the line that answered, or why none did after at most `seconds`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.shield(self._outcome)
        if self.answered:
            return self.answered
        rejected = HangupCause.REJECTED in self.failed
        still_ringing = not rejected and len(self.failed) < len(self.phones)
        return worst([*self.failed, HangupCause.NO_ANSWER] if still_ringing else self.failed)

    async def connect(self, winner: Line) -> None:
        """Join the caller and the winner; the others are told it was answered elsewhere."""
        for line in self.lines.values():
            if line is not winner and line.gone is None:
                self._drop(line)
        if self._bridged:
            return
        self._bridged = True
        try:
            await self._join(winner)
        except Gone:
            async with asyncio.timeout(LOST_AFTER):
                await winner.ended()

    async def _join(self, winner: Line) -> None:
        door = self.call.exchange.door
        caller = self.call.caller.id
        await door.create_bridge(self.bridge)
        await door.add_to_bridge(self.bridge, [caller, winner.id], update_displays=True)
        await door.answer(caller)

    def _enter(self, phone: Phone) -> Line:
        line = Line(phone.channel, self.label, self.call.exchange.inboxes)
        line.watchers += [self.call.hears, self._on_event]
        self.lines[phone.channel] = line
        return line

    async def _dial_bridged(self, phone: Phone) -> None:
        door = self.call.exchange.door
        caller = self.call.caller.id
        self._bridged = True
        try:
            await asyncio.gather(self._create(phone), door.create_bridge(self.bridge))
            await asyncio.gather(
                door.add_to_bridge(self.bridge, [caller, phone.channel], update_displays=False),
                door.dial(phone.channel, caller),
            )
        except AriError as error:
            self._give_up(phone, error)

    async def _dial_alone(self, phone: Phone) -> None:
        try:
            await self._create(phone)
            await self.call.exchange.door.dial(phone.channel, self.call.caller.id)
        except AriError as error:
            self._give_up(phone, error)

    async def _create(self, phone: Phone) -> None:
        """Make the channel and wait until it has entered the application."""
        call = self.call
        line = self.lines[phone.channel]
        await call.exchange.door.create_channel(phone.channel, phone.endpoint, call.caller.id, {})
        try:
            async with asyncio.timeout(START_SECONDS):
                await line.started
        except (TimeoutError, asyncio.CancelledError) as error:
            if line.gone or isinstance(error, TimeoutError):
                raise Gone(404, "StasisStart", "the leg did not start") from error
            raise

    def _give_up(self, phone: Phone, error: AriError) -> None:
        line = self.lines[phone.channel]
        if not line.closed and line.gone is None:
            self._drop(line)
            self._note_failure(line, HangupCause.UNAVAILABLE, error=error.reason)

    def _drop(self, line: Line) -> None:
        elsewhere = self.answered is not None and line is not self.answered
        cause = causes.ANSWERED_ELSEWHERE if elsewhere else causes.NORMAL_CLEARING
        self.call.exchange.drop(line, cause)

    def _on_event(self, line: Line, event: Event) -> None:
        if isinstance(event, StateChanged):
            if event.state == "Ringing":
                self._rings(line, event)
            elif event.state == "Up":
                self._answers(line, event.at)
        elif isinstance(event, Destroyed) and line is not self.answered and not line.closed:
            self._note_failure(line, causes.of_leg(event), sip=event.tech_cause or None)

    def _rings(self, line: Line, event: StateChanged) -> None:
        call = self.call
        if not self.early and not any(other.ringing for other in self.lines.values()):
            call.exchange.behind(call.exchange.door.ring(call.caller.id))
        line.ringing = True
        call.journal.rang(event.at, number=self.label)

    def _answers(self, line: Line, at: datetime) -> None:
        """Take the first answer; one that crosses it on the wire comes too late."""
        if self.answered:
            self._drop(line)
            return
        self.answered = line
        if not self.call.journal.answered:
            self.call.journal.answer(at, number=self.label)
        self._decide()

    def _note_failure(self, line: Line, cause: HangupCause, **details: Any) -> None:
        self.call.journal.note(Moment.LEG_FAILED, number=line.label, cause=cause, **details)
        self._fail(cause)

    def _fail(self, cause: HangupCause) -> None:
        self.failed.append(cause)
        if len(self.failed) == len(self.phones) or cause is HangupCause.REJECTED:
            self._decide()

    def _decide(self) -> None:
        if not self._outcome.done():
            self._outcome.set_result(None)
