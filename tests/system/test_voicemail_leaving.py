"""Somebody leaves a message: from the telephone to the row, the object, the mail, and back."""

import asyncio
import hashlib
import json
import uuid
from datetime import timedelta
from typing import Any

from tests.support.caller import OutgoingCall
from tests.support.phones import phones
from tests.support.sip import RawPhone
from tests.support.until import until

from .conversation import hear_each_other
from .incoming import noted, number
from .outside import carrier, change, inbound, setting, trunk
from .pbx import Pbx
from .voicemail import (
    Mailbox,
    beep,
    content,
    decoded,
    delivered,
    enclosed,
    hears,
    holds,
    leaves,
    mail,
    mailbox,
    mails,
    message,
    messages,
    objects,
    prompt,
    reaches,
    sentences,
    short,
    speaks,
    tells,
    three_digits,
    user,
)


async def test_a_tone_that_is_left_arrives_everywhere(pbx: Pbx) -> None:
    """Nobody answers, and the caller hangs up in mid-sentence. Other people's phones are used."""
    await short(pbx)
    await setting(pbx, "calls.default_ring_seconds", 1)
    ben = await mailbox(pbx, display_name="Ben", sip_password="secret")
    anna = await pbx.extension(number=three_digits(), display_name="Anna", sip_password="secret")
    telekom, did, mobile = await carrier(pbx), number(), number()
    await inbound(pbx, did, ben.id, destination_type="voicemail")
    await trunk(pbx, telekom)
    async with phones() as line:
        calling, called = [
            await line.register(one.number, one.password, server=pbx.stack["sip"])
            for one in (anna, ben.extension)
        ]
        call = await calling.dial(ben.number)
        await called.incoming()
        await reaches(call)
        await tells(call, 440)
        await call.hangup()
        row = await message(pbx, ben)
        own = await called.dial("*97")
        await own.answered()
        await own.send_dtmf("1")

        audio = await content(pbx, row["storage_path"])
        holds(audio, 440)
        pcm, rate = decoded(audio)
        assert (row["caller_number"], row["caller_name"]) == (anna.number, "Anna")
        assert row["file_size_bytes"] == len(audio)
        assert row["checksum"] == hashlib.sha256(audio).hexdigest()
        assert row["duration_seconds"] == round(len(pcm) / rate)
        assert (row["is_read"], row["is_urgent"], row["read_at"]) == (False, False, None)
        assert row["delete_at"] - row["received_at"] == timedelta(days=90)

        cdr = await pbx.cdr(anna.number)
        assert (cdr["call_id"], cdr["hangup_cause"]) == (row["call_id"], "normal_clearing")
        assert (cdr["callee_number"], cdr["callee_name"]) == (ben.number, "Ben")
        assert cdr["answered_at"] <= row["received_at"] <= cdr["ended_at"]
        assert await pbx.timeline(cdr["call_id"]) == [
            *("arrived", "offered", "rang", "forwarded", "answered"),
            *("message_begun", "message_left", "ended"),
        ]

        (attached,) = enclosed(await mail(pbx, ben.address))
        assert attached.get_content_type() == "audio/wav"
        assert attached.get_content() == audio

        outside = await telekom.call(did, caller=mobile, name="Carla")
        await asyncio.gather(hears(own, 440), reviews(outside))
        await own.hangup()
    await was_reviewed(pbx, ben, mobile)


async def reviews(call: OutgoingCall) -> None:
    """Record a message again, listen to it, mark it urgent and keep it."""
    await reaches(call)
    await tells(call, 500)
    await call.press("#3")
    await beep(call)
    await tells(call, 600)
    await call.press("#2")
    await hears(call, 600)
    await call.press("41")
    await call.ended(within=10.0)


