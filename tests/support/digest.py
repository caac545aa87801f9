"""The side of digest authentication that asks and checks. Source: RFC 7616, RFC 8760."""

import hashlib
import re
import secrets
from enum import Enum

from .sipmessage import Message

HEADERS = {
    401: ("WWW-Authenticate", "Authorization"),
    407: ("Proxy-Authenticate", "Proxy-Authorization"),
}


class Verdict(Enum):
    """What the credentials of a request are worth."""

    MISSING = "missing"
    STALE = "stale"
    WRONG = "wrong"
    RIGHT = "right"


class Challenger:
    """Asks for the passwords of `accounts` (user to password) in one realm."""

    def __init__(self, realm: str, accounts: dict[str, str], algorithm: str = "MD5") -> None:
        self.realm, self.accounts, self.algorithm = realm, accounts, algorithm
        self._nonces: set[str] = set()

    def challenge(self, code: int, verdict: Verdict = Verdict.MISSING) -> tuple[str, str]:
        """Return the header that goes with a 401 or 407."""
        nonce = secrets.token_hex(16)
        self._nonces.add(nonce)
        stale = ", stale=true" if verdict is Verdict.STALE else ""
        value = f'realm="{self.realm}", nonce="{nonce}", algorithm={self.algorithm}, qop="auth"'
        return HEADERS[code][0], f"Digest {value}{stale}"

    def forget(self) -> None:
        """Let every nonce given so far be stale."""
        self._nonces.clear()

    def judge(self, request: Message, code: int) -> Verdict:
        """Check the answer to a challenge of 401 or 407."""
        value = request.get(HEADERS[code][1])
        if value is None:
            return Verdict.MISSING
        fields = credentials(value)
        if fields.get("nonce") not in self._nonces:
            return Verdict.STALE
        password = self.accounts.get(fields.get("username", ""))
        if password is None or fields.get("realm") != self.realm:
            return Verdict.WRONG
        right = _response(fields, request.method, password)
        return Verdict.RIGHT if fields.get("response") == right else Verdict.WRONG


def credentials(value: str) -> dict[str, str]:
    """Read the fields of an Authorization or Proxy-Authorization header."""
    found = re.findall(r'(\w+)=(?:"([^"]*)"|([^,\s]+))', value)
    return {key.lower(): quoted or plain for key, quoted, plain in found}


def _response(fields: dict[str, str], method: str, password: str) -> str:
    def digest(*parts: str) -> str:
        name = fields.get("algorithm", "MD5").replace("-", "").lower()
        return hashlib.new(name, ":".join(parts).encode(), usedforsecurity=False).hexdigest()

    secret = digest(fields["username"], fields["realm"], password)
    counted = [fields[name] for name in ("nc", "cnonce", "qop")] if "qop" in fields else []
    return digest(secret, fields["nonce"], *counted, digest(method, fields.get("uri", "")))
