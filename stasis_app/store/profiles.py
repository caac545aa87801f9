"""Time profiles, as far as a phone may change them."""

from uuid import UUID

from .connection import connected

SET_OVERRIDE = "UPDATE time_profiles SET override = $2 WHERE id = $1 RETURNING id"


async def set_override(dsn: str, profile: UUID, override: str) -> bool:
    """Write `time_profiles.override`; return False if there is no such row any more.

    Raises ConnectionError when Postgres can't be reached.
    """
    async with connected(dsn, "the time profile can't be written", seconds=3.0) as connection:
        return await connection.fetchval(SET_OVERRIDE, profile, override) is not None
