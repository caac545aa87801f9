"""The environment."""

from pathlib import Path

import pytest

from stasis_app.embedded.stack import Stack
from stasis_app.settings import EmbeddedSettings, Settings, SettingsError, load


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    variables = Stack(tmp_path, 15000).app_variables()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


def test_the_stack_gives_the_app_all_it_needs(environment: dict[str, str]) -> None:
    settings = load(Settings)
    assert settings.http_port == 15080
    assert (settings.ami_host, settings.ami_port) == ("127.0.0.1", 15038)
    assert settings.database_url.get_secret_value() == environment["PBX_DATABASE_URL"]
    assert {name.removeprefix("PBX_").lower() for name in environment} <= set(Settings.model_fields)


def test_a_missing_variable_is_named(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PBX_ARI_URL")
    with pytest.raises(SettingsError, match=r"^PBX_ARI_URL: is not set$"):
        load(Settings)


def test_a_bad_value_is_named_but_not_shown(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PBX_HTTP_PORT", "hunter2")
    with pytest.raises(SettingsError, match=r"^PBX_HTTP_PORT: .*integer") as caught:
        load(Settings)
    assert "hunter2" not in str(caught.value)


def test_secrets_do_not_print(environment: dict[str, str]) -> None:
    shown = repr(load(Settings))
    for name in (
        "PBX_ARI_PASSWORD",
        "PBX_AMI_PASSWORD",
        "PBX_S3_SECRET_KEY",
        "PBX_DATABASE_URL",
    ):
        assert environment[name] not in shown


def test_mail_is_handed_in_openly_unless_the_environment_says_otherwise(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PBX_SMTP_CA_FILE", "")  # as docker-compose.yml passes it on
    settings = load(Settings)
    assert (settings.smtp_security, settings.smtp_username) == ("none", "")
    assert settings.smtp_ca_file is None
    monkeypatch.setenv("PBX_SMTP_SECURITY", "starttls")
    monkeypatch.setenv("PBX_SMTP_PASSWORD", "hunter2")
    monkeypatch.setenv("PBX_SMTP_CA_FILE", "/etc/ca.pem")
    settings = load(Settings)
    assert settings.smtp_security == "starttls"
    assert settings.smtp_ca_file == Path("/etc/ca.pem")
    assert "hunter2" not in repr(settings)
    monkeypatch.setenv("PBX_SMTP_SECURITY", "ssl")
    with pytest.raises(SettingsError, match=r"^PBX_SMTP_SECURITY: "):
        load(Settings)


def test_the_cache_is_where_the_user_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert load(EmbeddedSettings).cache_home == Path("/somewhere")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert load(EmbeddedSettings).cache_home == Path("~/.cache")
