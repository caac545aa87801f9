"""One attempt to reach somebody outside: what it stands on, in a form that survives a restart."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from stasis_app.rules.models import Destination, DestinationKind, Payer


@dataclass(frozen=True, slots=True)
class Way:
    """`dialled` is sent over `trunk`; `tried` are the trunks so far, this one included.

    An answered call is cut after `max_seconds`, at `cut_at`; None: never.
    """

    destination: Destination
    dialled: str
    trunk: UUID
    tried: tuple[UUID, ...]
    max_seconds: float | None
    cut_at: datetime | None = None

    def arguments(self) -> dict[str, Any]:
        """Return what `call_positions.arguments` holds."""
        payer = self.destination.payer
        return {
            "kind": self.destination.kind,
            "number": self.destination.number,
            "payer": {
                "extension": payer.extension,
                "rule": payer.rule,
                "diverted": list(payer.diverted) if payer.diverted else None,
                "anonymous": payer.anonymous,
                "trunk": str(payer.trunk) if payer.trunk else None,
            },
            "dialled": self.dialled,
            "trunk": str(self.trunk),
            "tried": [str(trunk) for trunk in self.tried],
            "max_seconds": self.max_seconds,
            "cut_at": self.cut_at.isoformat() if self.cut_at else None,
        }

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> "Way":
        """Read what `arguments` wrote. Raises KeyError or ValueError."""
        payer = arguments["payer"]
        diverted = payer["diverted"]
        cut_at = arguments["cut_at"]
        return cls(
            Destination(
                DestinationKind(arguments["kind"]),
                arguments["number"],
                Payer(
                    extension=payer["extension"],
                    rule=payer["rule"],
                    diverted=(diverted[0], diverted[1]) if diverted else None,
                    anonymous=payer["anonymous"],
                    trunk=UUID(payer["trunk"]) if payer["trunk"] else None,
                ),
            ),
            arguments["dialled"],
            UUID(arguments["trunk"]),
            tuple(UUID(trunk) for trunk in arguments["tried"]),
            arguments["max_seconds"],
            datetime.fromisoformat(cut_at) if cut_at else None,
        )
