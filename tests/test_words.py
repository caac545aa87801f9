"""The words in Python are the words that the schema allows."""

import re
from enum import StrEnum
from pathlib import Path

import pytest

from stasis_app.words import (
    CallState,
    DeliveryKind,
    DeliveryState,
    Direction,
    ExtensionStatus,
    ExtensionType,
    HangupCause,
    IvrAction,
    MailState,
    Moment,
)

ROOT = Path(__file__).resolve().parents[1]
MIGRATIONS = sorted((ROOT / "sql/migrations").glob("*.sql"))
SCHEMA = "".join(path.read_text() for path in MIGRATIONS if ".rollback" not in path.name)


def checked(table: str, column: str) -> set[str]:
    """The words of the column's CHECK list."""
    found = re.search(rf"^CREATE TABLE {table} \((.*?)^\)", SCHEMA, re.M | re.S)
    assert found
    listed = re.search(rf"^ +{column} .*\n? *CHECK \({column} IN \((.*?)\)\)", found[1], re.M)
    assert listed
    return set(re.findall(r"'(\w+)'", listed[1]))


@pytest.mark.parametrize(
    ("words", "table", "column"),
    [
        (CallState, "calls", "state"),
        (Direction, "calls", "direction"),
        (ExtensionType, "extensions", "extension_type"),
        (ExtensionStatus, "extensions", "status"),
        (IvrAction, "ivr_menu_options", "action"),
        (DeliveryKind, "recording_deliveries", "kind"),
        (DeliveryState, "recording_deliveries", "state"),
        (MailState, "mail_outbox", "state"),
    ],
)
def test_words_are_the_schemas(words: type[StrEnum], table: str, column: str) -> None:
    assert {str(word) for word in words} == checked(table, column)


@pytest.mark.parametrize("words", [Moment, HangupCause])
def test_words_an_admin_reads_are_explained(words: type[StrEnum]) -> None:
    text = "".join(path.read_text() for path in (ROOT / "docs").rglob("*.md"))
    missing = [word for word in words if f"`{word}`" not in text]
    assert not missing


@pytest.mark.parametrize(("words", "longest"), [(Moment, 50), (HangupCause, 100)])
def test_words_fit_their_columns(words: type[StrEnum], longest: int) -> None:
    assert max(map(len, words)) <= longest
