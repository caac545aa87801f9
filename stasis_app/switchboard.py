"""Every call of this process: how it begins, how it is taken over, how it is found to be lost."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import structlog

from .ari.events import Channel, Event, StasisStart, StateChanged
from .ari.transport import lane
from .call import causes
from .call.arrival import KINDS, Origin, arrived, shown
from .call.call import REFUSAL, Call, call_of
from .call.exchange import Exchange
from .call.journal import Journal, Opening
from .call.line import Line
from .call.playback import Playback
from .call.present import Present
from .flows.arrival import begin
from .flows.reentry import ARRIVAL, close_books, place_of, resume, waits
from .rules.dialling import withholds
from .rules.models import Position
from .store.live_calls import LiveCall
from .words import Direction, HangupCause, Moment

log = structlog.get_logger()

CALLER = "caller"
SIP_CALL_ID_LENGTH = 255


class Switchboard:
    """Gives each call its coroutine, and keeps the calls true to what Asterisk carries.

    While comparing, `_seen` holds the ids of calls and channels that need no second look: what
    began, was adopted or was known before may be over when the comparison comes to it.
    """

    def __init__(
        self, exchange: Exchange, open_calls: Callable[[], Awaitable[list[LiveCall]]]
    ) -> None:
        self._exchange = exchange
        self._open_calls = open_calls
        self._adopted = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._sip_call_ids: set[str] = set()
        self._comparing = True
        self._seen: set[str] = set()
        self._present = Present()
        self._count = 0
        self._waiting: set[uuid.UUID] = set()
        self.calls: dict[uuid.UUID, Call] = {}
        exchange.inboxes.unclaimed = self.unclaimed

    def unclaimed(self, event: Event) -> None:
        """Take an event that no call waits for: a new call, or a leg whose call is over."""
        if self._exchange.leaving:
            return
        if not isinstance(event, StasisStart):
            if self._comparing:
                self._present.hear(event)
            return
        kind = event.args[0] if event.args else ""
        if kind in KINDS:
            self._begin(event.channel, event.args, event.at)
        else:
            self._turn_away(event.channel, kind)

    async def reconcile(self) -> None:
        """Compare with what Asterisk carries, after every (re)connection."""
        exchange = self._exchange
        self._present = present = Present()
        lines = [line for line in exchange.inboxes.receivers() if isinstance(line, Line)]
        self._comparing = True
        self._seen |= {line.id for line in lines}
        playbacks = [one for one in exchange.inboxes.receivers() if isinstance(one, Playback)]
        calls = list(self.calls.values())
        started_at = await exchange.door.started_at()
        await present.look(exchange.door)
        for call in calls:
            if call.caller.id not in present.channels and call.journal.initiated_at < started_at:
                call.cause = HangupCause.SYSTEM_RESTART
        self._tell_what_was_missed(lines, present)
        await asyncio.gather(*(playback.look(exchange.door) for playback in playbacks))
        if not self._adopted:
            await exchange.floor.load()
            for live in await self._open_calls():
                self._adopt_or_report(live, present, started_at)
            self._adopted = True
            await asyncio.sleep(0)  # the adopted stories enter their legs
            exchange.floor.open(self._waiting)
        self._sweep(present)
        self._comparing = False
        self._seen.clear()

    def stop(self) -> None:
        """Forget all calls without a word to Asterisk or to the journal."""
        self._exchange.leave()
        for task in self._tasks:
            task.cancel()

    def _begin(self, channel: Channel, args: tuple[str, ...], at: datetime) -> None:
        exchange = self._exchange
        arrival = arrived(exchange.book, channel, args)
        origin = arrival.origin
        call = self._call(channel, Journal(uuid.uuid4(), exchange.write, at), origin)
        opening = Opening(
            sip_call_id=self._unique(channel.protocol_id or channel.id, call.id),
            direction=origin.direction,
            caller_number=origin.identity.number,
            caller_name=origin.identity.name,
            callee_number=arrival.number,
            initiated_at=at,
            caller_extension=origin.extension,
            trunk=origin.trunk,
        )
        call.journal.begin(opening, Position(channel.id, ARRIVAL, place_of(arrival), 0, at))
        if self._comparing:
            self._seen |= {channel.id, str(call.id)}
        if exchange.overloaded and not arrival.urgent:
            refusal = partial(call.refuse, HangupCause.CONGESTION, reason="overload")
            self.start(call, opening.sip_call_id, refusal)
            return
        exchange.setting_up.add(call.id)
        self.start(call, opening.sip_call_id, lambda: begin(call, arrival))

    def _call(self, channel: Channel, journal: Journal, origin: Origin) -> Call:
        line = Line(channel.id, CALLER, self._exchange.inboxes, is_caller=True)
        line.started.set_result(True)
        line.up = channel.state == "Up"
        return Call(self._exchange, line, journal, origin)

    def start(self, call: Call, sip_call_id: str, story: Callable[[], Awaitable[None]]) -> None:
        """Give a call its coroutine."""
        self._count += 1
        lane.set(self._count)
        self.calls[call.id] = call
        self._sip_call_ids.add(sip_call_id)
        task = asyncio.create_task(call.tell(story), name=f"call {call.id}")
        lane.set(None)
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._finish(done, call, sip_call_id))

    def _finish(self, task: asyncio.Task[None], call: Call, sip_call_id: str) -> None:
        self._tasks.discard(task)
        self._sip_call_ids.discard(sip_call_id)
        del self.calls[call.id]
        if not task.cancelled() and task.exception():
            log.error(
                "call failed", action="call_failed", call=str(call.id), exc_info=task.exception()
            )

    def _unique(self, sip_call_id: str, call: uuid.UUID) -> str:
        """Return the Call-ID as `calls.call_id` can hold it: unique among live calls, 255 long."""
        if len(sip_call_id) <= SIP_CALL_ID_LENGTH and sip_call_id not in self._sip_call_ids:
            return sip_call_id
        return f"{sip_call_id[:200]} {call}"

    def _turn_away(self, channel: Channel, kind: str) -> None:
        log.warning("nobody waits for this channel", action="channel_turned_away", kind=kind)
        door = self._exchange.door
        self._exchange.behind(lambda: door.hang_up(channel.id, causes.NORMAL_CLEARING))

    def _tell_what_was_missed(self, lines: list[Line], asterisk: Present) -> None:
        """Tell lines that were there before we asked what they missed without a connection."""
        now = datetime.now(UTC)
        for line in lines:
            channel = asterisk.channels.get(line.id)
            if channel is None:
                line.lose(now)
            elif line.closed:
                self._exchange.drop(line, causes.NORMAL_CLEARING)
            elif (channel.state == "Up" and not line.up) or (
                channel.state == "Ringing" and not line.ringing
            ):
                line.deliver(StateChanged(now, line.id, channel.state))

    def _adopt_or_report(self, live: LiveCall, asterisk: Present, started_at: datetime) -> None:
        """One row that can't be understood stops no other call."""
        try:
            self._adopt(live, asterisk, started_at)
        except (KeyError, ValueError):
            log.exception("call not adopted", action="adoption_failed", call=str(live.id))

    def _adopt(self, live: LiveCall, asterisk: Present, started_at: datetime) -> None:
        if live.id in self.calls or str(live.id) in self._seen:
            return
        journal = Journal(live.id, self._exchange.write, live.initiated_at, live.seq)
        journal.state, journal.answered = live.state, live.answered
        position = live.position
        channel = asterisk.channels.get(position.channel) if position else None
        if position is None or channel is None:
            self._close_books(live, journal, started_at)
            return
        call = self._call(channel, journal, origin_of(live))
        call.hops = position.hops
        self._seen.add(channel.id)
        journal.note(Moment.ADOPTED, step=position.step)
        for other in asterisk.channels.values():
            if call_of(other.id) == live.id and other.id not in (channel.id, *position.legs):
                self._turn_away(other, "loser")
        for bridge in asterisk.bridges:
            if call_of(bridge) == live.id and bridge != position.bridge:
                destroy = partial(self._exchange.door.destroy_bridge, bridge)
                call.leaves_bridge(self._exchange.behind(destroy))
        if waits(position):
            self._waiting.add(call.id)
        self.start(call, live.sip_call_id, lambda: resume(call, position, asterisk))

    def _close_books(self, live: LiveCall, journal: Journal, started_at: datetime) -> None:
        """End a call that ended while nobody was watching, when it was last known to live."""
        restarted = live.initiated_at < started_at
        ended_at = min(live.seen_at, started_at) if restarted else live.seen_at
        if live.position:
            close_books(self._exchange, journal, live.position, ended_at, cut_off=restarted)
        if restarted:
            journal.end(ended_at, HangupCause.SYSTEM_RESTART, unwatched=True)
            return
        cause = HangupCause.NORMAL_CLEARING if live.answered else HangupCause.CANCEL
        if live.position and live.position.step == REFUSAL:
            cause = HangupCause(live.position.arguments["cause"])
        journal.end(live.seen_at, cause, unwatched=True)

    def _sweep(self, asterisk: Present) -> None:
        """End what belongs to no call; a caller who came while we were deaf is served now."""
        exchange = self._exchange
        for channel in asterisk.ours:
            known = channel.id in exchange.inboxes or channel.id in self._seen
            if known or self._is_live(channel.id):
                continue
            kind, *rest = channel.app_data.split(",")[1:] or [""]
            if kind in KINDS and channel.state == "Ring":
                self._begin(channel, (kind, *rest), channel.created_at)
            else:
                self._turn_away(channel, kind)
        for bridge in asterisk.bridges:
            if call_of(bridge) and not self._is_live(bridge):
                exchange.behind(partial(exchange.door.destroy_bridge, bridge))

    def _is_live(self, made_id: str) -> bool:
        """Return whether a channel or bridge that we made belongs to a call of this process."""
        owner = call_of(made_id)
        return owner is not None and owner in self.calls


def origin_of(live: LiveCall) -> Origin:
    """Return who made a call that another process began; its trunk may be the one it went out."""
    inbound = live.direction is Direction.INBOUND
    identity = shown(live.caller_number, live.caller_name)
    if not inbound:
        identity = replace(identity, private=withholds(live.callee_number))
    return Origin(live.direction, identity, live.caller_extension, live.trunk if inbound else None)
