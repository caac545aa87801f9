"""What mail can be sent to, and come from."""

import re
from typing import NamedTuple

MAILBOX = re.compile(r"""[^\s"(),:;<>@\[\]\\.]+(\.[^\s"(),:;<>@\[\]\\.]+)*""")
DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*", re.I)
LONGEST_ADDRESS = 254  # RFC 5321, 4.5.3.1.3, without the brackets


class MailAddress(NamedTuple):
    """`name <mailbox@host>`; the host is in ASCII (IDNA), the name may be empty."""

    name: str
    mailbox: str
    host: str

    @property
    def is_ascii(self) -> bool:
        """Whether every mail server takes it, also one without SMTPUTF8."""
        return self.mailbox.isascii()


def mail_address(text: str) -> MailAddress | None:
    """Read an address, with or without a name before it; None if mail can't be sent there."""
    name, bracket, rest = text.strip().rpartition("<")
    if not text.strip().isprintable() or (bracket and not rest.endswith(">")):
        return None
    mailbox, at, domain = rest.removesuffix(">").strip().rpartition("@")
    try:
        host = domain.encode("idna").decode()
    except UnicodeError:
        return None
    good = at and MAILBOX.fullmatch(mailbox) and DOMAIN.fullmatch(host)
    if not good or len(f"{mailbox}@{host}".encode()) > LONGEST_ADDRESS:
        return None
    return MailAddress(name.strip().strip('"'), mailbox, host)
