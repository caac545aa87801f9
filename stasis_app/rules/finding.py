"""Something that is wrong with the configuration."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

ERROR = "error"
WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """A row, and what is wrong with it. `row` None: a setting, `name` is its key."""

    table: str
    row: UUID | None
    name: str
    severity: str
    problem: str


Steps = Iterator[Finding | None]
"""What was found, or None for a step that found nothing: whoever asks may pause at each."""
