"""What Asterisk must be told of the configuration, because it cannot read it in rows (issue 3).

PJSIP objects that Asterisk keeps in memory (22.10), global variables of the dialplan, lamps. The
name of an object ends in a mark of its contents: what differs is another object, so that the new
one is there before the old one goes, and Asterisk registers anew only where something changed.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_address, ip_network
from typing import NamedTuple
from urllib.parse import quote
from uuid import UUID

from stasis_app.words import TrunkType, Wanted

from .book import Book
from .models import Trunk
from .numbers import dialled
from .times import Override

RETRY_SECONDS = 60
EXPIRY_SECONDS = 300
MARK_LENGTH = 8
IPV4 = 4
WIDEST_IPV4 = 8
WIDEST_IPV6 = 19  # the largest block that a registry gives to a carrier
# Asterisk takes a body of 40,960 bytes (22.10); an IPv6 network has up to 44
MOST_ADDRESSES = 500
NOBODY = UUID(int=0)
BLACK_LIST = "blacklist"
# besides letters and digits in the user of a SIP URI (RFC 3261, 25.1)
UNESCAPED = "-_.!~*'()&=+$,;?/"

PROFILE, AGENT, BREAK = "profile-", "agent-", "break-"
LAMP_PREFIXES = (PROFILE, AGENT, BREAK)
DARK, LIT = "NOT_INUSE", "INUSE"
LAMPS: Mapping[Override, str] = {
    Override.AUTOMATIC: DARK,
    Override.OPEN: "ONHOLD",
    Override.CLOSED: LIT,
}

Addresses = Mapping[str, Sequence[str]]
"""IP addresses by host name, as they were looked up."""


class PjsipObject(NamedTuple):
    """`kind` is registration, identify or acl."""

    kind: str
    name: str


Fields = Mapping[str, str]
Objects = dict[PjsipObject, Fields]


def objects(book: Book, addresses: Addresses) -> Objects:
    """Return the PJSIP objects of the trunks with their fields."""
    made: Objects = {}
    for trunk in book.trunks.items.values():
        if trunk.present:
            looked_up = tuple(addresses.get(trunk.host, ()))
            made.update(_of_trunk(trunk, looked_up))
    return made


def denied(book: Book, at: datetime) -> list[str]:
    """Return the addresses and networks that may not speak to us."""
    return book.blacklist.addresses(at)


def black_list(addresses: Sequence[str]) -> Objects:
    """Return the `acl` objects that deny addresses: what one of them denies is denied."""
    return dict(
        _named("acl", BLACK_LIST, {"deny": ",".join(part)}) for part in _parts(_merged(addresses))
    )


def owner_of(name: PjsipObject) -> UUID:
    """Return the trunk that an object belongs to, NOBODY for one of the black list."""
    try:
        return UUID(name.name.removeprefix("trunk-")[:36])
    except ValueError:
        return NOBODY


def undecided(book: Book, addresses: Addresses) -> frozenset[UUID]:
    """Return the trunks of whose addresses nothing is known yet."""
    return frozenset(
        trunk.id
        for trunk in book.trunks.items.values()
        if _must_be_looked_up(trunk) and not addresses.get(trunk.host)
    )


def global_variables(book: Book) -> dict[str, str]:
    """Return what the dialplan needs to place an emergency call while the app is away.

    A trunk stands there as `trunk-<id>=<number to show>`.
    """
    trunks = [trunk for trunk in book.trunks.items.values() if trunk.active]
    return {
        "PBX_EMERGENCY": "|".join(sorted(book.settings.emergency_numbers)),
        "PBX_EMERGENCY_TRUNKS": "&".join(
            f"{trunk.endpoint}={dialled(trunk.default_caller_id or '')}"
            for trunk in sorted(trunks, key=lambda trunk: trunk.name)
        ),
    }


def lamps(book: Book) -> dict[str, str]:
    """Return the device states of the time profiles that have a code to dial, and of the agents."""
    profiles = {
        f"{PROFILE}{profile.code}": LAMPS[profile.override]
        for profile in book.time_profiles.items.values()
        if profile.code
    }
    return {**profiles, **dict(_of_agents(book))}


def _of_agents(book: Book) -> Iterator[tuple[str, str]]:
    """Go through the lamps of who is in a queue: whether logged in, and whether on a break."""
    for agent in {member.extension for member in book.queue_members.items.values()}:
        found = book.extensions.get(agent)
        if found is None or not found.active or not _is_dialled(found.number):
            continue
        asked = book.agent_states.of(agent, None)
        wanted = asked.wanted if asked else Wanted.AVAILABLE
        yield f"{AGENT}{found.number}", DARK if wanted is Wanted.OFFLINE else LIT
        yield f"{BREAK}{found.number}", LIT if wanted is Wanted.BREAK else DARK


def _is_dialled(number: str) -> bool:
    """Return whether a number can stand in the hint of a lamp."""
    return number.isascii() and number.isdigit()


def host_names(book: Book) -> frozenset[str]:
    """Return the hosts whose addresses must be looked up."""
    return frozenset(
        trunk.host for trunk in book.trunks.items.values() if _must_be_looked_up(trunk)
    )


def _must_be_looked_up(trunk: Trunk) -> bool:
    return (
        trunk.present
        and trunk.type is not TrunkType.IP_AUTH
        and not trunk.allowed_ips
        and not is_address(trunk.host)
    )


def client_uri(trunk: Trunk) -> str:
    return f"sip:{_user(trunk)}@{_bracketed(trunk.host)}"


@lru_cache(maxsize=4096)
def _of_trunk(trunk: Trunk, addresses: tuple[str, ...]) -> Objects:
    return dict(_made_for(trunk, addresses))


def is_too_wide(address: str) -> bool:
    """Return whether a network is no carrier's: it would let everybody in and keep phones out."""
    network = ip_network(address, strict=False)
    return network.prefixlen < (WIDEST_IPV4 if network.version == IPV4 else WIDEST_IPV6)


