"""Who calls and what was dialled, as the channel that has just arrived tells it."""

import re
from dataclasses import dataclass, field, replace
from uuid import UUID

from stasis_app.ari.events import Channel
from stasis_app.rules.book import Book
from stasis_app.rules.caller_id import CallerId
from stasis_app.rules.dialling import emergency_number, withholds
from stasis_app.rules.inbound import deliverer
from stasis_app.rules.numbers import is_anonymous
from stasis_app.words import Direction

ANONYMOUS = "anonymous"
WITHHELD = "prohib"
PHONE = "phone"
TRUNK = "trunk"
KINDS = (PHONE, TRUNK)
NO_USER = "s"
QUOTED_PAIR = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Origin:
    """Who calls: an extension, or somebody outside over a trunk. `identity` is what is shown.

    `diverted_by` is the number that sent the call on before it came here (RFC 5806). `screened` is
    the number of a caller outside who withholds it: for the black list only, never shown or stored.
    """

    direction: Direction
    identity: CallerId
    extension: UUID | None = None
    trunk: UUID | None = None
    diverted_by: str = ""
    screened: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Arrival:
    """`endpoint` is Asterisk's name of the phone or trunk; `urgent` calls know no limit."""

    origin: Origin
    endpoint: str
    number: str
    user_agent: str = ""
    urgent: bool = False


def arrived(book: Book, channel: Channel, args: tuple[str, ...]) -> Arrival:
    """Read the arguments that the dialplan gave to Stasis(): kind, endpoint, and further ones.

    Of a phone that is its User-Agent, of a trunk the user of the To header, whether the caller may
    be shown, as Asterisk says it (`prohib_…`), and the number in Diversion.
    """
    kind, endpoint, more, presentation, diverted, *_ = (*args, "", "", "", "", "")
    if kind == TRUNK:
        withheld = presentation.startswith(WITHHELD)
        number = channel.caller_number
        identity = shown("" if withheld else number, unquoted(channel.caller_name))
        screened = number if withheld and not is_anonymous(number) else ""
        arrival = _from_trunk(book, channel, endpoint, more, identity)
        origin = replace(arrival.origin, diverted_by=diverted, screened=screened)
        return replace(arrival, origin=origin)
    caller = book.extension(endpoint)
    number = caller.number if caller else channel.caller_number
    name = caller.display_name if caller else unquoted(channel.caller_name)
    identity = CallerId(number, name, private=withholds(channel.exten))
    return Arrival(
        Origin(Direction.INTERNAL, identity, caller.id if caller else None),
        endpoint,
        channel.exten,
        user_agent=more,
        urgent=emergency_number(book, channel.exten) is not None,
    )


def _from_trunk(
    book: Book, channel: Channel, endpoint: str, to_user: str, caller: CallerId
) -> Arrival:
    """A carrier where we registered calls our account by name; the number is in To then.

    Asterisk puts `s` where the request has no user at all.
    """
    trunk = book.trunk_of(endpoint)
    by_account = trunk is not None and channel.exten in (trunk.username, NO_USER)
    number = to_user if by_account and to_user else channel.exten
    if trunk:
        trunk = deliverer(book, trunk, number)
        endpoint = trunk.endpoint
    origin = Origin(Direction.INBOUND, caller, trunk=trunk.id if trunk else None)
    return Arrival(origin, endpoint, number)


def unquoted(name: str) -> str:
    """Return a display name without the backslashes of a quoted string (RFC 3261, 25.1)."""
    return QUOTED_PAIR.sub(r"\1", name)


def shown(number: str, name: str) -> CallerId:
    """Return the identity of a caller from outside, who may have withheld it."""
    if is_anonymous(number):
        return CallerId(ANONYMOUS, private=True)
    return CallerId(number, name)
