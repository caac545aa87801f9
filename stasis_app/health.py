"""GET /healthz: whether calls are served, in JSON; 503 while they are not."""

from collections.abc import Callable, Mapping

from aiohttp import web


async def serve(host: str, port: int, parts: Callable[[], Mapping[str, bool]]) -> web.AppRunner:
    """Start the HTTP server; `parts` tells which parts work. The caller cleans the runner up."""

    async def healthz(_: web.Request) -> web.Response:
        working = parts()
        ok = all(working.values())
        body = {"status": "ok" if ok else "degraded", "parts": dict(working)}
        return web.json_response(body, status=200 if ok else 503)

    application = web.Application()
    application.router.add_get("/healthz", healthz)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner
