"""The state directory of a stack: its paths, its secrets, the files that describe it."""

import fcntl
import json
import os
import secrets
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from stasis_app.embedded.process import ProcessId

ORPHAN_DEADLINE = 10.0  # seconds for children to follow a killed supervisor


class StateDirError(Exception):
    """The state directory can't be made or entered."""


class AlreadyRunningError(Exception):
    """Another supervisor holds the state directory."""


@dataclass(frozen=True)
class Secrets:
    """Made once per state directory."""

    postgres_password: str
    database_password: str
    asterisk_db_password: str
    ari_password: str
    ami_password: str
    s3_secret_key: str
    entity_id: str

    @classmethod
    def generate(cls) -> "Secrets":
        passwords = {f.name: secrets.token_urlsafe(24) for f in fields(cls)}
        return cls(**{**passwords, "entity_id": _mac_address()})


def _mac_address() -> str:
    # 02: a locally administered address, so it can be no real card's
    return ":".join(["02", *(f"{byte:02x}" for byte in secrets.token_bytes(5))])


@dataclass(frozen=True)
class StateDir:
    """Paths below one `--state` directory."""

    root: Path

    @property
    def stack_file(self) -> Path:
        return self.root / "stack.json"

    @property
    def supervisor_file(self) -> Path:
        return self.root / "supervisor.json"

    @property
    def logs(self) -> Path:
        return self.root / "log"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def create(self) -> None:
        """Make the directory (only its owner can enter) and the one for logs."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.root.chmod(0o700)
            self.logs.mkdir(exist_ok=True)
        except OSError as error:
            raise StateDirError(f"{self.root} can't be the state directory: {error}") from None

    def secrets(self) -> Secrets:
        """The secrets of this directory, each made on first use."""
        path = self.root / "secrets.json"
        kept = json.loads(path.read_text()) if path.exists() else {}
        made = Secrets(**{**asdict(Secrets.generate()), **kept})
        if asdict(made) != kept:
            write_json(path, asdict(made))
        return made

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the one supervisor of this directory. Raises AlreadyRunningError."""
        with (self.root / "supervisor.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyRunningError(f"A stack is already running in {self.root}") from None
            yield

    def record(self, children: Mapping[str, ProcessId]) -> None:
        """Note this process as the supervisor of `children`, for who has to stop them."""
        own = asdict(ProcessId.of(os.getpid()))
        each = {name: asdict(identity) for name, identity in children.items()}
        write_json(self.supervisor_file, {**own, "children": each})

    def supervisor(self) -> ProcessId | None:
        """The supervisor noted last, dead or alive."""
        noted = self._noted()
        return ProcessId(noted["pid"], noted["started"]) if noted else None

    def children(self) -> dict[str, ProcessId]:
        """The children noted last, by their names, dead or alive."""
        noted = self._noted().get("children", {})
        return {name: ProcessId(**identity) for name, identity in noted.items()}

    def clear(self) -> None:
        """After the supervisor's end: no child of it lives on, no file says that it runs."""
        for orphan in self.children().values():
            # the kernel has signalled it already; a database needs a moment to close
            if not orphan.end(None, ORPHAN_DEADLINE):
                orphan.end(signal.SIGKILL, ORPHAN_DEADLINE)
        self.stack_file.unlink(missing_ok=True)
        self.supervisor_file.unlink(missing_ok=True)

    def _noted(self) -> dict[str, Any]:
        try:
            noted: dict[str, Any] = json.loads(self.supervisor_file.read_text())
        except FileNotFoundError:
            return {}
        return noted


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Replace `path` whole; nobody but the owner can read it."""
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(document, file, indent=2)
        file.write("\n")
    unfinished.replace(path)