def _made_for(trunk: Trunk, addresses: Sequence[str]) -> Iterator[tuple[PjsipObject, Fields]]:
    if trunk.type is TrunkType.REGISTER and trunk.username:
        yield _named("registration", trunk.endpoint, _registration(trunk), trunk.credentials or "")
    allowed = [address for address in trunk.allowed_ips if not is_too_wide(address)]
    known = allowed if trunk.allowed_ips else _looked_up(trunk, addresses)
    for part in _parts(sorted(known)):
        fields = {"endpoint": trunk.endpoint, "match": ",".join(part)}
        yield _named("identify", trunk.endpoint, fields)


def _registration(trunk: Trunk) -> dict[str, str]:
    """Try again for ever, also after a refusal: a person may correct the password over there."""
    fields = {
        "server_uri": trunk.uri or "",
        "client_uri": client_uri(trunk),
        "contact_user": _user(trunk),
        "endpoint": trunk.endpoint,
        "line": "yes",
        "expiration": str(EXPIRY_SECONDS),
        "retry_interval": str(RETRY_SECONDS),
        "forbidden_retry_interval": str(RETRY_SECONDS),
        "fatal_retry_interval": str(RETRY_SECONDS),
        "auth_rejection_permanent": "no",
        "max_retries": "4294967295",
        "max_random_initial_delay": "0",
    }
    return {**fields, "outbound_auth": trunk.endpoint} if trunk.credentials else fields


def _looked_up(trunk: Trunk, addresses: Sequence[str]) -> Sequence[str]:
    """An ip_auth trunk is known by `allowed_ips` alone."""
    if trunk.type is TrunkType.IP_AUTH:
        return ()
    return (trunk.host,) if is_address(trunk.host) else addresses


def _named(kind: str, base: str, fields: Fields, secret: str = "") -> tuple[PjsipObject, Fields]:
    contents = repr((sorted(fields.items()), secret)).encode()
    mark = hashlib.sha256(contents).hexdigest()[:MARK_LENGTH]
    return PjsipObject(kind, f"{base}-{mark}"), fields


def _parts(addresses: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(addresses), MOST_ADDRESSES):
        yield addresses[start : start + MOST_ADDRESSES]


def _merged(addresses: Sequence[str]) -> list[str]:
    """Return the fewest networks that are all these addresses."""
    networks = [ip_network(address, strict=False) for address in addresses]
    four = [network for network in networks if isinstance(network, IPv4Network)]
    six = [network for network in networks if isinstance(network, IPv6Network)]
    merged: tuple[IPv4Network | IPv6Network, ...] = (
        *collapse_addresses(four),
        *collapse_addresses(six),
    )
    return [shown(network) for network in merged]


def shown(network: IPv4Network | IPv6Network) -> str:
    return str(network.network_address if network.num_addresses == 1 else network)


def is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _user(trunk: Trunk) -> str:
    """Return the user name as it stands in a URI: some carriers give names with an @ in them."""
    return quote(trunk.username or "", safe=UNESCAPED)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
