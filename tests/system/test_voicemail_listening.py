"""Somebody listens to a mailbox: its messages, its greetings, its PIN."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.caller import OutgoingCall
from tests.support.mwi import Waiting
from tests.support.until import until

from .conversation import hear_each_other
from .incoming import number
from .outside import carrier, inbound, outbound, setting, trunk
from .pbx import Extension, Pbx
from .voicemail import (
    beep,
    content,
    enclosed,
    hears,
    holds,
    mail,
    mailbox,
    message,
    old_message,
    sentences,
    short,
    tells,
    three_digits,
    together,
)

PIN = "13572468"


async def enters(
    pbx: Pbx, extension: Extension, keys: str = "", dialled: str = "*97"
) -> OutgoingCall:
    """Call a mailbox from a new phone of an extension and press keys."""
    call = await (await pbx.phone(extension)).invite(dialled)
    await call.answered()
    if keys:
        await call.press(keys)
    return call


async def becomes(pbx: Pbx, identity: uuid.UUID, condition: str) -> None:
    """Wait until an SQL condition is true of a message."""
    query = f"SELECT {condition} FROM voicemail_messages WHERE id = $1"
    await until(lambda: pbx.db.fetchval(query, identity), 5.0, f"{condition} of a message")


async def column(pbx: Pbx, box: uuid.UUID, name: str, within: float = 5.0) -> Any:
    """Wait until a column of a mailbox has a value; return it."""
    query = f"SELECT {name} FROM voicemail_boxes WHERE id = $1"
    return await until(lambda: pbx.db.fetchval(query, box), within, f"{name} of a mailbox")


async def events(pbx: Pbx, caller: str, event: str) -> list[str]:
    """Return the details of such events in the timeline of the caller's call."""
    query = "SELECT details FROM call_events WHERE call_id = $1 AND event = $2 ORDER BY seq"
    cdr = await pbx.cdr(caller)
    return [row["details"] for row in await pbx.db.fetch(query, cdr["call_id"], event)]


def ago(minutes: float) -> datetime:
    return datetime.now(UTC) - timedelta(minutes=minutes)


async def urgent_before_new_before_old(pbx: Pbx) -> None:
    """Phones of one extension listen at once. What was heard to its end is read."""
    ben = await mailbox(pbx, max_concurrent_calls=5)
    old = await old_message(pbx, ben, 500, is_read=True, received_at=ago(30))
    new = await old_message(pbx, ben, 600, received_at=ago(20))
    urgent = await old_message(pbx, ben, 800, is_urgent=True, received_at=ago(10))
    expected = {"16": 600, "166": 500, "1664": 600, "15": 800}
    phone = await pbx.phone(ben.extension)
    lamp, listening = Waiting(phone), await phone.invite("*97")
    await listening.answered()
    await listening.press("1")
    calls = [await enters(pbx, ben.extension, keys) for keys in expected]
    await asyncio.gather(hears(listening, 800), *map(hears_a_bit, calls, expected.values()))
    await becomes(pbx, urgent, "is_read AND read_at > received_at")
    await lamp.shows(1, 2)
    await becomes(pbx, new, "NOT is_read AND read_at IS NULL")
    await becomes(pbx, old, "is_read AND deleted_at IS NULL")
    await listening.press("#")
    await listening.ended()


async def hears_a_bit(call: OutgoingCall, hz: float) -> None:
    await hears(call, hz)
    await call.hangup()


async def deletes_takes_back_and_saves(pbx: Pbx) -> None:
    ben = await mailbox(pbx)
    first, second = [await old_message(pbx, ben, 440, received_at=ago(at)) for at in (2, 1)]
    call = await enters(pbx, ben.extension, "17")
    await becomes(pbx, first, "is_read AND deleted_at IS NOT NULL")
    await call.press("47")
    await becomes(pbx, first, "deleted_at IS NULL")
    await call.press("69")
    await becomes(pbx, second, "is_read AND delete_at = 'infinity'")
    await call.press("47")
    await becomes(pbx, first, "deleted_at IS NOT NULL")
    await call.hangup()
    call = await enters(pbx, ben.extension, "16")
    await call.press("7")
    await becomes(pbx, second, "deleted_at IS NOT NULL")
    await call.hangup()


async def calls_back(pbx: Pbx) -> None:
    """The caller of a message, at his extension."""
    ben, anna = await mailbox(pbx), await pbx.extension(display_name="Anna")
    phone = await pbx.phone(anna)
    await old_message(pbx, ben, 440, caller_number=anna.number)
    call = await enters(pbx, ben.extension, "1321")
    incoming = await phone.expect_invite(within=8.0)
    assert incoming.caller_number == ben.number
    await incoming.answer()
    await hear_each_other(call, incoming)
    await incoming.hangup()
    await call.ended()


async def may_not_call_abroad(pbx: Pbx) -> None:
    telekom, ben = await carrier(pbx), await mailbox(pbx, allow_international=False)
    await outbound(pbx, r"^\+1415", await trunk(pbx, telekom), priority=1)
    await old_message(pbx, ben, 440, caller_number="+14155550100")
    call = await enters(pbx, ben.extension, "1321")
    await call.ended(within=10.0)
    cdr = await pbx.cdr(ben.number)
    assert cdr["hangup_cause"] == "forbidden"
    assert not telekom.is_called


