"""The app or Asterisk dies: what carriers and their callers notice, and what the rows say."""

import os
import signal

from tests.support.until import until

from .conversation import hear_each_other
from .incoming import number, reaches, refused, rings, talk
from .outside import carrier, inbound, trunk
from .pbx import Pbx
from .test_restart import app_away, kill_app


async def test_calls_from_outside_survive_the_app_and_still_count(pbx: Pbx) -> None:
    """One talks and two ring; together they fill the trunk, before and after."""
    telekom, (anna, ben) = await carrier(pbx), await pbx.phones(2)
    to_anna, to_ben, talking, ringing = (number() for _ in range(4))
    await inbound(pbx, to_anna, pbx.extensions[0].id)
    await inbound(pbx, to_ben, pbx.extensions[1].id)
    line = await trunk(pbx, telekom, max_concurrent_calls=3)
    first, answered = await talk(telekom, anna, to_anna, caller=talking)
    second, unanswered = await rings(telekom, ben, to_ben, caller=ringing)
    hidden, _ = await rings(telekom, ben, to_ben, caller=number(), privacy="id")
    before = await pbx.in_state(talking, "answered")
    for caller in (ringing, "anonymous"):
        await pbx.in_state(caller, "ringing")
    await kill_app(pbx)
    await refused(pbx, telekom, to_anna, 503)
    await pbx.in_state("anonymous", "ringing")
    await hidden.hangup()
    await hear_each_other(first, answered)
    await unanswered.answer()
    await second.answered()
    await hear_each_other(second, unanswered)
    await pbx.in_state(ringing, "answered")
    await first.hangup()
    await answered.ended()
    await unanswered.hangup()
    await second.ended()
    for caller, did in ((talking, to_anna), (ringing, to_ben)):
        cdr = await pbx.cdr(caller)
        assert (cdr["direction"], cdr["trunk_id"], cdr["callee_number"]) == ("inbound", line, did)
        assert cdr["hangup_cause"] == "normal_clearing"
        assert "adopted" in await pbx.timeline(cdr["call_id"])
    cdr = await pbx.cdr(talking)
    assert (cdr["call_id"], cdr["answered_at"]) == (before["id"], before["answered_at"])
    await pbx.quiet()
    lines = ((anna, to_anna), (ben, to_ben), (anna, to_anna))
    later = [await talk(telekom, phone, did) for phone, did in lines]
    await refused(pbx, telekom, to_anna, 503)
    for call, incoming in later:
        await call.hangup()
        await incoming.ended()


async def test_without_the_app_the_carrier_may_try_elsewhere(pbx: Pbx) -> None:
    telekom, (ben,) = await carrier(pbx), await pbx.phones(1)
    did = number()
    await inbound(pbx, did, pbx.extensions[0].id)
    await trunk(pbx, telekom)
    async with app_away(pbx):
        call = await telekom.call(did)
        assert (await call.final()).code == 503
    await reaches(telekom, ben, did)


async def test_a_new_asterisk_knows_the_trunks(pbx: Pbx) -> None:
    telekom, arcor = await carrier(pbx), await carrier(pbx, accounts={"me": "secret"})
    extension, did = await pbx.extension(), number()
    await inbound(pbx, did, extension.id)
    await trunk(pbx, telekom, trunk_type="ip_auth", allowed_ips=[telekom.host])
    await trunk(pbx, arcor, trunk_type="register", username="me", password="secret")
    old = await arcor.registered()
    asterisk = pbx.stack["asterisk"]["pid"]
    os.kill(asterisk, signal.SIGKILL)
    await until(lambda: pbx.stack["asterisk"]["pid"] != asterisk, 20.0, "a new Asterisk")
    await pbx.healthy()
    await until(lambda: arcor.binding.line != old.line, 10.0, "a new registration")
    await pbx.settled()
    ben = await pbx.phone(extension)
    await reaches(telekom, ben, did)
    await reaches(arcor, ben, did, uri=arcor.binding.uri)
