"""Mailboxes: greetings, PINs, what is worth keeping, where 0 leads."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from stasis_app.rules.book import Book
from stasis_app.rules.models import Box, DestinationKind, Payer
from stasis_app.rules.voicemail import (
    ALL_ALIKE,
    NOT_DIGITS,
    THE_NUMBER,
    greeting,
    most_messages,
    operator,
    pin_problem,
    worth_keeping,
)

from .build import book, box_row, extension_row

BY_ANNA = Payer(extension="1001", diverted=("1001", "busy"))
BY_SETTING = Payer(rule="voicemail.operator")  # no number of ours is told to a carrier
ALL = {
    "greeting_prompt_id": UUID(int=1),
    "busy_greeting_prompt_id": UUID(int=2),
    "temporary_greeting_prompt_id": UUID(int=3),
}


def exchange(settings: Any = None, **columns: Any) -> Book:
    return book(
        settings,
        extensions=[extension_row("1001", voicemail_enabled=True), extension_row("1002")],
        voicemail_boxes=[box_row(7, "1001", **columns)],
    )


def box(**columns: Any) -> Box:
    return exchange(**columns).voicemail_boxes.items[UUID(int=7)]


@pytest.mark.parametrize(
    ("without", "reason", "heard"),
    [
        ((), "no_answer", 3),
        ((), "busy", 3),
        ((3,), "busy", 2),
        ((3,), "dnd", 2),
        ((3,), "no_answer", 1),
        ((3,), "unavailable", 1),
        ((3,), "closed", 1),
        ((3,), "", 1),
        ((2, 3), "busy", 1),
        ((1, 3), "busy", 2),
        ((1, 3), "no_answer", None),
        ((1, 2, 3), "dnd", None),
    ],
)
def test_what_greets(without: Sequence[int], reason: str, heard: int | None) -> None:
    columns = {key: None if media.int in without else media for key, media in ALL.items()}
    assert greeting(box(**columns), reason) == (None if heard is None else UUID(int=heard))


@pytest.mark.parametrize(
    ("seconds", "talking", "kept"),
    [
        (2.0, 1.0, True),
        (2.0, None, True),
        (1.9, 1.9, False),
        (60.0, 0.0, False),
        (60.0, 0.1, True),
        (0.0, None, False),
    ],
)
def test_what_is_worth_keeping(seconds: float, talking: float | None, kept: bool) -> None:
    assert worth_keeping(seconds, talking, 2.0) is kept


@pytest.mark.parametrize(
    ("pin", "problem"),
    [
        ("4711", None),
        ("1002", None),
        ("12345678901234567890", None),
        ("123", NOT_DIGITS),
        ("123456789012345678901", NOT_DIGITS),
        ("", NOT_DIGITS),
        ("47 11", NOT_DIGITS),
        ("47*1", NOT_DIGITS),
        ("\u0661\u0662\u0663\u0664", NOT_DIGITS),
        ("4711\n", NOT_DIGITS),
        ("1001", THE_NUMBER),
        ("7777", ALL_ALIKE),
    ],
)
def test_what_a_pin_may_be(pin: str, problem: str | None) -> None:
    assert pin_problem(pin, "1001") == problem


@pytest.mark.parametrize(
    ("own", "setting", "most"), [(None, None, 100), (None, 5, 5), (7, 5, 7), (0, 5, 0)]
)
def test_how_many_messages_a_box_holds(own: int | None, setting: int | None, most: float) -> None:
    made = exchange({"voicemail.max_messages": setting}, max_messages=own)
    assert most_messages(made, made.voicemail_boxes.items[UUID(int=7)]) == most


@pytest.mark.parametrize(
    ("own", "setting", "kind", "number", "payer"),
    [
        ("1002", None, DestinationKind.EXTENSION, "1002", BY_ANNA),
        (" 030 777 ", "1002", DestinationKind.OUTSIDE, "030777", BY_ANNA),
        (None, "1002", DestinationKind.EXTENSION, "1002", BY_SETTING),
        (None, "030777", DestinationKind.OUTSIDE, "030777", BY_SETTING),
        (None, 1002, DestinationKind.EXTENSION, "1002", BY_SETTING),
    ],
)
def test_where_zero_leads(
    own: str | None, setting: Any, kind: DestinationKind, number: str, payer: Payer
) -> None:
    made = exchange({"voicemail.operator": setting}, operator_number=own)
    found = operator(made, made.voicemail_boxes.items[UUID(int=7)], "busy")
    assert found
    assert (found.kind, found.number) == (kind, number)
    assert found.payer == payer
    assert found.by_hand


@pytest.mark.parametrize(
    ("own", "setting"), [(None, None), (None, ""), ("alice", "1002"), (None, ["1002"])]
)
def test_zero_leads_nowhere(own: str | None, setting: Any) -> None:
    made = exchange({"voicemail.operator": setting}, operator_number=own)
    assert operator(made, made.voicemail_boxes.items[UUID(int=7)]) is None
