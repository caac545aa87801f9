"""Where everything listens: one plan per stack, all of it in base..base+999."""

import socket
from collections.abc import Iterable
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Listener:
    """A port that a part will open."""

    part: str
    port: int
    kind: socket.SocketKind = socket.SOCK_STREAM

    def is_taken(self) -> bool:
        """Whether some other process has the port now."""
        with socket.socket(socket.AF_INET, self.kind) as probe:
            if self.kind is socket.SOCK_STREAM:
                # connections of an earlier run that are still in TIME_WAIT take nothing away
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, self.port))
            except OSError:
                return True
        return False


@dataclass(frozen=True)
class PortPlan:
    """The ports of a stack."""

    base: int
    rtp_start: int
    rtp_end: int

    @classmethod
    def above(
        cls, base: int, rtp_start: int | None = None, rtp_end: int | None = None
    ) -> "PortPlan":
        """The plan from `base` on; RTP gets base+200..base+879 unless said otherwise."""
        return cls(base, rtp_start or base + 200, rtp_end or base + 879)

    @property
    def smtp(self) -> int:
        return self.base + 25

    @property
    def ami(self) -> int:
        return self.base + 38

    @property
    def sip(self) -> int:
        return self.base + 60

    @property
    def sip_tls(self) -> int:
        return self.base + 61

    @property
    def app(self) -> int:
        return self.base + 80

    @property
    def ari(self) -> int:
        return self.base + 88

    @property
    def wss(self) -> int:
        return self.base + 89

    @property
    def postgres(self) -> int:
        return self.base + 432

    @property
    def s3(self) -> int:
        return self.base + 900


def taken(listeners: Iterable[Listener]) -> list[Listener]:
    """Those whose port another process already has."""
    return [listener for listener in listeners if listener.is_taken()]
