"""Asterisk holds what the rows say, whatever happens meanwhile to it, the app and Postgres."""

from collections.abc import Sequence
from ipaddress import ip_address
from uuid import UUID

import pytest

from stasis_app.rules.book import Book
from tests.rules.build import (
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

from .fakes import FakeDoor, Records, app

CARRIER = "sip.carrier.example"
NAMED: Row = {"host": CARRIER, "uri": f"sip:{CARRIER}"}
FOUND = {CARRIER: ("198.51.100.1",)}
REGISTER: Row = {"trunk_type": "register", "username": "acct7", "credentials": "mark"}


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> Records:
    return Records(monkeypatch)


def bans(count: int, first: int = 0) -> list[Row]:
    """Return bans of single addresses that no network holds together."""
    start = int(ip_address("10.0.0.0"))
    addresses = [str(ip_address(start + 2 * at)) for at in range(first, first + count)]
    return [blacklist_row(at + 1, address, "ip") for at, address in enumerate(addresses, first)]


def agents(*presences: Row) -> Book:
    """Return a book with one agent, 1001, in one queue."""
    return book(
        extensions=[extension_row("1001")],
        queues=[queue_row(1)],
        queue_members=[member_row(1, 1, "1001")],
        agent_states=presences,
    )


def denied(door: FakeDoor) -> set[str]:
    return {one for fields in door.of("acl").values() for one in fields["deny"].split(",")}


def longest_body(door: FakeDoor) -> int:
    return max(len(fields["deny"]) for fields in door.of("acl").values())


async def test_a_long_black_list_fits(records: Records) -> None:
    door, rows = FakeDoor(), bans(3000)
    async with app(book(blacklist=rows), door):
        assert denied(door) == {row["value"] for row in rows}
        assert longest_body(door) < 30000


async def test_there_is_a_black_list_at_every_moment(records: Records) -> None:
    door, made = FakeDoor(), book(blacklist=bans(3))
    async with app(made, door) as process:
        made.blacklist.put(bans(1, 3))
        await process.settle()
        assert len(denied(door)) == 4
        made.blacklist.forget([UUID(int=place) for place in range(1, 5)])
        await process.settle()
        assert door.of("acl") == {}
    assert door.steps == ["+acl", "+acl", "-acl", "-acl"]
    assert records.kept == {}


@pytest.mark.parametrize("rows", [[], bans(1, 7)])
async def test_a_ban_that_was_lifted_while_the_app_was_away(
    records: Records, rows: Sequence[Row]
) -> None:
    door = FakeDoor()
    async with app(book(blacklist=bans(1200)), door):
        assert len(door.of("acl")) == 3
    async with app(book(blacklist=rows), door):
        assert len(door.of("acl")) == len(rows)


async def test_asterisk_restarts_while_postgres_is_away(records: Records) -> None:
    door, made = FakeDoor(), book(blacklist=bans(2), trunks=[trunk_row(1)])
    async with app(made, door) as process:
        records.away = True
        door.objects.clear()
        process.mirror.connected()
        await process.settle()
        assert len(denied(door)) == 2
        assert len(door.of("identify")) == 1


async def test_an_address_stays_known_until_its_host_was_looked_up(records: Records) -> None:
    door, rows = FakeDoor(), [trunk_row(1, **NAMED)]
    async with app(book(trunks=rows), door, FOUND):
        pass
    async with app(book(trunks=rows), door) as process:
        assert [one["match"] for one in door.of("identify").values()] == ["198.51.100.1"]
        process.hosts.addresses[CARRIER] = ("198.51.100.9",)
        await process.settle()
        assert [one["match"] for one in door.of("identify").values()] == ["198.51.100.9"]
    async with app(book(), door):
        assert door.of("identify") == {}
    assert records.kept == {}


async def test_a_lamp_whose_code_went_while_the_app_was_away_is_dark(records: Records) -> None:
    door = FakeDoor()
    door.states = {"profile-7": "INUSE", "profile-8": "INUSE", "other": "INUSE"}
    made = book(time_profiles=[profile_row(1, override_code="8", override="open")])
    async with app(made, door) as process:
        assert door.states == {"profile-7": "NOT_INUSE", "profile-8": "ONHOLD", "other": "INUSE"}
        door.states["profile-9"] = "ONHOLD"
        process.mirror.connected()
        await process.settle()
        assert door.states["profile-9"] == "NOT_INUSE"


async def test_the_lamps_of_an_agent(records: Records) -> None:
    """They follow what the agent asks for, and go out when no queue has the agent any more."""
    door, made = FakeDoor(), agents(presence_row(1, "1001", wanted="offline"))
    async with app(made, door) as process:
        assert door.states == {"agent-1001": "NOT_INUSE", "break-1001": "NOT_INUSE"}
        made.agent_states.put([presence_row(1, "1001", wanted="break")])
        await process.settle()
        assert door.states == {"agent-1001": "INUSE", "break-1001": "INUSE"}
        made.agent_states.put([presence_row(1, "1001")])
        await process.settle()
        assert door.states == {"agent-1001": "INUSE", "break-1001": "NOT_INUSE"}
        made.queue_members.forget([UUID(int=1)])
        await process.settle()
        assert door.states == {"agent-1001": "NOT_INUSE", "break-1001": "NOT_INUSE"}


@pytest.mark.parametrize("table", ["extensions", "queue_members", "agent_states"])
async def test_a_change_of_an_agent_is_told(records: Records, table: str) -> None:
    async with app(agents(), FakeDoor()) as process:
        watched = [tables for tables, _ in process.directory._watchers]
        assert any(table in tables for tables in watched)


async def test_a_lamp_that_asterisk_shows_already_is_not_told_again(records: Records) -> None:
    door = FakeDoor()
    door.states = {"agent-1001": "INUSE", "break-1001": "INUSE"}
    async with app(agents(), door) as process:
        assert door.steps == ["=break-1001"]
        process.mirror.connected()
        await process.settle()
        assert door.steps == ["=break-1001"]
        door.states["agent-1001"] = "NOT_INUSE"
        process.mirror.connected()
        await process.settle()
        assert door.steps == ["=break-1001", "=agent-1001"]


async def test_since_when_a_trunk_registers(records: Records) -> None:
    """What may have been there before goes on with what it was doing."""
    door, rows = FakeDoor(), [trunk_row(1, **REGISTER)]
    async with app(book(trunks=rows), door) as process:
        assert process.mirror.registers_since.keys() == {UUID(int=1)}
        process.mirror.connected()
        await process.settle()
        assert process.mirror.registers_since == {}
    async with app(book(trunks=rows), door) as process:
        assert process.mirror.registers_since == {}
