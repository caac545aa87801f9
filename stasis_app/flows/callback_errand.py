"""One attempt to call somebody back, in a form that survives a restart."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from stasis_app.rules.callbacks import Callback

STEP = "callback"


@dataclass(frozen=True, slots=True)
class Errand:
    """`wanted` is the row before the attempt, `over` the trunk or extension that was reached."""

    wanted: Callback
    agent: UUID
    over: UUID | None = None

    def arguments(self) -> dict[str, Any]:
        """Return what `call_positions.arguments` holds."""
        wanted = self.wanted
        return {
            "callback": str(wanted.id),
            "queue": str(wanted.queue),
            "number": wanted.number,
            "name": wanted.name,
            "language": wanted.language,
            "priority": wanted.priority,
            "skills": list(wanted.skills),
            "joined_at": wanted.joined_at.isoformat(),
            "attempts": wanted.attempts,
            "next_try_at": wanted.next_try_at.isoformat(),
            "agent": str(self.agent),
            "over": str(self.over) if self.over else None,
        }

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> "Errand":
        """Read what `arguments` wrote. Raises KeyError or ValueError."""
        wanted = Callback(
            UUID(arguments["callback"]),
            UUID(arguments["queue"]),
            arguments["number"],
            arguments["name"],
            arguments["language"],
            arguments["priority"],
            tuple(arguments["skills"]),
            datetime.fromisoformat(arguments["joined_at"]),
            arguments["attempts"],
            datetime.fromisoformat(arguments["next_try_at"]),
        )
        over = arguments["over"]
        return cls(wanted, UUID(arguments["agent"]), UUID(over) if over else None)
