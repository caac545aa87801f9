"""Phones are told how many messages wait: after calls, and after every change of the rows."""

from tests.support.mwi import Waiting

from .pbx import Pbx
from .test_restart import app_away
from .voicemail import leaves, mailbox, mailbox_of, message, messages, old_message, short


async def test_the_lamp_follows_calls_and_rows(pbx: Pbx) -> None:
    """Unasked at every phone of the extension, and where somebody has subscribed."""
    await short(pbx)
    ben, (anna,) = await mailbox(pbx), await pbx.phones(1)
    desk = await pbx.phone(ben.extension)
    lamp = Waiting(desk)
    await desk.register()
    told = await lamp.shows(0, 0)
    assert (told.lit, told.account.partition("@")[0]) == (False, "sip:*97")
    watched = await anna.subscribe(ben.number, event="message-summary")
    assert watched.state == "0/0"

    await leaves(anna, f"*95{ben.number}", 440)
    first = await message(pbx, ben)
    await lamp.shows(1, 0)
    await watched.shows("1/0")
    second = await old_message(pbx, ben, 440)
    await lamp.shows(2, 0)
    read = "UPDATE voicemail_messages SET is_read = TRUE WHERE id = $1"
    await pbx.db.execute(read, first["id"])
    await lamp.shows(1, 1)
    await watched.shows("1/1")

    mobile = await pbx.phone(ben.extension)
    also = Waiting(mobile)
    await mobile.register()
    await also.shows(1, 1)
    call = await mobile.invite("*97")
    await call.answered()
    await call.press("17")  # new before old: this is the second
    for one in (lamp, also):
        await one.shows(0, 1)
    await call.hangup()
    assert await pbx.db.fetchval(
        "SELECT deleted_at IS NOT NULL FROM voicemail_messages WHERE id = $1", second
    )
    await pbx.db.execute("DELETE FROM voicemail_messages WHERE id = $1", first["id"])
    for one in (lamp, also):
        await one.shows(0, 0)
    await watched.shows("0/0")


async def test_the_lamp_of_a_mailbox_that_is_made_later(pbx: Pbx) -> None:
    """Its phone has registered before; without the mailbox it is dark."""
    ben = await pbx.extension()
    lamp = Waiting(await pbx.phone(ben))
    await pbx.change(ben, voicemail_enabled=True)
    await old_message(pbx, await mailbox_of(pbx, ben), 440)
    await lamp.shows(1, 0)
    await pbx.change(ben, voicemail_enabled=False)
    await lamp.shows(0, 0)


async def test_the_lamp_after_a_restart_of_the_application(pbx: Pbx) -> None:
    """What came while it was away is told at once, and what it knew before is right still."""
    ben, olga = await mailbox(pbx), await mailbox(pbx)
    await old_message(pbx, ben, 440)
    await old_message(pbx, olga, 440)
    phone, other = await pbx.phone(ben.extension), await pbx.phone(olga.extension)
    lamp, same = Waiting(phone), Waiting(other)
    await phone.register()
    await lamp.shows(1, 0)
    async with app_away(pbx):
        await old_message(pbx, ben, 440)
        await other.register()
        await same.shows(1, 0)
    await lamp.shows(2, 0, within=10.0)
    assert len(await messages(pbx, ben, 2)) == 2
    same.forget()
    await other.register()
    await same.shows(1, 0)
