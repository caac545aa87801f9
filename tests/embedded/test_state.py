"""The files of a state directory."""

import json
import os
import re
import stat
from dataclasses import asdict
from pathlib import Path

import pytest

from stasis_app.embedded.process import Child, Command
from stasis_app.embedded.state import AlreadyRunningError, StateDir, write_json


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_are_made_once_and_are_the_owners_alone(state: StateDir) -> None:
    made = state.secrets()
    assert StateDir(state.root).secrets() == made
    assert mode(state.root / "secrets.json") == 0o600
    assert mode(state.root) == 0o700


def test_secrets_differ_from_one_another_and_between_stacks(tmp_path: Path) -> None:
    values: list[str] = []
    for name in ("a", "b"):
        state = StateDir(tmp_path / name)
        state.create()
        state.secrets()
        values += json.loads((state.root / "secrets.json").read_text()).values()
    assert len(set(values)) == len(values) == 14


def test_a_state_directory_from_before_gets_the_secret_it_lacks(state: StateDir) -> None:
    made = state.secrets()
    before = asdict(made)
    del before["ami_password"]
    write_json(state.root / "secrets.json", before)
    now = state.secrets()
    assert {**asdict(now), "ami_password": ""} == {**before, "ami_password": ""}
    assert now.ami_password
    assert state.secrets() == now


def test_the_entity_id_is_a_locally_administered_address(state: StateDir) -> None:
    assert re.fullmatch("02(:[0-9a-f]{2}){5}", state.secrets().entity_id)


def test_a_document_replaces_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_json(path, {"a": 1})
    write_json(path, {"b": 2})
    assert json.loads(path.read_text()) == {"b": 2}
    assert mode(path) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_one_supervisor_for_a_directory(state: StateDir) -> None:
    again = StateDir(state.root)
    with (
        state.locked(),
        pytest.raises(AlreadyRunningError, match=str(state.root)),
        again.locked(),
    ):
        pass
    with again.locked():
        pass


def test_no_supervisor_before_the_first(state: StateDir) -> None:
    assert state.supervisor() is None
    state.clear()


async def test_what_a_lost_supervisor_left_is_cleared(
    state: StateDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stasis_app.embedded.state.ORPHAN_DEADLINE", 0.1)
    orphan = await Child.spawn(Command(["sleep", "60"]), state.log("orphan"))
    state.record({"orphan": orphan.identity})
    write_json(state.stack_file, {})
    supervisor = state.supervisor()
    assert supervisor is not None
    assert supervisor.pid == os.getpid()

    state.clear()

    assert await orphan.wait() == -9
    assert not state.stack_file.exists()
    assert state.supervisor() is None
