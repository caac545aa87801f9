"""Looks for what is wrong with the configuration whenever it has changed."""

import asyncio
from collections.abc import Collection

import structlog

from stasis_app.rules.book import Book
from stasis_app.rules.findings import Finding, findings
from stasis_app.store.findings import replace

from .hosts import Hosts

log = structlog.get_logger()

SETTLE_SECONDS = 0.2
TRY_AGAIN_SECONDS = 5.0
SLICE_SECONDS = 0.005
REST = 10  # times as long as a look has taken


class Findings:
    """Writes `config_findings`, and logs once what is new. Calls come first: it looks in slices."""

    def __init__(self, book: Book, dsn: str, changed: asyncio.Event, hosts: Hosts) -> None:
        self._book = book
        self._dsn = dsn
        self._changed = changed
        self._hosts = hosts
        hosts.tell(changed)
        self._known: frozenset[Finding] | None = None

    async def follow(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._changed.wait()
            await asyncio.sleep(SETTLE_SECONDS)
            self._changed.clear()
            since = loop.time()
            try:
                await self._look()
            except ConnectionError as error:
                log.warning("findings not written", action="findings_failed", error=str(error))
                self._changed.set()
                await asyncio.sleep(TRY_AGAIN_SECONDS)
            except BaseException:
                self._changed.set()
                raise
            await asyncio.sleep(REST * (loop.time() - since))

    async def _look(self) -> None:
        found = await in_slices(self._book, self._hosts.lost)
        fresh = frozenset(found)
        if fresh == self._known:
            return
        await replace(self._dsn, found)
        for finding in fresh - (self._known or frozenset()):
            log.warning(
                "configuration problem",
                action="config_problem",
                table=finding.table,
                row=str(finding.row or finding.name),
                severity=finding.severity,
            )
        self._known = fresh


async def in_slices(book: Book, lost: Collection[str] = ()) -> list[Finding]:
    """Return what is found, giving way to calls in between."""
    loop = asyncio.get_running_loop()
    found = []
    until = loop.time() + SLICE_SECONDS
    for finding in findings(book, lost):
        if finding:
            found.append(finding)
        if loop.time() > until:
            await asyncio.sleep(0)
            until = loop.time() + SLICE_SECONDS
    return found
