"""What Asterisk is told of the configuration, and that names change exactly with what they name."""

import re
from collections.abc import Mapping
from ipaddress import IPv4Interface, IPv6Interface
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasis_app.rules.mirrored import (
    MOST_ADDRESSES,
    NOBODY,
    Addresses,
    Fields,
    Objects,
    PjsipObject,
    black_list,
    denied,
    global_variables,
    host_names,
    lamps,
    objects,
    owner_of,
    undecided,
)

from .build import (
    LATER,
    NOW,
    PAST,
    Row,
    blacklist_row,
    book,
    extension_row,
    member_row,
    presence_row,
    profile_row,
    queue_row,
    trunk_row,
)

ENDPOINT = f"trunk-{UUID(int=1)}"
SECRET = "0123456789abcdef-the-mark-of-the-password"
REGISTER: Row = {"trunk_type": "register", "username": "acct7", "credentials": SECRET}
NAMED: Row = {"host": "sip.carrier.example", "uri": "sip:sip.carrier.example:5060"}
FOUND = {"sip.carrier.example": ("198.51.100.2", "198.51.100.1")}


def made(columns: Row, addresses: Addresses | None = None) -> Objects:
    return objects(book(trunks=[trunk_row(1, **columns)]), addresses or {})


def fields(columns: Row, kind: str, addresses: Addresses | None = None) -> Fields | None:
    """Return the fields of the trunk's object of a kind; None if there is none."""
    found = [of for name, of in made(columns, addresses).items() if name.kind == kind]
    return found[0] if found else None


def names(columns: Row, addresses: Addresses | None = None) -> set[str]:
    return {f"{name.kind}/{name.name}" for name in made(columns, addresses)}


def test_a_registration() -> None:
    assert fields({**REGISTER, **NAMED}, "registration") == {
        "server_uri": "sip:sip.carrier.example:5060",
        "client_uri": "sip:acct7@sip.carrier.example",
        "contact_user": "acct7",
        "endpoint": ENDPOINT,
        "line": "yes",
        "expiration": "300",
        "retry_interval": "60",
        "forbidden_retry_interval": "60",
        "fatal_retry_interval": "60",
        "auth_rejection_permanent": "no",
        "max_retries": "4294967295",
        "max_random_initial_delay": "0",
        "outbound_auth": ENDPOINT,
    }


@pytest.mark.parametrize(
    ("columns", "registers"),
    [
        (REGISTER, True),
        ({**REGISTER, "status": "testing"}, True),
        ({**REGISTER, "status": "inactive"}, False),
        ({**REGISTER, "deleted_at": NOW}, False),
        ({**REGISTER, "uri": None}, False),
        ({**REGISTER, "username": None}, False),
        ({**REGISTER, "username": "  "}, False),
        ({**REGISTER, "trunk_type": "static"}, False),
        ({**REGISTER, "trunk_type": "ip_auth"}, False),
    ],
)
def test_which_trunks_register(columns: Row, registers: bool) -> None:
    assert (fields(columns, "registration") is not None) is registers


def test_without_a_password_a_trunk_registers_without_credentials() -> None:
    found = fields({**REGISTER, "credentials": None}, "registration")
    assert found
    assert "outbound_auth" not in found


@pytest.mark.parametrize(
    ("host", "uri"),
    [
        ("192.0.2.1", "sip:acct7@192.0.2.1"),
        ("2001:db8::1", "sip:acct7@[2001:db8::1]"),
        ("[2001:db8::1]", "sip:acct7@[2001:db8::1]"),
        (" carrier.example ", "sip:acct7@carrier.example"),
    ],
)
def test_the_address_of_record(host: str, uri: str) -> None:
    found = fields({**REGISTER, "host": host}, "registration")
    assert found
    assert found["client_uri"] == uri


