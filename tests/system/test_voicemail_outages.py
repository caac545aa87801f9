"""Postgres, the object store or the mail server is away: messages arrive when it is back."""

import asyncio
import signal
import uuid

import asyncpg

from tests.support.sip import RawPhone
from tests.support.until import until

from .faults import (
    Dropper,
    Speaker,
    arrive,
    away,
    letters,
    objects_are_removed,
    objects_of,
    silent,
    speakers,
)
from .pbx import Pbx
from .voicemail import Mailbox, mailbox, message, messages, short


async def leaves(phone: RawPhone, box: Mailbox, hz: float) -> Speaker:
    """Leave a message, and hang up in mid-sentence."""
    speaker = await Speaker.begins(phone, box, hz)
    await speaker.has_said(1.5)
    await speaker.hangs_up()
    return speaker


async def waits(pbx: Pbx, box: Mailbox, within: float = 15.0) -> asyncpg.Record:
    """Wait until a delivery was tried in vain."""
    query = "SELECT * FROM recording_deliveries WHERE box_id = $1 AND attempts > 0"
    return await until(lambda: pbx.db.fetchrow(query, box.id), within, "a delivery to fail")


async def mail_waits(pbx: Pbx, row: uuid.UUID, attempts: int) -> None:
    """Wait until it is known why a mail could not be sent; the server's absence is no attempt."""
    query = """
    SELECT problem FROM mail_outbox
    WHERE message_id = $1 AND state = 'pending' AND attempts = $2 AND problem IS NOT NULL"""
    await until(lambda: pbx.db.fetchval(query, row, attempts), 10.0, "a mail that is not sent")


async def is_given_up(pbx: Pbx, box: Mailbox) -> None:
    """A message whose mailbox is gone is shown until somebody discards it."""
    query = """
    SELECT * FROM undelivered
    WHERE state = 'dead' AND id IN (SELECT id FROM recording_deliveries WHERE box_id = $1)"""
    dead = await until(lambda: pbx.db.fetchrow(query, box.id), 15.0, "a dead letter")
    assert dead["problem"] == "the mailbox is gone"
    assert dead["recording"] in [one["name"] for one in await pbx.ari("recordings/stored")]
    discard = "UPDATE recording_deliveries SET state = 'discarded' WHERE id = $1"
    await pbx.db.execute(discard, dead["id"])
    await objects_are_removed(pbx)
    assert await objects_of(pbx, dead["id"]) == []


async def test_without_mail_and_objects_messages_wait(pbx: Pbx) -> None:
    """The mail server is away, then drops what it takes; the store hangs, then is away."""
    await short(pbx)
    box, lost = await mailbox(pbx), await mailbox(pbx)
    phones = await pbx.phones(5)
    dropper = Dropper()
    async with away(pbx, "mail"):
        spoken = [await leaves(phones[0], box, 400)]
        first = await message(pbx, box)
        await mail_waits(pbx, first["id"], 0)
        async with dropper.serving(pbx.stack["smtp"]["port"]):
            await mail_waits(pbx, first["id"], 1)
    assert dropper.dropped == 1

    async with silent(pbx, "objects"):
        *kept, _ = await asyncio.gather(
            *map(leaves, phones[1:4], (box, box, lost), (500, 600, 800))
        )
        await pbx.db.execute("DELETE FROM voicemail_boxes WHERE id = $1", lost.id)
    spoken += kept
    await messages(pbx, box, 3, within=15.0)
    await is_given_up(pbx, lost)
    async with away(pbx, "objects"):
        spoken.append(await leaves(phones[4], box, 900))
        waiting = await waits(pbx, box)
        assert waiting["problem"]
        assert await pbx.ari(f"recordings/stored/{waiting['recording']}")
    await arrive(pbx, box, spoken)
    assert len(letters(pbx, box.address)) == len(spoken)


async def test_without_postgres_messages_are_spoken_and_wait(pbx: Pbx) -> None:
    """One hangs up meanwhile, one reviews, one goes on until it is back."""
    box = await mailbox(pbx)
    quitter, reviewer, talker = spoken = await speakers(box, await pbx.phones(3))
    await talker.has_said(2.5)
    async with away(pbx, "postgres", signal.SIGQUIT):
        await until(pbx.db.is_closed, 10.0, "the end of Postgres")
        await reviewer.is_done()
        await reviewer.chooses("41")
        await quitter.hangs_up()
    await pbx.reconnect()
    await pbx.healthy()
    await talker.hangs_up()
    rows = await arrive(pbx, box, spoken)
    assert [row["is_urgent"] for row in rows] == [False, True, False]
    await reviewer.call.close()
    assert len(letters(pbx, box.address)) == len(spoken)
    for speaker in spoken:
        cdr = await pbx.cdr(speaker.phone.number)
        assert cdr["hangup_cause"] == "normal_clearing"
