"""Menus as a test sees them: rows, prompts that are tones, and what callers hear and press."""

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import asyncpg
import numpy as np
import soundfile

from stasis_app.media.objects import Objects
from tests.support import tones
from tests.support.callee import IncomingCall
from tests.support.caller import OutgoingCall
from tests.support.carrier import Carrier
from tests.support.sip import RawPhone
from tests.support.until import until
from tests.support.useragent import UserAgent
from tests.support.words import CallWords

from .incoming import number
from .outgoing import details
from .outside import carrier, inbound, trunk
from .pbx import NUMBERS, Pbx, run
from .voicemail import prompt

# what the prompts are made of
WELCOME, SUB, INVALID, TIMEOUT, BEFORE = 450.0, 600.0, 800.0, 1000.0, 1200.0
PROMPTS = (WELCOME, SUB, INVALID, TIMEOUT, BEFORE)
LONG, SHORT = 6.0, 0.8

# packets of 20 ms
LASTING, WINDOW, STEP = 15, 5, 2
GAP_SECONDS = 0.4
PURE_HZ, PURE_DB = 15.0, 1.5
PLAYBACK = """
SELECT position.arguments ->> 'playback'
FROM call_positions AS position JOIN calls ON calls.id = position.call_id
WHERE calls.caller_number = $1"""


class Note(NamedTuple):
    """A tone that was heard, and the loop's times between which it was."""

    hz: float
    began: float
    ended: float


# rows


async def menu(pbx: Pbx, **columns: Any) -> UUID:
    """Insert a menu that is soon through with a caller who presses nothing."""
    row = {
        "name": f"menu {next(NUMBERS)}",
        "digit_timeout_seconds": 1,
        "inter_digit_seconds": 0.5,
        "max_retries": 1,
        **columns,
    }
    return await pbx.insert("ivr_menus", **row)


async def option(
    pbx: Pbx, of: UUID, keys: str, action: str, target: UUID | str | None = None, **columns: Any
) -> UUID:
    """Insert an option that leads to a row (its id) or a number (text)."""
    column = "destination_number" if isinstance(target, str) else "destination_id"
    row = {"ivr_menu_id": of, "dtmf_digit": keys, "action": action, column: target, **columns}
    return await pbx.insert("ivr_menu_options", **row)


async def leads_to(pbx: Pbx, of: UUID, **columns: Any) -> str:
    """Have a number outside lead to a menu, and return it."""
    did = number()
    await inbound(pbx, did, of, destination_type="ivr", **columns)
    return did


async def telekom_to(pbx: Pbx, *menus: UUID) -> tuple[Carrier, list[str]]:
    """Return a carrier, and a number that leads to each of the menus."""
    telekom = await carrier(pbx)
    await trunk(pbx, telekom)
    return telekom, [await leads_to(pbx, one) for one in menus]


async def tone(pbx: Pbx, hz: float, seconds: float = LONG) -> UUID:
    """Insert a prompt that is there."""
    return await prompt(pbx, hz, seconds, "prompt")


async def broken(pbx: Pbx, content: bytes | None) -> UUID:
    """Insert a prompt whose object holds something that is no audio; None: there is no object."""
    path = f"prompt/{uuid4()}.wav"
    if content is not None:
        s3 = pbx.stack["s3"]
        store = Objects(s3["endpoint"], s3["access_key"], s3["secret_key"], s3["bucket"])
        await store.put(path, io.BytesIO(content), len(content))
        store.close()
    row = {"name": f"prompt {next(NUMBERS)}", "file_type": "prompt", "storage_path": path}
    return await pbx.insert("media_files", **row)


async def added(pbx: Pbx, folder: Path, hz: float, seconds: float) -> UUID:
    """Add a prompt as an admin does: from a file of any format, by command."""
    source, name = folder / f"{hz:g}.ogg", f"prompt {next(NUMBERS)}"
    soundfile.write(source, tones.tone(hz, seconds, 48000, level=-25), 48000)
    code, output = await run(
        *(sys.executable, "-m", "stasis_app", "media", "add", str(source)),
        *("--name", name, "--type", "prompt", "--state", str(pbx.state)),
    )
    assert code == 0, output
    identity = UUID(output.split()[0])
    pbx.rows.append(("media_files", identity))
    return identity


# callers


async def enters(telekom: Carrier, did: str, caller: str = "") -> OutgoingCall:
    """Call a menu from outside, and be answered."""
    call = await telekom.call(did, caller=caller or number())
    await call.answered()
    return call


