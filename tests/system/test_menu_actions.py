"""Where the keys of menus lead."""

import asyncio
from typing import Any

from tests.support.useragent import UserAgent

from .conversation import hear_each_other
from .incoming import number
from .menus import (
    BEFORE,
    INVALID,
    SHORT,
    SUB,
    WELCOME,
    chooses,
    chosen,
    enters,
    heard,
    hears,
    menu,
    option,
    presses,
    rung,
    said,
    taken,
    telekom_to,
    told,
    tone,
)
from .outgoing import ABROAD, NUMBER, forwarding, way_out
from .pbx import NUMBERS, Pbx
from .voicemail import beep, content, holds, mailbox, message, short, tells

AT_HOME: dict[str, Any] = {"allow_international": False, "allow_mobile": False}
LEFT = 500.0


async def test_keys_that_lead_to_somebody(pbx: Pbx) -> None:
    """An extension, a number outside and a mailbox; what comes before the transfer is heard."""
    await short(pbx)
    way = await way_out(pbx)
    greeting, before = await tone(pbx, SUB), await tone(pbx, BEFORE, SHORT)
    main = await menu(pbx, welcome_prompt_id=await tone(pbx, WELCOME))
    (ben,) = await pbx.phones(1)
    carla = await mailbox(pbx, box={"greeting_prompt_id": greeting})
    told_first = {"pre_transfer_prompt_id": before}
    await option(pbx, main, "1", "extension", pbx.extensions[0].id, **told_first)
    await option(pbx, main, "2", "external", NUMBER, **told_first)
    await option(pbx, main, "3", "voicemail", carla.id)
    telekom, (did,) = await telekom_to(pbx, main)
    callers = {key: number() for key in "123"}

    async def talks(key: str, at: UserAgent) -> None:
        call = await chooses(telekom, did, key, callers[key])
        incoming = await taken(at)
        assert heard(call) == [WELCOME, BEFORE]
        await hear_each_other(call, incoming)
        await call.hangup()
        await incoming.ended()

    async def leaves_a_message() -> None:
        call = await chooses(telekom, did, "3", callers["3"])
        await presses(call, SUB, "#")
        await beep(call)
        await tells(call, LEFT)
        await call.hangup()

    await asyncio.gather(talks("1", ben), talks("2", way.carrier), leaves_a_message())
    for key, caller in callers.items():
        assert (await pbx.cdr(caller))["hangup_cause"] == "normal_clearing"
        assert await chosen(pbx, caller) == [key]
    (out,) = way.invites
    assert out.uri.startswith(f"sip:{NUMBER}@")
    left = await message(pbx, carla)
    assert left["caller_number"] == callers["3"]
    holds(await content(pbx, left["storage_path"]), LEFT)


async def test_keys_that_lead_to_nobody(pbx: Pbx) -> None:
    """Another menu, the same again, and a goodbye."""
    of_sub, before = await tone(pbx, SUB), await tone(pbx, BEFORE, SHORT)
    main = await menu(pbx, welcome_prompt_id=await tone(pbx, WELCOME))
    sub = await menu(pbx, welcome_prompt_id=of_sub)
    await option(pbx, main, "1", "ivr", sub)
    await option(pbx, main, "2", "repeat", pre_transfer_prompt_id=before)
    await option(pbx, main, "3", "hangup")
    telekom, (did,) = await telekom_to(pbx, main)

    async def hears_then(key: str, *prompts: float) -> None:
        call = await chooses(telekom, did, key)
        for hz in prompts:
            await hears(call, hz)
        await call.hangup()
        assert heard(call) == [WELCOME, *prompts]

    async def ends(key: str, sound: str) -> str:
        caller = number()
        call = await chooses(telekom, did, key, caller)
        await said(pbx, caller, f"en/{sound}")
        await call.hangup()
        return caller

    _, _, hung_up = await asyncio.gather(
        hears_then("1", SUB), hears_then("2", BEFORE, WELCOME), ends("3", "vm-goodbye")
    )
    assert (await pbx.cdr(hung_up))["hangup_cause"] == "normal_clearing"


async def test_outside_numbers_are_the_rows_own(pbx: Pbx) -> None:
    """A menu's row may call abroad, whoever presses the key; who is forwarded there may not."""
    way = await way_out(pbx)
    inside = str(next(NUMBERS))
    main = await menu(pbx, welcome_prompt_id=await tone(pbx, WELCOME), extension_number=inside)
    anna = await pbx.phone(await pbx.extension(**AT_HOME))
    forwarded = await forwarding(pbx, ABROAD, **AT_HOME)
    await option(pbx, main, "1", "external", ABROAD)
    await option(pbx, main, "2", "extension", forwarded.id)
    await option(pbx, main, "3", "external", "*97")
    telekom, (did,) = await telekom_to(pbx, main)

    async def allowed() -> None:
        call = await anna.invite(inside)
        await call.answered()
        await presses(call, WELCOME, "1")
        incoming = await taken(way.carrier)
        assert incoming.dialled == ABROAD
        await hear_each_other(call, incoming)
        await call.hangup()

    async def refused(key: str, sound: str) -> str:
        caller = number()
        call = await chooses(telekom, did, key, caller)
        await said(pbx, caller, f"en/{sound}")
        await call.hangup()
        return caller

    _, abroad, code = await asyncio.gather(
        allowed(), refused("2", "cannot-complete-as-dialed"), refused("3", "ss-noservice")
    )
    assert (await pbx.cdr(abroad))["hangup_cause"] == "forbidden"
    assert (await pbx.cdr(code))["hangup_cause"] == "unallocated_number"
    assert len(way.invites) == 1


async def test_direct_dial(pbx: Pbx) -> None:
    """Extensions where the menu allows it; never codes, emergency or outside numbers."""
    way = await way_out(pbx)
    row = {
        "welcome_prompt_id": await tone(pbx, WELCOME),
        "invalid_prompt_id": await tone(pbx, INVALID, SHORT),
        "invalid_destination_type": "hangup",
        "max_retries": 0,
    }
    allowed, barred = await menu(pbx, **row, direct_dial=True), await menu(pbx, **row)
    ben = await pbx.phone(await pbx.extension(number=f"7{next(NUMBERS) % 100:02}"))
    telekom, dids = await telekom_to(pbx, allowed, barred)

    async def reaches() -> None:
        caller = number()
        call = await enters(telekom, dids[0], caller)
        await presses(call, WELCOME, ben.number)
        await rung(ben, caller)
        await call.hangup()

    async def fails(did: str, keys: str) -> str:
        caller = number()
        call = await enters(telekom, did, caller)
        await hears(call, WELCOME)
        await call.press(keys, lasting=0.1)
        await call.ended()
        assert call.reason == "Q.850;cause=16"
        return caller

    wrong = [fails(dids[0], keys) for keys in ("*97", "112", NUMBER[:3], ben.number[:2])]
    fail = asyncio.gather(*wrong, fails(dids[1], ben.number))
    await reaches()
    for caller in await fail:
        cdr = await pbx.cdr(caller)
        assert await told(pbx, cdr["call_id"], "announced") == [{"sentence": "goodbye"}]
        assert not await told(pbx, cdr["call_id"], "key_pressed")
    assert not way.invites
