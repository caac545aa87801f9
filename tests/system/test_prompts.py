"""Prompts: their language, what is said in place of one that is gone, and those made by phone."""

import asyncio

import asyncpg

from tests.support.caller import OutgoingCall
from tests.support.sip import RawPhone
from tests.support.until import until

from .incoming import number
from .menus import (
    SUB,
    WELCOME,
    broken,
    chooses,
    enters,
    heard,
    hears,
    leads_to,
    menu,
    option,
    rung,
    said,
    telekom_to,
    told,
    tone,
)
from .outgoing import phone, user
from .outside import change
from .pbx import NUMBERS, Pbx
from .voicemail import beep, content, delivered, holds, objects, tells


async def test_the_language_of_the_menu_else_of_the_rule(pbx: Pbx) -> None:
    row = {"welcome_prompt_id": await tone(pbx, WELCOME), "max_retries": 0}
    plain, english = await menu(pbx, **row), await menu(pbx, **row, language="en")
    german = await menu(pbx, **row, language="de-DE")
    telekom, dids = await telekom_to(pbx, plain, german)
    dids += [await leads_to(pbx, one, language="de") for one in (plain, english)]

    async def hears_goodbye(did: str, language: str) -> None:
        caller = number()
        call = await chooses(telekom, did, "9", caller)
        await said(pbx, caller, f"{language}/vm-goodbye")
        await call.hangup()

    await asyncio.gather(*map(hears_goodbye, dids, ("en", "de", "de", "en")))


async def test_what_can_not_be_played_is_passed_over(pbx: Pbx) -> None:
    """The exchange says it in its own words, and the keys count."""
    gone, no_audio = await broken(pbx, None), await broken(pbx, b"no audio" * 1000)
    main = await menu(pbx, welcome_prompt_id=gone, invalid_prompt_id=no_audio)
    (ben,) = await pbx.phones(1)
    await option(pbx, main, "1", "extension", pbx.extensions[0].id, pre_transfer_prompt_id=gone)
    telekom, (did,) = await telekom_to(pbx, main)
    caller = number()
    call = await enters(telekom, did, caller)
    await until(lambda: call.ear.parts, what="a tone")
    await call.press("9")
    await said(pbx, caller, "en/pm-invalid-option")
    await call.press("1")
    await rung(ben, caller)
    await call.hangup()
    skipped = await told(pbx, (await pbx.cdr(caller))["call_id"], "media_skipped")
    assert skipped == [{"media": str(one)} for one in (gone, no_audio, gone)]


async def test_who_hangs_up_in_the_prompt(pbx: Pbx) -> None:
    main = await menu(pbx, welcome_prompt_id=await tone(pbx, WELCOME))
    telekom, (did,) = await telekom_to(pbx, main)
    caller = number()
    call = await enters(telekom, did, caller)
    await hears(call, WELCOME)
    await call.hangup()
    cdr = await pbx.cdr(caller)
    assert cdr["hangup_cause"] == "normal_clearing"
    assert (await pbx.timeline(cdr["call_id"]))[-2:] == ["menu_entered", "ended"]


async def records(recorder: RawPhone, code: str, hz: float) -> OutgoingCall:
    """Record a prompt by phone, and accept it."""
    call = await recorder.invite(code)
    await call.answered()
    await call.press("#")
    await beep(call)
    await tells(call, hz)
    await call.press("#1")
    return call


async def file(pbx: Pbx, name: str) -> asyncpg.Record:
    row = await pbx.db.fetchrow("SELECT * FROM media_files WHERE name = $1", name)
    assert row
    return row


async def removed(pbx: Pbx, path: str) -> None:
    async def gone() -> bool:
        return not await objects(pbx, path)

    await until(gone, what=f"{path} to be removed")


async def test_a_prompt_is_recorded_by_phone(pbx: Pbx) -> None:
    """Recorded anew, it is what the next caller hears; with the row its audio goes."""
    anna = await pbx.phone(await pbx.extension(user_id=await user(pbx, "admin")))
    call = await records(anna, "*77", WELCOME)
    await delivered(pbx)
    await call.hangup()
    query = "SELECT name FROM media_files WHERE name LIKE $1"
    old = await file(pbx, await pbx.db.fetchval(query, f"Recorded by {anna.number} %"))
    assert (old["file_type"], old["format"], old["sample_rate"]) == ("prompt", "wav", 16000)
    audio = await content(pbx, old["storage_path"])
    holds(audio, WELCOME)
    assert old["file_size_bytes"] == len(audio)

    code = str(next(NUMBERS))
    await change(pbx, "media_files", old["id"], record_code=code)
    main = await menu(pbx, welcome_prompt_id=old["id"], extension_number=str(next(NUMBERS)))
    telekom, (did,) = await telekom_to(pbx, main)
    await hears(await enters(telekom, did), WELCOME)
    recording = await records(anna, f"*77{code}", SUB)
    await delivered(pbx)
    call = await enters(telekom, did)
    await hears(call, SUB)
    assert heard(call) == [SUB]
    await recording.ended(10)
    assert recording.reason == "Q.850;cause=16"
    new = await file(pbx, old["name"])
    assert (new["id"], new["record_code"]) == (old["id"], code)
    holds(await content(pbx, new["storage_path"]), SUB)
    await removed(pbx, old["storage_path"])
    assert await objects(pbx, new["storage_path"])
    await pbx.db.execute("DELETE FROM media_files WHERE id = $1", old["id"])
    await removed(pbx, new["storage_path"])


async def test_who_may_record_prompts(pbx: Pbx) -> None:
    """Neither who has no user or another role, nor anybody outside or in a menu."""
    code = str(next(NUMBERS))
    await change(pbx, "media_files", await tone(pbx, WELCOME), record_code=code)
    nobody, agent, admin = [
        await phone(pbx, **({"user_id": await user(pbx, role)} if role else {}))
        for role in ("", "agent", "supervisor")
    ]
    telekom, _ = await telekom_to(pbx)
    for caller, dialled, answer in (
        (nobody, "*77", 403),
        (agent, "*77", 403),
        (agent, f"*77{code}", 403),
        (admin, "*7799", 404),
        (telekom, "*77", 404),
    ):
        call = await (caller.call if caller is telekom else caller.invite)(dialled)
        assert (await call.final()).code == answer
    call = await admin.invite(f"*77{code}")
    await call.answered()
    await call.hangup()
