"""Hosts are looked up at once, and none of them holds up another."""

import asyncio
from collections.abc import Iterable

import pytest

from stasis_app.clocks import hosts as module
from stasis_app.clocks.hosts import Hosts
from tests.rules.build import book, trunk_row
from tests.support.until import until

from .fakes import running

ADDRESS = "198.51.100.1"


async def name_server(host: str) -> Iterable[str]:
    if host.startswith("silent"):
        await asyncio.Event().wait()
    if host.startswith("unknown"):
        raise OSError("Name or service not known")
    return [ADDRESS, ADDRESS]


def hosts_of(*names: str) -> tuple[Hosts, asyncio.Event, asyncio.Event]:
    """Return Hosts with a trunk for each name, what asks them to look, and what they tell."""
    made = book(trunks=[trunk_row(at, host=name) for at, name in enumerate(names, 1)])
    changed, told = asyncio.Event(), asyncio.Event()
    hosts = Hosts(made, changed, name_server)
    hosts.tell(told)
    return hosts, changed, told


async def test_a_silent_name_server_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.2)
    hosts, _, told = hosts_of("silent1.example", "silent2.example", "sip.example", "192.0.2.1")
    async with running(hosts.follow()):
        await until(
            lambda: hosts.addresses == {"sip.example": (ADDRESS,)}, 0.15, "one that answers"
        )
        assert told.is_set()
        await until(lambda: hosts.lost == {"silent1.example", "silent2.example"}, 1.0, "the rest")


async def test_a_lost_host_keeps_its_addresses() -> None:
    hosts, _, told = hosts_of("unknown.example", "sip.example")
    hosts.addresses = {"unknown.example": ("198.51.100.9",), "old.example": ("198.51.100.8",)}
    await hosts.look_up()
    assert hosts.addresses == {"unknown.example": ("198.51.100.9",), "sip.example": (ADDRESS,)}
    assert hosts.lost == {"unknown.example"}
    told.clear()
    await hosts.look_up()
    assert not told.is_set()


async def test_a_changed_trunk_is_looked_up_at_once() -> None:
    hosts, changed, _ = hosts_of("sip.example")
    async with running(hosts.follow()):
        await until(lambda: hosts.addresses, 1.0, "the first look")
        hosts.addresses.clear()
        changed.set()
        await until(lambda: hosts.addresses, 1.0, "the second look")


@pytest.mark.parametrize("host", ["sip..example.net", f"{'x' * 64}.example.net"])
async def test_a_name_that_is_none(host: str) -> None:
    """Python raises UnicodeError before it asks anybody."""
    hosts = Hosts(book(trunks=[trunk_row(1, host=host)]), asyncio.Event())
    await hosts.look_up()
    hosts.close()
    assert hosts.addresses == {}
    assert hosts.lost == {host}