async def was_reviewed(pbx: Pbx, box: Mailbox, caller: str) -> None:
    _, row = await messages(pbx, box, 2)
    assert (row["caller_number"], row["caller_name"], row["is_urgent"]) == (caller, "Carla", True)
    holds(await content(pbx, row["storage_path"]), 600)
    cdr = await pbx.cdr(caller)
    assert (cdr["direction"], cdr["hangup_cause"]) == ("inbound", "normal_clearing")
    assert cdr["callee_extension_id"] == box.extension.id
    assert " ".join(await pbx.timeline(cdr["call_id"])) == (
        "arrived routed answered message_begun message_discarded message_begun message_left "
        "announced announced ended"
    )
    letter = (await mails(pbx, box.address, 2))[-1]
    assert letter["Subject"] == f"Urgent voice message from Carla ({caller})"
    await delivered(pbx)


async def closed_hours(pbx: Pbx) -> uuid.UUID:
    """Insert a user whose hours are over."""
    profile = await pbx.insert(
        "time_profiles", name=f"closed {number()}", schedule="{}", override="closed"
    )
    return await user(pbx, time_profile_id=profile)


async def test_every_reason_leads_to_the_mailbox(pbx: Pbx) -> None:
    await short(pbx)
    rows: dict[str, dict[str, Any]] = {
        "busy": {"max_concurrent_calls": 0},
        "dnd": {"dnd_enabled": True},
        "unavailable": {},
        "closed": {"user_id": await closed_hours(pbx)},
        "unconditional": forwarded_to("voicemail"),
    }
    boxes = {reason: await mailbox(pbx, **columns) for reason, columns in rows.items()}
    direct, other = await mailbox(pbx), await mailbox(pbx)
    sent_on = await pbx.extension(**forwarded_to(f"*95{other.number}"))
    dialled = [box.number for box in boxes.values()] + [f"*95{direct.number}", sent_on.number]
    callers = await pbx.phones(len(dialled))
    tones = range(400, 1100, 100)
    telekom, did, chosen = await carrier(pbx), number(), await mailbox(pbx)
    await inbound(pbx, did, await menu(pbx, chosen), destination_type="ivr")
    await trunk(pbx, telekom)
    outside = await telekom.call(did)
    await asyncio.gather(*map(leaves, callers, dialled, tones), chooses(outside, 1100))

    for box, caller, hz in zip((*boxes.values(), direct, other), callers, tones, strict=True):
        row = await message(pbx, box)
        assert row["caller_number"] == caller.number
        holds(await content(pbx, row["storage_path"]), hz)
    holds(await content(pbx, (await message(pbx, chosen))["storage_path"]), 1100)
    for reason, caller in zip(boxes, callers, strict=False):
        forwarded = await noted(pbx, await pbx.cdr(caller.number), "forwarded")
        assert (
            json.loads(forwarded["details"]).items()
            >= {"to": "voicemail", "reason": reason}.items()
        )
    assert "forwarded" not in await pbx.timeline((await pbx.cdr(callers[5].number))["call_id"])


def forwarded_to(number: str) -> dict[str, Any]:
    return {"forward_unconditional_enabled": True, "forward_unconditional_destination": number}


async def menu(pbx: Pbx, box: Mailbox) -> uuid.UUID:
    """Insert a menu whose key 1 leads to a mailbox."""
    made = await pbx.insert("ivr_menus", name=f"menu {number()}")
    option = {"dtmf_digit": "1", "action": "voicemail", "destination_id": box.id}
    await pbx.insert("ivr_menu_options", ivr_menu_id=made, **option)
    return made


async def chooses(call: OutgoingCall, hz: float) -> None:
    """Leave a message behind a menu."""
    await call.answered()
    await call.press("1")
    await reaches(call)
    await tells(call, hz)
    await call.hangup()


async def greeted(pbx: Pbx, box: Mailbox) -> OutgoingCall:
    """Call a mailbox and be answered."""
    call = await (await pbx.phone(await pbx.extension())).invite(box.number)
    await call.answered()
    return call