@pytest.mark.parametrize(
    ("name", "user"),
    [
        ("kunde@firma.de", "kunde%40firma.de"),
        ("+49 30 1", "+49%2030%201"),
        ("a;b/c?d", "a;b/c?d"),
        ("a:b#c", "a%3Ab%23c"),
        ("Ä<x>", "%C3%84%3Cx%3E"),
    ],
)
def test_a_user_name_is_escaped_as_in_a_sip_uri(name: str, user: str) -> None:
    found = fields({**REGISTER, "username": name, "host": "192.0.2.1"}, "registration")
    assert found
    assert (found["client_uri"], found["contact_user"]) == (f"sip:{user}@192.0.2.1", user)


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        ({}, "192.0.2.1"),
        ({"host": "[2001:db8::1]"}, "2001:db8::1"),
        (NAMED, "198.51.100.1,198.51.100.2"),
        ({"host": "unknown.example"}, None),
        ({**NAMED, "allowed_ips": ["203.0.113.9"]}, "203.0.113.9"),
        (
            {"allowed_ips": [IPv4Interface("203.0.113.0/24"), IPv6Interface("2001:db8::/32")]},
            "2001:db8::/32,203.0.113.0/24",
        ),
        ({"trunk_type": "ip_auth", "allowed_ips": ["203.0.113.9"]}, "203.0.113.9"),
        ({"trunk_type": "ip_auth"}, None),  # by allowed_ips alone
        ({"trunk_type": "ip_auth", **NAMED}, None),
        ({"status": "inactive"}, None),
        ({"deleted_at": NOW}, None),
        ({**REGISTER, **NAMED}, "198.51.100.1,198.51.100.2"),
    ],
)
def test_the_addresses_that_are_a_trunks(columns: Row, match: str | None) -> None:
    expected = {"endpoint": ENDPOINT, "match": match} if match else None
    assert fields(columns, "identify", FOUND) == expected


@pytest.mark.parametrize(
    ("columns", "hosts"),
    [
        (NAMED, {"sip.carrier.example"}),
        ({**NAMED, "allowed_ips": ["203.0.113.9"]}, set()),
        ({**NAMED, "status": "inactive"}, set()),
        ({}, set()),
        ({"host": "[2001:db8::1]"}, set()),
        ({**NAMED, "trunk_type": "ip_auth"}, set()),
    ],
)
def test_hosts_to_look_up(columns: Row, hosts: set[str]) -> None:
    assert host_names(book(trunks=[trunk_row(1, **columns)])) == hosts


# names and contents

BASE: Row = {**REGISTER, **NAMED}


@pytest.mark.parametrize(
    ("columns", "changed"),
    [
        ({"username": "acct8"}, {"registration"}),
        ({"credentials": "another"}, {"registration"}),
        ({"credentials": None}, {"registration"}),
        ({"uri": "sip:sip.carrier.example:5070"}, {"registration"}),
        ({"host": "other.example"}, {"registration", "identify"}),
        ({"allowed_ips": ["203.0.113.9"]}, {"identify"}),
        ({"status": "inactive"}, {"registration", "identify"}),
        ({"status": "testing"}, set()),
        ({"name": "other"}, set()),
        ({"max_concurrent_calls": 1}, set()),
        ({"default_caller_id": None}, set()),
        ({"backup_trunk_id": UUID(int=9)}, set()),
        ({"test_code": "7"}, set()),
    ],
)
def test_a_name_changes_with_what_it_names(columns: Row, changed: set[str]) -> None:
    before, after = names(BASE, FOUND), names({**BASE, **columns}, FOUND)
    assert {name.split("/")[0] for name in before ^ after} == changed


def test_the_order_of_addresses_makes_no_difference() -> None:
    other = {"sip.carrier.example": FOUND["sip.carrier.example"][::-1]}
    assert names(BASE, FOUND) == names(BASE, other)
    assert names(BASE, FOUND) != names(BASE, {"sip.carrier.example": ("198.51.100.1",)})


columns = st.fixed_dictionaries(
    {
        "trunk_type": st.sampled_from(["register", "ip_auth", "static"]),
        "status": st.sampled_from(["active", "testing", "inactive"]),
        "host": st.sampled_from(["192.0.2.1", "sip.carrier.example", "2001:db8::1"]),
        "uri": st.sampled_from(["sip:a", "sip:b", None]),
        "username": st.sampled_from([None, "acct7", "acct8"]),
        "credentials": st.sampled_from([None, SECRET, f"{SECRET}2"]),
        "allowed_ips": st.sampled_from(
            [None, [], ["203.0.113.9"], ["203.0.113.9", "192.0.2.0/24"]]
        ),
        "name": st.sampled_from(["a", "b"]),
    }
)


