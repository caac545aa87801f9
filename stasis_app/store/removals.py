"""`object_removals`: objects that no row uses any more."""

from dataclasses import dataclass

from .connection import connected

SECONDS = 10.0
BACK_OFF_SECONDS = (1.0, 5.0, 30.0, 60.0)
LONGEST_PROBLEM = 500

# what is being delivered at this moment gets its row in a moment
DUE = """
SELECT r.storage_path, r.attempts,
    EXISTS (SELECT FROM media_files f WHERE f.storage_path = r.storage_path)
    OR EXISTS (SELECT FROM voicemail_messages m WHERE m.storage_path = r.storage_path)
    OR EXISTS (SELECT FROM recordings c WHERE c.storage_path = r.storage_path) AS is_used
FROM object_removals r
WHERE r.next_try_at <= now() AND NOT EXISTS (
    SELECT FROM recording_deliveries d
    WHERE d.state IN ('recording', 'finished') AND position(d.id::text in r.storage_path) > 0)
ORDER BY r.next_try_at
LIMIT $1
"""

DONE = "DELETE FROM object_removals WHERE storage_path = ANY($1)"

FAIL = """
UPDATE object_removals
SET attempts = attempts + 1, problem = $2, next_try_at = now() + make_interval(secs => $3)
WHERE storage_path = $1
"""


@dataclass(frozen=True, slots=True)
class Removal:
    storage_path: str
    attempts: int


async def due(dsn: str, most: int = 100) -> list[Removal]:
    """Return objects to remove now; those that a row uses are not. Raises ConnectionError."""
    async with connected(dsn, "objects to remove are not known", SECONDS) as connection:
        while rows := await connection.fetch(DUE, most):
            used = [row["storage_path"] for row in rows if row["is_used"]]
            await connection.execute(DONE, used)
            if len(used) < len(rows):
                break
    return [Removal(row["storage_path"], row["attempts"]) for row in rows if not row["is_used"]]


async def done(dsn: str, removed: list[str]) -> None:
    """Forget objects that are gone, by their paths. Raises ConnectionError."""
    async with connected(dsn, "removed objects can't be noted", SECONDS) as connection:
        await connection.execute(DONE, removed)


async def fail(dsn: str, removal: Removal, problem: str) -> None:
    """Note that an object could not be removed. Raises ConnectionError."""
    seconds = BACK_OFF_SECONDS[min(removal.attempts, len(BACK_OFF_SECONDS) - 1)]
    async with connected(dsn, "removed objects can't be noted", SECONDS) as connection:
        await connection.execute(FAIL, removal.storage_path, problem[:LONGEST_PROBLEM], seconds)
