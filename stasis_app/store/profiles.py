"""Time profiles, as far as a phone may change them."""

from uuid import UUID

from .connection import connected

SET_OVERRIDE = "UPDATE time_profiles SET override = $2 WHERE id = $1"


async def set_override(dsn: str, profile: UUID, override: str) -> None:
    """Write `time_profiles.override`. Raises ConnectionError when Postgres can't be reached."""
    async with connected(dsn, "the time profile can't be written", seconds=3.0) as connection:
        await connection.execute(SET_OVERRIDE, profile, override)
