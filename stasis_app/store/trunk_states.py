"""`trunk_registrations`: what Asterisk holds of each trunk, and how its registration fares."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from .connection import connected

SECONDS = 5.0

RECORDED = "SELECT trunk_id, objects FROM trunk_registrations"

RECORD = """
INSERT INTO trunk_registrations (trunk_id, objects) VALUES ($1, $2)
ON CONFLICT (trunk_id) DO UPDATE SET objects = excluded.objects
"""

FORGET = "DELETE FROM trunk_registrations WHERE trunk_id = ANY($1)"

NOTE = """
UPDATE trunk_registrations SET state = $2::varchar, last_answer = $3, next_attempt_at = $4,
    changed_at = CASE WHEN state IS NOT DISTINCT FROM $2::varchar THEN changed_at ELSE now() END
WHERE trunk_id = $1
"""


@dataclass(frozen=True, slots=True)
class TrunkState:
    """`state` is a word of `trunk_registrations.state`."""

    trunk: UUID
    state: str
    last_answer: str
    next_attempt_at: datetime | None


async def recorded(dsn: str) -> dict[UUID, frozenset[str]]:
    """Return the objects that Asterisk was told to hold, by trunk. Raises ConnectionError."""
    async with connected(dsn, "trunk states can't be read", SECONDS) as connection:
        return {
            row["trunk_id"]: frozenset(row["objects"]) for row in await connection.fetch(RECORDED)
        }


async def record(dsn: str, objects: Mapping[UUID, Collection[str]]) -> None:
    """Write the objects of trunks; a trunk without any is forgotten. Raises ConnectionError."""
    async with connected(dsn, "trunk states can't be written", SECONDS) as connection:
        held = [(trunk, sorted(names)) for trunk, names in objects.items() if names]
        await connection.executemany(RECORD, held)
        await connection.execute(FORGET, [trunk for trunk, names in objects.items() if not names])


async def note(dsn: str, states: Iterable[TrunkState]) -> None:
    """Write how registrations fare. Raises ConnectionError."""
    rows = [(s.trunk, s.state, s.last_answer, s.next_attempt_at) for s in states]
    async with connected(dsn, "trunk states can't be written", SECONDS) as connection:
        await connection.executemany(NOTE, rows)