async def test_who_greets_and_with_what(pbx: Pbx) -> None:
    """The greeting for now, else that for busy, else the own one, else that of the exchange."""
    own, busy, holiday, name = [await prompt(pbx, hz) for hz in (500, 600, 800, 900)]
    both = {"greeting_prompt_id": own, "busy_greeting_prompt_id": busy}
    lost = await pbx.insert(
        "media_files", name="lost", file_type="greeting", storage_path="greeting/lost.wav"
    )
    boxes = {
        500: await mailbox(pbx, box=both),
        600: await mailbox(pbx, box=both, dnd_enabled=True),
        800: await mailbox(pbx, box={**both, "temporary_greeting_prompt_id": holiday}),
        900: await mailbox(pbx, box={"name_prompt_id": name}),
    }
    spoken = [await mailbox(pbx), await mailbox(pbx, box={"greeting_prompt_id": lost})]
    calls = {hz: await greeted(pbx, box) for hz, box in boxes.items()}
    others = [await greeted(pbx, box) for box in spoken]
    await asyncio.gather(
        *(hears(call, hz) for hz, call in calls.items()),
        *(speaks(call) for call in others),
    )
    for call in (*calls.values(), *others):
        await call.hangup()


async def test_0_reaches_the_operator(pbx: Pbx) -> None:
    """During the greeting, and in the review: then the message is kept."""
    await short(pbx)
    olga, otto = await pbx.phones(2)
    await setting(pbx, "voicemail.operator", olga.number)
    ben = await mailbox(pbx)
    own = await mailbox(pbx, box={"operator_number": otto.number})
    calls = await greeted(pbx, own), await greeted(pbx, ben)
    await asyncio.gather(asks_for(otto, calls[0]), asks_for(olga, calls[1], 440))
    holds(await content(pbx, (await message(pbx, ben))["storage_path"]), 440)


async def asks_for(operator: RawPhone, call: OutgoingCall, hz: float = 0) -> None:
    """Reach the operator and talk; having left a tone, if it is one."""
    if hz:
        await reaches(call)
        await tells(call, hz)
        await call.press("#")
    await call.press("0")
    incoming = await operator.expect_invite()
    await incoming.answer()
    await hear_each_other(call, incoming)
    await incoming.hangup()
    await call.ended()


async def hangs_up_at_once(call: OutgoingCall) -> None:
    await reaches(call)
    await tells(call, 440, 0.4)
    await call.hangup()


async def says_nothing(call: OutgoingCall) -> None:
    """Silence ends the recording, and the review is heard."""
    await reaches(call)
    await call.hears_nothing(1.0)
    await speaks(call)
    await call.hangup()


async def finds_it_full(call: OutgoingCall) -> None:
    await call.answered()
    await call.press("#")
    await speaks(call)
    await call.ended(within=8.0)


async def says_it_again(call: OutgoingCall) -> None:
    """One that is too short is asked for again."""
    await reaches(call)
    await call.press("##")
    await beep(call)
    await tells(call, 440)
    await call.hangup()


async def test_what_is_no_message_is_dropped(pbx: Pbx) -> None:
    await short(pbx)
    before = await objects(pbx, "voicemail/")
    stories = (hangs_up_at_once, says_nothing, finds_it_full, says_it_again)
    boxes = [await mailbox(pbx) for _ in stories]
    full, again = boxes[2:]
    await change(pbx, "voicemail_boxes", full.id, max_messages=0)
    callers = await pbx.phones(len(stories))
    calls = [await caller.invite(box.number) for caller, box in zip(callers, boxes, strict=True)]
    await asyncio.gather(*(story(call) for story, call in zip(stories, calls, strict=True)))

    row = await message(pbx, again)
    holds(await content(pbx, row["storage_path"]), 440)
    cdr = await pbx.cdr(callers[2].number)
    assert (cdr["hangup_cause"], cdr["answered_at"] is None) == ("normal_clearing", False)
    assert await sentences(pbx, cdr) == ["mailbox_full", "goodbye"]
    await pbx.quiet()
    await delivered(pbx)
    assert set(await objects(pbx, "voicemail/")) - set(before) == {row["storage_path"]}
    query = "SELECT voicemail_box_id FROM voicemail_messages WHERE voicemail_box_id = ANY ($1)"
    (kept,) = await pbx.db.fetch(query, [box.id for box in boxes])
    assert kept["voicemail_box_id"] == again.id

    await pbx.db.execute("DELETE FROM voicemail_messages WHERE id = $1", row["id"])

    async def is_gone() -> bool:
        return row["storage_path"] not in await objects(pbx, "voicemail/")

    await until(is_gone, 5.0, "the object to be gone with its row")
