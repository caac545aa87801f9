"""A registrar (RFC 3261, 10.3): lets in who knows the password, and remembers the contacts."""

import asyncio
import re
from typing import NamedTuple

from .digest import Challenger, Verdict
from .sipmessage import Address, Message, parameter

REGISTER_CHALLENGE = 401


class Binding(NamedTuple):
    """A registered contact: since `at`, a time of the loop, for `expires` seconds."""

    uri: str
    user: str
    at: float
    expires: int

    @property
    def line(self) -> str:
        """The `line` parameter by which Asterisk knows its registration again."""
        found = re.search(r";line=([^;>]*)", self.uri)
        return found[1] if found else ""


class Answer(NamedTuple):
    """What a REGISTER is answered."""

    code: int
    headers: list[tuple[str, str]]


class Registrar:
    """Answers REGISTERs; `wrong_password` is the code for one, 401 asks once more.

    `longest` caps the seconds that are granted.
    """

    def __init__(self, challenger: Challenger) -> None:
        self.wrong_password = 403
        self.longest = 3600
        self._challenger = challenger
        self._bindings: dict[str, Binding] = {}

    @property
    def bindings(self) -> dict[str, Binding]:
        """The contacts that have not expired, the one registered last at the end."""
        now = asyncio.get_running_loop().time()
        return {uri: one for uri, one in self._bindings.items() if one.at + one.expires > now}

    def answer(self, request: Message) -> Answer:
        """Decide about a REGISTER and do what it asks."""
        verdict = self._challenger.judge(request, REGISTER_CHALLENGE)
        if verdict is Verdict.WRONG and self.wrong_password != REGISTER_CHALLENGE:
            return Answer(self.wrong_password, [])
        if verdict is not Verdict.RIGHT:
            challenge = self._challenger.challenge(REGISTER_CHALLENGE, verdict)
            return Answer(REGISTER_CHALLENGE, [challenge])
        for contact in request.all("Contact"):
            self._bind(request, contact)
        return Answer(200, [("Contact", _written(one)) for one in self.bindings.values()])

    def _bind(self, request: Message, contact: str) -> None:
        uri = Address.parse(contact).uri
        asked = parameter(contact, "expires") or request.get("Expires") or "3600"
        granted = min(int(asked), self.longest)
        if uri == "*":
            self._bindings.clear()
            return
        self._bindings.pop(uri, None)
        if granted:
            now = asyncio.get_running_loop().time()
            user = Address.parse(request["To"]).user
            self._bindings[uri] = Binding(uri, user, now, granted)


def _written(binding: Binding) -> str:
    return f"<{binding.uri}>;expires={binding.expires}"
