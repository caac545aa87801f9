"""The configuration in memory: whatever comes and goes, it is what a fresh reading would give."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasis_app.rules.book import COUNTRY_TABLES, NAMED_TABLES, TABLES, Book
from stasis_app.rules.models import Payer, Target
from stasis_app.words import TargetType

from .build import (
    LATER,
    NOW,
    PAST,
    Row,
    blacklist_row,
    book,
    box_row,
    counts_row,
    extension_row,
    filled,
    inbound_row,
    media_row,
    member_row,
    menu_row,
    named_row,
    option_row,
    outbound_row,
    presence_row,
    profile_row,
    queue_row,
    trunk_row,
    user_row,
)
from .build import ROW as PLAIN

places = st.integers(1, 6)
patterns = st.sampled_from(
    ["+4930100000", "030100000", "+4930.", "+493010000X", ".", "[", "+4930[12]."]
)
ROWS: dict[str, st.SearchStrategy[Row]] = {
    "extensions": st.builds(
        lambda place, number, status: {
            **PLAIN,
            "id": UUID(int=place),
            "number": number,
            "status": status,
        },
        places,
        st.sampled_from(["1", "10", "100", "101", "2*", ""]),
        st.sampled_from(["active", "inactive"]),
    ),
    "ivr_menus": st.builds(
        menu_row,
        places,
        max_retries=st.sampled_from([1, -1]),
        extension_number=st.sampled_from([None, "500", "501"]),
    ),
    "ivr_menu_options": st.builds(
        option_row, places, st.integers(1, 2), st.sampled_from(["1", "12", "#", "x", ""])
    ),
    "voicemail_boxes": st.builds(
        box_row, places, st.sampled_from(["1001", "1002"]), active=st.booleans()
    ),
    "mailbox_counts": st.builds(counts_row, places, st.just("1001"), st.integers(0, 2)),
    "media_files": st.builds(media_row, places, record_code=st.sampled_from([None, "42", "43"])),
    "queues": st.builds(queue_row, places, st.sampled_from([None, "500", "501"])),
    "queue_members": st.builds(
        member_row, places, st.integers(1, 2), st.sampled_from(["1001", "1002"])
    ),
    "agent_states": st.builds(
        presence_row,
        places,
        st.sampled_from(["1001", "1002"]),
        st.sampled_from([None, 1, 2]),
        wanted_at=st.sampled_from([PAST, NOW]),
    ),
    "trunks": st.builds(
        trunk_row, places, did_ranges=st.sampled_from([None, [{"start": "+4930100000"}], '"no"'])
    ),
    "time_profiles": st.builds(
        profile_row, places, st.sampled_from(["09:00", "25:00"]), override_code=st.just("7")
    ),
    "inbound_rules": st.builds(
        inbound_row,
        places,
        patterns,
        priority=st.integers(1, 2),
        name=st.sampled_from("ab"),
        caller_id_pattern=st.sampled_from([None, "^[+]49", "("]),
    ),
    "outbound_rules": st.builds(
        outbound_row,
        places,
        st.sampled_from(["^0", "0", ".", "5$", "(", "[0-9]{4}"]),
        priority=st.integers(1, 2),
        name=st.sampled_from("ab"),
        status=st.sampled_from(["active", "inactive"]),
    ),
    "blacklist": st.builds(
        blacklist_row,
        places,
        st.sampled_from(["+4930123", "030123", "+4930*", "030*", "*", "anonymous"]),
        expires_at=st.sampled_from([None, PAST]),
    ),
}
ASKED: dict[str, Callable[[Any], object]] = {
    "extensions": lambda shelf: [
        (shelf.at(number) is None, shelf.dials(number), shelf.begins(number))
        for number in ("", "1", "10", "100", "101", "1011", "2", "2*")
    ],
    "ivr_menus": lambda shelf: [shelf.at(number) for number in ("500", "501")],
    "ivr_menu_options": lambda shelf: [shelf.of(UUID(int=menu)) for menu in (1, 2, 3)],
    "voicemail_boxes": lambda shelf: [shelf.of(UUID(int=extension)) for extension in (1001, 1002)],
    "mailbox_counts": lambda shelf: shelf.get(UUID(int=1)),
    "media_files": lambda shelf: [shelf.at(code) for code in ("42", "43")],
    "queues": lambda shelf: [shelf.at(number) for number in ("500", "501")],
    "queue_members": lambda shelf: [
        {one.id for one in found}
        for at in (1, 2, 3)
        for found in (shelf.of(UUID(int=at)), shelf.queues_of(UUID(int=1000 + at)))
    ],
    "agent_states": lambda shelf: [
        shelf.of(UUID(int=extension), queue)
        for extension in (1001, 1002)
        for queue in (None, UUID(int=1), UUID(int=2))
    ],
    "trunks": lambda shelf: [shelf.at(f"trunk-{UUID(int=place)}") for place in range(1, 7)],
    "time_profiles": lambda shelf: shelf.at("7"),
    "inbound_rules": lambda shelf: [
        shelf.matching(did) for did in (["+4930100000"], ["+49301", "0301"], ["s"])
    ],
    "outbound_rules": lambda shelf: [shelf.matching(number) for number in ("0305", "15", "")],
    "blacklist": lambda shelf: [
        shelf.number(caller, NOW) is None
        for caller in (["+4930123"], ["+4930124"], ["anonymous"], ["+4989"])
    ],
}


@pytest.mark.parametrize("table", ROWS)
@given(data=st.data())
def test_rows_that_come_and_go_leave_what_a_fresh_reading_gives(
    table: str, data: st.DataObject
) -> None:
    steps = data.draw(st.lists(ROWS[table] | st.lists(places.map(lambda at: UUID(int=at)))))
    lived, rows = Book(), dict[UUID, Row]()
    for step in steps:
        if isinstance(step, list):
            lived.shelf(table).forget(step)
            rows = {key: row for key, row in rows.items() if key not in step}
        else:
            lived.shelf(table).put([step])
            rows[step["id"]] = step
        ASKED[table](lived.shelf(table))
    fresh = filled({table: [rows[key] for key in sorted(rows)]})
    left, right = lived.shelf(table), fresh.shelf(table)
    assert left.items == right.items
    assert {key: str(error) for key, error in left.broken.items()} == {
        key: str(error) for key, error in right.broken.items()
    }
    assert left.items.keys().isdisjoint(left.broken)
    assert ASKED[table](left) == ASKED[table](right)


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
@pytest.mark.parametrize("gone", [1, 2])
def test_of_two_rows_with_one_number_the_other_remains(order: Sequence[int], gone: int) -> None:
    made = book(queues=[queue_row(place, "500") for place in order])
    assert made.queues.at("500") is made.queues.items[UUID(int=1)]
    made.queues.forget([UUID(int=gone)])
    assert made.queues.at("500") is made.queues.items[UUID(int=3 - gone)]
    made.queues.forget([UUID(int=3 - gone)])
    assert made.queues.at("500") is None


def test_a_row_that_was_repaired_is_broken_no_more() -> None:
    made = book(outbound_rules=[outbound_row(1, "(")])
    assert list(made.outbound_rules.broken) == [UUID(int=1)]
    made.outbound_rules.put([outbound_row(1, "0")])
    assert not made.outbound_rules.broken
    made.outbound_rules.put([outbound_row(1, "(")])
    assert not made.outbound_rules.matching("0")
    made.outbound_rules.forget([UUID(int=1)])
    assert not made.outbound_rules.broken


def test_every_table_has_a_shelf_of_its_own() -> None:
    one, other = Book(), Book()
    for table in TABLES:
        assert one.shelf(table) is not other.shelf(table)
        assert one.fresh(table) is not one.shelf(table)
        assert one.shelf(table).get(None) is None
    assert set(COUNTRY_TABLES) <= set(TABLES)
    assert set(NAMED_TABLES.values()) <= set(TABLES)


@pytest.mark.parametrize(
    ("country", "did"), [("DE", "+4930100000"), ("AT", "+4330100000"), ("US", "030100000")]
)
def test_national_numbers_in_rows_are_those_of_the_country(country: str, did: str) -> None:
    made = book({"numbers.country": country}, inbound_rules=[inbound_row(1, "030100000")])
    assert [rule.name for rule in made.inbound_rules.matching([did])] == ["in1"]


def test_what_is_found_by_something_else_than_its_id() -> None:
    made = book(
        users=[user_row(1)],
        extensions=[extension_row("1001", user_id=UUID(int=1)), extension_row("1002")],
        trunks=[trunk_row(3, status="inactive")],
    )
    owner = made.extension("1001")
    assert made.user_of(owner) is made.users.items[UUID(int=1)]
    assert made.user_of(made.extension("1002")) is None
    assert made.user_of(None) is None
    assert made.owner(Payer(extension="1001")) is owner
    assert made.owner(Payer(extension="1009")) is None
    assert made.owner(Payer(rule="in1")) is None
    assert made.trunk_of(f"trunk-{UUID(int=3)}") is made.trunks.items[UUID(int=3)]
    assert made.trunk_of("trunk3") is None
    assert made.contacts(UUID(int=1001)) == ()


@pytest.mark.parametrize(
    ("profile", "closed"),
    [
        (None, False),
        (UUID(int=1), False),
        (UUID(int=2), True),
        (UUID(int=3), False),  # can't be used
        (UUID(int=4), False),  # does not exist
    ],
)
def test_only_a_profile_that_can_be_used_closes(profile: UUID | None, closed: bool) -> None:
    rows = [profile_row(1), profile_row(2, end="10:00"), profile_row(3, end="25:00")]
    assert book(time_profiles=rows).is_closed(profile, NOW) is closed


@pytest.mark.parametrize(
    ("caller", "welcome"),
    [
        ("+49301234567", True),
        ("0301234567", True),
        ("0049301234567", True),
        ("+49891234", True),
        ("+4930123456", False),
        ("anonymous", False),
    ],
)
def test_the_white_list_knows_a_caller_in_any_form(caller: str, welcome: bool) -> None:
    made = book({"inbound.white_list": ["030 1234567", "+4989*"]})
    assert made.is_welcome(made.forms(caller)) is welcome


@given(
    st.lists(
        st.tuples(
            st.text("0123*", max_size=4), st.sampled_from(["active", "inactive"]), st.booleans()
        ),
        max_size=8,
    ),
    st.text("0123*", max_size=4),
)
def test_how_numbers_begin(rows: list[tuple[str, str, bool]], asked: str) -> None:
    made = book(
        extensions=[
            {**PLAIN, "id": UUID(int=at), "number": number, "status": status, "deleted_at": gone}
            for at, (number, status, deleted) in enumerate(rows)
            for gone in (NOW if deleted else None,)
        ]
    )
    there = [number for number, status, deleted in rows if status == "active" and not deleted]
    begins = any(len(number) > len(asked) and number.startswith(asked) for number in there)
    assert made.extensions.begins(asked) is begins


def test_the_keys_of_a_menu() -> None:
    rows = [option_row(1, 1, "1"), option_row(2, 1, "#"), option_row(3, 2, "1")]
    shelf = book(ivr_menu_options=[*rows, option_row(4, 1, "1x")]).ivr_menu_options
    assert {keys: option.id.int for keys, option in shelf.of(UUID(int=1)).items()} == {
        "1": 1,
        "#": 2,
    }
    assert [error.name for error in shelf.broken.values()] == ["key 1x"]
    shelf.put([option_row(1, 2, "2")])
    assert list(shelf.of(UUID(int=1))) == ["#"]
    assert sorted(shelf.of(UUID(int=2))) == ["1", "2"]
    shelf.forget([UUID(int=2)])
    assert not shelf.of(UUID(int=1))


@pytest.mark.parametrize(
    ("extension", "box", "there"),
    [
        ({"voicemail_enabled": True}, {}, True),
        ({"voicemail_enabled": False}, {}, False),
        ({"voicemail_enabled": None}, {}, False),
        ({"voicemail_enabled": True}, {"active": False}, False),
        ({"voicemail_enabled": True, "status": "inactive"}, {}, False),
        ({"voicemail_enabled": True, "deleted_at": PAST}, {}, False),
        ({"voicemail_enabled": True}, None, False),
    ],
)
def test_the_box_of_an_extension(extension: Row, box: Row | None, there: bool) -> None:
    made = book(
        extensions=[extension_row("1001", **extension), extension_row("1002")],
        voicemail_boxes=[] if box is None else [box_row(7, "1001", **box)],
    )
    wanted = made.voicemail_boxes.items.get(UUID(int=7)) if there else None
    assert made.box_of(made.extension("1001")) is wanted
    kind = TargetType.VOICEMAIL
    for target in (
        Target(kind, UUID(int=7)),
        Target(kind, UUID(int=1001)),
        Target(kind, number="1001"),
    ):
        assert made.box(target) is wanted
    assert made.box_of(made.extension("1002")) is None
    assert made.box_of(None) is None
    for target in (Target(kind, UUID(int=9)), Target(kind, number="1009"), Target(kind)):
        assert made.box(target) is None


@pytest.mark.parametrize("kind", NAMED_TABLES)
def test_what_a_target_means(kind: TargetType) -> None:
    made = filled({NAMED_TABLES[kind]: [named_row(1)]})
    assert made.named(Target(kind, UUID(int=1))) is made.shelf(NAMED_TABLES[kind]).get(UUID(int=1))
    assert made.named(Target(kind, UUID(int=2))) is None
    assert made.named(Target(TargetType.EXTERNAL, UUID(int=1), "030")) is None


@pytest.mark.parametrize(
    ("caller", "blocked"),
    [
        ("+49301234567", True),
        ("0301234567", True),
        ("00493012", True),
        ("+4989", False),
        ("+4940777", False),
        ("+491777", True),
    ],
)
def test_numbers_on_the_black_list(caller: str, blocked: bool) -> None:
    made = book(
        blacklist=[
            blacklist_row(1, "+4930*"),
            blacklist_row(2, "040 777", expires_at=NOW),
            blacklist_row(3, "0177*", expires_at=PAST),
            blacklist_row(4, "01777", expires_at=LATER),
        ]
    )
    assert (made.blacklist.number(made.forms(caller), NOW) is not None) is blocked


def test_an_entry_expires_on_the_second() -> None:
    made = book(blacklist=[blacklist_row(1, "0301234", expires_at=NOW)])
    caller = made.forms("0301234")
    assert made.blacklist.number(caller, NOW - timedelta(seconds=1))
    assert made.blacklist.number(caller, NOW) is None
    made.blacklist.forget([UUID(int=1)])
    made.blacklist.put([blacklist_row(1, "0301234", expires_at=LATER)])
    assert made.blacklist.number(caller, NOW)


@pytest.mark.parametrize(
    ("value", "kind"), [("0301234", "phone_number"), ("192.0.2.1", "ip"), ("bad", "user_agent")]
)
@pytest.mark.parametrize(("expires_at", "counts"), [(datetime.max, True), (datetime.min, False)])  # noqa: DTZ901
def test_infinity(value: str, kind: str, expires_at: datetime, counts: bool) -> None:
    """asyncpg gives infinity as a time without a zone, which can be compared with no other."""
    shelf = book(blacklist=[blacklist_row(1, value, kind, expires_at=expires_at)]).blacklist
    found = {
        "phone_number": shelf.number(["+49301234"], NOW),
        "ip": shelf.addresses(NOW),
        "user_agent": shelf.user_agent("bad", NOW),
    }
    assert bool(found[kind]) is counts


@pytest.mark.parametrize(
    ("value", "agent"),
    [
        ("scan(ner)", "a scanner 1.0"),  # as Asterisk tells it
        ("scan(ner)", "a scan(ner) 1.0"),
        ("Ä-phone", "-phone"),
        ("x" * 120, "x" * 100),
    ],
)
def test_a_user_agent_is_compared_as_asterisk_filters_it(value: str, agent: str) -> None:
    made = book(blacklist=[blacklist_row(1, value, "user_agent")])
    assert made.blacklist.user_agent(agent, NOW)


@pytest.mark.parametrize(
    ("agent", "blocked"),
    [
        ("friendly-scanner", True),
        ("Friendly-Scanner 1.8", True),
        ("sipvicious", False),
        ("", False),
        ("Snom/D785", False),
    ],
)
def test_user_agents_on_the_black_list(agent: str, blocked: bool) -> None:
    rows = [
        blacklist_row(1, "friendly-SCANNER", "user_agent"),
        blacklist_row(2, "sipvicious", "user_agent", expires_at=PAST),
        blacklist_row(3, "snom", "phone_number"),
    ]
    assert (book(blacklist=rows).blacklist.user_agent(agent, NOW) is not None) is blocked


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        ("192.0.2.1", ["192.0.2.1"]),
        (" 192.0.2.0/24 ", ["192.0.2.0/24"]),
        ("2001:db8::/32", ["2001:db8::/32"]),
        ("192.0.2.300", []),
        ("192.0.2.1/33", []),
        ("!192.0.2.1", []),
        ("192.0.2.1,192.0.2.2", []),
        ("carrier.example", []),
    ],
)
def test_addresses_on_the_black_list(value: str, addresses: list[str]) -> None:
    """One entry that Asterisk does not understand would make it refuse all of them."""
    made = book(
        blacklist=[
            blacklist_row(1, value, "ip"),
            blacklist_row(2, "198.51.100.1", "ip", expires_at=PAST),
        ]
    )
    assert made.blacklist.addresses(NOW) == addresses
    assert [error.name for error in made.blacklist.broken.values()] == (
        [] if addresses else [value.strip()]
    )


@pytest.mark.parametrize("value", ["", "  ", "*", "+", "+49301234XX", "1" * 60])
def test_an_entry_that_can_not_be_used_is_named(value: str) -> None:
    made = book(blacklist=[blacklist_row(1, value), blacklist_row(2, "030123")])
    [error] = made.blacklist.broken.values()
    assert str(error).startswith("value")
    assert made.blacklist.number(["+4930123"], NOW)


def test_a_number_is_a_setting_or_its_default() -> None:
    settings: dict[str, Any] = {"calls.max_hops": 3, "calls.other": "many"}
    made = book(settings)
    assert made.number("calls.max_hops", 10) == 3.0
    assert made.number("calls.other", 10) == 10
    assert made.number("calls.missing", 10) == 10


def test_a_row_that_nobody_has_thought_of_stops_no_other() -> None:
    shelf = TABLES["queue_members"](Book().settings)
    odd = member_row(1, 3, "1001", skills=7)
    shelf.put([odd, member_row(2, 3, "1002")])
    assert list(shelf.items) == [UUID(int=2)]
    assert str(shelf.broken[UUID(int=1)]).startswith("can't be read")
