"""What is said of registrations is no more than is known."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from stasis_app.ari.manager import CONNECTED, Manager, OnEvent, Registration
from stasis_app.clocks.registrations import Attempt, Registrations, state_of
from stasis_app.rules.book import Book
from stasis_app.store import trunk_states
from stasis_app.store.trunk_states import TrunkState
from tests.rules.build import NOW, Row, book, trunk_row
from tests.support.until import until

from .fakes import DSN, running

TRUNK = UUID(int=1)
REFUSED = ("refused", "refused or unreachable")
NO_ANSWER = ("no_answer", "none")
NOT_KNOWN = ("trying", "none")


def after(*ends: tuple[float, bool], made: float | None = 0.0) -> tuple[str, str]:
    """Return state and answer after attempts that ended so many seconds after NOW."""
    attempt = Attempt()
    made_at = None if made is None else NOW + timedelta(seconds=made)
    for seconds, accepted in ends:
        attempt.ends(NOW + timedelta(seconds=seconds), made_at, accepted=accepted)
    state = state_of(TRUNK, "Registered" if ends[-1][1] else "Rejected", attempt)
    return state.state, state.last_answer


@pytest.mark.parametrize(
    ("ends", "made", "said"),
    [
        ([(0.1, False)], 0.0, REFUSED),
        ([(32.1, False)], 0.0, NO_ANSWER),
        ([(1.0, False)], None, NOT_KNOWN),
        ([(1.0, False), (62.0, False)], None, REFUSED),
        ([(1.0, False), (93.0, False)], None, NO_ANSWER),
        ([(1.0, False), (40.0, False)], None, NOT_KNOWN),  # Asterisk began anew meanwhile
        ([(0.1, True)], 0.0, ("registered", "accepted")),
        ([(0.1, True), (290.2, False)], 0.0, REFUSED),
        ([(0.1, True), (322.2, False)], 0.0, NO_ANSWER),
        ([(0.1, True), (120.0, False)], 0.0, NOT_KNOWN),  # the carrier wanted it sooner
    ],
)
def test_why_an_attempt_has_failed(
    ends: list[tuple[float, bool]], made: float | None, said: tuple[str, str]
) -> None:
    assert after(*ends, made=made) == said


@pytest.mark.parametrize(("status", "state"), [("Unregistered", "trying"), ("Stopped", "stopped")])
def test_a_registration_without_an_attempt(status: str, state: str) -> None:
    assert state_of(TRUNK, status, Attempt()) == TrunkState(TRUNK, state, "none", None)


class FakeManager(Manager):
    """Asterisk's registrations by name, and a way to tell of one."""

    def __init__(self, registrations: Mapping[str, str]) -> None:
        super().__init__("nowhere", 0, "", "")
        self.listed = dict(registrations)
        self.told: asyncio.Queue[Mapping[str, str]] = asyncio.Queue()
        self.connected.set()

    async def follow(self, on_event: OnEvent) -> None:
        on_event(CONNECTED)
        while True:
            on_event(await self.told.get())

    async def registrations(self) -> list[Registration]:
        return [Registration(name, status) for name, status in self.listed.items()]


def port(number: int) -> Row:
    return {
        "trunk_type": "register",
        "username": "acct",
        "credentials": "mark",
        "host": "192.0.2.1",
        "uri": f"sip:192.0.2.1:{number}",
    }


async def test_two_ports_of_one_host_are_two(monkeypatch: pytest.MonkeyPatch) -> None:
    noted: dict[UUID, TrunkState] = {}

    async def note(dsn: str, states: Iterable[TrunkState]) -> None:
        assert dsn == DSN
        noted.update({state.trunk: state for state in states})

    monkeypatch.setattr(trunk_states, "note", note)
    made: Book = book(trunks=[trunk_row(1, **port(5060)), trunk_row(2, **port(5070))])
    first, second = (trunk.id for trunk in made.trunks.items.values())
    manager = FakeManager({f"trunk-{one}-01234567": "Rejected" for one in (first, second)})
    since = {one: datetime.now(UTC) for one in (first, second)}
    clock = Registrations(made, manager, DSN, since)
    event = {"Event": "Registry", "Username": "sip:acct@192.0.2.1", "Status": "Rejected"}
    async with running(clock.follow()):
        manager.told.put_nowait({**event, "Domain": "sip:192.0.2.1:5070"})
        await until(lambda: second in noted and noted[second].state == "refused", 5.0, "a refusal")
        assert noted[first].state == "trying"
