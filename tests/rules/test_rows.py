"""A row that can't be used in full is used as far as it can, and says what is wrong."""

from datetime import UTC, datetime
from typing import Any

import pytest

from stasis_app.rules import rows
from stasis_app.words import ExtensionStatus, ExtensionType

from .build import PLAIN, ROW, extension


def test_a_plain_row() -> None:
    assert rows.extension(ROW) == PLAIN


@pytest.mark.parametrize(
    ("columns", "fields"),
    [
        ({"extension_type": "webrtc"}, {"type": ExtensionType.WEBRTC}),
        ({"status": "inactive"}, {"status": ExtensionStatus.INACTIVE}),
        ({"deleted_at": datetime(2026, 1, 1, tzinfo=UTC)}, {"deleted": True}),
        ({"display_name": None}, {"display_name": ""}),
        ({"dnd_enabled": None}, {"dnd": False}),
        ({"dnd_enabled": True}, {"dnd": True}),
        ({"max_concurrent_calls": None}, {"max_concurrent_calls": None}),
        ({"forward_on_no_answer_timeout": None}, {"ring_seconds": 20.0}),
        ({"forward_on_no_answer_timeout": 1}, {"ring_seconds": 1.0}),
        ({"forward_on_no_answer_timeout": 600}, {"ring_seconds": 600.0}),
    ],
)
def test_columns(columns: dict[str, Any], fields: dict[str, Any]) -> None:
    assert rows.extension({**ROW, **columns}) == extension(**fields)


@pytest.mark.parametrize("kind", ["unconditional", "on_busy", "on_no_answer"])
@pytest.mark.parametrize(
    ("enabled", "destination", "forward", "problems"),
    [
        (True, "1003", "1003", 0),
        (True, " 1003\n", "1003", 0),
        (False, "1003", None, 0),
        (None, "1003", None, 0),
        (False, None, None, 0),
        (True, None, None, 1),
        (True, "", None, 1),
        (True, "  ", None, 1),
    ],
)
def test_forwards(
    kind: str, enabled: bool | None, destination: str | None, forward: str | None, problems: int
) -> None:
    columns = {f"forward_{kind}_enabled": enabled, f"forward_{kind}_destination": destination}
    found = rows.extension({**ROW, **columns})
    assert getattr(found, f"forward_{kind}") == forward
    assert len(found.problems) == problems
    assert all(f"forward_{kind}_destination" in problem for problem in found.problems)


@pytest.mark.parametrize("seconds", [0, -1, 601, -(2**31), 2**31 - 1])
def test_a_timeout_that_makes_no_sense(seconds: int) -> None:
    found = rows.extension({**ROW, "forward_on_no_answer_timeout": seconds})
    assert found.ring_seconds == rows.RING_SECONDS
    assert found.problems == (f"forward_on_no_answer_timeout {seconds} is not in 1..600",)
