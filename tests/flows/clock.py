"""The wall clock of a world in virtual time."""

import asyncio
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo

from tests.support.fake_phones import EPOCH

TOLD_BY_IT = (
    "stasis_app.call.",
    "stasis_app.callbacks",
    "stasis_app.flows.",
    "stasis_app.switchboard",
)


class Clock(datetime):
    """`datetime` whose `now` goes with the event loop, so that dates and timers agree."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Clock":
        told = EPOCH + timedelta(seconds=asyncio.get_running_loop().time())
        return cls.fromtimestamp(told.timestamp(), tz)


def modules() -> Iterator[str]:
    """Go through the modules that ask what time it is."""
    for name, module in sys.modules.items():
        if name.startswith(TOLD_BY_IT) and getattr(module, "datetime", None) is datetime:
            yield name
