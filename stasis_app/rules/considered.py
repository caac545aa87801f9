"""Why a rule took a call or did not, for the timeline and for `pbx explain`."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Considered:
    """A rule that was looked at: `why` it was passed over, or `taken`."""

    rule: str
    why: str
    taken: bool = False


@dataclass(frozen=True, slots=True)
class Decision(Generic[T]):
    """What was decided, and the rules that were looked at on the way there, in order."""

    outcome: T
    considered: tuple[Considered, ...] = ()

    @property
    def rule(self) -> str | None:
        """The name of the rule that decided; None if no rule did."""
        return next((one.rule for one in self.considered if one.taken), None)
