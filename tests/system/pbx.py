"""The exchange as a test sees it: SIP phones and SQL, and a look at what is left over."""

import asyncio
import json
import time
import uuid
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from tests.support.sip import RawPhone
from tests.support.until import until

NUMBERS = count(time.time_ns() // 10**6 % 10**9 * 10)


@dataclass
class Extension:
    """A row of `extensions` made for a test."""

    id: uuid.UUID
    number: str
    password: str


@dataclass
class Pbx:
    """One running stack and what a test has made in it."""

    state: Path
    db: asyncpg.Connection
    http: aiohttp.ClientSession
    open: AsyncExitStack
    extensions: list[Extension] = field(default_factory=list)
    rows: list[tuple[str, uuid.UUID]] = field(default_factory=list)

    @property
    def stack(self) -> dict[str, Any]:
        """stack.json, read anew: a pid in it may have changed."""
        stack: dict[str, Any] = json.loads((self.state / "stack.json").read_text())
        return stack

    def server(self, transport: str) -> str:
        """Where phones of that transport register; a URL for wss."""
        host, sip = self.stack["sip"].split(":")
        offset = {"udp": 0, "tcp": 0, "tls": 1, "wss": 29}[transport]
        address = f"{host}:{int(sip) + offset}"
        return f"wss://{address}/ws" if transport == "wss" else address

    async def insert(self, table: str, **columns: Any) -> uuid.UUID:
        """Insert a row that is deleted again at the end of the test."""
        names = ", ".join(columns)
        places = ", ".join(f"${place}" for place in range(1, len(columns) + 1))
        identity: uuid.UUID = await self.db.fetchval(
            f"INSERT INTO {table} ({names}) VALUES ({places}) RETURNING id", *columns.values()
        )
        self.rows.append((table, identity))
        await self.settled()
        return identity

    async def extension(self, **columns: Any) -> Extension:
        """Insert an extension with a number of its own, without a mailbox unless told otherwise."""
        row = {
            "number": str(next(NUMBERS)),
            "sip_password": "a secret; 1^2",
            "voicemail_enabled": False,
            **columns,
        }
        made = Extension(await self.insert("extensions", **row), row["number"], row["sip_password"])
        self.extensions.append(made)
        return made

    async def change(self, extension: Extension, **columns: Any) -> None:
        changes = ", ".join(f"{name} = ${place}" for place, name in enumerate(columns, 2))
        await self.db.execute(
            f"UPDATE extensions SET {changes} WHERE id = $1", extension.id, *columns.values()
        )
        await self.settled()

    async def settled(self, within: float = 5.0) -> None:
        """Wait until all that was committed counts, in the exchange and in Asterisk."""
        since = await self.db.fetchval("SELECT clock_timestamp()")

        async def counts() -> bool:
            # again and again: one that comes while a round is under way belongs to that round
            await self.db.execute("NOTIFY pbx_changes, ''")
            try:
                async with self.http.get(self.stack["http"] + "/healthz") as answer:
                    times = (await answer.json())["configuration"].values()
            except aiohttp.ClientError:
                return False
            return all(datetime.fromisoformat(at) >= since for at in times)

        await until(counts, within, "the change to count")

    async def phone(self, extension: Extension, **options: Any) -> RawPhone:
        """Register a phone. It is closed at the end of the test."""
        server = options.pop("server", self.stack["sip"])
        phone = RawPhone(extension.number, extension.password, server, **options)
        await self.open.enter_async_context(phone)
        answer = await phone.register()
        assert answer.code == 200, answer
        return phone

    async def phones(self, amount: int = 2, **columns: Any) -> list[RawPhone]:
        """Register one phone for each of so many new extensions."""
        return [await self.phone(await self.extension(**columns)) for _ in range(amount)]

    async def cdr(self, number: str, within: float = 5.0) -> asyncpg.Record:
        """Return the one `cdr` row of the last call that `number` made, when it has come."""
        query = "SELECT * FROM cdr WHERE caller_number = $1 ORDER BY initiated_at DESC"

        async def came() -> asyncpg.Record | None:
            return await self.db.fetchrow(query, number)

        return await until(came, within, f"a cdr row for {number}")

    async def timeline(self, call: uuid.UUID) -> list[str]:
        rows = await self.db.fetch(
            "SELECT event FROM call_events WHERE call_id = $1 ORDER BY seq", call
        )
        return [row["event"] for row in rows]

    async def row(self, number: str) -> asyncpg.Record | None:
        """Return the live `calls` row of the caller."""
        return await self.db.fetchrow("SELECT * FROM calls WHERE caller_number = $1", number)

    async def in_state(self, number: str, state: str, within: float = 5.0) -> asyncpg.Record:
        async def reached() -> asyncpg.Record | None:
            row = await self.row(number)
            return row if row and row["state"] == state else None

        return await until(reached, within, f"{number} in state {state}")

    async def ari(self, path: str) -> Any:
        ari = self.stack["ari"]
        auth = {"Authorization": aiohttp.encode_basic_auth(ari["username"], ari["password"])}
        async with self.http.get(f"{ari['url']}/ari/{path}", headers=auth) as answer:
            return await answer.json()

    async def healthy(self, within: float = 20.0) -> None:
        async def ok() -> bool:
            try:
                async with self.http.get(self.stack["http"] + "/healthz") as answer:
                    return answer.status == 200
            except (aiohttp.ClientError, OSError, FileNotFoundError):
                return False

        await until(ok, within, "a healthy exchange")

    async def quiet(self, within: float = 8.0) -> None:
        """Wait until no channel, no bridge and no row of a call is left."""

        async def nothing_left() -> bool:
            return not (
                await self.ari("channels")
                or await self.ari("bridges")
                or await self.db.fetchval("SELECT count(*) FROM calls")
            )

        async def leftovers() -> str:
            rows = await self.db.fetch("SELECT * FROM calls")
            return f"{await self.ari('channels')} {await self.ari('bridges')} {rows}"

        try:
            await until(nothing_left, within, "an empty exchange")
        except AssertionError as error:
            raise AssertionError(await leftovers()) from error

    async def reconnect(self, within: float = 20.0) -> None:
        """Connect to the database anew, as soon as it can be."""

        async def connected() -> bool:
            try:
                self.db = await asyncpg.connect(self.stack["database_url"])
            except (OSError, asyncpg.PostgresError):
                return False
            return True

        await until(connected, within, "Postgres")

    async def clean(self) -> None:
        await self.open.aclose()
        await self.quiet()
        for table, identity in reversed(self.rows):
            await self.db.execute(f"DELETE FROM {table} WHERE id = $1", identity)


async def run(*command: str) -> tuple[int, str]:
    """Run a command to its end; return its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()
