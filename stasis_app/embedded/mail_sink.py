"""A mail server that delivers nothing: every message becomes a file of a Maildir.

Run as `python -m stasis_app.embedded.mail_sink PORT MAILDIR`.
"""

import asyncio
import logging
import signal
import sys
from pathlib import Path

from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import SMTP

from stasis_app.embedded.ports import LOOPBACK


async def serve(port: int, maildir: Path) -> None:
    """Take mail on loopback until SIGTERM."""
    handler = Mailbox(maildir)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(lambda: SMTP(handler, enable_SMTPUTF8=True), LOOPBACK, port)
    async with server:
        await stop.wait()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
