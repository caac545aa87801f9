"""AMI for what ARI does not tell: the state of outbound registrations (Asterisk 22).

The account needs read=system for the event Registry, and write=reporting for the list.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count

import structlog

from .errors import AriError, Unreachable

log = structlog.get_logger()

Block = Mapping[str, str]
OnEvent = Callable[[Block], None]

CONNECTED = {"Event": "Connected"}
BACK_OFF = (0.1, 0.5, 1.0, 2.0, 5.0)
HEARTBEAT = 15.0
LONGEST_LINE = 65536
MOST_FIELDS = 256


@dataclass(frozen=True, slots=True)
class Registration:
    """An outbound registration: its object's name and what Asterisk says of it.

    `status` is Registered, Rejected (it failed, and may be tried again) or Unregistered, which a
    carrier that does not answer leaves it in for 32 s. When it is tried next AMI does not know:
    NextReg is always 0.
    """

    name: str
    status: str


class Manager:
    """One AMI session, kept up by `follow`. `connected` is set while it can be asked."""

    def __init__(
        self, host: str, port: int, username: str, password: str, *, deadline: float = 5.0
    ) -> None:
        if set("\r\n") & set(username + password):
            raise ValueError("a line break in AMI's user name or password")
        self.connected = asyncio.Event()
        self._address = (host, port)
        self._login = {"Username": username, "Secret": password, "Events": "system"}
        self._deadline = deadline
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: dict[str, _Answer] = {}
        self._numbers = count(1)
        self._failures = 0

    async def follow(self, on_event: OnEvent) -> None:
        """Hand every event to `on_event`, and connect again whenever the connection ends.

        Each connection begins with CONNECTED: events may have been missed before it.
        """
        while True:
            reason = "the connection has ended"
            try:
                await self._session(on_event)
            except (OSError, AriError) as error:
                reason = str(error) or "no answer in time"
            if self._failures == 0:
                log.warning("asterisk manager unreachable", action="ami_lost", error=reason)
            await asyncio.sleep(BACK_OFF[min(self._failures, len(BACK_OFF) - 1)])
            self._failures += 1

    async def registrations(self) -> list[Registration]:
        """Return all outbound registrations.

        Raises Unreachable without a connection or an answer, AriError if Asterisk refuses.
        """
        if not self.connected.is_set():
            raise Unreachable("PJSIPShowRegistrationsOutbound", "no connection")
        blocks = await self._ask("PJSIPShowRegistrationsOutbound")
        return [
            Registration(block["ObjectName"], block["Status"])
            for block in blocks
            if block.get("Event") == "OutboundRegistrationDetail"
            and {"ObjectName", "Status"} <= block.keys()
        ]

    async def _session(self, on_event: OnEvent) -> None:
        """Connect, log in, and read until the connection ends."""
        async with asyncio.timeout(self._deadline):
            reader, writer = await asyncio.open_connection(*self._address, limit=LONGEST_LINE)
        self._writer = writer
        reading = asyncio.create_task(self._read(reader, on_event), name="ami")
        try:
            await self._ask("Login", self._login)
            self.connected.set()
            self._failures = 0
            log.info("asterisk manager connected", action="ami_connected")
            _tell(on_event, CONNECTED)
            while not (await asyncio.wait([reading], timeout=HEARTBEAT))[0]:
                await self._ask("Ping")
        finally:
            self.connected.clear()
            self._writer = None
            reading.cancel()
            await asyncio.wait([reading])
            writer.transport.abort()

    async def _read(self, reader: asyncio.StreamReader, on_event: OnEvent) -> None:
        try:
            with contextlib.suppress(OSError):
                while (block := await read_block(reader)) is not None:
                    self._take(block, on_event)
        finally:
            for answer in self._waiting.values():
                answer.fail(Unreachable("AMI", "the connection has ended"))

    def _take(self, block: Block, on_event: OnEvent) -> None:
        answer = self._waiting.get(block.get("ActionID", ""))
        if answer is not None:
            answer.take(block)
        elif "Event" in block:
            _tell(on_event, block)

    async def _ask(self, action: str, fields: Mapping[str, str] | None = None) -> list[Block]:
        """Send an action; return its response and the events that belong to it."""
        if self._writer is None:
            raise Unreachable(action, "no connection")
        number = str(next(self._numbers))
        lines = {"Action": action, "ActionID": number, **(fields or {})}
        answer = self._waiting[number] = _Answer(action)
        try:
            async with asyncio.timeout(self._deadline):
                self._writer.write(render_block(lines))
                return await answer.blocks
        except TimeoutError as error:
            raise Unreachable(action, f"no answer within {self._deadline:g} s") from error
        finally:
            del self._waiting[number]


@dataclass
class _Answer:
    """What comes for one action: a response, or a list that ends with EventList: Complete."""

    action: str
    came: list[Block] = field(default_factory=list)
    blocks: asyncio.Future[list[Block]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def take(self, block: Block) -> None:
        self.came.append(block)
        if block.get("Response") == "Error":
            reason = block.get("Message", "")
            self.fail(AriError(HTTPStatus.FORBIDDEN, self.action, reason))
        elif _completes(block) and not self.blocks.done():
            self.blocks.set_result(self.came)

    def fail(self, error: AriError) -> None:
        if not self.blocks.done():
            self.blocks.set_exception(error)


def _tell(on_event: OnEvent, block: Block) -> None:
    try:
        on_event(block)
    except Exception:
        log.exception("a manager event could not be handled", action="ami_event_failed")


def _completes(block: Block) -> bool:
    place = block.get("EventList", "").lower()
    return place == "complete" or ("Response" in block and place != "start")


def render_block(fields: Block) -> bytes:
    return "".join(f"{name}: {fields[name]}\r\n" for name in fields).encode() + b"\r\n"


async def read_block(reader: asyncio.StreamReader) -> Block | None:
    """Return the fields up to the next empty line, None at the end of the stream.

    Of a repeated field the first counts. Lines that are too long or no field are passed over.
    """
    block: dict[str, str] = {}
    while True:
        try:
            line = await reader.readline()
        except ValueError:
            continue  # longer than LONGEST_LINE
        if not line.endswith(b"\n"):
            return None
        name, colon, value = line.decode(errors="replace").partition(":")
        if colon and len(block) < MOST_FIELDS:
            block.setdefault(name.strip(), value.strip())
        elif block and not name.strip():
            return block
