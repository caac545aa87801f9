"""Files of the project that are no Python: in a checkout beside the package, in a wheel in it."""

from pathlib import Path

import stasis_app

_PACKAGE = Path(stasis_app.__path__[0])


def _find(name: str) -> Path:
    inside = _PACKAGE / name
    return inside if inside.exists() else _PACKAGE.parent / name


def asterisk_config() -> Path:
    return _find("asterisk-config")


def clean_cache() -> Path:
    return asterisk_config() / "clean-cache.sh"


def demo_company() -> Path:
    return _find("sql") / "demo" / "company.sql"
