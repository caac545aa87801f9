"""One stack for the system tests of a process, started as a person would: `pbx up --detach`."""

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from .pbx import Pbx, run

PORTS = 1000
PROCESS = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
PORT_BASE = int(os.environ.get("PBX_TEST_PORT_BASE", "26000")) + PROCESS * PORTS


@pytest.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Path]:
    """Yield the state directory of a running stack; PBX_TEST_STATE names one that runs already."""
    running = os.environ.get("PBX_TEST_STATE")
    if running:
        yield Path(running)
        return
    state = tmp_path_factory.mktemp("stack")
    pbx = (sys.executable, "-m", "stasis_app")
    code, output = await run(
        *pbx, "up", "--state", str(state), "--port-base", str(PORT_BASE), "--detach"
    )
    assert code == 0, output
    yield state
    code, output = await run(*pbx, "down", "--state", str(state))
    assert code == 0, output


@pytest.fixture
async def pbx(stack: Path) -> AsyncIterator[Pbx]:
    """Yield the exchange; after the test nothing of a call may be left in it."""
    facts = json.loads((stack / "stack.json").read_text())
    async with aiohttp.ClientSession() as http:
        exchange = Pbx(stack, await asyncpg.connect(facts["database_url"]), http, AsyncExitStack())
        try:
            await exchange.healthy()
            yield exchange
            await exchange.clean()
        finally:
            await exchange.db.close()