@pytest.mark.parametrize("kind", ["registration", "identify"])
@given(one=columns, other=columns)
def test_names_are_equal_exactly_when_contents_are(kind: str, one: Row, other: Row) -> None:
    """The mark of the password is a part of a registration that no field shows."""
    named, contents = [], []
    for row in (one, other):
        found = [(name, of) for name, of in made(row, FOUND).items() if name.kind == kind]
        secret = row["credentials"] if kind == "registration" else None
        named.append([name for name, _ in found])
        contents.append([(of, secret) for _, of in found])
    assert (named[0] == named[1]) is (contents[0] == contents[1])


@given(columns)
def test_no_secret_in_any_field_or_name(row: Row) -> None:
    for name, of in made(row, FOUND).items():
        assert SECRET not in str((name, dict(of)))
        assert re.fullmatch(rf"{ENDPOINT}-[0-9a-f]{{8}}", name.name)
        assert owner_of(name) == UUID(int=1)
        assert of["endpoint"] == ENDPOINT
        assert all(isinstance(value, str) and value for value in of.values())


@pytest.mark.parametrize("name", ["", "trunk-", "trunk-1", "phone", "trunk-" + "x" * 36])
def test_an_object_of_nobody(name: str) -> None:
    assert owner_of(PjsipObject("acl", name)) == NOBODY


# the rest


def test_who_may_not_speak_to_us() -> None:
    made = book(
        blacklist=[
            blacklist_row(1, "203.0.113.9", "ip"),
            blacklist_row(2, "192.0.2.0/24", "ip", expires_at=LATER),
            blacklist_row(3, "192.0.2.7", "ip", expires_at=PAST),
            blacklist_row(4, "+4930"),
            blacklist_row(5, "scanner", "user_agent"),
            blacklist_row(6, "nonsense", "ip"),
        ]
    )
    assert denied(made, NOW) == ["192.0.2.0/24", "203.0.113.9"]
    assert denied(made, LATER) == ["203.0.113.9"]
    assert denied(book(), NOW) == []


def test_many_addresses_are_several_objects_of_one_trunk() -> None:
    """Asterisk refuses a body of more than 40,960 bytes."""
    many = [f"2001:db8:{at:x}:1111:2222:3333:4444:5555" for at in range(2 * MOST_ADDRESSES + 1)]
    found = made({"allowed_ips": many})
    assert {name.kind for name in found} == {"identify"}
    assert {of["endpoint"] for of in found.values()} == {ENDPOINT}
    matches = [of["match"] for of in found.values()]
    assert sorted(",".join(matches).split(",")) == sorted(many)
    assert [len(match) < 30000 for match in matches] == [True] * 3


@pytest.mark.parametrize(
    ("addresses", "deny"),
    [
        ([], []),
        (["192.0.2.9", "192.0.2.0/24"], ["192.0.2.0/24"]),
        (["192.0.2.128/25", "192.0.2.0/25"], ["192.0.2.0/24"]),
        (["192.0.2.7/24"], ["192.0.2.0/24"]),
        (["2001:db8::1", "192.0.2.1"], ["192.0.2.1,2001:db8::1"]),
        (["0.0.0.0/1", "2001:db8::/32"], ["0.0.0.0/1,2001:db8::/32"]),
    ],
)
def test_the_black_list_is_the_fewest_networks(addresses: list[str], deny: list[str]) -> None:
    assert [of["deny"] for of in black_list(addresses).values()] == deny


def test_a_long_black_list_is_several_objects() -> None:
    many = [f"192.0.{at // 100}.{2 * (at % 100)}" for at in range(2 * MOST_ADDRESSES + 1)]
    found = black_list(many)
    assert len(found) == 3
    assert {(name.kind, owner_of(name)) for name in found} == {("acl", NOBODY)}
    assert found == black_list(many[::-1])
    assert found.keys() != black_list(many[1:]).keys()


