"""What can go wrong at Asterisk's door."""

from http import HTTPStatus


class AriError(Exception):
    """Asterisk refused a request.

    `status` is the HTTP status of the answer, `request` the method and path it was for.
    """

    def __init__(self, status: int, request: str, reason: str) -> None:
        super().__init__(f"{request}: {status} {reason}")
        self.status = status
        self.request = request
        self.reason = reason


class Gone(AriError):
    """The channel, bridge or playback has ended, or has left our hands (404, 409, 412, 422).

    A channel that can't be put into a bridge because it has ended is a 400 (Asterisk 22.10).
    """


class Unreachable(AriError):
    """Asterisk did not answer in time, or there is no connection to it (status 0)."""

    def __init__(self, request: str, reason: str) -> None:
        super().__init__(0, request, reason)


class Replaced(Exception):
    """Another process has connected under our application's name (ApplicationReplaced)."""


GONE_STATUSES = frozenset({404, 409, 412, 422})
ENDED = "Channel not found"


def refusal(status: int, request: str, reason: str) -> AriError:
    """Return the typed error for an HTTP status of 400 or more."""
    ended = status == HTTPStatus.BAD_REQUEST and ENDED in reason
    kind = Gone if ended or status in GONE_STATUSES else AriError
    return kind(status, request, reason)
