"""The directory tree that Asterisk runs in: Debian packages, unpacked once per machine."""

import asyncio
import fcntl
import hashlib
import shutil
import signal
from pathlib import Path

from stasis_app.embedded.part import PartFailedError
from stasis_app.embedded.process import Command, run

SUITE = "forky"  # the first Debian with Asterisk 22
PACKAGES = (
    "asterisk",
    "asterisk-core-sounds-en",
    "asterisk-moh-opsound-wav",
    "asterisk-prompt-de",
    "ca-certificates",
)
MOUNT_POINT = "srv/pbx"
MOUNTED_FILES = ("etc/hosts", "etc/resolv.conf")  # the stack puts its own over them
NAME = "asterisk-root"


def root_below(cache: Path) -> Path:
    """Where the tree of this suite and these packages belongs."""
    contents = hashlib.sha256(" ".join((SUITE, *PACKAGES)).encode()).hexdigest()[:12]
    return cache / "pbx-x" / f"asterisk-{contents}"


async def build(root: Path, log: Path) -> None:
    """Make `root` unless another process just did. Raises PartFailedError."""
    if shutil.which("mmdebstrap") is None:
        raise PartFailedError(NAME, "mmdebstrap is missing; `make install` gets it", log)
    root.parent.mkdir(parents=True, exist_ok=True)
    with root.with_suffix(".lock").open("w") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        if not await asyncio.to_thread(root.exists):
            await _build(root, log)


async def _build(root: Path, log: Path) -> None:
    unfinished = root.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    if await run(_mmdebstrap(unfinished), log) != 0:
        raise PartFailedError(NAME, "mmdebstrap went wrong", log)
    (unfinished / MOUNT_POINT).mkdir()
    for file in MOUNTED_FILES:
        (unfinished / file).touch()
    unfinished.rename(root)


def _mmdebstrap(target: Path) -> Command:
    options = {
        "APT::Install-Recommends": "false",
        "Acquire::Retries": "3",
        # a mirror that lags behind is still signed, only its date has passed
        "Acquire::Check-Valid-Until": "false",
    }
    apt = [f'--aptopt={name} "{value}"' for name, value in options.items()]
    # its mounts go with the private mount namespace, however it ends
    argv = ["unshare", "--mount", "mmdebstrap", "--variant=apt", *apt]
    argv += [f"--include={','.join(PACKAGES)}", SUITE, str(target)]
    return Command(argv, death_signal=signal.SIGTERM)