@pytest.mark.parametrize(
    ("columns", "addresses", "waits"),
    [
        (NAMED, {}, True),
        (NAMED, {"sip.carrier.example": ()}, True),
        (NAMED, FOUND, False),
        ({**NAMED, "status": "inactive"}, {}, False),
        ({**NAMED, "allowed_ips": ["203.0.113.9"]}, {}, False),
        ({}, {}, False),
    ],
)
def test_trunks_whose_addresses_are_not_known_yet(
    columns: Row, addresses: Addresses, waits: bool
) -> None:
    made = book(trunks=[trunk_row(1, **columns)])
    assert undecided(made, addresses) == ({UUID(int=1)} if waits else set())


@pytest.mark.parametrize(
    ("settings", "numbers"),
    [
        ({}, "110|112"),
        ({"numbers.emergency": ["911", "112"]}, "112|911"),
        ({"numbers.emergency": ["112", ".*", "1|2", "0)"]}, "112"),
        ({"numbers.emergency": []}, ""),
    ],
)
def test_emergency_numbers_for_the_dialplan(settings: Mapping[str, Any], numbers: str) -> None:
    """They stand in a regular expression there."""
    assert global_variables(book(settings))["PBX_EMERGENCY"] == numbers


def test_emergency_trunks_for_the_dialplan() -> None:
    trunks = [
        trunk_row(1, name="c"),
        trunk_row(2, name="a"),
        trunk_row(3, name="b", status="testing"),
        trunk_row(4, name="d", deleted_at=NOW),
        trunk_row(5, name="e", uri=None),
    ]
    ways = [f"trunk-{UUID(int=place)}=+493010000{place:02d}" for place in (2, 1)]
    expected = "&".join(ways)
    assert global_variables(book(trunks=trunks))["PBX_EMERGENCY_TRUNKS"] == expected
    assert global_variables(book())["PBX_EMERGENCY_TRUNKS"] == ""


def test_lamps() -> None:
    made = book(
        time_profiles=[
            profile_row(1, override_code="7"),
            profile_row(2, override_code="8", override="open"),
            profile_row(3, override_code="9", override="closed"),
            profile_row(4, override="closed"),
            profile_row(5, override_code="6", timezone="Mars"),
        ]
    )
    assert lamps(made) == {
        "profile-7": "NOT_INUSE",
        "profile-8": "ONHOLD",
        "profile-9": "INUSE",
    }


@pytest.mark.parametrize(
    ("wanted", "logged_in", "on_break"),
    [
        (None, "INUSE", "NOT_INUSE"),
        ("available", "INUSE", "NOT_INUSE"),
        ("break", "INUSE", "INUSE"),
        ("offline", "NOT_INUSE", "NOT_INUSE"),
    ],
)
def test_the_lamps_of_an_agent(wanted: str | None, logged_in: str, on_break: str) -> None:
    """What is asked for in one queue has no lamp."""
    states = [presence_row(1, "1001", wanted=wanted)] if wanted else []
    made = book(
        extensions=[extension_row("1001"), extension_row("1002")],
        queues=[queue_row(1), queue_row(2)],
        queue_members=[member_row(1, 1, "1001"), member_row(2, 2, "1001")],
        agent_states=[*states, presence_row(2, "1001", 1, wanted="offline")],
    )
    assert lamps(made) == {"agent-1001": logged_in, "break-1001": on_break}


@pytest.mark.parametrize(
    "columns", [{"status": "inactive"}, {"deleted_at": PAST}, {"number": "anna"}, {"number": "1&2"}]
)
def test_who_is_no_agent_has_no_lamp(columns: Row) -> None:
    made = book(
        extensions=[{**extension_row("1001"), **columns}],
        queues=[queue_row(1)],
        queue_members=[member_row(1, 1, "1001"), member_row(2, 1, "1003")],
    )
    assert lamps(made) == {}


def test_a_network_that_is_no_carriers_lets_nobody_in() -> None:
    """Every phone would be taken for the carrier, and everybody for a known one."""
    for wide in ("0.0.0.0/0", "::/0", "10.0.0.0/7"):
        row = trunk_row(1, trunk_type="ip_auth", allowed_ips=[wide, "192.0.2.7"])
        [fields] = objects(book(trunks=[row]), {}).values()
        assert fields["match"] == "192.0.2.7"
