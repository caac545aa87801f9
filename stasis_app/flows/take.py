"""One recording that is reviewed: what it is for, and how it stands."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any
from uuid import UUID

from stasis_app.words import DeliveryKind


class Stage(StrEnum):
    """Where a take stands: before the tone, after it, being reviewed, done with."""

    READY = "ready"
    RECORDING = "recording"
    REVIEW = "review"
    SETTLED = "settled"


class Outcome(StrEnum):
    """What has become of it. FAILED: Asterisk could not record, the call is refused already."""

    KEPT = "kept"
    OPERATOR = "operator"
    NOTHING = "nothing"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a recording is for.

    A flow that stands at its `step` is entered there again, with `place` (JSON) among the arguments
    of the position, and calls `go_on` if `stands_here`. `label` names it in the timeline, `details`
    are those of the delivery. With `operator` the key 0 is offered.
    A message is kept whatever happens, a hangup too. A greeting or a prompt is discarded by one:
    half a sentence takes the place of no other.
    """

    step: str
    place: Mapping[str, Any]
    kind: DeliveryKind
    label: str
    box: UUID | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    operator: bool = False

    @property
    def is_message(self) -> bool:
        return self.kind is DeliveryKind.MESSAGE


@dataclass(frozen=True, slots=True)
class Take:
    """One recording and how it stands, in a form that survives a restart.

    `delivery` of one that is READY is the one before, which is discarded. `poor` and `choices`
    count over all takes. `seconds` None: not known.
    """

    stage: Stage = Stage.READY
    delivery: UUID | None = None
    recording: str = ""
    seconds: float | None = None
    urgent: bool = False
    poor: int = 0
    choices: int = 0
    outcome: str = ""

    def arguments(self) -> dict[str, Any]:
        """Return what `call_positions.arguments` holds."""
        delivery = str(self.delivery) if self.delivery else None
        return {**asdict(self), "delivery": delivery}

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> "Take":
        """Read what `arguments` wrote, among others. Raises KeyError or ValueError."""
        known = {one.name: arguments[one.name] for one in fields(cls)}
        delivery = UUID(known["delivery"]) if known["delivery"] else None
        return cls(**{**known, "stage": Stage(known["stage"]), "delivery": delivery})


def stands_here(arguments: Mapping[str, Any]) -> bool:
    """Return whether a position is one of `record_reviewed`, to be entered by `go_on`."""
    return arguments.get("stage") in tuple(Stage)
