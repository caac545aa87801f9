"""Asterisk's AMI server as `ari.manager` uses it."""

import asyncio
from collections.abc import Callable, Mapping

from stasis_app.ari.manager import read_block

Answer = Callable[[str], str]

BANNER = "Asterisk Call Manager/11.0.0\r\n"


def block(*lines: str) -> str:
    return "".join(f"{line}\r\n" for line in lines) + "\r\n"


def accepted(number: str) -> str:
    return block("Response: Success", f"ActionID: {number}", "Message: Authentication accepted")


def refused(number: str) -> str:
    return block("Response: Error", f"ActionID: {number}", "Message: Authentication failed")


def pong(number: str) -> str:
    return block("Response: Success", f"ActionID: {number}", "Ping: Pong")


class ManagerServer:
    """`answers` are made from the ActionID, by action; without one an action gets no answer.

    `actions` is what was asked, `opened` counts connections.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {"Login": accepted, "Ping": pong}
        self.actions: list[Mapping[str, str]] = []
        self.opened = 0
        self.port = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server
        self._server.close()
        self.hang_up()
        await self._server.wait_closed()

    def hang_up(self) -> None:
        for writer in self._writers:
            writer.close()

    def send(self, data: str | bytes) -> None:
        for writer in self._writers:
            writer.write(data if isinstance(data, bytes) else data.encode())

    def asked(self, action: str) -> list[Mapping[str, str]]:
        return [fields for fields in self.actions if fields["Action"] == action]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        self._writers.add(writer)
        writer.write(BANNER.encode())
        try:
            while fields := await read_block(reader):
                self.actions.append(fields)
                answer = self.answers.get(fields["Action"])
                if answer:
                    writer.write(answer(fields["ActionID"]).encode())
        except ConnectionError:
            pass  # the other side has gone
        finally:
            self._writers.discard(writer)
            writer.close()
