"""Requests to Asterisk, for the modules that know what to ask."""

from typing import Any, cast

from .errors import Unreachable
from .inboxes import Inboxes
from .transport import Reply, Transport


class Requests:
    """Sends requests, if there is a connection and nobody has sealed the door."""

    def __init__(
        self,
        url: str,
        username: str,
        password: str,
        app: str,
        inboxes: Inboxes,
        *,
        deadline: float = 5.0,
    ) -> None:
        self.app = app
        self._url = url
        self._inboxes = inboxes
        self._deadline = deadline
        self._transport = Transport(url, username, password, deadline)
        self._client: Any = None
        self._sealed = False

    async def _do(self, resource: str, operation: str, /, **arguments: Any) -> Reply:
        """Send a request, without the arguments that are None."""
        self._must_be_open(f"{resource} {operation}")
        call = getattr(getattr(self._client.swagger, resource), operation)
        given = {name: value for name, value in arguments.items() if value is not None}
        return cast(Reply, await call(**given))

    def _must_be_open(self, request: str) -> None:
        if self._sealed or self._client is None:
            raise Unreachable(request, "the door is closed")

    def seal(self) -> None:
        """Send nothing more: this process is about to leave, and its calls are to live on."""
        self._sealed = True

    async def close(self) -> None:
        await self._transport.close()
