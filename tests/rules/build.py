"""Extensions with nothing special about them but what a test says."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from stasis_app.rules.models import Extension
from stasis_app.words import ExtensionStatus, ExtensionType

CALLEE = UUID(int=2)
CALLER = UUID(int=1)

PLAIN = Extension(
    id=CALLEE,
    number="1002",
    type=ExtensionType.SIP,
    status=ExtensionStatus.ACTIVE,
    deleted=False,
    display_name="Ben",
    dnd=False,
    max_concurrent_calls=2,
    forward_unconditional=None,
    forward_on_busy=None,
    forward_on_no_answer=None,
    ring_seconds=20.0,
)

ROW: Mapping[str, Any] = {
    "id": CALLEE,
    "number": "1002",
    "extension_type": "sip",
    "status": "active",
    "deleted_at": None,
    "display_name": "Ben",
    "dnd_enabled": False,
    "max_concurrent_calls": 2,
    "forward_unconditional_enabled": False,
    "forward_unconditional_destination": None,
    "forward_on_busy_enabled": False,
    "forward_on_busy_destination": None,
    "forward_on_no_answer_enabled": False,
    "forward_on_no_answer_destination": None,
    "forward_on_no_answer_timeout": 20,
}


def extension(**columns: Any) -> Extension:
    return replace(PLAIN, **columns)
