"""The calls that are open in Postgres, for a process that takes them over."""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from stasis_app.rules.models import Position
from stasis_app.words import CallState

LIVE = """
SELECT c.id, c.call_id, c.state, c.initiated_at, c.answered_at, c.caller_extension_id,
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
    caller_extension: UUID | None
    seq: int
    position: Position | None
    initiated_at: datetime
    seen_at: datetime


async def live_calls(dsn: str) -> list[LiveCall]:
    """Raises ConnectionError when Postgres can't tell."""
    try:
        connection = await asyncpg.connect(dsn, timeout=5, command_timeout=30)
        try:
            return [_live_call(row) for row in await connection.fetch(LIVE)]
        finally:
            connection.terminate()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
        raise ConnectionError(f"open calls are not known: {error}") from error


def _live_call(row: asyncpg.Record) -> LiveCall:
    return LiveCall(
        id=row["id"],
        sip_call_id=row["call_id"],
        state=CallState(row["state"]),
        answered=row["answered_at"] is not None,
        caller_extension=row["caller_extension_id"],
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
