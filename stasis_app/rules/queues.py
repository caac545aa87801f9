"""Queues as rules see them: rows of `queues`, `queue_members` and `agent_states`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from stasis_app.words import OverflowAction, QueueStatus, QueueStrategy, Wanted, WhenEmpty

from .models import Target


@dataclass(frozen=True, slots=True)
class Queue:
    """A row of `queues` that is not deleted, dialled at `number`. Prompts are media files.

    `overflow` None: the caller hears a word and the call ends. `music` is a class of music on hold.
    A skill is dropped every `relax_seconds`, from the end of what a call asks for; None: never.
    `redial_seconds` is how long who hung up keeps the place.
    """

    id: UUID
    name: str
    number: str | None
    status: QueueStatus
    strategy: QueueStrategy
    threshold_seconds: float
    max_wait_seconds: float | None
    max_size: int | None
    wrap_up_seconds: float
    ring_seconds: float
    weight: float
    music: str
    welcome: UUID | None
    announces_position: bool
    announces_wait: bool
    announce_seconds: float
    overflow_action: OverflowAction
    overflow: Target | None
    when_empty: WhenEmpty = WhenEmpty.JOIN
    exit_key: str | None = None
    exit_target: Target | None = None
    relax_seconds: float | None = None
    redial_seconds: float = 0.0
    break_after_misses: int = 0
    agent_prompt: UUID | None = None
    callback_key: str | None = None
    callback_tries: int = 3
    priority: int = 0
    problems: tuple[str, ...] = ()

    @property
    def active(self) -> bool:
        """Return whether calls can be sent there, be it to hear that it is closed."""
        return self.status is not QueueStatus.INACTIVE


@dataclass(frozen=True, slots=True)
class Member:
    """A row of `queue_members`: an agent of a queue. Lower `priority`, then `penalty`, is first."""

    id: UUID
    queue: UUID
    extension: UUID
    priority: int = 0
    penalty: int = 0
    skills: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Presence:
    """What an agent has asked for, `since` when: a row of `agent_states`.

    It is for all queues (`queue` None) or for one.
    """

    id: UUID
    extension: UUID
    queue: UUID | None
    wanted: Wanted
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Slot:
    """A row of `agent_slots`: one call at a time, whatever the number of queues and processes.

    `call` is the one that is offered (`reserved_until`) or talks (`talking_since`). `talk_seconds`
    counts on the day that began at `talk_since`. `offered_at` says by queue when it last rang.
    `engaged` has other calls, `hindrance` keeps the phone from ringing (`rules.agents`).
    """

    extension: UUID
    call: UUID | None = None
    reserved_until: datetime | None = None
    talking_since: datetime | None = None
    wrap_up_until: datetime | None = None
    rests_until: datetime | None = None
    last_call_ended_at: datetime | None = None
    talk_seconds: float = 0.0
    talk_since: datetime | None = None
    misses: int = 0
    engaged: bool = False
    hindrance: str | None = None
    offered_at: Mapping[UUID, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reservation:
    """An agent is to ring for a call until `until` at the most.

    `expected` is the call that we know his slot to hold, or to have held: its release may not be
    written yet.
    """

    extension: UUID
    queue: UUID
    call: UUID
    expected: UUID | None
    until: datetime


@dataclass(frozen=True, slots=True)
class Wait:
    """How long one call waited for its answer, from which place (1 is the head)."""

    position: int
    seconds: float
