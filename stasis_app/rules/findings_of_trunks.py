"""What is wrong with trunks, each by itself and beside the others."""

from collections.abc import Collection, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from uuid import UUID

from stasis_app.words import TrunkStatus, TrunkType

from .book import Book
from .finding import ERROR, Finding, Steps
from .mirrored import is_too_wide, shown
from .models import Trunk
from .outbound import chain

Network = IPv4Network | IPv6Network
Claim = Network | str
"""Whence calls are taken for a trunk's: a network, or a host name."""


def trunks(book: Book, lost: Collection[str]) -> Steps:
    """`lost` are the hosts whose addresses can't be found."""
    for trunk in tuple(book.trunks.items.values()):
        yield None
        if trunk.status is TrunkStatus.INACTIVE or trunk.deleted:
            continue
        for problem in _of_trunk(book, trunk):
            yield Finding("trunks", trunk.id, trunk.name, ERROR, problem)
        if trunk.present and trunk.host in lost:
            problem = f"host {trunk.host} can't be looked up"
            yield Finding("trunks", trunk.id, trunk.name, ERROR, problem)


def _of_trunk(book: Book, trunk: Trunk) -> Iterator[str]:
    yield from trunk.problems
    for address in trunk.allowed_ips:
        if is_too_wide(address):
            yield f"allowed_ips {address} is too wide to be a carrier's: it is passed over"
    yield from trunk.problems
    for address in trunk.allowed_ips:
        if is_too_wide(address):
            yield f"allowed_ips {address} is too wide to be a carrier's: it is passed over"
    if trunk.uri is None:
        yield "host and port can't be part of a SIP address"
    if trunk.type is TrunkType.REGISTER and not (trunk.username and trunk.credentials):
        yield "trunk_type register without username or password"
    if trunk.type is TrunkType.IP_AUTH and not trunk.allowed_ips:
        yield "trunk_type ip_auth without allowed_ips: it can't deliver calls"
    if trunk.backup and trunk.backup not in book.trunks.items:
        yield "backup_trunk_id is a trunk that can't be used"
    ways = list(chain(book, trunk.id))
    if ways and ways[-1].backup in {way.id for way in ways}:
        yield "backup_trunk_id leads round in a circle"


def shared_addresses(book: Book) -> Steps:
    """Asterisk asks no rule which of two trunks an address belongs to.

    Two that register tell their calls apart by themselves (`line=yes`).
    """
    taken = _Taken()
    told: set[UUID] = set()
    for claim, trunk in _claims(book):
        yield None
        other = taken.rival(claim, trunk)
        taken.add(claim, trunk)
        if other is None:
            continue
        first, second = sorted((trunk, other), key=_by_name)
        if second.id not in told:
            told.add(second.id)
            where = claim if isinstance(claim, str) else shown(claim)
            problem = (
                f"which of it and trunk {first.name} takes calls from {where} is left to chance"
            )
            yield Finding("trunks", second.id, second.name, ERROR, problem)


def _by_name(trunk: Trunk) -> tuple[str, str]:
    return trunk.name, str(trunk.id)


def _claims(book: Book) -> list[tuple[Claim, Trunk]]:
    """Return what each trunk claims, wider networks first."""
    present = sorted((one for one in book.trunks.items.values() if one.present), key=_by_name)
    claims = [(_claim(text), trunk) for trunk in present for text in _sources(trunk)]
    return sorted(claims, key=lambda one: 0 if isinstance(one[0], str) else one[0].prefixlen)


def _sources(trunk: Trunk) -> tuple[str, ...]:
    if trunk.allowed_ips or trunk.type is TrunkType.IP_AUTH:
        return trunk.allowed_ips
    return (trunk.host,)


def _claim(text: str) -> Claim:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return text.lower().rstrip(".")


class _Taken:
    """Who claimed what, by whether they register; the first of each is enough."""

    def __init__(self) -> None:
        self._holders: dict[Claim, dict[bool, Trunk]] = {}
        self._lengths: dict[int, set[int]] = {4: set(), 6: set()}

    def add(self, claim: Claim, trunk: Trunk) -> None:
        holders = self._holders.setdefault(claim, {})
        holders.setdefault(trunk.type is TrunkType.REGISTER, trunk)
        if not isinstance(claim, str):
            self._lengths[claim.version].add(claim.prefixlen)

    def rival(self, claim: Claim, trunk: Trunk) -> Trunk | None:
        """Return another trunk that has the claim or a wider one, if chance decides then."""
        registers = trunk.type is TrunkType.REGISTER
        for wider in self._wider(claim):
            for kind, other in self._holders.get(wider, {}).items():
                if other.id != trunk.id and not (registers and kind):
                    return other
        return None

    def _wider(self, claim: Claim) -> Iterator[Claim]:
        if isinstance(claim, str):
            yield claim
            return
        for length in self._lengths[claim.version]:
            yield claim.supernet(new_prefix=length)