async def hears(call: CallWords, hz: float, within: float = 8.0) -> None:
    """Wait for a prompt and nothing else, from now on: there are tones in speech, too."""
    since = len(call.ear.parts)

    def came() -> bool:
        parts = call.ear.parts[since:][-LASTING:]
        pcm = [part.pcm for part in parts]
        return len(pcm) == LASTING and _prompt_in(np.concatenate(pcm), call.ear.rate) == hz

    await until(came, within, lambda: f"{hz:g} Hz in {call}; heard so far: {heard(call)}", 0.02)


async def presses(call: OutgoingCall, hz: float, keys: str) -> None:
    """Hear a prompt, and press keys in it."""
    await hears(call, hz)
    await call.press(keys)


async def chooses(telekom: Carrier, did: str, keys: str, caller: str = "") -> OutgoingCall:
    """Call a menu from outside, and press keys in its prompt."""
    call = await enters(telekom, did, caller)
    await presses(call, WELCOME, keys)
    return call


async def rung(phone: RawPhone, caller: str) -> IncomingCall:
    """Wait until a phone is called by a caller, whoever else calls it."""

    def came() -> list[IncomingCall]:
        every = [call for call in phone.calls.values() if isinstance(call, IncomingCall)]
        return [call for call in every if call.caller_number == caller]

    return (await until(came, 8.0, f"a call of {caller} to {phone.number}"))[0]


async def taken(phone: UserAgent) -> IncomingCall:
    """Answer the next call to a phone or a carrier."""
    incoming = await phone.expect_invite()
    await incoming.answer()
    await incoming.answered()
    return incoming


# what was heard


def melody(call: CallWords) -> list[Note]:
    """Return the prompts that were heard until now, one after the other; speech is none."""
    notes: list[Note] = []
    for pcm, began, ended in _windows(call):
        hz = _prompt_in(pcm, call.ear.rate)
        if hz is None:
            continue
        if notes and notes[-1].hz == hz and began - notes[-1].ended < GAP_SECONDS:
            notes[-1] = notes[-1]._replace(ended=ended)
        else:
            notes.append(Note(hz, began, ended))
    return notes


def heard(call: CallWords) -> list[float]:
    return [note.hz for note in melody(call)]


def _windows(call: CallWords) -> Iterator[tuple[tones.Pcm, float, float]]:
    """Cut what was heard into tenths of a second, and tell when they came."""
    parts = call.ear.parts
    for at in range(0, len(parts) - WINDOW + 1, STEP):
        window = parts[at : at + WINDOW]
        if window[-1].at - window[0].at < GAP_SECONDS:
            yield np.concatenate([part.pcm for part in window]), window[0].at, window[-1].at


def _prompt_in(pcm: tones.Pcm, rate: int) -> float | None:
    level = tones.level(pcm)
    if level <= tones.SILENCE:
        return None
    loudest = tones.loudest(pcm, rate)
    hz = min(PROMPTS, key=lambda hz: abs(hz - loudest.hz))
    return hz if abs(hz - loudest.hz) < PURE_HZ and loudest.level > level - PURE_DB else None


# what the exchange tells of it


async def told(pbx: Pbx, call: UUID, event: str) -> list[dict[str, Any]]:
    """Return the details of the events of one kind in a call's timeline."""
    return [json.loads(one) for one in await details(pbx, call, event)]


async def chosen(pbx: Pbx, caller: str) -> list[str]:
    """Return the keys of the options that a caller has taken, when the call is over."""
    cdr = await pbx.cdr(caller)
    return [one["choice"] for one in await told(pbx, cdr["call_id"], "key_pressed")]


async def entered_again(pbx: Pbx, caller: str) -> None:
    """Wait until another process of the app has taken over a caller in a menu."""

    async def adopted() -> bool:
        call = await pbx.row(caller)
        entered = await told(pbx, call["id"], "menu_entered") if call else []
        return any(one.get("again") == "adopted" for one in entered)

    await until(adopted, 10.0, f"{caller} to hear the menu again")


async def said(pbx: Pbx, caller: str, sound: str, within: float = 5.0) -> None:
    """Wait until Asterisk plays a sound to a caller, such as `de/vm-goodbye`.

    It has a connection of its own, so that several callers can be listened to at a time.
    """
    db = await asyncpg.connect(pbx.stack["database_url"])

    async def plays() -> bool:
        playback = await db.fetchval(PLAYBACK, caller)
        found = await pbx.ari(f"playbacks/{playback}") if playback else {}
        return bool(found.get("media_uri") == f"sound:{sound}")

    try:
        await until(plays, within, f"{sound} to be played")
    finally:
        await db.close()
