"""Parts start, fail, die, come back and end."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from stasis_app.embedded import supervisor as supervisor_module
from stasis_app.embedded.part import PartFailedError
from stasis_app.embedded.process import Child, Command, ProcessId, run
from stasis_app.embedded.state import StateDir
from stasis_app.embedded.supervisor import Supervisor
from tests.embedded.fakes import SERVER, FakePart, Recorder
from tests.support.until import until

FAILS = "import sys; print('line one'); print('no such thing'); sys.exit(3)"
NEVER_READY = "import signal; print('thinking', flush=True); signal.pause()"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SERVER.replace(
    "signal.signal(signal.SIGTERM, stop)", ""
)


async def test_says_when_a_part_is_ready(
    supervisor: Supervisor, said: Recorder, tmp_path: Path
) -> None:
    await supervisor.start(FakePart("one", tmp_path), FakePart("two", tmp_path))
    assert sorted(line.partition(" in ")[0] for line in said.lines) == ["one: ready", "two: ready"]


async def test_a_part_that_ends_is_reported_with_the_end_of_its_log(
    supervisor: Supervisor, said: Recorder, state: StateDir, tmp_path: Path
) -> None:
    with pytest.raises(PartFailedError, match="bad failed: it ended with code 3"):
        await supervisor.start(FakePart("good", tmp_path), FakePart("bad", tmp_path, FAILS))
    failure = said.lines.index("bad: FAILED: it ended with code 3")
    log = state.log("bad")
    assert said.lines[failure + 1 : failure + 4] == [
        f": log: {log}",
        ": | line one",
        ": | no such thing",
    ]


async def test_a_part_that_is_never_ready_is_reported(
    supervisor: Supervisor, said: Recorder, tmp_path: Path
) -> None:
    part = FakePart("slow", tmp_path, NEVER_READY)
    part.start_deadline = 0.3
    with pytest.raises(PartFailedError, match="not ready after 0 s"):
        await supervisor.start(part)
    assert ": | thinking" in said.lines


async def test_a_command_that_does_not_exist_is_a_part_that_failed(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    class Missing(FakePart):
        def command(self) -> Command:
            return Command(["/no/such/program"])

    with pytest.raises(PartFailedError, match="/no/such/program"):
        await supervisor.start(Missing("missing", tmp_path))


async def test_a_step_that_fails_is_reported(supervisor: Supervisor, said: Recorder) -> None:
    with pytest.raises(PartFailedError, match="step failed: it ended with code 3"):
        await supervisor.run_step("step", Command([sys.executable, "-c", FAILS]))
    assert said.lines[-1] == ": | no such thing"


async def test_a_part_that_dies_is_started_again(state: StateDir, tmp_path: Path) -> None:
    good_again = asyncio.Event()
    said = Recorder()
    supervisor = Supervisor(state.logs, said, on_restart=good_again.set)
    await supervisor.start(FakePart("app", tmp_path))
    try:
        for code in (-9, -9):
            good_again.clear()
            before = supervisor.children["app"].pid
            os.kill(before, signal.SIGKILL)
            await asyncio.wait_for(good_again.wait(), 10)
            assert supervisor.children["app"].pid != before
            assert f"app: ended with code {code}, starting it again" in said.lines
    finally:
        await supervisor.stop()


async def test_the_last_part_to_start_is_the_first_to_stop(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    parts = [FakePart(name, tmp_path) for name in ("database", "switch", "app")]
    for part in parts:
        await supervisor.start(part)
    await supervisor.stop()
    assert parts[0].journal.read_text().splitlines() == [
        *("start database", "start switch", "start app"),
        *("stop app", "stop switch", "stop database"),
    ]


async def test_a_chore_is_done_again_and_again(
    supervisor: Supervisor, said: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "CHORE_SECONDS", 0.02)
    done = tmp_path / "done"

    class Dirty(FakePart):
        def chore(self, pid: int) -> Command:
            return Command(["sh", "-c", f"echo {pid} >>{done}; exit 7"])

    await supervisor.start(Dirty("dirty", tmp_path), FakePart("clean", tmp_path))
    await until(lambda: done.exists() and len(done.read_text().splitlines()) > 1)
    assert set(done.read_text().split()) == {str(supervisor.children["dirty"].pid)}
    assert "dirty: its hourly chore ended with code 7" in said.lines


async def test_a_part_that_ignores_its_stop_signal_is_killed(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    part = FakePart("deaf", tmp_path, DEAF)
    part.stop_deadline = 0.2
    await supervisor.start(part)
    await supervisor.stop()
    assert supervisor.children["deaf"].exit_code == -signal.SIGKILL


async def test_a_cancelled_run_leaves_no_process(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    command = Command(["sh", "-c", f"echo $$ >{pid_file}; exec sleep 60"])
    task = asyncio.create_task(run(command, tmp_path / "log"))
    await until(lambda: pid_file.exists() and pid_file.read_text().endswith("\n"))
    process = ProcessId.of(int(pid_file.read_text()))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert not process.is_alive()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_no_child_outlives_the_supervisor(how: signal.Signals, state: StateDir) -> None:
    argv = [sys.executable, "-m", "tests.embedded.fakes", str(state.root)]
    supervisor = await Child.spawn(Command(argv), state.log("supervisor"))
    await until((state.root / "up").exists, within=20)
    children = state.children()
    assert set(children) == {"first", "second"}
    assert all(child.is_alive() for child in children.values())

    await supervisor.stop(how, deadline=10)

    await until(lambda: not any(child.is_alive() for child in children.values()))
    stops = (state.root / "journal").read_text().count("stop")
    assert stops == (2 if how is signal.SIGTERM else 0)


async def test_a_pid_that_was_used_again_is_not_taken_for_the_old_process() -> None:
    own = ProcessId.of(os.getpid())
    assert own.is_alive()
    earlier = ProcessId(own.pid, own.started - 1)
    assert not earlier.is_alive()
    assert earlier.end(signal.SIGKILL, deadline=0)  # gone already: nothing is sent
