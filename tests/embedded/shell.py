"""Commands that tests run."""

import subprocess
import sys
from collections.abc import Mapping


def shell(
    *argv: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `argv` to its end; stdout, stderr and code are in the result. No more than 280 s."""
    return subprocess.run(  # noqa: S603  tests make their own command lines
        argv, env=environment, capture_output=True, text=True, timeout=280, check=False
    )


def python_module(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m` with this interpreter."""
    return shell(sys.executable, "-m", *arguments)
