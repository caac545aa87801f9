"""The `pbx` command says what is wrong with its arguments and its environment."""

import os

import pytest

from stasis_app.__main__ import main
from stasis_app.embedded.asterisk import Asterisk
from stasis_app.embedded.part import PartFailedError
from stasis_app.embedded.ports import PortPlan
from stasis_app.embedded.state import StateDir


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PBX_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize("command", ["run", "migrate"])
def test_a_missing_setting_is_named(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command]) == 2
    assert "PBX_DATABASE_URL: is not set" in capsys.readouterr().err


@pytest.mark.parametrize("base", ["80", "64537", "many"])
def test_a_port_base_must_leave_room(base: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["up", "--port-base", base])
    assert "--port-base" in capsys.readouterr().err


async def test_asterisk_says_that_it_needs_root(
    state: StateDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    asterisk = Asterisk(state, PortPlan.above(15000), state.secrets(), state.root)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(PartFailedError, match="asterisk failed: it needs root"):
        await asterisk.check_privileges()
