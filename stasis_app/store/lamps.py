"""Which phones must be reminded of their mailbox: those that were registered before it was told."""

from collections.abc import Collection

from .connection import connected

SECONDS = 10.0

CONTACTS = """
SELECT DISTINCT ON (extension.number) extension.number, registration.contact_id
FROM extension_registrations AS registration
JOIN extensions AS extension ON extension.id = registration.extension_id
WHERE registration.expires_at > now() AND registration.contact_id IS NOT NULL
    AND extension.voicemail_enabled AND extension.deleted_at IS NULL
    AND ($1::text[] IS NULL OR extension.number = ANY ($1))
ORDER BY extension.number, registration.expires_at DESC
"""


async def contacts(dsn: str, numbers: Collection[str] | None = None) -> dict[str, str]:
    """Return `contact_id` of the liveliest registration of each extension that has a mailbox.

    By the extension's number; `numbers` are the ones that are asked for, None: all. Raises
    ConnectionError.
    """
    async with connected(dsn, "registered phones are not known", SECONDS) as connection:
        rows = await connection.fetch(CONTACTS, None if numbers is None else list(numbers))
    return {row["number"]: row["contact_id"] for row in rows}
