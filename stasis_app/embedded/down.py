"""`pbx down`; imports little, so that it is quick."""

import signal
from pathlib import Path

from stasis_app.embedded.state import StateDir

STOP_DEADLINE = 120.0  # seconds; longer than all parts together may take


def down(root: Path) -> int:
    """Stop the stack of `root` and wait until it is gone. Exit code 1: it would not go."""
    state = StateDir(root)
    supervisor = state.supervisor()
    if supervisor is None:
        print(f"No stack is running in {root}")
        return 0
    if not supervisor.end(signal.SIGTERM, STOP_DEADLINE):
        print(f"The supervisor (pid {supervisor.pid}) has not stopped; log: {state.logs}")
        return 1
    state.clear()
    print(f"The stack in {root} has stopped.")
    return 0
