"""Who is not let in: by number, by address, by the name of the client."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.support.carrier import Carrier
from tests.support.sip import RawPhone

from .conversation import hear_each_other
from .incoming import noted, number, reaches, refused, talk
from .outside import carrier, change, inbound, trunk
from .pbx import Pbx


async def block(pbx: Pbx, kind: str, value: str, **columns: Any) -> UUID:
    return await pbx.insert("blacklist", entry_type=kind, value=value, **columns)


async def unblock(pbx: Pbx, entry: UUID) -> None:
    await pbx.db.execute("DELETE FROM blacklist WHERE id = $1", entry)
    await pbx.settled()


async def test_a_number_in_any_form_or_its_beginning(pbx: Pbx) -> None:
    telekom, (ben,) = await carrier(pbx), await pbx.phones(1)
    did = number()
    await inbound(pbx, did, pbx.extensions[0].id)
    await trunk(pbx, telekom)
    for shape in ("{0}", "0{1}", "0049{1}", "+49 (0) {1}", "+{2}*", "0{3}."):
        caller = number()
        entry = shape.format(caller, caller[3:], caller[1:-1], caller[3:-1])
        blocked = await block(pbx, "phone_number", entry)
        for form in (caller, caller.replace("+49", "0")):
            cdr = await refused(pbx, telekom, did, 603, caller=form)
            assert cdr["hangup_cause"] == "rejected"
            assert "blacklist" in (await noted(pbx, cdr, "refused"))["details"]
        assert not ben.is_called
        await reaches(telekom, ben, did, caller="+498923456")
        await unblock(pbx, blocked)
        await reaches(telekom, ben, did, caller=caller)


async def test_an_entry_expires(pbx: Pbx) -> None:
    telekom, (ben,) = await carrier(pbx), await pbx.phones(1)
    did, caller, other = number(), number(), number()
    await inbound(pbx, did, pbx.extensions[0].id)
    await trunk(pbx, telekom)
    now = datetime.now(UTC)
    ending = await block(pbx, "phone_number", caller, expires_at=now + timedelta(hours=1))
    await block(pbx, "phone_number", other, expires_at=now - timedelta(seconds=1))
    await refused(pbx, telekom, did, 603, caller=caller)
    await reaches(telekom, ben, did, caller=other)
    await change(pbx, "blacklist", ending, expires_at=now)
    await reaches(telekom, ben, did, caller=caller)


async def test_withheld_numbers(pbx: Pbx) -> None:
    telekom, (ben,) = await carrier(pbx), await pbx.phones(1)
    did, caller = number(), number()
    await inbound(pbx, did, pbx.extensions[0].id)
    await trunk(pbx, telekom)
    await block(pbx, "phone_number", "anonymous")
    hidden = await telekom.call(did, caller=caller, privacy="id")
    assert (await hidden.final()).code == 603
    await reaches(telekom, ben, did, caller=caller)


async def forbidden(other: Carrier, did: str) -> bool:
    return (await (await other.call(did)).final()).code == 403


async def test_an_address_may_not_speak_to_us_at_all(pbx: Pbx) -> None:
    """The others do not notice, and it is let in again when the row goes."""
    telekom, arcor = await carrier(pbx), await carrier(pbx)
    (ben,) = await pbx.phones(1)
    did = number()
    await inbound(pbx, did, pbx.extensions[0].id)
    await trunk(pbx, telekom)
    await trunk(pbx, arcor)
    call, incoming = await talk(arcor, ben, did)
    entry = await block(pbx, "ip", telekom.host)
    assert (await (await telekom.call(did)).final()).code == 403
    await reaches(arcor, ben, did)
    await hear_each_other(call, incoming)
    await unblock(pbx, entry)
    await reaches(telekom, ben, did)
    await call.hangup()


async def test_a_network_may_not_register(pbx: Pbx) -> None:
    extension = await pbx.extension()
    entries = [await block(pbx, "ip", "127.9.0.4/31"), await block(pbx, "ip", "127.9.0.9")]
    answers = {"127.9.0.4": 403, "127.9.0.5": 403, "127.9.0.6": 200, "127.9.0.9": 403}
    for host, code in answers.items():
        async with RawPhone(
            extension.number, extension.password, pbx.server("udp"), local=host
        ) as phone:
            assert (await phone.register()).code == code
    await unblock(pbx, entries[0])
    async with RawPhone(
        extension.number, extension.password, pbx.server("udp"), local="127.9.0.4"
    ) as phone:
        assert (await phone.register()).code == 200


async def test_a_client_that_is_blacklisted_by_name(pbx: Pbx) -> None:
    """Its calls are refused."""
    anna, ben = await pbx.phones(2)
    await block(pbx, "user_agent", "friendly-SCANNER")
    headers = [("User-Agent", "Friendly-scanner 1.0")]
    call = await anna.invite(ben.number, headers=headers)
    assert (await call.final()).code == 403
    assert not ben.is_called
    cdr = await pbx.cdr(anna.number)
    assert cdr["hangup_cause"] == "forbidden"
    assert "blacklist" in (await noted(pbx, cdr, "refused"))["details"]


async def test_a_client_that_is_blacklisted_by_name_is_not_kept(pbx: Pbx) -> None:
    """Asterisk says 200 all the same, without a contact."""
    (anna,) = await pbx.phones(1)
    extension = await pbx.extension()
    entry = await block(pbx, "user_agent", "friendly-scanner")
    phone = RawPhone(extension.number, extension.password, pbx.server("udp"))
    phone.agent = "SIP Friendly-Scanner/1.0"
    async with phone:
        assert "Contact" not in await phone.register()
        call = await anna.invite(extension.number)
        assert (await call.final()).code == 480
        await unblock(pbx, entry)
        assert "Contact" in await phone.register()
        call = await anna.invite(extension.number)
        await (await phone.expect_invite()).answer()
        await call.answered()
        await call.hangup()
