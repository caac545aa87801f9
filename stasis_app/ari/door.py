"""The one door to Asterisk: aioari's client, its connection kept up, its answers typed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import aioari
import aiohttp
import orjson
import structlog

from . import events
from .errors import AriError, Replaced
from .inboxes import Inboxes
from .mailboxes import Mailboxes
from .playing import Playing
from .recordings import Recordings
from .transport import EventSocket

log = structlog.get_logger()

CONTROL_SESSIONS = 4
BACK_OFF = (0.1, 0.2, 0.5, 1.0, 2.0)

UNSET = ("Provided variable was not found", "Unable to read provided function")
"""What ARI says of a variable without value (404) and of a function that fails (500)."""
UNSHOWN = "Allocation failed"


class Door(Playing, Recordings, Mailboxes):
    """Requests to one Asterisk and the events of one Stasis application.

    `inboxes` gets every event. Methods raise `Gone` when their object has ended, `Unreachable`
    after `deadline` seconds or without a connection, `AriError` for any other refusal.
    """

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
        super().__init__(url, username, password, app, inboxes, deadline=deadline)
        self._replaced = False
        self.connected = asyncio.Event()

    async def keep_open(self, on_open: Callable[[], Awaitable[None]]) -> None:
        """Connect, call `on_open`, read events until the connection ends, and begin again.

        Raises Replaced when another process takes our application's name.
        """
        failures = 0
        while True:
            try:
                await self._open_once(on_open)
                failures = 0
            except (AriError, aiohttp.ClientError, OSError, KeyError, ValueError) as error:
                log.warning("asterisk unreachable", action="ari_unreachable", error=str(error))
            if self._replaced:
                raise Replaced(self.app)
            if self.connected.is_set():
                failures = 0
            self.connected.clear()
            await asyncio.sleep(BACK_OFF[min(failures, len(BACK_OFF) - 1)])
            failures += 1

    async def _open_once(self, on_open: Callable[[], Awaitable[None]]) -> None:
        if self._client is None:
            self._client = await self._introduce()
        socket = await self._client.swagger.events.eventWebsocket(app=self.app)
        reading = asyncio.create_task(self._read(socket), name="ari-events")
        try:
            await self._transport.open_control_sessions(
                [f"{self.app}-ctl-{number}" for number in range(CONTROL_SESSIONS)]
            )
            await self._narrow_events()
            await on_open()
            self.connected.set()
            log.info("asterisk connected", action="ari_connected")
            await reading
            log.warning("asterisk connection lost", action="ari_lost")
        finally:
            reading.cancel()
            await asyncio.wait([reading])
            await socket.close()
            await self._transport.close_control_sessions()

    async def _read(self, socket: EventSocket) -> None:
        """Hand every event to aioari, which calls `_route` and survives what that raises."""
        while not self._replaced and (message := await socket.receive()):
            raw = orjson.loads(message.data)
            if isinstance(raw, dict) and "type" in raw:
                await self._client.process_ws(raw)

    async def _introduce(self) -> Any:
        client = aioari.Client(self._url.rstrip("/") + "/", self._transport)
        await client.init()
        client.on_event("*", self._route)
        return client

    async def _narrow_events(self) -> None:
        wanted = {"allowed": [{"type": name} for name in events.READERS]}
        await self._transport.put_json(f"applications/{self.app}/eventFilter", wanted)

    def _route(self, raw: Mapping[str, Any]) -> None:
        event = events.read(raw)
        if isinstance(event, events.ApplicationReplaced):
            self._replaced = True
            self.seal()
        elif event is not None:
            self._inboxes.deliver(event)

    async def create_channel(
        self,
        channel: str,
        endpoint: str,
        originator: str,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Make an outgoing channel that is not dialled yet. Its StasisStart follows.

        `variables` are set in their order, and may be dialplan functions: CONNECTEDLINE(num,i).
        """
        await self._do(
            "channels",
            "create",
            endpoint=endpoint,
            app=self.app,
            appArgs="leg",
            channelId=channel,
            originator=originator,
            variables=dict(variables) if variables else None,
        )

    async def dial(self, channel: str, caller: str | None) -> None:
        """Dial a created channel. A `caller` gives it his identity, language and variables."""
        await self._do("channels", "dial", channelId=channel, caller=caller)

    async def channel_variable(self, channel: str, name: str) -> str:
        """Return a variable's or a dialplan function's value, "" for one that has none."""
        try:
            reply = await self._do("channels", "getChannelVar", channelId=channel, variable=name)
        except AriError as error:
            if any(reason in error.reason for reason in UNSET):
                return ""
            raise
        return str((await reply.json())["value"])

    async def set_channel_variable(self, channel: str, name: str, value: str) -> None:
        """Set a variable of a channel, or a dialplan function: CALLERID(pres)."""
        await self._do("channels", "setChannelVar", channelId=channel, variable=name, value=value)

    async def ring(self, channel: str) -> None:
        """Tell a caller that it rings: 180, or to one who is answered the tone itself."""
        await self._do("channels", "ring", channelId=channel)

    async def stop_ringing(self, channel: str) -> None:
        """End the tone of `ring`."""
        await self._do("channels", "ringStop", channelId=channel)

    async def answer(self, channel: str) -> None:
        await self._do("channels", "answer", channelId=channel)

    async def hang_up(self, channel: str, cause: int) -> None:
        """Hang up with a Q.850 cause, which decides the SIP answer of an unanswered caller."""
        await self._do("channels", "hangup", channelId=channel, reason_code=str(cause))

    async def create_bridge(self, bridge: str) -> None:
        await self._do("bridges", "createWithId", bridgeId=bridge, type="mixing")

    async def add_to_bridge(
        self, bridge: str, channels: Sequence[str], *, update_displays: bool
    ) -> None:
        """Put channels into a bridge, and tell each phone whom it speaks to if asked for."""
        await self._do(
            "bridges",
            "addChannel",
            bridgeId=bridge,
            channel=list(channels),
            inhibitConnectedLineUpdates="false" if update_displays else "true",
        )

    async def destroy_bridge(self, bridge: str) -> None:
        await self._do("bridges", "destroy", bridgeId=bridge)

    async def forget_bridge(self, bridge: str) -> None:
        """End our subscription to a bridge that is gone; Gone if there is none.

        Asterisk 22.10 leaves it where a channel ended while it was put into the bridge
        (control.c, internal_bridge_after_cb), and an application with one is never idle again.
        """
        await self._do(
            "applications",
            "unsubscribe",
            applicationName=self.app,
            eventSource=[f"bridge:{bridge}"],
        )

    async def channels(self) -> list[events.Channel]:
        reply = await self._do("channels", "list")
        return [events.Channel.of(raw) for raw in await reply.json()]

    async def bridges(self) -> list[events.Bridge]:
        reply = await self._do("bridges", "list")
        return [events.Bridge.of(raw) for raw in await reply.json()]

    async def our_channels(self) -> frozenset[str]:
        """Return the ids of the channels that are in our application."""
        reply = await self._do("applications", "get", applicationName=self.app)
        return frozenset((await reply.json())["channel_ids"])

    async def started_at(self) -> datetime:
        """Return when Asterisk started: another time than before means that its calls are dead."""
        reply = await self._do("asterisk", "getInfo", only="status")
        return datetime.fromisoformat((await reply.json())["status"]["startup_time"])

    async def put_object(self, kind: str, name: str, fields: Mapping[str, str]) -> None:
        """Make a PJSIP object in Asterisk's memory. The same object again changes nothing.

        Other fields need another name: Asterisk 22 adds to an identify's
        `match`, and goes on with a registration or an acl as it was.
        """
        pairs = tuple({"attribute": field, "value": fields[field]} for field in fields)
        try:
            await self._do("asterisk", "updateObject", **_pjsip(kind, name), fields=pairs)
        except AriError as error:
            # Asterisk has made an acl before it finds out that it cannot show one
            if kind != "acl" or UNSHOWN not in error.reason:
                raise

    async def delete_object(self, kind: str, name: str) -> None:
        await self._do("asterisk", "deleteObject", **_pjsip(kind, name))

    async def set_global(self, name: str, value: str) -> None:
        """Set a global variable of the dialplan."""
        await self._do("asterisk", "setGlobalVar", variable=name, value=value)

    async def set_device_state(self, name: str, state: str) -> None:
        """Set the device state `Stasis:<name>` to INUSE, NOT_INUSE, ONHOLD, …"""
        await self._do("deviceStates", "update", deviceName=f"Stasis:{name}", deviceState=state)

    async def known_device_states(self) -> dict[str, str]:
        """Return the device states `Stasis:<name>` by name, those of an earlier Asterisk too."""
        reply = await self._do("deviceStates", "list")
        return {
            str(one["name"]).removeprefix("Stasis:"): str(one["state"])
            for one in await reply.json()
        }


def _pjsip(kind: str, name: str) -> dict[str, str]:
    return {"configClass": "res_pjsip", "objectType": kind, "id": name}
