"""What a call writes about itself fits its columns, whatever a phone says."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from stasis_app.call.call import call_of
from stasis_app.call.journal import Journal, Opening, printable
from stasis_app.rules.models import Position
from stasis_app.words import CallState, Direction, HangupCause, Moment

AT = datetime(2026, 1, 1, tzinfo=UTC)
CALL = UUID(int=7)


def journal() -> tuple[Journal, list[Any]]:
    records: list[Any] = []

    def append(record: Any) -> bool:
        records.append(record)
        return True

    return Journal(CALL, append, AT), records


def test_what_is_not_written_is_told() -> None:
    diary = Journal(CALL, lambda record: False, AT)
    assert diary.deliver(CALL, kind="message") is False
    diary, _ = journal()
    assert diary.deliver(CALL, kind="message") is True
    diary.end(AT, HangupCause.NORMAL_CLEARING)
    assert diary.deliver(CALL, discarded=True) is False


@given(st.text(), st.integers(0, 60))
def test_text_of_a_phone_is_made_printable(text: str, length: int) -> None:
    shown = printable(text, length)
    assert len(shown) <= length
    assert shown.isprintable()
    shown.encode()


@given(st.text(), st.text(), st.text())
def test_the_first_record_can_be_stored(caller: str, name: str, number: str) -> None:
    diary, records = journal()
    opening = Opening("a@phone", Direction.INTERNAL, caller, name, number, AT)
    diary.begin(opening, Position("c", "arrival", {}, 0, AT))
    row = json.loads(json.dumps(records[0]))["begin"]
    assert len(row["caller_number"]) <= 50
    assert len(row["callee_number"]) <= 50
    assert row["caller_name"] is None or 0 < len(row["caller_name"]) <= 100
    assert "\x00" not in "".join(filter(None, row.values()))


def test_ringing_is_a_state_once() -> None:
    diary, records = journal()
    diary.rang(AT)
    diary.rang(AT)
    diary.answer(AT)
    diary.rang(AT)
    changes = [record.get("change", {}).get("state") for record in records]
    assert changes == [CallState.RINGING, None, CallState.ANSWERED, None]


def test_held_until_both_have_resumed() -> None:
    diary, records = journal()
    diary.answer(AT)
    diary.hold(AT, "caller")
    diary.hold(AT, "1002")
    diary.resume(AT, "caller", held=True)
    diary.resume(AT, "1002", held=False)
    states = [record["change"]["state"] for record in records]
    assert states == ["answered", "held", "held", "held", "answered"]


def test_a_call_that_is_not_answered_is_not_held() -> None:
    diary, records = journal()
    diary.hold(AT, "caller")
    assert "change" not in records[0]
    assert diary.state is CallState.INITIATED


def test_the_timeline_is_numbered() -> None:
    diary, records = journal()
    diary.note(Moment.OFFERED)
    diary.rang(AT)
    diary.end(AT, HangupCause.CANCEL)
    assert [record["event"][0] for record in records] == [1, 2, 3]


def test_an_id_tells_its_call() -> None:
    assert call_of(f"p-{CALL}-0123456789ab") == CALL
    for other in ("pbx-x-1795350797.0", "p-", "p-nonsense", f"q-{CALL}", ""):
        assert call_of(other) is None
