"""The other end of a trunk: takes calls, makes calls, and registers who has an account.

async with Carrier("127.0.0.1:15060", local="127.0.0.2", accounts={"pbx": "secret"}) as carrier:
    await carrier.registered()
    call = await carrier.call("+4930123456", caller="+493023125001", uri=carrier.binding.uri)
    await call.answered()
"""

from collections.abc import Sequence
from typing import NamedTuple

from .caller import OutgoingCall
from .dialog import OFFER
from .digest import Challenger, Verdict
from .listener import listen
from .registrar import Binding, Registrar
from .sipmessage import Headers, Message
from .siptransport import SipTransport
from .transaction import new_tag
from .until import until
from .useragent import UserAgent

# a number that the German regulator keeps for films
CALLER = "+493023125000"
CHALLENGES = {401, 407}


class Rule(NamedTuple):
    """How a method is answered whatever is asked; code 0 is not at all."""

    code: int
    headers: tuple[tuple[str, str], ...]


class Carrier(UserAgent):
    """A carrier at an address of its own, by which the exchange knows it; port 0 is a free one.

    `accounts` are the users of its registrar and their passwords, `registrar` and `challenger`
    its rules. With `challenge` 401 or 407 an INVITE must prove an account too, else it is refused
    with the registrar's `wrong_password`. OPTIONS are answered with 200. While `deaf`, it is a host
    that takes everything and answers nothing.
    """

    def __init__(
        self,
        server: str,
        *,
        local: str = "127.0.0.2",
        port: int = 0,
        transport: str = "udp",
        codecs: Sequence[str] = ("PCMU", "PCMA"),
        telephone_event: bool = True,
        accounts: dict[str, str] | None = None,
        realm: str = "carrier.example",
        challenge: int = 0,
    ) -> None:
        super().__init__(
            "carrier",
            "",
            server,
            transport=transport,
            codecs=codecs,
            telephone_event=telephone_event,
            local=local,
        )
        self.realm, self.challenge = realm, challenge
        self.accounts = {} if accounts is None else accounts
        self.challenger = Challenger(realm, self.accounts)
        self.registrar = Registrar(self.challenger)
        self._port = port
        self._rules: dict[str, Rule] = {}

    @property
    def host(self) -> str:
        """Its address, for a trunk's row."""
        return self.local

    @property
    def port(self) -> int:
        """Its port, for a trunk's row."""
        return int(self.link.sent_by.rpartition(":")[2])

    @property
    def registers(self) -> list[Message]:
        """Every REGISTER that came, the ones to be challenged too."""
        return [request for request in self.requests if request.method == "REGISTER"]

    @property
    def bindings(self) -> dict[str, Binding]:
        """The registered contacts by URI, the newest at the end."""
        return self.registrar.bindings

    @property
    def binding(self) -> Binding:
        """The contact that was registered last."""
        assert self.bindings, "nobody is registered"
        return list(self.bindings.values())[-1]

    async def registered(self, within: float = 5.0) -> Binding:
        """Wait until somebody is registered; returns the newest contact."""
        await until(lambda: self.bindings, within, lambda: f"a registration {self._story()}")
        return self.binding

    async def unregistered(self, within: float = 5.0) -> None:
        """Wait until nobody is registered."""
        await until(lambda: not self.bindings, within, lambda: f"no registration {self._story()}")

    def refuse(self, method: str, code: int, headers: Headers = ()) -> None:
        """Answer every request of this method outside of a call with `code` from now on."""
        self._rules[method] = Rule(code, tuple(headers))

    def ignore(self, method: str) -> None:
        """Leave every request of this method outside of a call without an answer from now on."""
        self._rules[method] = Rule(0, ())

    def accept(self, method: str) -> None:
        """End what `refuse` or `ignore` began."""
        self._rules.pop(method, None)

    async def call(
        self,
        did: str,
        *,
        caller: str = CALLER,
        name: str = "",
        uri: str = "",
        to: str = "",
        headers: Headers = (),
        asserted: str = "",
        privacy: str = "",
        sdp: str | None = OFFER,
    ) -> OutgoingCall:
        """Call into the exchange; returns once the INVITE is sent.

        `uri` is the request-URI where it is not `did` at the server, such as `binding.uri`; the DID
        is in To all the same, unless `to` has another number. `caller` is in From, `asserted` in
        P-Asserted-Identity. It answers no challenge: a carrier has no account at its customer.
        """
        quoted = f'"{name}" ' if name else ""
        call = OutgoingCall(
            self,
            uri or f"sip:{did}@{self.domain}",
            f"{quoted}<sip:{caller}@{self.realm}>",
            authorized=False,
            to=f"<sip:{to or did}@{self.realm if uri else self.domain}>",
        )
        identity = [("P-Asserted-Identity", f"<sip:{asserted}@{self.realm}>")] if asserted else []
        withheld = [("Privacy", privacy)] if privacy else []
        return await self.start(call, sdp, [*identity, *withheld, *headers])

    async def _connect(self) -> SipTransport:
        return await listen(self.receive, self.transport, self.server, (self.local, self._port))

    def _receive_request(self, request: Message) -> None:
        rule = self._rules.get(request.method)
        if request["Call-ID"] in self.calls or request.method == "ACK":
            super()._receive_request(request)
        elif rule:
            self.requests.append(request)
            if rule.code:
                self.reply(request, rule.code, headers=rule.headers, tag=new_tag())
        elif request.method == "REGISTER":
            self.requests.append(request)
            code, headers = self.registrar.answer(request)
            self.reply(request, code, headers=headers, tag=new_tag())
        elif request.method != "INVITE" or self._admits(request):
            super()._receive_request(request)

    def _admits(self, invite: Message) -> bool:
        """Whether an INVITE may pass; else it is challenged or refused."""
        verdict = self.challenger.judge(invite, self.challenge) if self.challenge else Verdict.RIGHT
        if verdict is Verdict.WRONG and self.registrar.wrong_password not in CHALLENGES:
            self.reply(invite, self.registrar.wrong_password, tag=new_tag())
        elif verdict is not Verdict.RIGHT:
            challenge = self.challenger.challenge(self.challenge, verdict)
            self.reply(invite, self.challenge, headers=[challenge], tag=new_tag())
        return verdict is Verdict.RIGHT

    def _story(self) -> str:
        answers = [t.message.start for t in self.messages if t.message.method == "REGISTER"]
        return f"at {self.link.sent_by}: {', '.join(answers) or 'no REGISTER came'}"
