"""A leg over a trunk: what the carrier is told of the caller, and whether it says anything."""

from collections.abc import Mapping

from stasis_app.ari.errors import AriError, Gone
from stasis_app.rules.caller_id import CallerId

from .journal import printable
from .present import Present
from .ringing import Ringing

NAME_LENGTH = 80
PROGRESS = ("SIP 180", "SIP 183")

# Asterisk's words for what Diversion calls by RFC 5806
DIVERSION_REASONS: Mapping[str, str] = {
    "unconditional": "cfu",
    "busy": "cfb",
    "dnd": "cfb",
    "no_answer": "cfnr",
    "unavailable": "unavailable",
    "closed": "time_of_day",
}


def identity(caller: CallerId) -> dict[str, str]:
    """Return the variables that make a leg show this caller (From, P-Asserted-Identity, Privacy).

    Asterisk writes Diversion only with a count (22.10).
    """
    variables = {
        "CONNECTEDLINE(num,i)": caller.number,
        "CONNECTEDLINE(name,i)": printable(caller.name, NAME_LENGTH),
    }
    if caller.private:
        variables["CONNECTEDLINE(pres,i)"] = "prohib"
    if caller.diversion:
        number, reason = caller.diversion
        variables["REDIRECTING(from-num,i)"] = number
        variables["REDIRECTING(reason,i)"] = DIVERSION_REASONS.get(reason, "unknown")
        variables["REDIRECTING(count,i)"] = "1"
    return variables


async def is_silent(ringing: Ringing, seconds: float) -> bool:
    """Wait for a sign of life; return True if the carrier has sent nothing at all in that time.

    A 100 Trying raises no event, so Asterisk is asked when the time is over.
    """
    if await ringing.shows_life(seconds):
        return False
    leg = ringing.phones[0].channel
    try:
        return not await ringing.call.exchange.door.channel_variable(leg, "HANGUPCAUSE_KEYS()")
    except AriError:
        return False  # the leg's own end will say what happened


async def is_in_hand(ringing: Ringing, asterisk: Present) -> bool:
    """Return whether the carrier has said anything of the adopted leg that is dialled.

    Asterisk tells the last response. A 180 or 183 means that the callee was reached.
    """
    if ringing.rings or ringing.answered:
        return True
    channel = asterisk.channels.get(ringing.phones[0].channel) if ringing.phones else None
    if channel is None:
        return False
    last = f"HANGUPCAUSE({channel.name},tech)"
    try:
        response = await ringing.call.exchange.door.channel_variable(channel.id, last)
    except Gone:
        return True  # the leg's own end will say what happened
    except AriError:
        return False
    if response.startswith(PROGRESS):
        ringing.reach()
    return bool(response)
