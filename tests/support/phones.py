"""Real SIP phones for tests: baresip, an independent SIP stack, in this process.

    async with phones() as line:
        anna = await line.register("1001", "secret", server="127.0.0.1:15060")
        call = await anna.dial("1002")
        await call.answered()

The RawPhone of sip.py has the same words for a call and shows more (connected line, headers,
every code to refuse with); use it where a test needs that. Only one `phones()` may be open in a
process at a time. Written for baresip-python 0.5.2a3, whose private details it touches in `dial`.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Literal

from baresip import Account, BaresipError, Config, Runtime, StackEvent, UserAgent
from baresip import Call as NativeCall

from .phonecall import Call
from .until import TimedOutError

SHOWN_HEADERS = ("P-Asserted-Identity", "From", "Diversion")
Log = defaultdict[int, list[StackEvent]]


class Phone:
    """A registered phone."""

    def __init__(
        self, agent: UserAgent, number: str, domain: str, log: Log, closing: AsyncExitStack
    ) -> None:
        self.agent, self.number, self.domain = agent, number, domain
        self.calls: list[Call] = []
        self._log, self._closing = log, closing
        self._incoming: asyncio.Queue[Call] = asyncio.Queue()
        agent.on_incoming(self._ring)

    async def dial(self, number: str) -> Call:
        """Call a number; returns once the INVITE is sent."""
        native = await self.agent.dial(f"sip:{number}@{self.domain}")
        events = self._log[native.handle]
        # the call listens only from here on, so what came meanwhile would be lost on it
        for event in events:
            native._on_stack_event(event)
        return self._keep(native)

    async def incoming(self, within: float = 5.0) -> Call:
        """Wait for the next call to this phone; it rings by itself."""
        try:
            return await asyncio.wait_for(self._incoming.get(), within)
        except TimeoutError:
            raise TimedOutError(f"waited {within:g} s for a call to {self.number}") from None

    @property
    def is_called(self) -> bool:
        """Whether a call waits to be taken by `incoming`."""
        return not self._incoming.empty()

    def _ring(self, native: NativeCall) -> None:
        self._incoming.put_nowait(self._keep(native))

    def _keep(self, native: NativeCall) -> Call:
        call = Call(native, self._log[native.handle])
        self.calls.append(call)
        self._closing.push_async_callback(call.close)
        return call


class Line:
    """Where phones are plugged in; `closing` closes what was opened."""

    def __init__(self, runtime: Runtime, closing: AsyncExitStack) -> None:
        self._runtime, self._closing = runtime, closing
        self._log: Log = defaultdict(list)
        runtime.subscribe(self._note)

    async def register(
        self,
        number: str,
        password: str,
        *,
        server: str,
        transport: Literal["udp", "tcp", "tls"] = "udp",
        codecs: Sequence[str] = ("pcmu", "pcma"),
    ) -> Phone:
        """Register one more phone at `server` ("host:port"); a number may have several.

        Codecs are named as baresip does ("opus/48000/2"). Raises baresip.RegistrationError, whose
        `status` is the SIP code, when refused.
        """
        account = Account(number, server, password, transport=transport, audio_codecs=tuple(codecs))
        agent = await UserAgent.create(self._runtime, account)
        await agent.register()
        self._closing.push_async_callback(_unregister, agent)
        return Phone(agent, number, server, self._log, self._closing)

    def _note(self, event: StackEvent) -> None:
        if event.call:
            self._log[event.call].append(event)


@asynccontextmanager
async def phones() -> AsyncIterator[Line]:
    """Start baresip on 127.0.0.1; at the end every call and phone is closed."""
    runtime = Runtime()
    config = Config(
        net_interface="127.0.0.1", max_concurrent_calls=None, expose_headers=SHOWN_HEADERS
    )
    await runtime.start(config)
    async with AsyncExitStack() as closing:
        closing.push_async_callback(runtime.close)
        yield Line(runtime, closing)


async def _unregister(agent: UserAgent) -> None:
    with suppress(BaresipError):
        await agent.unregister(timeout=2.0)
