"""Who gets which event."""

from datetime import UTC, datetime

import pytest

from stasis_app.ari.events import Event
from stasis_app.ari.inboxes import Inboxes

AT = datetime(2026, 1, 1, tzinfo=UTC)


class Box(list[str]):
    def deliver(self, event: Event) -> None:
        self.append(event.subject)


def test_events_by_id() -> None:
    inboxes, one, other, rest = Inboxes(), Box(), Box(), Box()
    inboxes.unclaimed = rest.deliver
    inboxes.enter("a", one)
    with inboxes.open("b", other):
        for subject in "abc":
            inboxes.deliver(Event(AT, subject))
    inboxes.deliver(Event(AT, "b"))
    assert (one, other, rest) == (["a"], ["b"], ["c", "b"])


def test_an_id_has_one_receiver() -> None:
    inboxes = Inboxes()
    inboxes.enter("a", Box())
    with pytest.raises(ValueError, match="a has a receiver"):
        inboxes.enter("a", Box())
    assert len(inboxes) == 1


def test_leaving_twice_is_no_harm() -> None:
    inboxes = Inboxes()
    inboxes.enter("a", Box())
    inboxes.leave("a")
    inboxes.leave("a")
    assert "a" not in inboxes
