"""Opening hours: by the plan, by a row, by a key; and who gets through all the same."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from tests.support import tones
from tests.support.sip import RawPhone

from .incoming import noted, number, reaches, refused
from .outside import carrier, change, inbound, setting, trunk
from .pbx import NUMBERS, Pbx

PROFILES = "time_profiles"
TOKYO = "Asia/Tokyo"
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def plan(*hours: tuple[int, int], zone: str = TOKYO) -> str:
    """Return a schedule of spans that lie so many hours from now, by the clocks of the zone."""
    now = datetime.now(ZoneInfo(zone))
    week: dict[str, list[dict[str, str]]] = {}
    for span in hours:
        start, end = (now + timedelta(hours=hour) for hour in span)
        week.setdefault(DAYS[start.weekday()], []).append(
            {"start": f"{start:%H:%M}", "end": f"{end:%H:%M}"}
        )
    return json.dumps(week)


OPEN, CLOSED = plan((-2, 2)), plan((2, 5), (-5, -2))


async def profile(pbx: Pbx, schedule: str, **columns: Any) -> UUID:
    row = {"name": f"hours {number()}", "timezone": TOKYO, "schedule": schedule, **columns}
    return await pbx.insert(PROFILES, **row)


async def user(pbx: Pbx, **columns: Any) -> UUID:
    row = {"password_hash": "!", "first_name": "A", "last_name": "B", "role": "user", **columns}
    return await pbx.insert("users", email=f"{number()}@example.com", **row)


async def phone_of(pbx: Pbx, **columns: Any) -> RawPhone:
    """Register a phone of a new user's extension."""
    return await pbx.phone(await pbx.extension(user_id=await user(pbx, **columns)))


async def test_open_closed_and_the_fallback(pbx: Pbx) -> None:
    """By the plan in the zone of the profile, by a holiday there, and by hand in the row."""
    telekom, (day, night) = await carrier(pbx), await pbx.phones(2)
    did, hours = number(), await profile(pbx, OPEN)
    await inbound(
        pbx,
        did,
        pbx.extensions[0].id,
        time_profile_id=hours,
        fallback_destination_type="extension",
        fallback_destination_id=pbx.extensions[1].id,
    )
    await trunk(pbx, telekom)
    await reaches(telekom, day, did)
    await change(pbx, PROFILES, hours, schedule=CLOSED)
    await reaches(telekom, night, did)
    await change(pbx, PROFILES, hours, override="open")
    await reaches(telekom, day, did)
    await change(pbx, PROFILES, hours, override="automatic", schedule=OPEN)
    await reaches(telekom, day, did)
    now = datetime.now(ZoneInfo(TOKYO))
    today = [(now + timedelta(hours=hours)).date() for hours in (-3, 0, 3)]
    await change(pbx, PROFILES, hours, holidays=today)
    await reaches(telekom, night, did)
    await change(pbx, PROFILES, hours, holidays=None, override="closed")
    await reaches(telekom, night, did)


async def test_closed_without_fallback_leaves_the_call_to_the_next_rule(pbx: Pbx) -> None:
    telekom, (day, night) = await carrier(pbx), await pbx.phones(2)
    did, hours = number(), await profile(pbx, CLOSED)
    await inbound(pbx, did, pbx.extensions[0].id, time_profile_id=hours, priority=1)
    await trunk(pbx, telekom)
    assert (await refused(pbx, telekom, did, 404))["hangup_cause"] == "unallocated_number"
    await inbound(pbx, did, pbx.extensions[1].id, priority=2)
    await reaches(telekom, night, did)
    assert not day.is_called


async def test_the_white_list_beats_closed_hours(pbx: Pbx) -> None:
    telekom, (day, night) = await carrier(pbx), await pbx.phones(2)
    did, friend, hours = number(), number(), await profile(pbx, CLOSED)
    await inbound(
        pbx,
        did,
        pbx.extensions[0].id,
        time_profile_id=hours,
        fallback_destination_type="extension",
        fallback_destination_id=pbx.extensions[1].id,
    )
    await setting(pbx, "inbound.white_list", [friend.replace("+49", "0"), "+4989*"])
    await trunk(pbx, telekom)
    await reaches(telekom, day, did, caller=friend)
    await reaches(telekom, day, did, caller="004989123456")
    await reaches(telekom, night, did)


async def test_the_profile_of_the_extensions_user(pbx: Pbx) -> None:
    """Of calls from inside too; an own forward may take them."""
    telekom, hours = await carrier(pbx), await profile(pbx, CLOSED)
    (anna,) = await pbx.phones(1)
    ben, did = await phone_of(pbx, time_profile_id=hours), number()
    extension = pbx.extensions[-1]
    await inbound(pbx, did, extension.id)
    await trunk(pbx, telekom)
    cdr = await refused(pbx, telekom, did, 480)
    assert "closed" in (await noted(pbx, cdr, "refused"))["details"]
    call = await anna.invite(ben.number)
    assert (await call.final()).code == 480
    await pbx.change(
        extension,
        forward_on_no_answer_enabled=True,
        forward_on_no_answer_destination=anna.number,
    )
    await reaches(telekom, anna, did)
    await change(pbx, PROFILES, hours, schedule=OPEN)
    await reaches(telekom, ben, did)


async def test_a_key_opens_and_closes_and_its_lamp_shows_it(pbx: Pbx) -> None:
    telekom, code = await carrier(pbx), str(next(NUMBERS))
    (day,) = await pbx.phones(1)
    admin = await phone_of(pbx, role="admin")
    did, hours = number(), await profile(pbx, OPEN, override_code=code)
    await inbound(pbx, did, pbx.extensions[0].id, time_profile_id=hours)
    await trunk(pbx, telekom)
    lamp = await admin.subscribe(f"*28{code}")
    await lamp.shows("terminated")
    await press(admin, f"*28{code}")
    await lamp.shows("confirmed", held=False)
    await pbx.settled()
    await refused(pbx, telekom, did, 404)
    assert await override(pbx, hours) == "closed"
    await press(admin, f"*28{code}*0")
    await lamp.shows("terminated")
    await pbx.settled()
    await reaches(telekom, day, did)
    await change(pbx, PROFILES, hours, override="open")
    await lamp.shows("confirmed", held=True)


async def press(phone: RawPhone, code: str) -> None:
    """Dial a code, hear that it was done, and be hung up."""
    call = await phone.invite(code)
    await call.answered()
    await call.ended(within=10.0)
    assert not tones.is_silent(call.heard)


async def override(pbx: Pbx, hours: UUID) -> str:
    value: str = await pbx.db.fetchval("SELECT override FROM time_profiles WHERE id = $1", hours)
    return value


@pytest.mark.parametrize("role", ["user", "agent"])
async def test_a_key_is_not_for_everybody(pbx: Pbx, role: str) -> None:
    code = str(next(NUMBERS))
    hours = await profile(pbx, OPEN, override_code=code)
    phone = await phone_of(pbx, role=role)
    call = await phone.invite(f"*28{code}")
    assert (await call.final()).code == 403
    assert await override(pbx, hours) == "automatic"
    cdr = await pbx.cdr(phone.number)
    assert cdr["hangup_cause"] == "forbidden"
    call = await phone.invite("*28999")
    assert (await call.final()).code == 404
