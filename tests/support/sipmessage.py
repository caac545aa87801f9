"""SIP messages as they are on the wire: read, written, and their addresses and digests."""

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

COMPACT = {
    "b": "Referred-By",
    "c": "Content-Type",
    "f": "From",
    "i": "Call-ID",
    "l": "Content-Length",
    "m": "Contact",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "v": "Via",
}
REASONS = {
    100: "Trying",
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    302: "Moved Temporarily",
    404: "Not Found",
    405: "Method Not Allowed",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    491: "Request Pending",
    503: "Service Unavailable",
    603: "Decline",
}

Headers = Iterable[tuple[str, str]]


@dataclass
class Message:
    """A request or a response; header names keep their order and may repeat."""

    start: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""

    @classmethod
    def parse(cls, data: bytes) -> "Message":
        """Read one whole message."""
        head, _, body = data.decode("utf-8", "surrogateescape").partition("\r\n\r\n")
        start, *lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = [
            (COMPACT.get(name.strip(), name.strip()), value.strip()) for name, _, value in pairs
        ]
        return cls(start, headers, body)

    def render(self) -> bytes:
        """Write the message; Content-Length is added unless it is among the headers."""
        body = self.body.encode("utf-8", "surrogateescape")
        lines = [self.start, *(f"{name}: {value}" for name, value in self.headers)]
        if "Content-Length" not in self:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + body

    @property
    def is_response(self) -> bool:
        """Whether this is a response."""
        return self.start.startswith("SIP/2.0 ")

    @property
    def method(self) -> str:
        """The method of a request, or the one a response belongs to."""
        return self["CSeq"].split()[1] if self.is_response else self.start.split(" ", 1)[0]

    @property
    def uri(self) -> str:
        """The URI a request asks for."""
        return self.start.split(" ")[1]

    @property
    def code(self) -> int:
        """The status code of a response, 0 for a request."""
        return int(self.start.split(" ")[1]) if self.is_response else 0

    @property
    def reason(self) -> str:
        """The phrase after the status code."""
        return self.start.split(" ", 2)[2] if self.is_response else ""

    @property
    def branch(self) -> str:
        """The transaction's id, from the topmost Via."""
        return parameter(self["Via"], "branch")

    @property
    def sequence(self) -> int:
        """The number in CSeq."""
        return int(self["CSeq"].split()[0])

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(f"no {name} in {self.start}")
        return value

    def get(self, name: str) -> str | None:
        """The first header of that name, or None."""
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> list[str]:
        """Every header of that name, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def reply(
        self, code: int, reason: str = "", headers: Headers = (), body: str = ""
    ) -> "Message":
        """The response to this request; a To without tag stays without."""
        kept = [(n, v) for n, v in self.headers if n in ("Via", "From", "To", "Call-ID", "CSeq")]
        phrase = reason or REASONS.get(code, "Because")
        return Message(f"SIP/2.0 {code} {phrase}", [*kept, *headers], body)


class Address(NamedTuple):
    """A name and URI as in From, To, Contact or P-Asserted-Identity."""

    name: str
    uri: str

    @property
    def user(self) -> str:
        """The part of the URI before the @."""
        return re.sub(r"^sips?:|@.*$", "", self.uri) if "@" in self.uri else ""

    @classmethod
    def parse(cls, value: str) -> "Address":
        """Read `"Name" <sip:user@host>;params`, with or without name and brackets."""
        match = re.match(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^<"]*?))\s*<([^>]*)>', value)
        if not match:
            return cls("", value.partition(";")[0].strip())
        quoted, plain, uri = match.groups()
        return cls(re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain, uri)


def parameter(value: str, name: str) -> str:
    """The value of `;name=` after a header's address, empty when there is none."""
    match = re.search(rf";\s*{name}=([^;,\s]*)", value.rpartition(">")[2], re.IGNORECASE)
    return match.group(1) if match else ""


def authorize(
    challenge: Message, method: str, uri: str, user: str, password: str
) -> tuple[str, str]:
    """The header that answers a 401 or 407. Source: RFC 7616, RFC 8760 (MD5 and SHA-256)."""
    asked = "WWW-Authenticate" if challenge.code == 401 else "Proxy-Authenticate"
    given = "Authorization" if challenge.code == 401 else "Proxy-Authorization"
    fields = {
        key.lower(): quoted or plain
        for key, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^,\s]+))', challenge[asked])
    }
    algorithm = fields.get("algorithm", "MD5")

    def digest(text: str) -> str:
        name = algorithm.replace("-", "").lower()
        return hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()

    cnonce, count = secrets.token_hex(8), "00000001"
    secret = digest(f"{user}:{fields['realm']}:{password}")
    middle = f"{fields['nonce']}:{count}:{cnonce}:auth" if "qop" in fields else fields["nonce"]
    response = digest(f"{secret}:{middle}:{digest(f'{method}:{uri}')}")
    parts = [
        *(f'{key}="{fields[key]}"' for key in ("realm", "nonce", "opaque") if key in fields),
        f'username="{user}"',
        f'uri="{uri}"',
        f'response="{response}"',
        f"algorithm={algorithm}",
    ]
    if "qop" in fields:
        parts += ["qop=auth", f"nc={count}", f'cnonce="{cnonce}"']
    return given, "Digest " + ", ".join(parts)
