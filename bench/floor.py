"""The floor PBX-X is compared with: the least that an ARI application can do.

Run as `python -m bench.floor APP TRANSPORT`. TRANSPORT is `ws` (REST over four WebSocket control
sessions, event filter, uvloop) or `aioari` (its own HTTP client, as it comes). Both channels
are bridged before dialling, so that ringing and answer pass by themselves: six requests a call.
It reads where Asterisk is, `ari` of stack.json, as a line of JSON from standard input.
"""

import asyncio
import itertools
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import aioari
import aiohttp
import uvloop
from aiohttp import web

CONTROL_SESSIONS = 4
EVENTS = ("StasisStart", "StasisEnd", "ChannelStateChange", "ChannelDestroyed")
ACCEPTED = (200, 201, 204, 404, 409)  # the last two: the channel was quicker
Event = Mapping[str, Any]
Deliver = Callable[[Event], None]


class Ari(Protocol):
    async def send(self, call: int, resource: str, operation: str, **arguments: Any) -> None: ...


PATHS = {
    "create": ("POST", "channels/create"),
    "originateWithId": ("POST", "channels/{channelId}"),
    "dial": ("POST", "channels/{channelId}/dial"),
    "ring": ("POST", "channels/{channelId}/ring"),
    "answer": ("POST", "channels/{channelId}/answer"),
    "hangup": ("DELETE", "channels/{channelId}"),
    "createWithId": ("POST", "bridges/{bridgeId}"),
    "addChannel": ("POST", "bridges/{bridgeId}/addChannel"),
    "destroy": ("DELETE", "bridges/{bridgeId}"),
}


class WebSocketAri:
    """Requests over a few control sessions, chosen by call; replies are awaited, not read."""

    def __init__(self, sessions: list[aiohttp.ClientWebSocketResponse]) -> None:
        self._sessions = sessions
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._numbers = itertools.count()
        self.readers = [asyncio.create_task(self._read(session)) for session in sessions]

    async def send(self, call: int, resource: str, operation: str, **arguments: Any) -> None:
        method, path = PATHS[operation]
        uri = path.format(**arguments)
        query = [{"name": n, "value": v} for n, v in arguments.items() if f"{{{n}}}" not in path]
        number = str(next(self._numbers))
        request = {
            "type": "RESTRequest",
            "transaction_id": number,
            "request_id": number,
            "method": method,
            "uri": uri,
            "query_strings": query,
        }
        self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._sessions[call % len(self._sessions)].send_str(json.dumps(request))
        await self._waiting[number]

    async def _read(self, session: aiohttp.ClientWebSocketResponse) -> None:
        async for message in session:
            reply = json.loads(message.data)
            if reply["type"] == "RESTResponse":
                if reply["status_code"] not in ACCEPTED:
                    print(reply, file=sys.stderr)
                self._waiting.pop(reply["request_id"]).set_result(None)


class AioariAri:
    """Requests as aioari sends them, those of one call in their order.

    Dialled before both are in the bridge, a callee's ringing would not reach the caller.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._turns: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def send(self, call: int, resource: str, operation: str, **arguments: Any) -> None:
        try:
            async with self._turns[call]:
                await getattr(getattr(self._client.swagger, resource), operation)(**arguments)
        except (web.HTTPNotFound, web.HTTPConflict):
            return  # the channel was quicker


class Floor:
    """Serves calls: the first argument of Stasis() is the number to ring."""

    def __init__(self, app: str, ari: Ari) -> None:
        self._app, self._ari = app, ari
        self._numbers = itertools.count()
        self._moments: dict[tuple[str, str], asyncio.Future[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def deliver(self, event: Event) -> None:
        if event["type"] == "StasisStart" and event["args"][0] != "leg":
            task = asyncio.create_task(self._serve(event["channel"]["id"], event["args"][0]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        if event["type"] not in EVENTS:
            return
        channel = event["channel"]
        kind = channel["state"] if event["type"] == "ChannelStateChange" else event["type"]
        moment = self._moments.get((channel["id"], kind))
        if moment and not moment.done():
            moment.set_result(None)

    def _moment(self, channel: str, kind: str) -> "asyncio.Future[None]":
        return self._moments.setdefault((channel, kind), asyncio.get_running_loop().create_future())

    async def _serve(self, caller: str, number: str) -> None:
        call = next(self._numbers)
        leg, bridge = f"{caller}-leg", f"{caller}-bridge"
        ends = [self._moment(channel, "ChannelDestroyed") for channel in (caller, leg)]
        await self._connect(call, caller, leg, bridge, f"PJSIP/{number}")
        await asyncio.wait(
            [*ends, self._moment(caller, "StasisEnd")], return_when="FIRST_COMPLETED"
        )
        other = leg if not ends[1].done() else caller
        await asyncio.gather(
            self._ari.send(call, "channels", "hangup", channelId=other),
            self._ari.send(call, "bridges", "destroy", bridgeId=bridge),
        )
        await asyncio.gather(*ends)
        kinds = ("StasisStart", "StasisEnd", "ChannelDestroyed")
        for channel, kind in itertools.product((caller, leg), kinds):
            self._moments.pop((channel, kind), None)

    async def _connect(self, call: int, caller: str, leg: str, bridge: str, endpoint: str) -> None:
        send, app = self._ari.send, self._app
        leg_of = {"channelId": leg, "endpoint": endpoint, "originator": caller}
        started = self._moment(leg, "StasisStart")
        await asyncio.gather(
            send(call, "channels", "create", app=app, appArgs="leg", **leg_of),
            send(call, "bridges", "createWithId", bridgeId=bridge, type="mixing"),
        )
        await started
        both = {"channel": f"{caller},{leg}", "inhibitConnectedLineUpdates": "true"}
        await asyncio.gather(
            send(call, "bridges", "addChannel", bridgeId=bridge, **both),
            send(call, "channels", "dial", channelId=leg, caller=caller),
        )


async def serve_websocket(app: str, ari: Mapping[str, str]) -> None:
    url = ari["url"].rstrip("/") + "/ari/"
    user = aiohttp.encode_basic_auth(ari["username"], ari["password"])
    async with aiohttp.ClientSession(headers={"Authorization": user}) as http:
        events = await http.ws_connect(url + "events", params={"app": app}, max_msg_size=0)
        names = [f"{app}-ctl-{number}" for number in range(CONTROL_SESSIONS)]
        sessions = [await http.ws_connect(url + "events", params={"app": n}) for n in names]
        wanted = {"allowed": [{"type": name} for name in EVENTS]}
        async with http.put(f"{url}applications/{app}/eventFilter", json=wanted) as reply:
            reply.raise_for_status()
        floor = Floor(app, WebSocketAri(sessions))
        print("ready", flush=True)
        async for message in events:
            floor.deliver(json.loads(message.data))


async def serve_aioari(app: str, ari: Mapping[str, str]) -> None:
    client = await aioari.connect(ari["url"], ari["username"], ari["password"])
    client.on_event("*", Floor(app, AioariAri(client)).deliver)
    print("ready", flush=True)
    await client.run(apps=app)


def main(app: str, transport: str) -> None:
    ari = json.loads(sys.stdin.readline())
    if transport == "ws":
        uvloop.run(serve_websocket(app, ari))
    else:
        asyncio.run(serve_aioari(app, ari))


if __name__ == "__main__":
    main(*sys.argv[1:])
