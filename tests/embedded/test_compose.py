"""docker-compose.yml and the images it builds agree with the code, as far as files can tell."""

import os
import re
import shutil
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import yaml

from stasis_app.embedded.asterisk_root import PACKAGES
from stasis_app.embedded.render import placeholders, render
from stasis_app.settings import DatabaseSettings, Settings
from tests.embedded.shell import python_module, shell
from tests.support.until import until

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
CONFIG = ROOT / "asterisk-config"
EXAMPLE = ROOT / ".env.example"

VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)[^}]*\}")


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    document = yaml.safe_load(COMPOSE.read_text())
    found: dict[str, dict[str, Any]] = document["services"]
    return found


def example() -> dict[str, str]:
    lines = [line for line in EXAMPLE.read_text().splitlines() if line and line[0] != "#"]
    return dict(line.split("=", 1) for line in lines)


def test_it_is_a_compose_file() -> None:
    schema = ["--builtin-schema", "vendor.compose-spec"]
    checked = python_module("check_jsonschema", *schema, str(COMPOSE))
    assert checked.returncode == 0, checked.stdout


def test_docker_itself_accepts_it(tmp_path: Path) -> None:
    if not shutil.which("docker") or shell("docker", "compose", "version").returncode:
        pytest.skip("docker compose is not installed")
    filled = tmp_path / "env"
    filled.write_text("".join(f"{name}={value or 'x'}\n" for name, value in example().items()))
    files = ["--file", str(COMPOSE), "--env-file", str(filled)]
    checked = shell("docker", "compose", *files, "config", "--quiet")
    assert checked.returncode == 0, checked.stderr


def test_every_variable_is_in_the_example_and_no_other() -> None:
    assert set(VARIABLE.findall(COMPOSE.read_text())) == set(example())


def test_the_example_holds_no_secret() -> None:
    secrets = {
        name: value for name, value in example().items() if "PASSWORD" in name or "KEY" in name
    }
    assert secrets
    assert not any(secrets.values())


def test_the_app_is_told_what_it_needs_and_nothing_it_does_not_know(
    services: dict[str, dict[str, Any]],
) -> None:
    for service, kind in (("app", Settings), ("migrate", DatabaseSettings)):
        told = {name.removeprefix("PBX_").lower() for name in services[service]["environment"]}
        needed = {name for name, field in kind.model_fields.items() if field.is_required()}
        assert needed <= told <= set(kind.model_fields)


def test_asterisk_is_told_every_placeholder(services: dict[str, dict[str, Any]]) -> None:
    assert placeholders(CONFIG) <= set(services["asterisk"]["environment"])


def test_both_ends_of_a_connection_agree(services: dict[str, dict[str, Any]]) -> None:
    app, asterisk = services["app"]["environment"], services["asterisk"]["environment"]
    assert app["PBX_ARI_URL"] == f"http://asterisk:{asterisk['PBX_ARI_PORT']}"
    assert app["PBX_ARI_USERNAME"] == asterisk["PBX_ARI_USERNAME"]
    assert app["PBX_ARI_PASSWORD"] == asterisk["PBX_ARI_PASSWORD"]
    assert app["PBX_AMI_HOST"] == "asterisk"
    for name in ("PORT", "USERNAME", "PASSWORD"):
        assert app[f"PBX_AMI_{name}"] == asterisk[f"PBX_AMI_{name}"]
    migrate = services["migrate"]["environment"]
    assert migrate["PBX_ASTERISK_DB_PASSWORD"] == asterisk["PBX_DB_PASSWORD"]
    assert migrate["PBX_DATABASE_URL"] == app["PBX_DATABASE_URL"]
    assert app["PBX_S3_SECRET_KEY"] == services["objects"]["environment"]["MINIO_ROOT_PASSWORD"]
    assert asterisk["PBX_DB_HOST"] in services
    assert app["PBX_SMTP_HOST"] == "${PBX_SMTP_HOST:-mail}"
    for address in (app["PBX_S3_ENDPOINT"], example()["PBX_SMTP_HOST"]):
        assert address.split(":")[0] in services


