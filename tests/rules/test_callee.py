"""A call for an extension, with what the book knows of it: its box, its user's language."""

from uuid import UUID

import pytest

from stasis_app.rules.book import Book
from stasis_app.rules.callee import after_failure, decide, onward, spoken
from stasis_app.rules.forwarding import Forward, LeaveMessage, Reason, Ring, Verdict
from stasis_app.rules.models import Destination, DestinationKind, Payer, Refuse
from stasis_app.rules.spoken import Language
from stasis_app.words import HangupCause

from .build import NOW, Row, book, box_row, extension_row, forwarding, user_row

BOX = UUID(int=7)
VOICEMAIL: Row = {"voicemail_enabled": True}
BUSY = Refuse(HangupCause.BUSY, "dnd")


def exchange(columns: Row, box: Row | None = None) -> Book:
    return book(
        extensions=[extension_row("1001", **columns)],
        voicemail_boxes=[box_row(7, "1001", **box)] if box is not None else [],
    )


@pytest.mark.parametrize(
    ("columns", "box", "verdict", "after"),
    [
        (VOICEMAIL, {}, LeaveMessage(Reason.DND), LeaveMessage(Reason.NO_ANSWER)),
        (VOICEMAIL, None, BUSY, Refuse(HangupCause.NO_ANSWER, "phones")),  # not made yet
        (VOICEMAIL, {"active": False}, BUSY, Refuse(HangupCause.NO_ANSWER, "phones")),
        ({}, {}, BUSY, Refuse(HangupCause.NO_ANSWER, "phones")),
        (
            {**VOICEMAIL, **forwarding("on_no_answer", "1002")},
            {},
            LeaveMessage(Reason.DND),
            Forward("1002", Reason.NO_ANSWER),
        ),
    ],
)
def test_the_box_of_the_extension_takes_messages(
    columns: Row, box: Row | None, verdict: Verdict, after: Verdict
) -> None:
    made = exchange({"dnd_enabled": True, **columns}, box)
    callee = made.extension("1001")
    assert callee
    assert decide(made, callee, caller=None, number="030", at=NOW, engaged=0) == verdict
    assert after_failure(made, callee, HangupCause.NO_ANSWER) == after


def test_with_a_box_the_phones_ring_as_without() -> None:
    made = exchange(VOICEMAIL, {})
    callee = made.extension("1001")
    assert callee
    assert decide(made, callee, caller=None, number="030", at=NOW, engaged=0) == Ring(30.0)


@pytest.mark.parametrize(
    ("verdict", "kind", "number", "box"),
    [
        (LeaveMessage(Reason.BUSY), DestinationKind.VOICEMAIL, "1001", BOX),
        (Forward("voicemail", Reason.BUSY), DestinationKind.VOICEMAIL, "1001", BOX),
        (Forward("*951001", Reason.BUSY), DestinationKind.VOICEMAIL, "1001", BOX),
        (Forward("1001", Reason.BUSY), DestinationKind.EXTENSION, "1001", None),
        (Forward("030777", Reason.BUSY), DestinationKind.OUTSIDE, "030777", None),
    ],
)
def test_who_sends_a_call_on_pays(
    verdict: Forward | LeaveMessage, kind: DestinationKind, number: str, box: UUID | None
) -> None:
    payer = Payer(extension="1001", diverted=("1001", "busy"))
    reason = "busy" if kind is DestinationKind.VOICEMAIL else ""
    found = onward(exchange(VOICEMAIL, {}), "1001", verdict)
    assert found == Destination(kind, number, payer, id=box, reason=reason)


def test_a_box_that_has_gone_meanwhile() -> None:
    found = onward(exchange(VOICEMAIL), "1001", LeaveMessage(Reason.BUSY))
    assert found.kind is DestinationKind.NOWHERE


@pytest.mark.parametrize(
    ("said", "own", "setting", "heard"),
    [
        ("de", "en-US", "en", "de"),
        ("", "de-AT", "en", "de"),
        (" ", " ", "de", "de"),
        ("", None, "de", "de"),
        ("", "fr-FR", "de", "en"),
        ("", None, None, "en"),
        ("", None, "fr", "en"),
    ],
)
def test_in_which_language(said: str, own: str | None, setting: str | None, heard: str) -> None:
    made = book(
        {} if setting is None else {"media.language": setting},
        users=[user_row(1, language=own)],
        extensions=[extension_row("1001", user_id=UUID(int=1))],
    )
    assert spoken(made, said, made.extension("1001")) is Language(heard)
    assert spoken(made, said) is Language(heard if said.strip() or not own else setting or "en")
