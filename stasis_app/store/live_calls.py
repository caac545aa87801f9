"""The calls that are open in Postgres, for a process that takes them over."""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from stasis_app.rules.models import Position
from stasis_app.words import CallState, Direction

from .connection import connected

LIVE = """
SELECT c.id, c.call_id, c.state, c.initiated_at, c.answered_at, c.caller_extension_id,
    c.direction, c.caller_number, c.caller_name, c.callee_number, c.trunk_id,
    p.channel_id, p.step, p.arguments, p.hops, p.since, p.bridge_id, p.legs,
    told.seq, greatest(c.initiated_at, told.at, watched.at) AS seen_at
FROM calls c
LEFT JOIN call_positions p ON p.call_id = c.id
CROSS JOIN LATERAL (
    SELECT coalesce(max(e.seq), 0) AS seq, max(e.at) AS at FROM call_events e
    WHERE e.call_id = c.id) AS told
CROSS JOIN (SELECT max(watched_at) AS at FROM journal_positions) AS watched
"""


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A row of `calls` with its position; without one it can't be continued.

    `seen_at` is when the call was last known to live.
    """

    id: UUID
    sip_call_id: str
    state: CallState
    answered: bool
    direction: Direction
    caller_number: str
    caller_name: str
    callee_number: str
    caller_extension: UUID | None
    trunk: UUID | None
    seq: int
    position: Position | None
    initiated_at: datetime
    seen_at: datetime


async def live_calls(dsn: str) -> list[LiveCall]:
    """Raises ConnectionError when Postgres can't tell."""
    async with connected(dsn, "open calls are not known") as connection:
        return [_live_call(row) for row in await connection.fetch(LIVE)]


def _live_call(row: asyncpg.Record) -> LiveCall:
    return LiveCall(
        id=row["id"],
        sip_call_id=row["call_id"],
        state=CallState(row["state"]),
        answered=row["answered_at"] is not None,
        direction=Direction(row["direction"]),
        caller_number=row["caller_number"],
        caller_name=row["caller_name"] or "",
        callee_number=row["callee_number"],
        caller_extension=row["caller_extension_id"],
        trunk=row["trunk_id"],
        seq=row["seq"],
        position=_position(row) if row["channel_id"] else None,
        initiated_at=row["initiated_at"],
        seen_at=row["seen_at"],
    )


def _position(row: asyncpg.Record) -> Position:
    return Position(
        channel=row["channel_id"],
        step=row["step"],
        arguments=json.loads(row["arguments"]),
        hops=row["hops"],
        since=row["since"],
        bridge=row["bridge_id"],
        legs=row["legs"],
    )
