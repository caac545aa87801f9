"""What a dialled number means, and what only a person can dial."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasis_app.rules.book import Book
from stasis_app.rules.dialling import meaning, withholds
from stasis_app.rules.models import Destination, DestinationKind, MailboxVisit, Payer
from stasis_app.rules.outbound import DIALABLE

from .build import NOW, book, box_row, extension_row, media_row, menu_row, named_row, queue_row

EXTENSION, OUTSIDE = DestinationKind.EXTENSION, DestinationKind.OUTSIDE
EMERGENCY, CODE = DestinationKind.EMERGENCY, DestinationKind.CODE
VOICEMAIL, MAILBOX = DestinationKind.VOICEMAIL, DestinationKind.MAILBOX
IVR, QUEUE = DestinationKind.IVR, DestinationKind.QUEUE
PROMPT = DestinationKind.RECORD_PROMPT
UNBUILT, NOWHERE = DestinationKind.UNBUILT, DestinationKind.NOWHERE
PAYER = Payer(extension="1001", diverted=("1001", "busy"))
BOX, PROMPT_42, MENU = UUID(int=7), UUID(int=42), UUID(int=9)


def exchange(emergency: Sequence[str] = ("112", "110")) -> Book:
    extensions = [
        extension_row("1001"),
        extension_row("1002", status="inactive"),
        extension_row("1003", deleted_at=NOW),
        extension_row("1004", deleted_at=NOW),
        extension_row("10-05"),
        extension_row("1-12"),
        extension_row("110"),
        extension_row("*287"),
        extension_row("2001", voicemail_enabled=True),
        extension_row("2002", voicemail_enabled=True),
        extension_row("2003", voicemail_enabled=True, status="inactive"),
        extension_row("2004", voicemail_enabled=True, deleted_at=NOW),
        extension_row("*9577"),
        extension_row("*98"),
    ]
    queues = [
        queue_row(1, "500", name="sales"),
        queue_row(2, "501", status="inactive"),
        queue_row(5, "502", deleted=True),
        queue_row(6, "503", status="paused"),
        queue_row(3, "1001"),
        queue_row(4, "112"),
    ]
    menus = [
        menu_row(9, name="welcome", extension_number="2100", language="de"),
        menu_row(10, extension_number="1001"),
        menu_row(11, extension_number="500"),
        menu_row(12, extension_number="501"),
        menu_row(13, extension_number="600"),
        menu_row(14, extension_number="1003"),
        menu_row(15, extension_number="*770"),
        menu_row(16, extension_number="110"),
    ]
    conferences = [named_row(1, "500"), named_row(2, "600", name="board")]
    return book(
        {"numbers.emergency": list(emergency)},
        extensions=extensions,
        queues=queues,
        conferences=conferences,
        ivr_menus=menus,
        voicemail_boxes=[
            box_row(1, "1001", active=False),
            box_row(7, "2001"),
            box_row(8, "2003"),
            box_row(9, "2004"),
        ],
        media_files=[media_row(42, record_code="42")],
    )


@pytest.mark.parametrize(
    ("raw", "by_hand", "by_row"),
    [
        ("1001", (EXTENSION, "1001"), (EXTENSION, "1001")),
        ("10 01", (EXTENSION, "1001"), (EXTENSION, "1001")),
        ("1002", (EXTENSION, "1002"), (EXTENSION, "1002")),
        ("1003", (IVR, "ivr menu14"), (IVR, "ivr menu14")),  # the extension is deleted
        ("1004", (OUTSIDE, "1004"), (OUTSIDE, "1004")),  # deleted
        ("10-05", (EXTENSION, "10-05"), (EXTENSION, "10-05")),
        ("112", (EMERGENCY, "112"), (QUEUE, "queue queue4")),
        ("1 1 2", (EMERGENCY, "112"), (QUEUE, "queue queue4")),
        ("1-12", (EMERGENCY, "112"), (EXTENSION, "1-12")),
        ("110", (EMERGENCY, "110"), (EXTENSION, "110")),
        ("+112", (OUTSIDE, "+112"), (OUTSIDE, "+112")),
        ("500", (QUEUE, "queue sales"), (QUEUE, "queue sales")),
        ("5 03", (QUEUE, "queue queue6"), (QUEUE, "queue queue6")),
        ("600", (UNBUILT, "board"), (UNBUILT, "board")),
        ("501", (IVR, "ivr menu12"), (IVR, "ivr menu12")),  # the queue is inactive
        ("502", (OUTSIDE, "502"), (OUTSIDE, "502")),  # deleted
        ("2100", (IVR, "ivr welcome"), (IVR, "ivr welcome")),
        ("21 00", (IVR, "ivr welcome"), (IVR, "ivr welcome")),
        ("*312100", (CODE, "*312100"), (OUTSIDE, "*312100")),
        ("*287", (EXTENSION, "*287"), (EXTENSION, "*287")),
        ("*288", (CODE, "*288"), (OUTSIDE, "*288")),
        ("*31030 1", (CODE, "*310301"), (OUTSIDE, "*310301")),
        ("*31112", (EMERGENCY, "112"), (OUTSIDE, "*31112")),
        ("*31-1 10", (EMERGENCY, "110"), (OUTSIDE, "*31110")),
        ("*99", (OUTSIDE, "*99"), (OUTSIDE, "*99")),
        ("*952001", (VOICEMAIL, "2001"), (VOICEMAIL, "2001")),
        ("*95 20-01", (VOICEMAIL, "2001"), (VOICEMAIL, "2001")),
        ("*951001", (NOWHERE, "*951001"), (NOWHERE, "*951001")),  # switched off
        ("*952002", (NOWHERE, "*952002"), (NOWHERE, "*952002")),  # not made yet
        ("*952003", (NOWHERE, "*952003"), (NOWHERE, "*952003")),
        ("*952004", (NOWHERE, "*952004"), (NOWHERE, "*952004")),
        ("*950301234", (NOWHERE, "*950301234"), (NOWHERE, "*950301234")),
        ("*9577", (EXTENSION, "*9577"), (EXTENSION, "*9577")),
        ("*95", (OUTSIDE, "*95"), (OUTSIDE, "*95")),
        ("*97", (MAILBOX, "1001"), (OUTSIDE, "*97")),
        ("*98", (EXTENSION, "*98"), (EXTENSION, "*98")),
        ("*982001", (MAILBOX, "2001"), (OUTSIDE, "*982001")),
        ("*989999", (MAILBOX, "9999"), (OUTSIDE, "*989999")),
        ("*77", (PROMPT, ""), (OUTSIDE, "*77")),
        ("*7742", (PROMPT, "42"), (OUTSIDE, "*7742")),
        ("*770", (IVR, "ivr menu15"), (IVR, "ivr menu15")),
        ("voicemail", (NOWHERE, "voicemail"), (NOWHERE, "voicemail")),  # 1001 has none
        ("030/12 34-5", (OUTSIDE, "03012345"), (OUTSIDE, "03012345")),
        ("+49 (30) 1.2", (OUTSIDE, "+493012"), (OUTSIDE, "+493012")),
        ("", (NOWHERE, ""), (NOWHERE, "")),
        (" -", (NOWHERE, " -"), (NOWHERE, " -")),
        ("+", (NOWHERE, "+"), (NOWHERE, "+")),
        ("alice", (NOWHERE, "alice"), (NOWHERE, "alice")),
        ("030x", (NOWHERE, "030x"), (NOWHERE, "030x")),
        ("030@evil.example", (NOWHERE, "030@evil.example"), (NOWHERE, "030@evil.example")),
        ("030&PJSIP", (NOWHERE, "030&PJSIP"), (NOWHERE, "030&PJSIP")),
        ("030,30", (NOWHERE, "030,30"), (NOWHERE, "030,30")),
        ("030;x", (NOWHERE, "030;x"), (NOWHERE, "030;x")),
        ("030\n", (NOWHERE, "030\n"), (NOWHERE, "030\n")),
        ("\u0660\u0663\u0660", (NOWHERE, "\u0660\u0663\u0660"), (NOWHERE, "\u0660\u0663\u0660")),
        ("0" * 41, (NOWHERE, "0" * 41), (NOWHERE, "0" * 41)),
    ],
)
def test_meaning(
    raw: str, by_hand: tuple[DestinationKind, str], by_row: tuple[DestinationKind, str]
) -> None:
    made = exchange()
    for dialled, expected in ((True, by_hand), (False, by_row)):
        found = meaning(made, raw, PAYER, by_hand=dialled)
        assert (found.kind, found.number) == expected
        assert found.payer is PAYER


def test_emergency_numbers_are_those_of_the_settings() -> None:
    found = meaning(exchange(["999"]), "999", PAYER, by_hand=True)
    assert found.kind is EMERGENCY
    assert meaning(exchange(["999"]), "112", PAYER, by_hand=True).kind is QUEUE


@given(st.text() | st.text("0123456789*#+ -/@&,;x", max_size=50), st.booleans())
def test_what_goes_out_can_be_dialled(raw: str, by_hand: bool) -> None:
    found = meaning(exchange(), raw, PAYER, by_hand=by_hand)
    if found.kind in (OUTSIDE, EMERGENCY):
        assert DIALABLE.fullmatch(found.number)
    if not by_hand:
        assert found.kind not in (EMERGENCY, CODE, MAILBOX, PROMPT)
    assert (found.kind is VOICEMAIL) <= (found.id == BOX)


@pytest.mark.parametrize("number", ["*310301", "*31 1001", "*31#0301", "*31112"])
def test_who_dials_the_code_stays_unknown(number: str) -> None:
    assert withholds(number)
    assert not withholds(number.removeprefix("*31"))


@pytest.mark.parametrize("raw", ["voicemail", " Voicemail ", "*952001"])
@pytest.mark.parametrize(
    ("diverted", "reason"), [(None, ""), (("2001", "busy"), "busy"), (("2001", "dnd"), "dnd")]
)
def test_a_row_sends_calls_to_a_box(
    raw: str, diverted: tuple[str, str] | None, reason: str
) -> None:
    payer = Payer(extension="2001", diverted=diverted)
    expected = Destination(VOICEMAIL, "2001", payer, id=BOX, reason=reason)
    assert meaning(exchange(), raw, payer) == expected


@pytest.mark.parametrize(
    ("raw", "number", "box", "visit"),
    [
        ("*97", "2001", BOX, MailboxVisit.OWN),
        ("2001", "2001", BOX, MailboxVisit.OWN),  # the own number
        ("20 01", "2001", BOX, MailboxVisit.OWN),
        ("*982001", "2001", BOX, MailboxVisit.ANY),
        ("*981001", "1001", None, MailboxVisit.ANY),
        ("*98030", "030", None, MailboxVisit.ANY),
    ],
)
def test_a_mailbox_is_opened(raw: str, number: str, box: UUID | None, visit: MailboxVisit) -> None:
    payer = Payer(extension="2001")
    expected = Destination(MAILBOX, number, payer, id=box, reason=visit)
    assert meaning(exchange(), raw, payer, by_hand=True) == expected


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_menu_is_dialled(by_hand: bool) -> None:
    expected = Destination(IVR, "ivr welcome", PAYER, id=MENU, language="de")
    assert meaning(exchange(), "2100", PAYER, by_hand=by_hand) == expected


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_queue_is_dialled(by_hand: bool) -> None:
    expected = Destination(QUEUE, "queue sales", PAYER, id=UUID(int=1))
    assert meaning(exchange(), "500", PAYER, by_hand=by_hand) == expected


def test_the_own_number_without_a_box_is_a_call() -> None:
    found = meaning(exchange(), "2002", Payer(extension="2002"), by_hand=True)
    assert (found.kind, found.number) == (EXTENSION, "2002")
    assert meaning(exchange(), "*97", Payer(extension="2002"), by_hand=True).id is None


def test_a_forward_to_the_own_number_opens_no_mailbox() -> None:
    assert meaning(exchange(), "2001", Payer(extension="2001")).kind is EXTENSION


@pytest.mark.parametrize(("raw", "media"), [("*77", None), ("*7742", PROMPT_42), ("*7743", None)])
def test_a_prompt_is_recorded(raw: str, media: UUID | None) -> None:
    found = meaning(exchange(), raw, PAYER, by_hand=True)
    assert (found.kind, found.number, found.id) == (PROMPT, raw.removeprefix("*77"), media)


@pytest.mark.parametrize("raw", ["*97", "*98", "*77", "voicemail"])
def test_a_row_never_opens_a_mailbox(raw: str) -> None:
    made = exchange()
    made.extensions.forget([UUID(int=98)])
    kind = meaning(made, raw, Payer(rule="in1")).kind
    assert kind is (NOWHERE if raw == "voicemail" else OUTSIDE)
