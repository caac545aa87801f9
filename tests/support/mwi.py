"""What a phone is told of the messages that wait for it, unasked (MWI, RFC 3842).

    waiting = Waiting(anna)
    await anna.register()
    await waiting.shows(3, 2)

A phone that asks has `anna.subscribe("1001", event="message-summary")`, whose lamp shows "3/2".
"""

import re
from typing import TYPE_CHECKING, NamedTuple

from .sipmessage import Message
from .until import until

if TYPE_CHECKING:
    from .sip import RawPhone

BODY = re.compile(
    r"Messages-Waiting: (?P<lit>yes|no)\r\n"
    r"(?:Message-Account: (?P<account>\S+)\r\n)?"
    r"Voice-Message: (?P<unread>\d+)/(?P<read>\d+) \(\d+/\d+\)\r\n"
)


class Summary(NamedTuple):
    """One NOTIFY: whether the lamp is lit, how many messages, and whom to call to hear them."""

    lit: bool
    unread: int
    read: int
    account: str = ""


class Waiting:
    """The message lamp of a phone; nothing that came before it was made counts."""

    def __init__(self, phone: "RawPhone") -> None:
        self.phone = phone
        self._since = len(phone.requests)

    @property
    def told(self) -> list[Summary]:
        """Everything the phone was told."""
        return [summary(one) for one in self.phone.requests[self._since :] if _is_ours(one)]

    async def shows(self, unread: int, read: int, within: float = 5.0) -> Summary:
        """Wait until the last word is so many unread and read messages; return it."""

        def last() -> Summary | None:
            newest = self.told[-1:]
            return newest[0] if newest and newest[0][1:3] == (unread, read) else None

        return await until(last, within, lambda: f"{unread}/{read} but {self}")

    def forget(self) -> None:
        """Count only what comes from now on."""
        self._since = len(self.phone.requests)

    def __str__(self) -> str:
        told = ", ".join(f"{one.unread}/{one.read}" for one in self.told)
        return f"message lamp {self.phone.number}: {told or 'dark'}"


def summary(notify: Message) -> Summary:
    """Read a NOTIFY of event message-summary, whose lamp must be lit if something is unread."""
    found = BODY.fullmatch(notify.body)
    assert found, f"no message summary: {notify.body!r}"
    lit, unread = found["lit"] == "yes", int(found["unread"])
    assert lit == (unread > 0), f"lit in vain: {notify.body!r}"
    return Summary(lit, unread, int(found["read"]), found["account"] or "")


def _is_ours(request: Message) -> bool:
    return request.method == "NOTIFY" and request.get("Event") == "message-summary"
