"""Callers in menus: what they hear, the keys they press, and where that leads them."""

import asyncio
from itertools import cycle
from pathlib import Path
from typing import get_args

from tests.support.caller import OutgoingCall
from tests.support.carrier import Carrier
from tests.support.keypad import DtmfMode
from tests.support.sip import RawPhone
from tests.support.until import until

from .conversation import hear_each_other
from .incoming import number
from .menus import (
    BEFORE,
    INVALID,
    LONG,
    SHORT,
    SUB,
    TIMEOUT,
    WELCOME,
    added,
    chosen,
    entered_again,
    enters,
    heard,
    hears,
    leads_to,
    melody,
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
from .outside import carrier, change, trunk
from .pbx import NUMBERS, Pbx
from .test_restart import kill_app

CHOSEN = ["arrived", "routed", "answered", "menu_entered", "key_pressed", "offered", "ended"]


async def test_a_key_ends_the_prompt_and_leads_on(pbx: Pbx, tmp_path: Path) -> None:
    """Outside and inside, with a prompt that an admin has added."""
    inside = str(next(NUMBERS))
    welcome = await added(pbx, tmp_path, WELCOME, LONG)
    main = await menu(pbx, welcome_prompt_id=welcome, extension_number=inside)
    telekom, (did,) = await telekom_to(pbx, main)
    anna, ben = await pbx.phones(2)
    await option(pbx, main, "1", "extension", pbx.extensions[1].id)
    caller = number()
    for call in (await enters(telekom, did, caller), await anna.invite(inside)):
        await hears(call, WELCOME)
        pressed = asyncio.get_running_loop().time()
        await call.press("1")
        incoming = await taken(ben)
        (note,) = melody(call)
        assert note.ended - pressed < LONG / 4
        await hear_each_other(call, incoming)
        await call.hangup()
        await incoming.ended()
    cdr = await pbx.cdr(caller)
    assert await pbx.timeline(cdr["call_id"]) == CHOSEN
    assert (cdr["direction"], cdr["hangup_cause"]) == ("inbound", "normal_clearing")
    assert (await pbx.cdr(anna.number))["direction"] == "internal"


async def test_keys(pbx: Pbx) -> None:
    """One or two of them, # and * too, in the prompt and ahead of the next menu's.

    What could be two keys waits for the second, or is ended by #.
    """
    welcome, of_sub = [await tone(pbx, hz, LONG) for hz in (WELCOME, SUB)]
    main, sub = [await menu(pbx, welcome_prompt_id=one) for one in (welcome, of_sub)]
    slow = await menu(pbx, welcome_prompt_id=welcome, inter_digit_seconds=60)
    anna, ben = await pbx.phones(2, max_concurrent_calls=20)
    to_anna, to_ben = (extension.id for extension in pbx.extensions)
    for one in (main, slow):
        await option(pbx, one, "1", "extension", to_anna)
        await option(pbx, one, "12", "extension", to_ben)
    before = await tone(pbx, BEFORE, SHORT)
    await option(pbx, main, "2", "ivr", sub)
    await option(pbx, main, "3", "ivr", sub, pre_transfer_prompt_id=before)
    await option(pbx, sub, "#", "extension", to_ben)
    await option(pbx, sub, "*", "ivr", main)
    telekom, (to_main, to_slow) = await telekom_to(pbx, main, slow)
    options: dict[str, list[str]] = {}

    async def tell(did: str, turns: str, phone: RawPhone, expected: str, *prompts: float) -> None:
        caller = number()
        call = await enters(telekom, did, caller)
        for hz, keys in zip(cycle((WELCOME, SUB)), turns.split(), strict=False):
            await presses(call, hz, keys)
        await rung(phone, caller)
        await call.hangup()
        assert heard(call) == list(prompts)
        options[caller] = expected.split()

    await asyncio.gather(
        tell(to_main, "1", anna, "1", WELCOME),
        tell(to_main, "12", ben, "12", WELCOME),
        tell(to_slow, "1#", anna, "1", WELCOME),
        tell(to_main, "2 * 1", anna, "2 * 1", WELCOME, SUB, WELCOME),
        tell(to_main, "3#", ben, "3 #", WELCOME, BEFORE),
    )
    for caller, expected in options.items():
        assert await chosen(pbx, caller) == expected


async def test_wrong_keys_and_no_keys_are_counted_and_answered_apart(pbx: Pbx) -> None:
    """Without a destination of their own the wrong ones lead where none leads."""
    prompts = {
        f"{kind}_prompt_id": await tone(pbx, hz, SHORT)
        for kind, hz in (("welcome", WELCOME), ("invalid", INVALID), ("timeout", TIMEOUT))
    }
    anna, ben = await pbx.phones(2, max_concurrent_calls=20)
    to_anna, to_ben = (extension.id for extension in pbx.extensions)
    on_timeout = {"timeout_destination_type": "extension", "timeout_destination_id": to_anna}
    on_invalid = {"invalid_destination_type": "extension", "invalid_destination_id": to_ben}
    both = await menu(pbx, **prompts, **on_timeout, **on_invalid)
    one = await menu(pbx, **prompts, **on_timeout, max_retries=0)
    telekom, dids = await telekom_to(pbx, both, one)

    async def tell(did: str, turns: str, phone: RawPhone, prompts: list[float]) -> OutgoingCall:
        caller = number()
        call = await enters(telekom, did, caller)
        for keys in turns.split():
            await hears(call, WELCOME)
            if keys == "-":
                await hears(call, TIMEOUT)
            else:
                await call.press(keys)
        await rung(phone, caller)
        await call.hangup()
        assert heard(call) == prompts
        return call

    silent, *_ = await asyncio.gather(
        tell(dids[0], "", anna, [WELCOME, TIMEOUT, WELCOME]),
        tell(dids[0], "9 9", ben, [WELCOME, INVALID, WELCOME]),
        tell(dids[0], "9 - 9", ben, [WELCOME, INVALID, WELCOME, TIMEOUT, WELCOME]),
        tell(dids[1], "9", anna, [WELCOME]),
    )
    welcome, timeout, _ = melody(silent)
    assert timeout.began - welcome.ended > 0.9


async def test_who_is_led_nowhere_hears_a_goodbye(pbx: Pbx) -> None:
    welcome = await tone(pbx, WELCOME, SHORT)
    row = {"welcome_prompt_id": welcome, "max_retries": 0}
    plain = await menu(pbx, **row)
    hangs_up = await menu(pbx, **row, timeout_destination_type="hangup")
    telekom, dids = await telekom_to(pbx, plain, hangs_up)

    async def tell(did: str, keys: str) -> str:
        caller = number()
        call = await enters(telekom, did, caller)
        await presses(call, WELCOME, keys)
        await call.ended()
        assert (call.bye, call.reason) == ("remote", "Q.850;cause=16")
        return caller

    for caller in await asyncio.gather(*(tell(did, keys) for did in dids for keys in ("", "9"))):
        cdr = await pbx.cdr(caller)
        assert cdr["hangup_cause"] == "normal_clearing"
        assert await told(pbx, cdr["call_id"], "announced") == [{"sentence": "goodbye"}]


async def test_keys_come_in_every_way_that_a_trunk_may_have(pbx: Pbx) -> None:
    main = await menu(pbx, welcome_prompt_id=await tone(pbx, WELCOME, LONG))
    sub = await menu(pbx, welcome_prompt_id=await tone(pbx, SUB, LONG))
    await option(pbx, main, "*5", "ivr", sub)
    did = await leads_to(pbx, main)
    carriers = []
    for mode in get_args(DtmfMode):
        telekom = await carrier(pbx, telephone_event=mode == "rfc2833")
        await trunk(pbx, telekom, dtmf_mode=mode)
        carriers.append((telekom, mode))

    async def tell(telekom: Carrier, mode: DtmfMode) -> None:
        call = await enters(telekom, did)
        await hears(call, WELCOME)
        await call.press("*5", by=mode)
        await hears(call, SUB)
        await call.hangup()

    await asyncio.gather(*(tell(*one) for one in carriers))


async def test_a_changed_row_counts_at_the_next_try_and_for_the_next_caller(pbx: Pbx) -> None:
    welcome, other, invalid = [
        await tone(pbx, hz, seconds)
        for hz, seconds in ((WELCOME, LONG), (SUB, LONG), (INVALID, SHORT))
    ]
    main = await menu(pbx, welcome_prompt_id=welcome, invalid_prompt_id=invalid)
    telekom, (did,) = await telekom_to(pbx, main)
    anna, ben = await pbx.phones(2)
    to_anna, to_ben = (extension.id for extension in pbx.extensions)
    first, second, third = (number() for _ in range(3))
    call = await enters(telekom, did, first)
    await hears(call, WELCOME)
    await change(pbx, "ivr_menus", main, welcome_prompt_id=other)
    await call.press("1")
    await hears(call, INVALID)
    key = await option(pbx, main, "1", "extension", to_anna)
    await presses(call, SUB, "1")
    await rung(anna, first)
    await call.hangup()
    assert heard(call) == [WELCOME, INVALID, SUB]
    await change(pbx, "ivr_menu_options", key, destination_id=to_ben)
    call = await enters(telekom, did, second)
    await presses(call, SUB, "1")
    await rung(ben, second)
    await call.hangup()
    call = await enters(telekom, did, third)
    await hears(call, SUB)
    await pbx.db.execute("DELETE FROM ivr_menus WHERE id = $1", main)
    await pbx.settled()
    await call.press("1")
    await said(pbx, third, "en/vm-goodbye")
    await call.hangup()


async def test_callers_go_on_when_the_app_was_killed(pbx: Pbx) -> None:
    """They hear the menu again, wherever they were in it; what was wrong before counts."""
    long, short = [await tone(pbx, WELCOME, seconds) for seconds in (LONG, SHORT)]
    invalid = await tone(pbx, INVALID, SHORT)
    anna, ben = await pbx.phones(2)
    to_anna, to_ben = (extension.id for extension in pbx.extensions)
    on_invalid = {"invalid_destination_type": "extension", "invalid_destination_id": to_ben}
    patient = {"digit_timeout_seconds": 60, "invalid_prompt_id": invalid, **on_invalid}
    in_prompt = await menu(pbx, welcome_prompt_id=long, **patient)
    behind_it = await menu(pbx, welcome_prompt_id=short, **patient)
    await option(pbx, in_prompt, "1", "extension", to_anna)
    telekom, dids = await telekom_to(pbx, in_prompt, behind_it)
    choosing, wrong = number(), number()
    slow = await enters(telekom, dids[1], wrong)
    await presses(slow, WELCOME, "9")
    quick = await enters(telekom, dids[0], choosing)
    await hears(quick, WELCOME)
    await slow.hears_nothing()
    await kill_app(pbx)
    await until(lambda: heard(slow) == [WELCOME, INVALID, WELCOME, WELCOME], 10, every=0.2)
    await slow.press("9")
    await rung(ben, wrong)
    await entered_again(pbx, choosing)
    await presses(quick, WELCOME, "1")
    incoming = await taken(anna)
    await hear_each_other(quick, incoming)
    for call in (quick, slow):
        await call.hangup()
