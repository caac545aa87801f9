"""From rows to models: what can't be used is left out and named, and the rest goes on working."""

from typing import Any, Protocol

from stasis_app.words import ExtensionStatus, ExtensionType

from .forwarding import LONGEST_RING_SECONDS
from .models import Extension


class Row(Protocol):
    """A database row: values by column name."""

    def __getitem__(self, column: str, /) -> Any: ...


RING_SECONDS = 20


def extension(row: Row) -> Extension:
    """Return the extension of a row of `extensions`, with the problems found in it."""
    problems: list[str] = []
    return Extension(
        id=row["id"],
        number=row["number"],
        type=ExtensionType(row["extension_type"]),
        status=ExtensionStatus(row["status"]),
        deleted=row["deleted_at"] is not None,
        display_name=row["display_name"] or "",
        dnd=bool(row["dnd_enabled"]),
        max_concurrent_calls=row["max_concurrent_calls"],
        forward_unconditional=_forward(row, "unconditional", problems),
        forward_on_busy=_forward(row, "on_busy", problems),
        forward_on_no_answer=_forward(row, "on_no_answer", problems),
        ring_seconds=_ring_seconds(row["forward_on_no_answer_timeout"], problems),
        problems=tuple(problems),
    )


def _forward(row: Row, kind: str, problems: list[str]) -> str | None:
    if not row[f"forward_{kind}_enabled"]:
        return None
    destination = (row[f"forward_{kind}_destination"] or "").strip()
    if not destination:
        problems.append(f"forward_{kind}_enabled without forward_{kind}_destination")
    return destination or None


def _ring_seconds(value: int | None, problems: list[str]) -> float:
    if value is None:
        return float(RING_SECONDS)
    if not 1 <= value <= LONGEST_RING_SECONDS:
        most = f"{LONGEST_RING_SECONDS:g}"
        problems.append(f"forward_on_no_answer_timeout {value} is not in 1..{most}")
        return float(RING_SECONDS)
    return float(value)
