"""Keys as SIP INFO: the two bodies that are in use, and reading them.

application/dtmf-relay is `Signal=5`, `Duration=160` (ms) in lines; application/dtmf is the key.
"""

import re

from .sipmessage import Headers, Message

RELAY, PLAIN = "application/dtmf-relay", "application/dtmf"
NUMBERED = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D"}


def describe(key: str, seconds: float, content: str = RELAY) -> tuple[Headers, str]:
    """Write the headers and the body of the INFO for a key."""
    relay = f"Signal={key}\r\nDuration={round(seconds * 1000)}\r\n"
    return [("Content-Type", content)], relay if content == RELAY else key


def key(request: Message) -> str:
    """Return the key of an INFO, "" when it is about something else."""
    content = (request.get("Content-Type") or "").partition(";")[0].strip().lower()
    patterns = {RELAY: r"^\s*Signal\s*=\s*([\dA-D*#]{1,2})", PLAIN: r"^\s*([\dA-D*#]{1,2})"}
    found = re.search(patterns.get(content, r"(?!)"), request.body, re.IGNORECASE | re.MULTILINE)
    return NUMBERED.get(found[1], found[1].upper()) if found else ""