def test_only_sip_and_rtp_are_published(services: dict[str, dict[str, Any]]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    rtp = "${PBX_RTP_START:?}-${PBX_RTP_END:?}"
    assert published == {
        "asterisk": ["5060:5060/udp", "5060:5060/tcp", "5061:5061/tcp", f"{rtp}:{rtp}/udp"]
    }


def test_every_server_is_checked_and_waited_for(services: dict[str, dict[str, Any]]) -> None:
    servers = {name for name in services if name != "migrate"}
    assert {
        name for name in servers if services[name].get("healthcheck", {}).get("test")
    } == servers
    for service in services.values():
        for name, how in service.get("depends_on", {}).items():
            done = "service_completed_successfully"
            assert how["condition"] == (done if name == "migrate" else "service_healthy")


def test_images_are_pinned_and_builds_exist(services: dict[str, dict[str, Any]]) -> None:
    for service in services.values():
        if "build" in service:
            assert (ROOT / service["build"] / "Dockerfile").is_file()
        else:
            assert re.search(r":[\w.-]*\d[\w.-]*$", service["image"])


def test_volumes_are_declared(services: dict[str, dict[str, Any]]) -> None:
    used = {v.split(":")[0] for service in services.values() for v in service.get("volumes", ())}
    assert used == set(yaml.safe_load(COMPOSE.read_text())["volumes"])


@pytest.mark.parametrize("folder", [ROOT, CONFIG])
def test_what_an_image_copies_exists(folder: Path) -> None:
    text = (folder / "Dockerfile").read_text()
    for line in re.findall(r"^COPY (.+) \S+$", text, re.MULTILINE):
        for pattern in line.split():
            assert list(folder.glob(pattern)), pattern


def test_the_image_has_the_packages_of_the_embedded_asterisk() -> None:
    installed = set((CONFIG / "Dockerfile").read_text().replace("\\", " ").split())
    assert set(PACKAGES) <= installed


@pytest.fixture
def container(tmp_path: Path) -> dict[str, str]:
    """The environment of an entrypoint whose Asterisk is `true`."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "asterisk").symlink_to("/bin/true")
    values = {name: f"value-of-{name}" for name in placeholders(CONFIG)}
    tls = {"PBX_TLS_CERT": str(tmp_path / "cert.pem"), "PBX_TLS_KEY": str(tmp_path / "key.pem")}
    return {
        **values,
        **tls,
        "PBX_ASTERISK_DIR": str(tmp_path),
        "PBX_CONFIG_SOURCE": str(CONFIG),
        "PATH": f"{programs}:{os.environ['PATH']}",
    }


def enter(environment: dict[str, str]) -> CompletedProcess[str]:
    return shell("sh", str(CONFIG / "entrypoint.sh"), environment=environment)


def test_the_entrypoint_renders_as_the_embedded_stack_does(
    container: dict[str, str], tmp_path: Path
) -> None:
    entered = enter(container)
    assert entered.returncode == 0, entered.stderr
    for source in CONFIG.glob("*.conf"):
        assert (tmp_path / "etc" / source.name).read_text() == render(source, container)
    assert "BEGIN CERTIFICATE" in (tmp_path / "cert.pem").read_text()
    assert (tmp_path / "spool" / "recording").is_dir()


def test_the_entrypoint_names_a_missing_value(container: dict[str, str]) -> None:
    del container["PBX_SIP_PORT"]
    entered = enter(container)
    assert entered.returncode == 1
    assert "pjsip.conf:" in entered.stdout
    assert "${PBX_SIP_PORT}" in entered.stdout


async def test_the_entrypoint_cleans_the_cache_each_hour_while_asterisk_runs(
    container: dict[str, str], tmp_path: Path
) -> None:
    """Asterisk runs for two hours here; `timeout` is how the time passes."""
    programs = tmp_path / "bin"
    timeout = '#!/bin/sh\necho "$*" >>hours\n[ "$(wc -l <hours)" -gt 2 ] || exit 124\n'
    for name, script in (("timeout", timeout), ("clean-cache.sh", "#!/bin/sh\necho cleaned\n")):
        (programs / name).write_text(script)
        (programs / name).chmod(0o700)
    assert enter(container).returncode == 0
    hours, log = tmp_path / "hours", tmp_path / "log" / "clean-cache"
    await until(lambda: hours.exists() and len(hours.read_text().splitlines()) > 2)
    assert log.read_text().splitlines() == ["cleaned"] * 2
    waited = hours.read_text().splitlines()
    assert [line.split(" --pid")[0] for line in waited] == ["3600 tail"] * 3


def test_the_image_has_what_its_entrypoint_calls() -> None:
    assert (
        "COPY clean-cache.sh entrypoint.sh /usr/local/bin/" in (CONFIG / "Dockerfile").read_text()
    )
    assert os.access(CONFIG / "clean-cache.sh", os.X_OK)
