"""Everything the environment decides. No other module reads it."""

import os
import socket
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "PBX_"

Port = Annotated[int, Field(ge=1, le=65535)]


class SettingsError(Exception):
    """The environment lacks a variable or holds one that cannot be used."""


class _Environment(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore")


class DatabaseSettings(_Environment):
    """What `pbx migrate` needs."""

    database_url: SecretStr
    asterisk_db_password: SecretStr


class DatabaseUrl(_Environment):
    """What a command needs that only looks; without it a stack on this machine is asked."""

    database_url: SecretStr | None = None


class ObjectStoreSettings(_Environment):
    """What a command needs that stores objects."""

    s3_endpoint: str
    s3_access_key: str
    s3_secret_key: SecretStr
    s3_bucket: str = "pbx"
    s3_secure: bool = False


class Settings(_Environment):
    """What the application needs."""

    database_url: SecretStr
    ari_url: str
    ari_username: str
    ari_password: SecretStr
    ari_app: str = "pbx"
    ami_host: str
    ami_port: Port = 5038
    ami_username: str
    ami_password: SecretStr
    http_host: str = "127.0.0.1"
    http_port: Port
    http_url: Annotated[str, Field(max_length=120)] = ""
    spool_dir: Path
    s3_endpoint: str
    s3_access_key: str
    s3_secret_key: SecretStr
    s3_bucket: str = "pbx"
    s3_secure: bool = False
    smtp_host: str
    smtp_port: Port = 25
    smtp_security: Literal["none", "starttls", "tls"] = "none"
    smtp_username: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_ca_file: Path | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"

    @field_validator("smtp_ca_file", mode="before")
    @classmethod
    def _none_if_empty(cls, value: object) -> object:
        return value or None

    @property
    def reached_at(self) -> str:
        """The URL of our HTTP port as Asterisk reaches it, without a slash at its end."""
        host = self.http_host
        if host in ("0.0.0.0", "::", ""):  # noqa: S104  any address: by the name of this host
            host = socket.gethostname()
        return (self.http_url or f"http://{host}:{self.http_port}").rstrip("/")


class EmbeddedSettings(_Environment):
    """What `pbx up` takes from the environment besides its arguments."""

    rtp_start: Port | None = None
    rtp_end: Port | None = None
    cache_home: Annotated[Path, Field(validation_alias="XDG_CACHE_HOME")] = Path("~/.cache")


S = TypeVar("S", bound=_Environment)


def load(kind: type[S]) -> S:
    """Read `kind` from the environment. Raises SettingsError naming each variable at fault."""
    try:
        return kind()
    except ValidationError as error:
        raise SettingsError("; ".join(_fault(e) for e in error.errors())) from None


def _fault(error: Any) -> str:
    # the value is left out: it may be a secret
    variable = str(error["loc"][0])
    if not variable.isupper():
        variable = PREFIX + variable.upper()
    message = "is not set" if error["type"] == "missing" else error["msg"]
    return f"{variable}: {message}"


def child_environment(**variables: str) -> dict[str, str]:
    """This process's environment with `variables` put over it."""
    return {**os.environ, **variables}
