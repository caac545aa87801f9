"""What clocks work with: Postgres, an object store, and time that does not pass in vain."""

import pytest

from stasis_app.clocks import deliveries, lamps, outbox, removals
from tests.media.conftest import db, dsn, migrated, objects, server, store

__all__ = ["db", "dsn", "migrated", "objects", "server", "store"]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (deliveries, lamps, outbox, removals):
        monkeypatch.setattr(module, "LOOK_AGAIN_SECONDS", 0.05)
    for module in (lamps, removals):
        monkeypatch.setattr(module, "TRY_AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(outbox, "AWAY_SECONDS", (0.05, 0.1))
