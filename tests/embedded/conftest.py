"""State directories and free ports."""

import os
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stasis_app.embedded.ports import Listener, PortPlan, taken
from stasis_app.embedded.state import StateDir
from stasis_app.embedded.supervisor import Supervisor
from tests.embedded.fakes import Recorder


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    state = StateDir(tmp_path / "state")
    state.create()
    return state


def free_port_base() -> int:
    """A base whose ports nobody has: each process of the tests looks among its own."""
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    lowest = 10000 + process * 5000
    while True:
        plan = PortPlan.above(random.randrange(lowest, lowest + 5000, 1000))  # noqa: S311
        sip = (plan.sip, plan.sip_tls, plan.wss)
        ports = (plan.smtp, plan.ami, *sip, plan.app, plan.ari, plan.postgres, plan.s3)
        if not taken(Listener("any", port) for port in ports):
            return plan.base


@pytest.fixture
def port_base() -> int:
    return free_port_base()


@pytest.fixture
def said() -> Recorder:
    return Recorder()


@pytest.fixture
async def supervisor(state: StateDir, said: Recorder) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(state.logs, said)
    yield supervisor
    await supervisor.stop()
