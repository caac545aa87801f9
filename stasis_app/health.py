"""GET /healthz: whether calls are served, in JSON; 503 while they are not."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Health:
    """Which parts work, and as of when: whatever was committed before counts for calls.

    `waiting` is what should have arrived by now; it stops no call.
    """

    parts: Mapping[str, bool]
    configuration: Mapping[str, datetime]
    waiting: Mapping[str, int]


async def serve(
    host: str, port: int, health: Callable[[], Health], routes: Iterable[web.RouteDef] = ()
) -> web.AppRunner:
    """Start the HTTP server, with `routes` besides. The caller cleans the runner up."""

    async def healthz(_: web.Request) -> web.Response:
        now = health()
        ok = all(now.parts.values())
        body = {
            "status": "ok" if ok else "degraded",
            "parts": dict(now.parts),
            "configuration": {name: at.isoformat() for name, at in now.configuration.items()},
            "waiting": dict(now.waiting),
        }
        return web.json_response(body, status=200 if ok else 503)

    application = web.Application()
    application.router.add_get("/healthz", healthz)
    application.add_routes(routes)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner
