"""The rules with very many rows: what they cost, how soon a change counts, what a refresh stalls.

No calls: one process asks a book, another follows a Postgres of its own.
"""

import asyncio
import contextlib
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from stasis_app.store.migrate import migrate
from tests.migrations.conftest import Server
from tests.store.postgres import embedded_binaries

from . import company
from .company import LARGE
from .processes import foreign_share
from .report import Figure

PART = "rules"


async def measure(runs: list[dict[str, Any]]) -> list[Figure]:
    async with _postgres() as server, foreign_share(_postmaster(server)) as foreign:
        figures = await _process("bench.lookups")
        async with server.database() as name:
            await _fill(server.dsn(name))
            figures += await _process("bench.refresh", server.dsn(name))
    runs.append({"part": PART, "cost": {"foreign": foreign[0]}})
    print(f"  foreign {foreign[0]:.0%}", flush=True)
    return figures


@asynccontextmanager
async def _postgres() -> AsyncIterator[Server]:
    with tempfile.TemporaryDirectory(prefix="pbx-pg-") as folder:  # a socket's path must be short
        server = Server(embedded_binaries(), Path(folder))
        await server.start()
        try:
            await server.create_owner()
            yield server
        finally:
            await server.stop()


def _postmaster(server: Server) -> int:
    return int((server.folder / "data" / "postmaster.pid").read_text().split()[0])


async def _fill(dsn: str) -> None:
    await migrate(dsn)
    connection = await asyncpg.connect(dsn)
    try:
        for table, columns, records in company.records(LARGE):
            await connection.copy_records_to_table(table, records=records, columns=columns)
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


async def _process(module: str, *arguments: str) -> list[Figure]:
    """Run a module of the bench, and return the figures that it shows."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        said, _ = await child.communicate()
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
    if child.returncode:
        raise RuntimeError(f"{module} ended with {child.returncode}")
    return [Figure(**json.loads(line)) for line in said.splitlines()]
