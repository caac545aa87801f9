"""The mail sink as a part of the stack."""

import sys
from collections.abc import Sequence

from stasis_app.embedded.part import Part, greets
from stasis_app.embedded.ports import Listener
from stasis_app.embedded.process import Command
from stasis_app.embedded.state import StateDir


class MailSink(Part):
    """A mail server; its messages arrive in STATE/mail/new."""

    name = "mail"

    def __init__(self, state: StateDir, port: int) -> None:
        self.maildir = state.root / "mail"
        self._port = port

    def listeners(self) -> Sequence[Listener]:
        return [Listener(self.name, self._port)]

    def command(self) -> Command:
        module = "stasis_app.embedded.mail_sink"
        return Command([sys.executable, "-m", module, str(self._port), str(self.maildir)])

    async def is_ready(self) -> bool:
        return await greets(self._port, b"220 ")
