"""The application or Asterisk dies: each message arrives once, and lamps are lit."""

import asyncio
import signal
from collections.abc import Sequence

import pytest

from tests.support.mwi import Waiting
from tests.support.until import until

from .faults import Speaker, arrive, away, killed, speakers
from .pbx import Pbx
from .voicemail import Mailbox, mailbox, short, speaks


async def hang_up_together(pbx: Pbx, box: Mailbox, hurried: Sequence[Speaker]) -> None:
    """Return when the first message has come: the others are anywhere on their way."""
    await asyncio.gather(*(speaker.hangs_up() for speaker in hurried))
    query = "SELECT EXISTS (SELECT FROM voicemail_messages WHERE voicemail_box_id = $1)"
    await until(lambda: pbx.db.fetchval(query, box.id), 5.0, "the first message")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "upgraded"])
async def test_an_application_that_ends_loses_nothing(pbx: Pbx, how: signal.Signals) -> None:
    """Callers are at every place: greeted, speaking, reviewing, or gone a moment ago."""
    await short(pbx)
    box = await mailbox(pbx)
    lamp = Waiting(await pbx.phone(box.extension))
    slow, *phones = await pbx.phones(8)
    spoken = await speakers(box, phones)
    talker, quitter, finisher, reviewer, *hurried = spoken
    greeted = await slow.invite(f"*95{box.number}")
    await speaks(greeted)
    await reviewer.has_said(1.2)
    await reviewer.is_done()
    await reviewer.can_choose()
    await hang_up_together(pbx, box, hurried)
    async with away(pbx, "app", how):
        await quitter.hangs_up()
        await finisher.is_done()
    await pbx.healthy()
    await talker.is_done()
    late, *_ = await asyncio.gather(
        Speaker.goes_on(slow, greeted, 1200),
        talker.chooses("1"),
        finisher.chooses("1"),
        reviewer.chooses("41"),
    )
    await late.has_said(1.2)
    await late.hangs_up()

    rows = await arrive(pbx, box, [late, *spoken])
    for thanked in (talker, finisher, reviewer):
        await thanked.call.close()
    assert [row["caller_number"] for row in rows if row["is_urgent"]] == [reviewer.phone.number]
    await lamp.shows(len(rows), 0)
    adopted = {slow.number, *(one.phone.number for one in (talker, finisher, reviewer))}
    for row in rows:
        cdr = await pbx.cdr(row["caller_number"])
        assert (cdr["call_id"], cdr["hangup_cause"]) == (row["call_id"], "normal_clearing")
        seen = "adopted" in await pbx.timeline(cdr["call_id"])
        assert seen == (row["caller_number"] in adopted), row


async def test_an_asterisk_that_dies_loses_a_second(pbx: Pbx) -> None:
    """What was said until then arrives; lamps show it, and every change after it."""
    await short(pbx)
    box, other = await mailbox(pbx), await mailbox(pbx)
    lamps = [Waiting(await pbx.phone(one.extension)) for one in (box, other)]
    talker, reviewer, quitter = spoken = await speakers(box, await pbx.phones(3))
    await talker.has_said(2.5)
    await reviewer.is_done()
    await quitter.hangs_up()
    talker.is_cut_off()
    for lamp in lamps:
        lamp.forget()
    await killed(pbx, "asterisk")
    await pbx.healthy()

    await arrive(pbx, box, spoken, lost=1.1)
    await lamps[0].shows(3, 0)
    await lamps[1].shows(0, 0)
    change = "UPDATE voicemail_messages SET is_read = TRUE WHERE voicemail_box_id = $1"
    await pbx.db.execute(change, box.id)
    await lamps[0].shows(0, 3)
    for speaker in (talker, reviewer):
        assert (await pbx.cdr(speaker.phone.number))["hangup_cause"] == "system_restart"