async def forwards_with_a_comment(pbx: Pbx) -> None:
    ben, olga = await mailbox(pbx), await mailbox(pbx, number=three_digits())
    original = await old_message(pbx, ben, 440, caller_number="+49301234", caller_name="Carla")
    call = await enters(pbx, ben.extension, f"18{olga.number}#1#")
    await beep(call)
    await tells(call, 900)
    await call.press("#1")
    row = await message(pbx, olga)
    await call.hangup()
    assert row["forwarded_from"] == original
    assert (row["caller_number"], row["caller_name"]) == ("+49301234", "Carla")
    audio = await content(pbx, row["storage_path"])
    holds(audio, 900, 440)
    (attached,) = enclosed(await mail(pbx, olga.address))
    assert attached.get_content() == audio
    assert (await message(pbx, ben))["id"] == original


async def test_messages_are_heard_kept_and_sent_on(pbx: Pbx) -> None:
    await short(pbx)
    await together(
        pbx,
        urgent_before_new_before_old,
        deletes_takes_back_and_saves,
        calls_back,
        may_not_call_abroad,
        forwards_with_a_comment,
    )


async def records_a_greeting(pbx: Pbx) -> None:
    """The next caller hears it. Without a PIN none is asked for."""
    ben = await mailbox(pbx, dnd_enabled=True)
    call = await enters(pbx, ben.extension, "01#")
    await beep(call)
    await tells(call, 900)
    await call.press("#1")
    greeting = await column(pbx, ben.id, "greeting_prompt_id")
    await call.hangup()
    await pbx.settled()
    assert await pbx.db.fetchval("SELECT file_type FROM media_files WHERE id = $1", greeting)
    caller = await (await pbx.phone(await pbx.extension())).invite(ben.number)
    await hears(caller, 900)
    await caller.hangup()


async def changes_the_pin(pbx: Pbx) -> None:
    """The own phone is asked for the old one, another for the new; no log and no event shows it."""
    ben, anna = await mailbox(pbx, voicemail_pin="4711"), await pbx.extension()
    call = await enters(pbx, ben.extension, f"4711#05{PIN}#{PIN}#")
    assert await column(pbx, ben.id, "pin") == PIN
    await call.hangup()
    other = await enters(pbx, anna, f"{PIN}#", f"*98{ben.number}")
    await other.press("#")
    await other.ended()
    assert await events(pbx, anna.number, "mailbox_opened")
    assert not await events(pbx, anna.number, "pin_refused")
    assert not await pbx.db.fetchval(
        "SELECT count(*) FROM call_events WHERE details::text LIKE $1", f"%{PIN}%"
    )
    assert PIN not in (pbx.state / "log" / "app.log").read_text()


async def types_number_and_pin(pbx: Pbx) -> None:
    ben, anna = (
        await mailbox(pbx, number=three_digits(), voicemail_pin="4711"),
        await pbx.extension(),
    )
    call = await enters(pbx, anna, f"{ben.number}#1234#{ben.number}#4711#", "*98")
    await call.press("#")
    await call.ended()
    (refused,) = await events(pbx, anna.number, "pin_refused")
    assert '"wrong"' in refused
    assert await events(pbx, anna.number, "mailbox_opened")


async def locks_the_mailbox(pbx: Pbx) -> None:
    """After two wrong PINs the right one opens nothing, until somebody deletes the row."""
    ben, anna = await mailbox(pbx, voicemail_pin="4711"), await pbx.extension()
    call = await enters(pbx, anna, "1234#1235#4711#", f"*98{ben.number}")
    await call.ended(within=8.0)
    cdr = await pbx.cdr(anna.number)
    assert await sentences(pbx, cdr) == ["wrong_pin", "goodbye"]
    refused = await events(pbx, anna.number, "pin_refused")
    assert [word in one for word, one in zip(("wrong", "locked", "locked"), refused, strict=True)]
    assert not await events(pbx, anna.number, "mailbox_opened")
    query = "DELETE FROM voicemail_pin_failures WHERE box_id = $1 AND locked_until > now()"
    assert await pbx.db.execute(query, ben.id) == "DELETE 1"
    carla = await pbx.extension()
    call = await enters(pbx, carla, "4711#", f"*98{ben.number}")
    await call.press("#")
    await call.ended()
    assert await events(pbx, carla.number, "mailbox_opened")


async def needs_the_pin_outside(pbx: Pbx) -> None:
    """Behind the greeting. Who is in may not call back; a mailbox without a PIN stays shut."""
    telekom, (anna,) = await carrier(pbx), await pbx.phones(1)
    boxes = [await mailbox(pbx, voicemail_pin="4711"), await mailbox(pbx)]
    dids, callers = [number(), number()], [number(), number()]
    for did, box in zip(dids, boxes, strict=True):
        await inbound(pbx, did, box.id, destination_type="voicemail")
    await old_message(pbx, boxes[0], 440, caller_number=anna.number)
    await trunk(pbx, telekom)
    calls = [
        await telekom.call(did, caller=caller) for did, caller in zip(dids, callers, strict=True)
    ]
    for call in calls:
        await call.answered()
    await asyncio.gather(calls[0].press("*4711#1321"), calls[1].press("*0#0#0#"))
    await calls[0].press("#")
    for call in calls:
        await call.ended(within=8.0)
    assert await events(pbx, callers[0], "mailbox_opened")
    assert not await events(pbx, callers[1], "mailbox_opened")
    assert len(await events(pbx, callers[1], "pin_refused")) == 3
    assert not anna.is_called


async def test_greetings_and_pins(pbx: Pbx) -> None:
    """Two wrong PINs lock a mailbox; who has a PIN is asked for it at the own phone too."""
    await short(pbx)
    await setting(pbx, "voicemail.pin_attempts", 2)
    await setting(pbx, "voicemail.pin_at_own_phone", True)
    await together(
        pbx,
        records_a_greeting,
        changes_the_pin,
        types_number_and_pin,
        locks_the_mailbox,
        needs_the_pin_outside,
    )
