"""How aioari's requests travel: over a few WebSocket control sessions, or over HTTP.

aioswagger11 calls this object its HTTP client. It replaces the library's own, which has no
deadlines, no heartbeat and puts the password into the query string (M-o-a-T/aioari 0.10.2).

Asterisk serves the requests of one control session one after another (22.10.1,
res/ari/ari_websockets.c), so requests that may wait for a channel's thread go over HTTP, and the
others are spread over the sessions by call: one call's requests keep their order.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import aiohttp
import orjson
import structlog

from .errors import Unreachable, refusal

log = structlog.get_logger()

HEARTBEAT = 5.0
PIECE = 1 << 18
SWIFT = frozenset({"create", "dial", "ring", "addChannel"})

lane: ContextVar[int | None] = ContextVar("lane", default=None)
"""Number of the call whose requests are sent; None sends them over HTTP."""


def swift(method: str, path: str) -> bool:
    """Return whether Asterisk answers without waiting for a channel that plays or records.

    One that fetches music waits, also to stop it.
    """
    collection, _, verb = path.rpartition("/")
    if verb == "moh":
        return False
    return method == "DELETE" or verb in SWIFT or collection == "bridges"


class Reply:
    """An answer as aioswagger11 wants it."""

    def __init__(self, status: int, body: str) -> None:
        self.status = status
        self._body = body

    async def text(self) -> str:
        return self._body

    async def json(self) -> Any:
        return orjson.loads(self._body)


class EventSocket:
    """A WebSocket that tells aioari of its end: `receive` returns None for anything but text."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def receive(self) -> aiohttp.WSMessage | None:
        message = await self._socket.receive()
        return message if message.type is aiohttp.WSMsgType.TEXT else None

    async def close(self) -> None:
        await self._socket.close()


class ControlSession:
    """REST over WebSocket (Asterisk 22.4 and later): requests out, replies by request id."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._waiting: dict[str, asyncio.Future[Mapping[str, Any]]] = {}
        self._count = 0
        self._reader = asyncio.create_task(self._read(), name="ari-control")

    async def request(
        self, method: str, path: str, params: Mapping[str, Any], body: str | None = None
    ) -> Reply:
        """Send a request; `body` is JSON."""
        self._count += 1
        number = str(self._count)
        answer: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        message = {
            "type": "RESTRequest",
            "transaction_id": number,
            "request_id": number,
            "method": method,
            "uri": path,
            "query_strings": [{"name": name, "value": str(params[name])} for name in params],
        }
        if body:
            message |= {"content_type": "application/json", "message_body": body}
        try:
            await self._socket.send_str(orjson.dumps(message).decode())
            reply = await answer
        except (aiohttp.ClientError, ConnectionError) as error:
            raise Unreachable(f"{method} {path}", str(error)) from error
        finally:
            self._waiting.pop(number, None)
        return Reply(reply["status_code"], reply.get("message_body", ""))

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    break
                self._take(orjson.loads(message.data))
        except ValueError as error:
            log.warning("control session spoke no JSON", action="ari_junk", error=str(error))
        finally:
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(ConnectionError("the control session has closed"))

    def _take(self, reply: object) -> None:
        if not isinstance(reply, dict) or reply.get("type") != "RESTResponse":
            return
        answer = self._waiting.get(str(reply.get("request_id")))
        if answer is not None and not answer.done():
            answer.set_result(reply)

    @property
    def closed(self) -> bool:
        return self._reader.done()

    async def close(self) -> None:
        await self._socket.close()
        self._reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reader


class Transport:
    """What aioswagger11 sends its requests through.

    Raises `AriError` (or its kinds `Gone`, `Unreachable`) for every answer of 400 or more.
    """

    def __init__(self, url: str, username: str, password: str, deadline: float) -> None:
        self._base = url.rstrip("/") + "/ari/"
        self._deadline = deadline
        self._sessions: list[ControlSession] = []
        headers = {"Authorization": aiohttp.encode_basic_auth(username, password)}
        self._http = aiohttp.ClientSession(
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=deadline),
            connector=aiohttp.TCPConnector(limit=200, keepalive_timeout=30.0),
        )

    async def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        data: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        path = url.partition("/ari/")[2]
        session = self._session_for(method, path)
        label = f"{method} {path}"
        try:
            async with asyncio.timeout(self._deadline):
                if session:
                    reply = await session.request(method, path, params or {}, data)
                else:
                    reply = await self._over_http(method, url, params, data, headers)
        except TimeoutError as error:
            raise Unreachable(label, f"no answer within {self._deadline:g} s") from error
        if reply.status >= HTTPStatus.BAD_REQUEST:
            raise refusal(reply.status, label, await reply.text())
        return reply

    def _session_for(self, method: str, path: str) -> ControlSession | None:
        number = lane.get()
        if number is None or not self._sessions:
            return None
        if not swift(method, path):
            return None
        session = self._sessions[number % len(self._sessions)]
        return None if session.closed else session

    async def _over_http(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None,
        data: str | None,
        headers: Mapping[str, str] | None,
    ) -> Reply:
        try:
            async with self._http.request(
                method, url, params=params, data=data, headers=headers
            ) as response:
                return Reply(response.status, await response.text())
        except aiohttp.ClientError as error:
            raise Unreachable(f"{method} {urlsplit(url).path}", str(error)) from error

    async def put_json(self, path: str, body: object) -> None:
        """PUT a JSON body as it is: aioswagger11 would wrap it in the parameter's name."""
        headers = {"Content-Type": "application/json"}
        await self.request(
            "PUT", self._base + path, data=orjson.dumps(body).decode(), headers=headers
        )

    async def download(self, path: str, to: BinaryIO) -> int:
        """Write a binary answer into `to` as it comes, however long; return how many bytes.

        The deadline is that of the next piece. Raises Unreachable when the end is missing.
        """
        label = f"GET {path}"
        patient = aiohttp.ClientTimeout(sock_connect=self._deadline, sock_read=self._deadline)
        length = 0
        try:
            async with self._http.get(self._base + path, timeout=patient) as response:
                if response.status >= HTTPStatus.BAD_REQUEST:
                    raise refusal(response.status, label, await response.text())
                async for piece in response.content.iter_chunked(PIECE):
                    length += await asyncio.to_thread(to.write, piece)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(label, str(error)) from error
        return length

    async def ws_connect(self, url: str, params: Mapping[str, Any] | None = None) -> EventSocket:
        return EventSocket(await self._connect(dict(params or {})))

    async def open_control_sessions(self, names: list[str]) -> None:
        await self.close_control_sessions()
        for name in names:
            self._sessions.append(ControlSession(await self._connect({"app": name})))

    async def close_control_sessions(self) -> None:
        sessions, self._sessions = self._sessions, []
        for session in sessions:
            await session.close()

    async def _connect(self, params: Mapping[str, Any]) -> aiohttp.ClientWebSocketResponse:
        try:
            return await self._http.ws_connect(
                self._base + "events",
                params=params,
                heartbeat=HEARTBEAT,
                max_msg_size=0,
                timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
            )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable("GET events", str(error)) from error

    async def close(self) -> None:
        await self.close_control_sessions()
        await self._http.close()
