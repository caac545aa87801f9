"""Who calls, as the channel tells it."""

import pytest

from stasis_app.call.arrival import unquoted


@pytest.mark.parametrize(
    ("told", "name"),
    [
        (r"Jürgen \"Jo\" Groß", 'Jürgen "Jo" Groß'),
        (r"back\\slash", r"back\slash"),
        ("plain", "plain"),
        ("ends in \\", "ends in \\"),
        ("", ""),
    ],
)
def test_a_display_name_loses_its_quoting(told: str, name: str) -> None:
    assert unquoted(told) == name
