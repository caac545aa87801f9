"""Placeholders in Asterisk's configuration."""

import stat
from pathlib import Path

import pytest

from stasis_app.embedded import resources
from stasis_app.embedded.asterisk import Asterisk
from stasis_app.embedded.ports import PortPlan
from stasis_app.embedded.render import (
    UnknownPlaceholderError,
    placeholders,
    render,
    render_directory,
)
from stasis_app.embedded.state import StateDir


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_only_our_names_are_replaced(tmp_path: Path) -> None:
    dialplan = "exten => 1,1,Stasis(pbx,${EXTEN},${PBX_X}) ; ${PBX_X}${ARG1}\n"
    path = write(tmp_path / "extensions.conf", dialplan)
    assert render(path, {"PBX_X": "v"}) == "exten => 1,1,Stasis(pbx,${EXTEN},v) ; v${ARG1}\n"


def test_an_unknown_placeholder_is_named_with_file_and_line(tmp_path: Path) -> None:
    path = write(tmp_path / "rtp.conf", "[general]\nrtpstart = ${PBX_TYPO}\n")
    with pytest.raises(UnknownPlaceholderError, match=r"rtp\.conf:2: .*\$\{PBX_TYPO\}"):
        render(path, {"PBX_RTP_START": "1"})


def test_an_unknown_placeholder_leaves_the_old_files(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    write(source / "a.conf", "old")
    render_directory(source, target, {})
    write(source / "a.conf", "new")
    write(source / "b.conf", "${PBX_TYPO}")
    with pytest.raises(UnknownPlaceholderError):
        render_directory(source, target, {})
    assert (target / "a.conf").read_text() == "old"


def test_a_directory_is_rendered_for_its_owner_alone(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    write(source / "ari.conf", "password = ${PBX_P}")
    write(source / "Dockerfile", "FROM nothing")
    write(target / "stale.conf", "of an earlier version")
    render_directory(source, target, {"PBX_P": "s"})
    assert [path.name for path in target.iterdir()] == ["ari.conf"]
    assert (target / "ari.conf").read_text() == "password = s"
    assert stat.S_IMODE((target / "ari.conf").stat().st_mode) == 0o600


def test_the_embedded_asterisk_provides_every_placeholder(state: StateDir) -> None:
    asterisk = Asterisk(state, PortPlan.above(15000), state.secrets(), Path("/"))
    asked = placeholders(resources.asterisk_config())
    assert asked
    assert asked <= set(asterisk.placeholders())
