"""Asking a caller for a number: an extension, a mailbox, a PIN."""

from stasis_app.call.call import Call
from stasis_app.call.said import Said

DIGITS = "0123456789"
DONE = "#"
FIRST_SECONDS = 10.0
BETWEEN_SECONDS = 3.0
MOST_DIGITS = 20


async def digits(call: Call, *said: Said, most: int = MOST_DIGITS) -> str:
    """Return what the caller types after what is said, up to # or a pause; "" for nothing.

    What is typed beyond `most` digits is not heard.
    """
    typed = ""
    key = await call.ask(*said, seconds=FIRST_SECONDS, keys=DIGITS + DONE)
    while key and key != DONE:
        typed += key
        wanted = DIGITS + DONE if len(typed) < most else DONE
        key = await call.key(BETWEEN_SECONDS, wanted)
    return typed
