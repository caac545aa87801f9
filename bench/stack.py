"""The exchange under test: a stack of its own, the bench's phones in it, the ways to call them."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from stasis_app.embedded.asterisk import INSIDE
from stasis_app.settings import child_environment

from .processes import Moment

RTP_PORTS = ("20000", "29999")
PHONES = 100
CALLERS = [f"10{number:02d}" for number in range(PHONES)]
CALLEES = [f"20{number:02d}" for number in range(PHONES)]
PASSWORD = "bench"  # noqa: S105  of phones that live on loopback for the time of a run

PHONE = """
INSERT INTO extensions (number, sip_password, display_name, max_concurrent_calls)
SELECT unnest($1::text[]), $2, 'Bench', NULL ON CONFLICT (number) DO NOTHING
"""

REGISTRATION = """
INSERT INTO extension_registrations (
    extension_id, contact_id, contact_uri, ip_address, port, transport, expires_at)
SELECT e.id, e.number || '^3B@' || md5(uri), uri, '127.0.0.1', $2, 'udp', now() + INTERVAL '1 hour'
FROM extensions e, LATERAL (SELECT format('sip:%s@127.0.0.1:%s', e.number, $2::int) AS uri) AS c
WHERE e.number = ANY ($1)
"""


@dataclass(frozen=True)
class Variant:
    """A way for a call to reach its callee: what is dialled before the number, who serves it.

    Without an `application` of its own PBX-X serves it. `carrier` is the address of the carrier
    that delivers the call; '' stands for a phone.
    """

    name: str
    prefix: str
    application: str = ""
    floor: Sequence[str] = ()
    carrier: str = ""


NATIVE = Variant("A native", "71", "Dial(PJSIP/${EXTEN:2},30)")
FLOOR = Variant("B floor ws", "72", "Stasis(floor,${EXTEN:2})", ("floor", "ws"))
AIOARI = Variant("B floor aioari", "74", "Stasis(aio,${EXTEN:2})", ("aio", "aioari"))
PRODUCT = Variant("C PBX-X", "")
VARIANTS = (NATIVE, FLOOR, AIOARI, PRODUCT)


class Stack:
    """A running stack, as its stack.json describes it."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.pids: dict[str, int] = {}

    @property
    def description(self) -> dict[str, Any]:
        described: dict[str, Any] = json.loads((self.state / "stack.json").read_text())
        return described

    @property
    def sip(self) -> str:
        return str(self.description["sip"])

    @property
    def ari_port(self) -> int:
        return urlsplit(str(self.description["ari"]["url"])).port or 0

    @property
    def supervisor(self) -> int:
        return int(json.loads((self.state / "supervisor.json").read_text())["pid"])

    def pid(self, part: str) -> int:
        noted = json.loads((self.state / "supervisor.json").read_text())
        return int(noted["children"][part]["pid"])

    @property
    def asterisk(self) -> Path:
        """The directory of Asterisk's files, which Asterisk itself sees as `inside`."""
        return self.state / "asterisk"

    @property
    def inside(self) -> str:
        return INSIDE

    def spent(self, part: str, before: Moment, after: Moment) -> float:
        """Return the CPU seconds that a part took between two moments."""
        tree = self.pid(part)
        return after.cpu(after.tree(tree)) - before.cpu(before.tree(tree))

    async def extension(self, context: str, number: str, priority: int, application: str) -> None:
        """Add a line to the dialplan."""
        line = f"{number},{priority},{application}"
        await self.cli(f"dialplan add extension {line} into {context} replace")

    async def cli(self, command: str) -> str:
        """Return what a command of Asterisk's console prints."""
        argv = [*self.description["asterisk"]["cli"], command]
        child = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
        return (await child.communicate())[0].decode()

    @property
    def superuser_url(self) -> str:
        password = json.loads((self.state / "secrets.json").read_text())["postgres_password"]
        where = self.description["database_url"].partition("@")[2]
        return f"postgresql://postgres:{password}@{where}"

    async def execute(self, statement: str, *arguments: object) -> None:
        async with self.sql() as connection:
            await connection.execute(statement, *arguments)

    @asynccontextmanager
    async def sql(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self.description["database_url"])
        try:
            yield connection
        finally:
            await connection.close()


@asynccontextmanager
async def running(state: Path, port_base: int) -> AsyncIterator[Stack]:
    """`pbx up`, the bench's phones and dialplan, `pbx down`."""
    options = ["--state", str(state), "--port-base", str(port_base)]
    try:
        await _pbx("up", *options, "--detach", "--no-demo")
        stack = Stack(state)
        await _count_statements(stack)
        await _pbx("down", "--state", str(state))
        await _pbx("up", *options, "--detach", "--no-demo")
        await _prepare(stack)
        yield stack
    finally:
        await _pbx("down", "--state", str(state))


async def _count_statements(stack: Stack) -> None:
    """Have Postgres count statements and note when each row came, from its next start on."""
    superuser = await asyncpg.connect(stack.superuser_url)
    try:
        await superuser.execute("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
        await superuser.execute("ALTER SYSTEM SET track_commit_timestamp = on")
        await superuser.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    finally:
        await superuser.close()


async def _pbx(*arguments: str) -> None:
    environment = child_environment(PBX_RTP_START=RTP_PORTS[0], PBX_RTP_END=RTP_PORTS[1])
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "stasis_app",
        *arguments,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    said = (await child.communicate())[0].decode()
    if child.returncode:
        raise RuntimeError(f"pbx {arguments[0]} failed: {said}")


async def _prepare(stack: Stack) -> None:
    async with stack.sql() as connection:
        await connection.execute(PHONE, [*CALLERS, *CALLEES], PASSWORD)
    for variant in VARIANTS:
        await serve(stack, variant, "from-phones")


async def serve(stack: Stack, variant: Variant, context: str) -> None:
    """Have the dialplan know the numbers of a variant that has an application of its own."""
    if variant.application:
        await stack.extension(context, f"_{variant.prefix}20XX", 1, variant.application)


async def register(stack: Stack, port: int) -> None:
    """Have every callee registered at a UDP port of ours, for an hour, as Asterisk writes it."""
    async with stack.sql() as connection:
        await connection.execute("DELETE FROM extension_registrations")
        await connection.execute(REGISTRATION, CALLEES, port)


@asynccontextmanager
async def floors(stack: Stack, variants: Sequence[Variant]) -> AsyncIterator[dict[str, int]]:
    """Run the floor applications of these variants; gives their pids by the application's name."""
    ari = json.dumps(stack.description["ari"])
    async with contextlib.AsyncExitStack() as children:
        pids = {}
        for variant in variants:
            if variant.floor:
                pids[variant.floor[0]] = await children.enter_async_context(_floor(variant, ari))
        yield pids


@asynccontextmanager
async def _floor(variant: Variant, ari: str) -> AsyncIterator[int]:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.floor",
        *variant.floor,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdin
    assert child.stdout
    try:
        child.stdin.write(f"{ari}\n".encode())
        if await child.stdout.readline() != b"ready\n":
            raise RuntimeError(f"{variant.name} did not start")
        yield child.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
