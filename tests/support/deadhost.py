"""An address where nobody is."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple


class DeadHost(NamedTuple):
    """Where a trunk's row points to when its carrier is gone."""

    host: str
    port: int


@contextmanager
def dead_host(host: str = "127.0.0.9") -> Iterator[DeadHost]:
    """Take a port of `host`: UDP vanishes there without an ICMP error, TCP is refused."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as refusing,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent,
    ):
        # bound but not listening: nobody else can listen there meanwhile
        refusing.bind((host, 0))
        port = int(refusing.getsockname()[1])
        silent.bind((host, port))
        yield DeadHost(host, port)
