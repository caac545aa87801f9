"""Who is let into a queue, what a call there asks for, and where it leads out."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasis_app.rules.book import Book
from stasis_app.rules.callee import onward
from stasis_app.rules.forwarding import Forward, Reason
from stasis_app.rules.inbound import Incoming, decide, resolve
from stasis_app.rules.menu import menu_target, timeout_target
from stasis_app.rules.models import Asked, Contact, Destination, DestinationKind, Payer, Target
from stasis_app.rules.queueing import exit, lets_in, merged, next_relax, overflow, skills_left
from stasis_app.rules.queues import Queue
from stasis_app.rules.voicemail import operator
from stasis_app.words import TargetType

from .build import (
    LATER,
    NOW,
    Row,
    book,
    box_row,
    extension_row,
    inbound_row,
    member_row,
    menu_row,
    option_row,
    presence_row,
    queue_row,
    to_external,
    to_overflow,
    to_row,
    trunk_row,
)

DID = "+493010000055"
EXIT = "exit_destination"
OUTSIDE, VOICEMAIL = DestinationKind.OUTSIDE, DestinationKind.VOICEMAIL
IVR, QUEUE = DestinationKind.IVR, DestinationKind.QUEUE
OF_QUEUE = Payer(rule="queue sales", diverted=(DID, "unconditional"))
ASKED = Asked(5, ("english",))
ASKS: Row = {"queue_priority": 5, "queue_skills": ["English"]}


def exchange(queue: Row | None = None, **more: Any) -> Book:
    return book(
        trunks=[trunk_row(1)],
        extensions=[
            extension_row("1001", voicemail_enabled=True),
            extension_row("1002"),
            extension_row("1003", status="inactive"),
        ],
        voicemail_boxes=[box_row(7, "1001")],
        ivr_menus=[
            menu_row(8, name="main", language="de", **to_row("queue", 1, "timeout_destination"))
        ],
        queues=[queue_row(1, "500", name="sales", **(queue or {})), queue_row(2, status="paused")],
        **more,
    )


def sales(made: Book) -> Queue:
    return made.queues.items[UUID(int=1)]


@pytest.mark.parametrize(
    ("columns", "waiting", "logged_in", "why_not"),
    [
        ({}, 49, 0, None),
        ({}, 50, 1, "full"),
        ({"max_queue_size": None}, 5000, 0, None),
        ({"max_queue_size": 0}, 0, 1, "full"),
        ({"max_queue_size": -1}, 0, 1, "full"),
        ({"status": "paused"}, 0, 1, "closed"),
        ({"status": "paused"}, 50, 0, "closed"),
        ({"status": "inactive"}, 0, 1, "closed"),
        ({"deleted": True}, 0, 1, "closed"),
        ({"when_empty": "leave"}, 0, 0, "empty"),
        ({"when_empty": "leave"}, 50, 0, "empty"),
        ({"when_empty": "leave"}, 50, 1, "full"),
        ({"when_empty": "leave"}, 0, 1, None),
    ],
)
def test_who_is_let_in(columns: Row, waiting: int, logged_in: int, why_not: str | None) -> None:
    """Ben is on a break; nobody else has a phone."""
    members = [member_row(5, 1, "1001"), member_row(6, 1, "1002")]
    made = exchange(
        columns, queue_members=members, agent_states=[presence_row(9, "1002", wanted="break")]
    )
    if logged_in:
        ben = UUID(int=1002)
        made.contacts_of[ben] = (Contact("sip:1002@192.0.2.1", LATER),)
    assert lets_in(made, sales(made), waiting) == why_not


@pytest.mark.parametrize(
    ("columns", "destination"),
    [
        (to_overflow("hangup"), None),
        (to_overflow("external", number="030 1"), Destination(OUTSIDE, "030 1", OF_QUEUE)),
        (
            to_overflow("ivr", 8),
            Destination(IVR, "ivr main", OF_QUEUE, id=UUID(int=8), language="de"),
        ),
        (to_overflow("ivr", 9), None),
        (to_overflow("voicemail", 7), Destination(VOICEMAIL, "1001", id=UUID(int=7))),
        (to_overflow("voicemail", 1001), Destination(VOICEMAIL, "1001", id=UUID(int=7))),
        (to_overflow("voicemail", number="1001"), Destination(VOICEMAIL, "1001", id=UUID(int=7))),
        (to_overflow("voicemail", 1002), None),
        (to_overflow("voicemail"), None),
    ],
)
def test_where_calls_go_that_are_not_served(columns: Row, destination: Destination | None) -> None:
    made = exchange(columns)
    assert overflow(made, sales(made), DID) == destination


def test_a_call_from_inside_is_diverted_by_nobody() -> None:
    made = exchange(to_overflow("external", number="030 1"))
    assert overflow(made, sales(made)) == Destination(OUTSIDE, "030 1", Payer(rule="queue sales"))


@pytest.mark.parametrize(
    ("columns", "destination"),
    [
        ({}, None),
        ({"exit_key": "0"}, None),
        (
            {"exit_key": "0", **to_external("030 1", EXIT)},
            Destination(OUTSIDE, "030 1", OF_QUEUE, by_hand=True),
        ),
        (
            {"exit_key": "0", **to_row("queue", 2, EXIT)},
            Destination(QUEUE, "queue queue2", OF_QUEUE, by_hand=True, id=UUID(int=2)),
        ),
        (
            {"exit_key": "0", **to_row("extension", 1002, EXIT)},
            Destination(DestinationKind.EXTENSION, "1002", by_hand=True),
        ),
        ({"exit_key": "0", **to_row("queue", 9, EXIT)}, None),
    ],
)
def test_where_the_exit_key_leads(columns: Row, destination: Destination | None) -> None:
    made = exchange(columns)
    assert exit(made, sales(made), DID) == destination


def test_whatever_leads_to_a_queue() -> None:
    """A forward, 0 during a greeting, and the calls that no rule takes."""
    made = exchange()
    made.change_settings(
        {
            "voicemail.operator": "500",
            "inbound.catch_all": {"type": "queue", "id": str(UUID(int=1))},
        }
    )
    forward = onward(made, "1001", Forward("500", Reason.BUSY))
    zero = operator(made, made.voicemail_boxes.items[UUID(int=7)])
    trunk = made.trunks.items[UUID(int=1)]
    caught = decide(made, Incoming(trunk, DID, "+4989123456", NOW)).outcome
    payers = {
        forward: Payer(extension="1001", diverted=("1001", "busy")),
        zero: Payer(rule="voicemail.operator"),
        caught: Payer(rule="inbound.catch_all", diverted=(DID, "unconditional")),
    }
    for found, payer in payers.items():
        assert isinstance(found, Destination)
        assert (found.kind, found.number, found.id) == (QUEUE, "queue sales", UUID(int=1))
        assert found.payer == payer
        assert found.by_hand is (found is zero)


# what a call asks for


@pytest.mark.parametrize(
    "columns",
    [to_row("queue", 1), to_row("ivr", 8), to_row("extension", 1002), to_external("030 1")],
)
def test_a_rule_asks_wherever_it_leads(columns: Row) -> None:
    made = exchange(inbound_rules=[inbound_row(1, DID, **columns, **ASKS)])
    trunk = made.trunks.items[UUID(int=1)]
    outcome = decide(made, Incoming(trunk, DID, "+4989123456", NOW)).outcome
    assert isinstance(outcome, Destination)
    assert outcome.asked == ASKED


@pytest.mark.parametrize(
    "columns",
    [
        {"action": "queue", "destination_id": UUID(int=1)},
        {"action": "ivr", "destination_id": UUID(int=8)},
        {"destination_number": "1002"},
    ],
)
def test_a_key_asks_and_a_way_out_does_not(columns: Row) -> None:
    made = exchange(ivr_menu_options=[option_row(1, 8, **columns, **ASKS)])
    menu = made.ivr_menus.items[UUID(int=8)]
    chosen = menu_target(made, menu, made.ivr_menu_options.items[UUID(int=1)])
    assert chosen
    assert chosen.asked == ASKED
    out = timeout_target(made, menu)
    assert out
    assert (out.kind, out.number, out.asked) == (QUEUE, "queue sales", Asked())


def test_a_row_that_asks_nothing() -> None:
    made = exchange()
    found = resolve(made, Target(TargetType.QUEUE, UUID(int=1)), Payer(rule="x"), "de")
    expected = Destination(QUEUE, "queue sales", Payer(rule="x"), id=UUID(int=1), language="de")
    assert found == expected


@pytest.mark.parametrize(
    ("before", "after", "both"),
    [
        (Asked(), Asked(), Asked()),
        (ASKED, Asked(), ASKED),
        (Asked(), ASKED, ASKED),
        (ASKED, Asked(priority=0), Asked(0, ("english",))),
        (ASKED, Asked(skills=()), Asked(5, ())),
    ],
)
def test_what_is_not_said_anew_stays(before: Asked, after: Asked, both: Asked) -> None:
    assert merged(before, after) == both


SKILLS = ("english", "billing", "vip")


@pytest.mark.parametrize(
    ("waited", "relax", "left", "following"),
    [
        (0.0, None, SKILLS, None),
        (1e6, None, SKILLS, None),
        (0.0, 30.0, SKILLS, 30.0),
        (29.5, 30.0, SKILLS, 0.5),
        (30.0, 30.0, SKILLS[:2], 30.0),
        (45.0, 30.0, SKILLS[:2], 15.0),
        (89.0, 30.0, SKILLS[:1], 1.0),
        (90.0, 30.0, (), None),
        (1e6, 30.0, (), None),
        (-1.0, 30.0, SKILLS, 31.0),  # a clock was put back
    ],
)
def test_skills_are_dropped(
    waited: float, relax: float | None, left: tuple[str, ...], following: float | None
) -> None:
    assert skills_left(SKILLS, waited, relax) == left
    assert next_relax(SKILLS, waited, relax) == following


@given(st.lists(st.sampled_from(SKILLS), max_size=3), st.floats(0, 1e5), st.floats(1, 1e4))
def test_who_waits_for_each_drop_asks_for_less_each_time(
    skills: list[str], waited: float, relax: float
) -> None:
    left = skills_left(skills, waited, relax)
    assert left == tuple(skills[: len(left)])
    for length in reversed(range(len(left))):
        seconds = next_relax(skills, waited, relax)
        assert seconds is not None
        assert 0 < seconds < relax + 0.001
        waited += seconds
        assert len(skills_left(skills, waited, relax)) == length
    assert next_relax(skills, waited, relax) is None
