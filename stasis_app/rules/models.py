"""The rows that rules decide on, as the snapshot holds them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from stasis_app.words import ExtensionStatus, ExtensionType


@dataclass(frozen=True, slots=True)
class Extension:
    """A row of `extensions`, as far as calls need it. `ring_seconds` is the no-answer timeout."""

    id: UUID
    number: str
    type: ExtensionType
    status: ExtensionStatus
    deleted: bool
    display_name: str
    dnd: bool
    max_concurrent_calls: int | None
    forward_unconditional: str | None
    forward_on_busy: str | None
    forward_on_no_answer: str | None
    ring_seconds: float
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contact:
    """A phone registered to an extension: a live row of `extension_registrations`."""

    uri: str
    expires_at: datetime


class DestinationKind(StrEnum):
    EXTENSION = "extension"
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a call goes next, and the number that led there."""

    kind: DestinationKind
    number: str


@dataclass(frozen=True, slots=True)
class Position:
    """A step that can be entered again, and what it stands on (see `call_positions`)."""

    channel: str
    step: str
    arguments: Mapping[str, Any]
    hops: int
    since: datetime
    bridge: str | None = None
    legs: Sequence[str] = ()
