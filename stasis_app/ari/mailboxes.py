"""How many messages wait: what makes phones light their lamps (MWI, RFC 3842).

Debian's Asterisk has no /mailboxes, so the context `mailboxes` of extensions.conf does it, on a
channel that nobody answers. Asterisk keeps the numbers in memory, and can't list them.
"""

import asyncio
import re
import uuid
from collections.abc import Iterator, Mapping
from itertools import islice

from .errors import AriError, Gone, Unreachable
from .events import Destroyed, Event
from .requests import Requests

AT_ONCE = 20
"""Boxes to a channel: each of its steps is an event of ours in Asterisk's queue of 500."""

NUMBER = re.compile(r"[0-9A-Za-z_.+-]+")
"""What a phone can be called (see extensions.endpoint), and what means nothing in a dialplan."""

DONE = 16
"""Cause with which the channel ends, Q.850 normal clearing. It has another when it broke off."""

REMINDER = ({"attribute": "authenticate_qualify", "value": "yes"},)
"""A change of a contact, so that Asterisk looks at it; store_contact() in SQL writes it nowhere."""

INCOMPLETE = "failed field value validation"


class _Ending:
    """Waits for the end of a channel."""

    def __init__(self) -> None:
        self.cause: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def deliver(self, event: Event) -> None:
        if isinstance(event, Destroyed) and not self.cause.done():
            self.cause.set_result(event.cause)


class Mailboxes(Requests):
    """A box is called by its extension's number here."""

    async def put_mailboxes(self, counts: Mapping[str, tuple[int, int]]) -> None:
        """Tell the phones of many: (unread, read) by the extension's number.

        Every phone is told, also that nothing has changed. Asterisk has taken note when this
        returns; after a restart it has forgotten. A box that is no more has (0, 0). A number that
        no phone can have is passed over.
        """
        for batch in _batches(counts):
            await self._publish("&".join(batch))

    async def remind_phones(self, contact: str) -> None:
        """Tell the phones of one extension what waits, and from now on of every change.

        Asterisk does so by itself when a phone registers. It is needed where one is registered
        already: after a restart of Asterisk, and when the extension gets its mailbox. `contact` is
        extension_registrations.contact_id of one of them; Gone when it is no more.
        """
        try:
            await self._do(
                "asterisk",
                "updateObject",
                configClass="res_pjsip",
                objectType="contact",
                id=contact.replace("^3B", ";"),
                fields=REMINDER,
            )
        except AriError as error:
            # Asterisk would make it, of a reminder alone
            if INCOMPLETE in error.reason:
                raise Gone(error.status, error.request, error.reason) from None
            raise

    async def _publish(self, boxes: str) -> None:
        channel = f"mailboxes-{uuid.uuid4().hex[:12]}"
        ending = _Ending()
        with self._inboxes.open(channel, ending):
            await self._do(
                "channels",
                "originateWithId",
                channelId=channel,
                endpoint="Local/put@mailboxes",
                app=self.app,
                appArgs="mailboxes",
                variables={"boxes": boxes},
            )
            await self._await_end(ending)

    async def _await_end(self, ending: _Ending) -> None:
        try:
            async with asyncio.timeout(self._deadline):
                cause = await ending.cause
        except TimeoutError as error:
            raise Unreachable("mailboxes", f"not done within {self._deadline:g} s") from error
        if cause != DONE:
            raise AriError(500, "mailboxes", f"the dialplan broke off with cause {cause}")


def _batches(counts: Mapping[str, tuple[int, int]]) -> Iterator[list[str]]:
    boxes = (
        f"{number}={unread}={read}"
        for number, (unread, read) in counts.items()
        if NUMBER.fullmatch(number)
    )
    while batch := list(islice(boxes, AT_ONCE)):
        yield batch
