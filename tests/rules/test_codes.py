"""Feature codes: what they look like, and what they leave to numbers."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasis_app.rules.codes import (
    Act,
    AgentCode,
    CallAnonymously,
    Direct,
    FeatureCode,
    OpenMailbox,
    OverrideProfile,
    Record,
    TryTrunk,
    feature_code,
    may_record,
    turned_over,
)
from stasis_app.rules.times import Override

from .build import book, extension_row, user_row

LOGIN, BREAK, END = Act.LOG_IN_OUT, Act.BREAK, Act.END_WRAP_UP
AUTOMATIC, OPEN, CLOSED = Override.AUTOMATIC, Override.OPEN, Override.CLOSED


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("*310301234567", CallAnonymously("0301234567")),
        ("*31+49301234567", CallAnonymously("+49301234567")),
        ("*31#0301234567", CallAnonymously("0301234567")),
        ("*31*0301234567", CallAnonymously("0301234567")),
        ("*31112", CallAnonymously("112")),
        ("*31", None),
        ("*31#", None),
        ("*31##030", None),
        ("*31*28", CallAnonymously("28")),
        ("*31030*1", None),
        ("#310301234567", None),
        ("*287", OverrideProfile("7", None)),
        ("*28007", OverrideProfile("007", None)),
        ("*287*0", OverrideProfile("7", AUTOMATIC)),
        ("*287*1", OverrideProfile("7", OPEN)),
        ("*287*2", OverrideProfile("7", CLOSED)),
        ("*287*3", None),
        ("*287*", None),
        ("*287*11", None),
        ("*28", None),
        ("*28*1", None),
        ("*895*0301234567", TryTrunk("5", "0301234567")),
        ("*895*+49301234567", TryTrunk("5", "+49301234567")),
        ("*895**21#", TryTrunk("5", "*21#")),
        ("*895*", None),
        ("*895", None),
        ("*89*030", None),
        ("*951001", Direct("1001")),
        ("*95*287", Direct("*287")),
        ("*95", None),
        ("*97", OpenMailbox("", own=True)),
        ("*971001", None),
        ("*98", OpenMailbox("")),
        ("*981001", OpenMailbox("1001")),
        ("*98alice", None),
        ("*77", Record("")),
        ("*7742", Record("42")),
        ("*77*42", None),
        ("*77\u0661", None),
        ("*45", AgentCode(LOGIN)),
        ("*453000", AgentCode(LOGIN, queue="3000")),
        ("*45*1001", AgentCode(LOGIN, "1001")),
        ("*45*1001*3000", AgentCode(LOGIN, "1001", queue="3000")),
        ("*45*1001*", None),
        ("*45*", None),
        ("*453000*1001", None),
        ("*46", AgentCode(BREAK)),
        ("*461", AgentCode(BREAK, reason="1")),
        ("*46*1001", AgentCode(BREAK, "1001")),
        ("*46*1001*12", AgentCode(BREAK, "1001", reason="12")),
        ("*46*1001*", None),
        ("*46+1", None),
        ("*46\u0661", None),
        ("*47", AgentCode(END)),
        ("*47*1001", AgentCode(END, "1001")),
        ("*471001", None),
        ("*47*1001*1", None),
        ("31030", None),
        ("", None),
        ("*31030\n", None),
        ("*31\u0660\u0663\u0660", None),
        (" *31030", None),
    ],
)
def test_what_a_number_asks_for(number: str, code: FeatureCode | None) -> None:
    assert feature_code(number) == code


@given(st.text("*#+0123456789", max_size=12))
def test_a_code_begins_with_one_of_these(number: str) -> None:
    if feature_code(number):
        assert number.startswith(
            (
                "*31",
                "*28",
                "*89",
                "*95",
                "*97",
                "*98",
                "*77",
                "*45",
                "*46",
                "*47",
            )
        )


@pytest.mark.parametrize(
    ("owner", "roles", "may"),
    [
        ("1001", None, True),
        ("1002", None, False),
        ("1002", ["user"], True),
        ("1003", ["user", "admin"], False),  # suspended
        ("1004", ["user", "admin"], False),  # nobody's
        ("1009", ["user", "admin"], False),
    ],
)
def test_who_may_record_prompts(owner: str, roles: list[str] | None, may: bool) -> None:
    made = book(
        {} if roles is None else {"media.record_roles": roles},
        users=[
            user_row(1, role="supervisor"),
            user_row(2),
            user_row(3, role="admin", status="suspended"),
        ],
        extensions=[
            *(extension_row(f"100{at}", user_id=UUID(int=at)) for at in (1, 2, 3)),
            extension_row("1004"),
        ],
    )
    assert may_record(made, made.extension(owner)) is may


@pytest.mark.parametrize(
    ("present", "is_open", "value"),
    [
        (AUTOMATIC, True, CLOSED),
        (AUTOMATIC, False, OPEN),
        (OPEN, True, AUTOMATIC),
        (CLOSED, False, AUTOMATIC),
    ],
)
def test_turned_over(present: Override, is_open: bool, value: Override) -> None:
    assert turned_over(present, is_open=is_open) is value
