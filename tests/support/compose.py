"""Requests with the headers that every one has."""

from .sipmessage import Headers, Message


def compose(
    method: str,
    uri: str,
    *,
    via: str,
    local: str,
    remote: str,
    call_id: str,
    sequence: int,
    headers: Headers = (),
    body: str = "",
) -> Message:
    """Build a request; `local` and `remote` are From and To with their tags, as far as known."""
    return Message(
        f"{method} {uri} SIP/2.0",
        [
            ("Via", via),
            ("Max-Forwards", "70"),
            ("From", local),
            ("To", remote),
            ("Call-ID", call_id),
            ("CSeq", f"{sequence} {method}"),
            *headers,
        ],
        body,
    )
