"""Going through messages while others delete some and new ones come."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from stasis_app.flows.cursor import Cursor
from stasis_app.rules.mailbox import Message
from tests.support.fake_phones import EPOCH


def message(place: int, *, read: bool = False) -> Message:
    at = EPOCH + timedelta(minutes=place)
    return Message(UUID(int=place), "1001", "", at, 5.0, read=read, urgent=False, saved=False)


A, B, C, D = (message(place) for place in range(1, 5))
OLD = message(9, read=True)


def walk(cursor: Cursor) -> list[Message]:
    """Go to the end from where it stands."""
    passed = []
    while found := cursor.forth():
        passed.append(found)
    return passed


def test_before_the_first_nothing_is_listened_to() -> None:
    cursor = Cursor([A, B])
    assert cursor.message is None
    assert cursor.back() is None
    assert walk(cursor) == [A, B]
    assert cursor.message == B


def test_an_empty_box() -> None:
    cursor = Cursor([])
    assert (cursor.first(), cursor.forth(), cursor.back(), cursor.message) == (None,) * 4
    assert (cursor.position, cursor.count) == (0, 0)


def test_back_and_forth() -> None:
    cursor = Cursor([A, B, C])
    assert [cursor.first(), cursor.forth(), cursor.back(), cursor.back()] == [A, B, A, None]
    assert cursor.message == A


def test_what_others_delete_is_passed_over() -> None:
    cursor = Cursor([A, B, C])
    cursor.first()
    cursor.look([A, C])
    assert cursor.forth() == C
    assert (cursor.position, cursor.count) == (2, 2)
    assert cursor.back() == A


def test_the_message_listened_to_is_deleted_by_others() -> None:
    cursor = Cursor([A, B, C])
    cursor.seek(B.id)
    cursor.look([A, C])
    assert cursor.message is None
    assert cursor.forth() == C
    cursor = Cursor([A, B, C])
    cursor.seek(B.id)
    cursor.look([A, C])
    assert cursor.back() == A


def test_what_is_deleted_here_keeps_its_place() -> None:
    cursor = Cursor([A, B, C])
    cursor.seek(B.id)
    cursor.deleted.add(B.id)
    cursor.look([A, C])
    assert cursor.message == B
    assert (cursor.position, cursor.count) == (2, 3)


def test_what_others_take_back_is_not_deleted() -> None:
    cursor = Cursor([A, B])
    cursor.deleted.add(A.id)
    cursor.look([B])
    cursor.look([A, B])
    assert not cursor.deleted


def test_what_comes_waits_behind_the_last() -> None:
    cursor = Cursor([A, OLD])
    cursor.first()
    cursor.look([A, B, C, OLD])
    assert not cursor.let_in()
    assert cursor.count == 2
    cursor.forth()
    assert cursor.let_in() == [B, C]
    assert not cursor.let_in()
    assert walk(cursor) == [B, C]


def test_what_came_and_went_is_not_let_in() -> None:
    cursor = Cursor([A])
    cursor.first()
    cursor.look([A, B])
    cursor.look([A])
    assert not cursor.let_in()


def test_an_old_one_that_comes_back_is_no_news() -> None:
    cursor = Cursor([A])
    cursor.first()
    cursor.look([A, OLD])
    assert not cursor.let_in()


def test_a_message_that_is_read_now_stays_where_it_is() -> None:
    cursor = Cursor([A, B])
    cursor.first()
    read = message(1, read=True)
    cursor.look([B, read])
    assert cursor.message == read
    assert walk(cursor) == [B]


def test_a_message_that_is_not_there_is_not_gone_to() -> None:
    cursor = Cursor([A, B])
    assert cursor.seek(C.id) is None
    assert cursor.message is None
    assert cursor.seek(B.id) == B


boxes = st.lists(st.integers(1, 8), unique=True).map(lambda places: [message(n) for n in places])


@given(boxes, st.lists(boxes, max_size=4))
def test_who_goes_to_the_end_hears_what_stayed_once(
    found: Sequence[Message], later: Sequence[Sequence[Message]]
) -> None:
    cursor = Cursor(found)
    heard: list[Message] = []
    for present in later:
        cursor.look(present)
        came = cursor.forth()
        if came:
            heard.append(came)
    while came := cursor.forth() or (cursor.let_in() and cursor.forth()) or None:
        heard.append(came)
    assert len(heard) == len(set(heard))
    last = later[-1] if later else found
    stayed = set(found).intersection(*later) if later else set(found)
    assert stayed <= set(heard)
    assert set(last) <= set(heard) | set(found)


@given(boxes, boxes, st.lists(st.sampled_from(["forth", "back", "first", "let_in"])))
def test_the_position_is_one_of_those_that_are_left(
    found: Sequence[Message], present: Sequence[Message], moves: Sequence[str]
) -> None:
    cursor = Cursor(found)
    cursor.look(present)
    for move in moves:
        getattr(cursor, move)()
        here = cursor.message
        assert here is None or cursor.messages[cursor.position - 1] == here
        assert cursor.position <= cursor.count
