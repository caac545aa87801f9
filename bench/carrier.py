"""A carrier played by SIPp, at a loopback address of its own: a trunk is known by its address."""

import errno
import socket
from pathlib import Path
from typing import Any

from tests.support.sipp import Sipp


class Carrier(Sipp):
    """A SIPp like any other (UDP), but for its address."""

    def __init__(self, address: str, scenario: Path, server: str = "", **options: Any) -> None:
        super().__init__(scenario, server, **options)
        self.address = address

    def _command(self) -> list[str]:
        command = super()._command()
        command[command.index("-i") + 1] = self.address
        return command

    def _is_up(self) -> bool:
        ended = self.child.returncode is not None
        if ended and not self.server:
            raise RuntimeError(f"SIPp ended with {self.child.returncode}")
        return ended or _is_taken(self.address, self.local_port)


def _is_taken(address: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False
