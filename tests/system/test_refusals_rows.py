"""Rows that no CHECK refuses although they make no sense: the phone, or the call, works on."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.callee import IncomingCall
from tests.support.sip import RawPhone
from tests.support.until import until

from .conversation import hear_each_other, talk
from .pbx import Pbx
from .refusals import causes, the_next_call_works

ALL_CODECS = ["opus", "G722", "PCMU", "PCMA"]
FORWARDS = ["unconditional", "on_busy", "on_no_answer"]


@pytest.fixture(autouse=True)
async def next_call(pbx: Pbx) -> AsyncIterator[None]:
    yield
    await the_next_call_works(pbx)


async def talk_and_hang_up(caller: RawPhone, callee: RawPhone) -> IncomingCall:
    call, incoming = await talk(caller, callee)
    await call.hangup()
    await incoming.ended()
    return incoming


async def what_was_written_counts(pbx: Pbx, caller: RawPhone) -> None:
    """Wait until the app has read a row that was written later."""
    marker = await pbx.extension(dnd_enabled=True)

    async def known() -> bool:
        return (await (await caller.invite(marker.number)).final()).code == 486

    await until(known, 5.0, "a new snapshot")


async def problems(pbx: Pbx, caller: str) -> list[str]:
    """Return what the timeline of the last call says was ignored."""
    query = """SELECT details->>'problem' AS problem FROM call_events
        WHERE call_id = $1 AND event = 'config_ignored' ORDER BY seq"""
    rows = await pbx.db.fetch(query, (await pbx.cdr(caller))["call_id"])
    return [row["problem"] for row in rows]


@pytest.mark.parametrize(
    ("preferences", "offered"),
    [
        (None, ALL_CODECS),
        ([], ALL_CODECS),
        ([None], ALL_CODECS),
        (["", " "], ALL_CODECS),
        (["nonsense", "g729", "h264", "x" * 1000], ALL_CODECS),
        (["!all", "all", "ulaw;allow=all", "opus,!all"], ALL_CODECS),
        (["pcmu", "nonsense", " G722 ", "PCMU"], ["PCMU", "G722"]),
        ([["pcma"], ["opus"]], ["PCMA", "opus"]),
        (["pcma"] * 1000, ["PCMA"]),
    ],
)
async def test_codec_preferences(
    pbx: Pbx, preferences: list[Any] | None, offered: list[str]
) -> None:
    (anna,) = await pbx.phones(1)
    (ben,) = await pbx.phones(1, codec_preferences=preferences)
    incoming = await talk_and_hang_up(anna, ben)
    assert incoming.offer
    assert incoming.offer.names == offered
    await talk_and_hang_up(ben, anna)


@pytest.mark.parametrize("kind", FORWARDS)
@pytest.mark.parametrize("destination", [None, "", "  "])
async def test_a_forward_without_destination(pbx: Pbx, kind: str, destination: str | None) -> None:
    (anna,) = await pbx.phones(1)
    forward = {f"forward_{kind}_enabled": True, f"forward_{kind}_destination": destination}
    (ben,) = await pbx.phones(1, **forward)
    call = await anna.invite(ben.number)
    (await ben.expect_invite()).reject(486)
    assert (await call.final()).code == 486
    ignored = f"forward_{kind}_enabled without forward_{kind}_destination"
    assert await problems(pbx, anna.number) == [ignored]


async def test_forwards_to_nonsense(pbx: Pbx) -> None:
    (anna,) = await pbx.phones(1)
    nonsense = ["nobody", "sip:1@example.com", "'; DROP TABLE calls; --", "\u260e", "${EXTEN}", "-"]
    nonsense += ["0" * 50, "+", "1,2", "h", "\x01"]
    for destination in nonsense:
        forward = {"forward_unconditional_enabled": True}
        ben = await pbx.extension(forward_unconditional_destination=destination, **forward)
        assert (await (await anna.invite(ben.number)).final()).code == 404, destination
    assert await causes(pbx, anna.number, len(nonsense)) == {"unallocated_number": len(nonsense)}


async def test_a_forward_to_oneself(pbx: Pbx) -> None:
    (anna,) = await pbx.phones(1)
    ben = await pbx.extension(forward_unconditional_enabled=True)
    await pbx.change(ben, forward_unconditional_destination=ben.number)
    assert (await (await anna.invite(ben.number)).final()).code == 480
    assert await causes(pbx, anna.number, 1) == {"loop_detected": 1}


@pytest.mark.parametrize("seconds", [None, 0, -1, -(2**31), 2**31 - 1])
async def test_timeouts_of_a_forward(pbx: Pbx, seconds: int | None) -> None:
    (anna,) = await pbx.phones(1)
    forward = {"forward_on_no_answer_enabled": True, "forward_on_no_answer_destination": "99887766"}
    (ben,) = await pbx.phones(1, forward_on_no_answer_timeout=seconds, **forward)
    await talk_and_hang_up(anna, ben)
    wrong = [] if seconds is None else [f"forward_on_no_answer_timeout {seconds} is not in 1..600"]
    assert await problems(pbx, anna.number) == wrong


@pytest.mark.parametrize("limit", [None, 2**31 - 1])
async def test_limits_that_are_none(pbx: Pbx, limit: int | None) -> None:
    anna, ben = await pbx.phones(2, max_concurrent_calls=limit)
    await talk_and_hang_up(anna, ben)


@pytest.mark.parametrize("limit", [0, -1, -(2**31)])
async def test_limits_that_allow_nothing(pbx: Pbx, limit: int) -> None:
    (anna,) = await pbx.phones(1)
    (ben,) = await pbx.phones(1, max_concurrent_calls=limit)
    assert (await (await anna.invite(ben.number)).final()).code == 486
    assert (await (await ben.invite(anna.number)).final()).code == 503


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nb\rc\td\x07", "abcd"),
        ("\r\nX-Evil: 1", "X-Evil: 1"),
        ("\u202egnp.\u200fexe", "gnp.exe"),
        ('"<sip:110@example.com>\\"', "sip:110@example.com"),
        ("a,b;c^d|^5E%20${EXTEN}", "a,b;c^d|^5E%20${EXTEN}"),
        ("\x01", ""),
        (" ", ""),
        ("x" * 100, "x" * 79),
        ("\u00e9" * 100, "\u00e9" * 39),
        ("\U0001f600" * 100, "\U0001f600" * 19),
    ],
    ids=[
        "control",
        "header",
        "rtl",
        "quotes",
        "specials",
        "none",
        "blank",
        "100",
        "2x100",
        "4x100",
    ],
)
async def test_display_names(pbx: Pbx, name: str, shown: str) -> None:
    """Asterisk cuts names to 79 bytes, where a character ends."""
    anna, ben = await pbx.phones(2, display_name=name)
    call, incoming = await talk(anna, ben)
    assert (incoming.caller_name, incoming.caller_number) == (shown, anna.number)
    assert (call.shown.name, call.shown.user) == (shown, ben.number)
    await call.hangup()
    await incoming.ended()
    cdr = await pbx.cdr(anna.number)
    printable = "".join(mark for mark in name if mark.isprintable()) or None
    assert (cdr["caller_name"], cdr["callee_name"]) == (printable, printable)


@pytest.mark.parametrize("form", ["x{}.b", "1-{}", "1.{}", "1_{}", "1+{}", "X{}"])
async def test_numbers_that_may_have_a_phone(pbx: Pbx, form: str) -> None:
    (anna,) = await pbx.phones(1)
    ben = await pbx.phone(await pbx.extension(number=form.format(anna.number[-9:])))
    await talk_and_hang_up(anna, ben)
    await talk_and_hang_up(ben, anna)


@pytest.mark.parametrize("number", ["*97{}", "#{}", "1'{}", "1%{}", "1/{}"])
async def test_numbers_that_may_not(pbx: Pbx, number: str) -> None:
    extension = await pbx.extension(number=number.format((await pbx.extension()).number[-9:]))
    async with RawPhone(extension.number, extension.password, pbx.server("udp")) as ben:
        assert (await ben.register()).code == 401


@pytest.mark.parametrize(
    "password",
    [
        "a;b;;",
        "a^b^3B",
        " a b ",
        "a\"b'",
        "a\\b%20",
        "a,b=c:d",
        "\u00e4\u260e",
        "x" * 100,
        "#${EXTEN}",
    ],
)
async def test_passwords(pbx: Pbx, password: str) -> None:
    await talk_and_hang_up(*await pbx.phones(2, sip_password=password))


async def test_a_row_without_password_is_no_phone(pbx: Pbx) -> None:
    extension = await pbx.extension(sip_password="")
    async with RawPhone(extension.number, "", pbx.server("udp")) as ben:
        assert (await ben.register()).code == 401


@pytest.mark.parametrize("key", ["calls.default_ring_seconds", "calls.max_hops"])
async def test_settings(pbx: Pbx, key: str) -> None:
    anna, ben = await pbx.phones(2)
    update = "UPDATE system_settings SET value = $2::jsonb WHERE key = $1"
    before = await pbx.db.fetchval("SELECT value FROM system_settings WHERE key = $1", key)
    try:
        for value in ("null", '"x"', "-1", "[]", "{}", "1e18", "1e400"):
            await pbx.db.execute(update, key, value)
            await what_was_written_counts(pbx, anna)
            await talk_and_hang_up(anna, ben)
    finally:
        await pbx.db.execute(update, key, before)


@pytest.mark.parametrize("change", ["status = 'inactive'", "deleted_at = now()"])
async def test_a_caller_whose_row_has_changed(pbx: Pbx, change: str) -> None:
    anna, ben = await pbx.phones(2)
    await pbx.db.execute(f"UPDATE extensions SET {change} WHERE number = $1", anna.number)

    async def unknown() -> bool:
        call = await anna.invite(ben.number)
        await until(lambda: call.is_over or ben.is_called, 5.0, "an answer or a call")
        await call.close()
        assert (await call.final()).code in (401, 403, 487, 500)
        return call.has(401) and not call.has(100)

    await until(unknown, 3.0, "a phone that is none any more")


async def test_rows_that_vanish_while_they_talk(pbx: Pbx) -> None:
    anna, ben = await pbx.phones(2)
    call, incoming = await talk(anna, ben)
    await pbx.in_state(anna.number, "answered")
    await pbx.db.execute("DELETE FROM extensions WHERE number IN ($1, $2)", anna.number, ben.number)
    await hear_each_other(call, incoming)
    await call.hangup()
    await incoming.ended()
    cdr = await pbx.cdr(anna.number)
    assert (cdr["caller_extension_id"], cdr["callee_extension_id"]) == (None, None)
    assert cdr["hangup_cause"] == "normal_clearing"
    await asyncio.gather(anna.vanish(), ben.vanish())
