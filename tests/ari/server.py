"""Asterisk's HTTP server as `ari.door` uses it: api-docs, requests, events and control sessions."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

from aiohttp import WSMsgType, web

OPERATIONS = """
asterisk GET /asterisk/info getInfo only
asterisk POST /asterisk/variable setGlobalVar variable value
asterisk PUT /asterisk/config/dynamic/{configClass}/{objectType}/{id} updateObject fields:body
asterisk DELETE /asterisk/config/dynamic/{configClass}/{objectType}/{id} deleteObject
applications GET /applications/{applicationName} get
bridges GET /bridges list
bridges POST /bridges/{bridgeId} createWithId type
bridges POST /bridges/{bridgeId}/addChannel addChannel channel inhibitConnectedLineUpdates
bridges DELETE /bridges/{bridgeId} destroy
channels GET /channels list
channels POST /channels/{channelId} originateWithId endpoint app appArgs variables:body
channels POST /channels/create create endpoint app appArgs channelId originator variables:body
channels POST /channels/{channelId}/dial dial caller
channels POST /channels/{channelId}/ring ring
channels DELETE /channels/{channelId}/ring ringStop
channels POST /channels/{channelId}/answer answer
channels POST /channels/{channelId}/play/{playbackId} playWithId media skipms
channels POST /channels/{channelId}/moh startMoh mohClass
channels DELETE /channels/{channelId}/moh stopMoh
channels POST /channels/{channelId}/record record \
    name format maxDurationSeconds maxSilenceSeconds ifExists beep terminateOn
channels GET /channels/{channelId}/variable getChannelVar variable
channels DELETE /channels/{channelId} hangup reason_code
deviceStates PUT /deviceStates/{deviceName} update deviceState
playbacks GET /playbacks/{playbackId} get
playbacks DELETE /playbacks/{playbackId} stop
playbacks POST /playbacks/{playbackId}/control control operation
recordings GET /recordings/stored listStored
recordings DELETE /recordings/stored/{recordingName} deleteStored
recordings GET /recordings/live/{recordingName} getLive
events GET /events eventWebsocket app
"""

Answer = tuple[int, str]


class File(NamedTuple):
    """A binary answer of `length` bytes, sent as the pieces come."""

    length: int
    pieces: AsyncIterator[bytes]


class Request(NamedTuple):
    """`way` is http, or the control session's application; `body` the JSON that was sent."""

    method: str
    path: str
    query: Mapping[str, str]
    way: str
    body: Any = None


class AriServer:
    """`answers` are (status, body) by path, None for none at all; any other path is 204.

    `files` are binary answers by path.
    `sockets` are the open WebSockets by application, `opened` counts all that ever were.
    While `refusing`, new WebSockets get a 503; while `mute`, no ping is answered.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answer | None] = {}
        self.files: dict[str, File] = {}
        self.requests: list[Request] = []
        self.headers: list[Mapping[str, str]] = []
        self.sockets: dict[str, web.WebSocketResponse] = {}
        self.opened: defaultdict[str, int] = defaultdict(int)
        self.refused = 0
        self.refusing = self.mute = False
        self.url = ""
        self._stopping = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        application = web.Application()
        application.router.add_get("/ari/api-docs/{file}.json", self._docs)
        application.router.add_get("/ari/events", self._events)
        application.router.add_route("*", "/ari/{path:.*}", self._request)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def stop(self) -> None:
        assert self._runner
        self._stopping.set()
        for socket in list(self.sockets.values()):
            await socket.close()
        await self._runner.cleanup()

    async def send(self, app: str, event: object) -> None:
        text = event if isinstance(event, str) else json.dumps(event)
        await self.sockets[app].send_str(text)

    def sent(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]

    async def _docs(self, request: web.Request) -> web.Response:
        self.headers.append(request.headers)
        lines = [line.split() for line in OPERATIONS.strip().splitlines()]
        file = request.match_info["file"]
        names = dict.fromkeys(line[0] for line in lines)
        listed = [{"path": f"/api-docs/{name}.{{format}}", "description": name} for name in names]
        apis = [_operation(*line[1:]) for line in lines if line[0] == file]
        body: dict[str, Any] = {"swaggerVersion": "1.1", "basePath": f"{self.url}/ari"}
        if file == "resources":
            body["apis"] = listed
        else:
            body |= {"resourcePath": f"/api-docs/{file}", "apis": apis, "models": {}}
        return web.json_response(body)

    async def _request(self, request: web.Request) -> web.StreamResponse:
        self.headers.append(request.headers)
        path = request.match_info["path"]
        if path in self.files:
            return await _send(request, self.files[path])
        sent = Request(request.method, path, dict(request.query), "http", await _json(request))
        status, body = await self._answer(sent)
        return web.Response(status=status, text=body or None)

    async def _answer(self, request: Request) -> Answer:
        self.requests.append(request)
        answer = self.answers.get(request.path, (204, ""))
        if answer is None:
            await self._stopping.wait()
        return answer or (503, "")

    async def _events(self, request: web.Request) -> web.StreamResponse:
        self.headers.append(request.headers)
        if self.refusing:
            self.refused += 1
            return web.Response(status=503)
        app = request.query["app"]
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        self.sockets[app] = socket
        self.opened[app] += 1
        try:
            async for message in socket:
                if message.type is WSMsgType.PING and not self.mute:
                    await socket.pong(message.data)
                elif message.type is WSMsgType.TEXT:
                    await self._rest(app, json.loads(message.data))
        finally:
            if self.sockets.get(app) is socket:
                del self.sockets[app]
        return socket

    async def _rest(self, app: str, message: Mapping[str, Any]) -> None:
        query = {pair["name"]: pair["value"] for pair in message["query_strings"]}
        body = json.loads(message["message_body"]) if _has_json(message) else None
        request = Request(message["method"], message["uri"], query, app, body)
        if self.answers.get(request.path, ()) is None:
            self.requests.append(request)
            return
        status, body = await self._answer(request)
        reply = {"type": "RESTResponse", "status_code": status, "message_body": body}
        await self.send(app, {**reply, "request_id": message["request_id"]})


async def _send(request: web.Request, file: File) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": str(file.length)})
    await response.prepare(request)
    async for piece in file.pieces:
        await response.write(piece)
    return response


def _operation(method: str, path: str, name: str, *queries: str) -> Mapping[str, Any]:
    in_path = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
    fields = [(field, "path") for field in in_path]
    fields += [(field.removesuffix(":body"), _place(field)) for field in queries]
    parameters = [
        {"name": field, "paramType": place, "dataType": "string", "required": place == "path"}
        for field, place in fields
    ]
    operation = {"httpMethod": method, "nickname": name, "parameters": parameters}
    if name == "eventWebsocket":
        operation["upgrade"] = "websocket"
        operation["websocketProtocol"] = "ari"
    return {"path": path, "operations": [operation]}


def _place(field: str) -> str:
    return "body" if field.endswith(":body") else "query"


async def _json(request: web.Request) -> Any:
    return await request.json() if request.content_type == "application/json" else None


def _has_json(message: Mapping[str, Any]) -> bool:
    """Asterisk refuses a body without its type, or of another."""
    return "message_body" in message and message["content_type"] == "application/json"
