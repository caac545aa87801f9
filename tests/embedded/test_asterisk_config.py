"""What Asterisk's configuration files promise one another."""

import re
from pathlib import Path

import pytest

from stasis_app.embedded.asterisk import AMI_USERNAME, Asterisk
from stasis_app.embedded.ports import PortPlan
from stasis_app.embedded.render import render
from stasis_app.embedded.resources import asterisk_config
from stasis_app.embedded.state import StateDir
from stasis_app.rules.mirrored import AGENT, BREAK, PROFILE

Sections = dict[str, dict[str, str]]


def sections(text: str) -> Sections:
    """The options of each section of a .conf file; comments are left out, the last value counts."""
    found: Sections = {}
    for raw in text.splitlines():
        line = re.sub(r"(?<!\\);.*", "", raw).strip()
        if line.startswith("["):
            options = found.setdefault(line.strip("[]"), {})
        elif line:
            name, _, value = line.partition("=")
            options[name.strip()] = value.lstrip(">").strip()
    return found


@pytest.fixture
def rendered(state: StateDir) -> dict[str, str]:
    """The text of each file as the embedded Asterisk gets it."""
    asterisk = Asterisk(state, PortPlan.above(15000), state.secrets(), Path("/"))
    values = asterisk.placeholders()
    return {path.name: render(path, values) for path in asterisk_config().glob("*.conf")}


def test_ami_has_one_account_that_looks_on_from_private_networks(rendered: dict[str, str]) -> None:
    manager = sections(rendered["manager.conf"])
    assert set(manager) == {"general", AMI_USERNAME}
    assert manager["general"]["webenabled"] == "no"
    account = manager[AMI_USERNAME]
    assert (account["read"], account["write"]) == ("system", "reporting")
    fence = sections(rendered["http.conf"])["/ari"]
    assert (account["deny"], account["permit"]) == (fence["deny"], fence["permit"])


def test_what_the_app_pushes_is_kept_in_memory(rendered: dict[str, str]) -> None:
    sorcery = sections(rendered["sorcery.conf"])
    # a section is read by the module that owns the type; anywhere else it would mean pjsip.conf
    assert sorcery["res_pjsip_outbound_registration"] == {"registration": "memory"}
    assert sorcery["res_pjsip_endpoint_identifier_ip"] == {"identify": "memory"}
    assert sorcery["acl"] == {"acl": "memory"}
    assert not {"registration", "identify", "acl"} & set(sorcery["res_pjsip"])


@pytest.mark.parametrize("module", ["func_curl", "func_sorcery", "func_env", "func_config"])
def test_no_function_reads_files_or_passwords(module: str, rendered: dict[str, str]) -> None:
    assert f"load = {module}.so" not in rendered["modules.conf"]
    assert "load = res_curl.so" in rendered["modules.conf"]


def test_messages_are_the_apps(rendered: dict[str, str]) -> None:
    """Asterisk only tells phones how many wait, and reads no phones for that at its start."""
    modules = rendered["modules.conf"]
    assert "load = app_minivm.so" in modules
    assert "app_voicemail" not in modules
    assert sections(rendered["pjsip.conf"])["global"]["mwi_disable_initial_unsolicited"] == "yes"
    assert "[mailboxes]" in rendered["extensions.conf"]
    assert sections(rendered["minivm.conf"]) == {"general": {}}


@pytest.mark.parametrize(
    ("dialled", "device"),
    [("*281234", PROFILE), ("*45*1001", AGENT), ("*46*1001", BREAK)],
)
def test_a_lamp_is_one_device(rendered: dict[str, str], dialled: str, device: str) -> None:
    """A phone chooses the number of the hint; & and , in it would name further devices."""
    hints = re.findall(r"^exten => _(.*)X!,hint,(.*)$", rendered["extensions.conf"], re.MULTILINE)
    [(prefix, state)] = [hint for hint in hints if dialled.startswith(hint[0])]
    assert state == f"Stasis:{device}${{FILTER(0-9,${{EXTEN:{len(prefix)}}})}}"
