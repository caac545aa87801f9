"""Who calls from outside: what the phone shows, and what the row says."""

import pytest

from .incoming import number, rings
from .outside import carrier, inbound, trunk
from .pbx import Pbx

WITHHELD = {
    "from": {"caller": "anonymous", "name": "Anonymous"},
    "from_and_asserted": {"caller": "anonymous", "asserted": "+493023125111", "privacy": "id"},
    "privacy": {"caller": "+493023125111", "privacy": "id"},
    "privacy_and_asserted": {
        "caller": "+493023125111",
        "name": "Otto",
        "asserted": "+493023125111",
        "privacy": "id",
    },
    "privacy_user": {"caller": "+493023125111", "privacy": "user; id; critical"},
}


@pytest.mark.parametrize("options", WITHHELD.values(), ids=WITHHELD)
async def test_a_withheld_number_is_shown_to_nobody(pbx: Pbx, options: dict[str, str]) -> None:
    telekom, (ben,) = await carrier(pbx), await pbx.phones(1)
    did = number()
    await inbound(pbx, did, pbx.extensions[0].id)
    await trunk(pbx, telekom)
    call, incoming = await rings(telekom, ben, did, **options)
    assert "23125111" not in incoming.invite.render().decode()
    assert "Otto" not in incoming.invite.render().decode()
    row = await pbx.in_state("anonymous", "ringing")
    assert row["caller_name"] is None
    await incoming.answer()
    await call.answered()
    await call.hangup()


@pytest.mark.parametrize("asserted", ["+493023125222", "03023125222"])
async def test_the_asserted_number_counts(pbx: Pbx, asserted: str) -> None:
    telekom, (ben,) = await carrier(pbx), await pbx.phones(1)
    did = number()
    await inbound(pbx, did, pbx.extensions[0].id)
    await trunk(pbx, telekom)
    call, incoming = await rings(telekom, ben, did, caller="+493023125111", asserted=asserted)
    assert incoming.caller_number == asserted
    await pbx.in_state(asserted, "ringing")
    await call.hangup()


async def test_a_name_that_is_no_utf_8(pbx: Pbx) -> None:
    """ISDN gateways say Latin-1."""
    telekom, (ben,) = await carrier(pbx), await pbx.phones(1)
    did, caller = number(), number()
    await inbound(pbx, did, pbx.extensions[0].id)
    await trunk(pbx, telekom)
    call, incoming = await rings(telekom, ben, did, caller=caller, name="M\udcfcller")
    assert incoming.caller_number == caller
    assert (await pbx.in_state(caller, "ringing"))["caller_name"] == "M\ufffdller"
    await incoming.answer()
    await call.answered()
    await call.hangup()
