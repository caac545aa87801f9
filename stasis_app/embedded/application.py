"""The application itself, `pbx run`, as a part of the stack."""

import sys
from collections.abc import Mapping, Sequence

from stasis_app.embedded.part import Part, http_ok
from stasis_app.embedded.ports import LOOPBACK, Listener
from stasis_app.embedded.process import Command


class Application(Part):
    """`variables` are the PBX_* settings it runs with."""

    name = "app"
    stop_deadline = 15.0
    final_codes = frozenset({3})  # another process has taken its name at Asterisk

    def __init__(self, port: int, variables: Mapping[str, str]) -> None:
        self._port = port
        self._variables = variables

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._port}"

    def listeners(self) -> Sequence[Listener]:
        return [Listener(self.name, self._port)]

    def command(self) -> Command:
        return Command([sys.executable, "-m", "stasis_app", "run"], self._variables)

    async def is_ready(self) -> bool:
        return await http_ok(f"{self.url}/healthz")
