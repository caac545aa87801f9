"""`pbx up`."""

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import BinaryIO

from stasis_app.embedded.part import PartFailedError
from stasis_app.embedded.progress import Progress
from stasis_app.embedded.report import summary
from stasis_app.embedded.stack import PortTakenError, Stack
from stasis_app.embedded.state import AlreadyRunningError, StateDir, StateDirError

DETACHED_POLL = 0.05  # seconds


def run(root: Path, port_base: int, *, demo: bool) -> int:
    """Run a stack until SIGINT, SIGTERM or SIGHUP. Exit code 1: it did not start."""
    return asyncio.run(_up(root, port_base, demo=demo))


async def _up(root: Path, port_base: int, *, demo: bool) -> int:
    progress = Progress()
    _cancel_on_signals()
    try:
        async with Stack(root, port_base, demo=demo, progress=progress).running() as stack:
            print(await summary(stack), flush=True)
            await asyncio.Event().wait()
    except PartFailedError:
        print("Stopped: a part did not start.", flush=True)
    except (AlreadyRunningError, PortTakenError, StateDirError) as error:
        print(error, flush=True)
    except asyncio.CancelledError:
        print("Stopped.", flush=True)
        return 0
    return 1


def _cancel_on_signals() -> None:
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        for each in signals:
            loop.add_signal_handler(each, lambda: None)  # a second Ctrl-C must not spoil the stop
        print("Stopping …", flush=True)
        if task is not None:
            task.cancel()

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for each in signals:
        if each is not signal.SIGHUP or signal.getsignal(each) is not signal.SIG_IGN:  # nohup
            loop.add_signal_handler(each, stop)


def start_detached(root: Path, port_base: int, *, demo: bool) -> int:
    """Start a supervisor of its own and return when its stack is ready (0) or failed (1)."""
    state = StateDir(root)
    try:
        state.create()
    except StateDirError as error:
        print(error, flush=True)
        return 1
    log = state.log("supervisor")
    argv = [sys.executable, "-m", "stasis_app", "up", "--state", str(root)]
    argv += ["--port-base", str(port_base), *([] if demo else ["--no-demo"])]
    with log.open("ab") as output, log.open("rb") as said:
        said.seek(0, 2)
        supervisor = subprocess.Popen(  # noqa: S603  our own command line
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            ready = _follow(state, supervisor, said)
        except KeyboardInterrupt:
            supervisor.terminate()
            supervisor.wait()
            raise
    return 0 if ready else 1


def _follow(state: StateDir, supervisor: subprocess.Popen[bytes], said: BinaryIO) -> bool:
    """Print what it says until its stack is ready (True) or it has ended (False)."""
    while not (ready := _is_ready(state, supervisor.pid)) and supervisor.poll() is None:
        _echo(said.read())
        time.sleep(DETACHED_POLL)
    _echo(said.read())
    return ready


def _is_ready(state: StateDir, supervisor: int) -> bool:
    noted = state.supervisor()
    return noted is not None and noted.pid == supervisor and state.stack_file.exists()


def _echo(output: bytes) -> None:
    sys.stdout.write(output.decode(errors="replace"))
    sys.stdout.flush()
