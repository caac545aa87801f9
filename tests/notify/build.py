"""A letter to try things with."""

from dataclasses import replace
from datetime import UTC, datetime
from email.headerregistry import Address
from typing import Any
from uuid import UUID

from stasis_app.notify.letter import Letter, sender_of
from stasis_app.rules.spoken import Language

LETTER = Letter(
    id=UUID(int=7),
    sender=sender_of("Telefon <pbx@example.org>"),
    recipient=Address(addr_spec="anna@example.org"),
    language=Language.EN,
    owner="Anna Meier",
    box="1001",
    caller_number="+493012345",
    caller_name="Jürgen Groß",
    received_at=datetime(2026, 7, 25, 12, 3, tzinfo=UTC),
    timezone="Europe/Berlin",
    seconds=42.4,
    urgent=False,
)


def letter(**changes: Any) -> Letter:
    return replace(LETTER, **changes)
