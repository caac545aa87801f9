"""One caller in one queue: what must be known to go on after a restart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class Stage(StrEnum):
    """Where a caller in a queue stands. OVER: all is written, only the call is not ended yet."""

    WAITING = "waiting"
    RINGING = "ringing"
    TALKING = "talking"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class CalledBack:
    """Who was called back, and the trunk or extension `over` which."""

    number: str
    name: str
    over: UUID


@dataclass(frozen=True, slots=True)
class QueueVisit:
    """`id` is that of the row in `queue_calls`, `called` the number from outside that led here.

    `joined_at` is when the place was taken, which may be before the caller came: see
    `queues.redial_window_seconds`. `position` was the first. `agents` are those who ring (their
    channels), or the one who talks, since `talking_since`; `offers` counts how often agents rang.
    `called_back` None: the caller came by himself.
    """

    id: UUID
    queue: UUID
    called: str
    entered_at: datetime
    joined_at: datetime
    priority: int
    skills: tuple[str, ...]
    position: int = 0
    welcomed: bool = False
    stage: Stage = Stage.WAITING
    agents: Mapping[UUID, Sequence[str]] = field(default_factory=dict)
    talking_since: datetime | None = None
    called_back: CalledBack | None = None
    offers: int = 0

    def arguments(self) -> dict[str, Any]:
        """Return what `call_positions.arguments` holds."""
        back = self.called_back
        return {
            "visit": str(self.id),
            "queue": str(self.queue),
            "called": self.called,
            "entered_at": self.entered_at.isoformat(),
            "joined_at": self.joined_at.isoformat(),
            "priority": self.priority,
            "skills": list(self.skills),
            "position": self.position,
            "welcomed": self.welcomed,
            "stage": self.stage,
            "agents": {str(agent): list(legs) for agent, legs in self.agents.items()},
            "talking_since": self.talking_since.isoformat() if self.talking_since else None,
            "called_back": [back.number, back.name, str(back.over)] if back else None,
            "offers": self.offers,
        }

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> "QueueVisit":
        """Read what `arguments` wrote. Raises KeyError or ValueError."""
        since, back = arguments["talking_since"], arguments.get("called_back")
        return cls(
            UUID(arguments["visit"]),
            UUID(arguments["queue"]),
            arguments["called"],
            datetime.fromisoformat(arguments["entered_at"]),
            datetime.fromisoformat(arguments["joined_at"]),
            arguments["priority"],
            tuple(arguments["skills"]),
            arguments["position"],
            arguments["welcomed"],
            Stage(arguments["stage"]),
            {UUID(agent): tuple(legs) for agent, legs in arguments["agents"].items()},
            datetime.fromisoformat(since) if since else None,
            CalledBack(back[0], back[1], UUID(back[2])) if back else None,
            arguments.get("offers", 0),
        )

    def talked(self, until: datetime) -> float:
        """Return the seconds since caller and agent were put together."""
        return max((until - (self.talking_since or until)).total_seconds(), 0.0)

    def alone(self) -> "QueueVisit":
        """Return the visit of a caller whom nobody serves."""
        return replace(self, stage=Stage.WAITING, agents={}, talking_since=None)
