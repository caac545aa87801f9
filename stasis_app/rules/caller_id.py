"""Whose number a call out shows (RFC 3325 identity, RFC 5806 Diversion)."""

from dataclasses import dataclass

from stasis_app.words import CallerIdMode, ForwardedCallerId

from .book import Book
from .models import Extension, OutboundRule, Payer, Trunk


@dataclass(frozen=True, slots=True)
class CallerId:
    """What the carrier is told. `private`: it shall not tell the callee (Privacy: id).

    `diversion` is the number that sent the call on, and why.
    """

    number: str
    name: str = ""
    private: bool = False
    diversion: tuple[str, str] | None = None


def caller_id(
    book: Book,
    rule: OutboundRule | None,
    trunk: Trunk,
    payer: Payer,
    original: CallerId,
    *,
    caller: Extension | None = None,
) -> CallerId:
    """Return the identity for a call over `trunk`; `original` is who called in the first place.

    On a forwarded call the carrier sees our own number with Diversion, or the original caller's,
    as the trunk's row says. Without a number of our own there is nobody to name in Diversion.
    An extension of ours that called (`caller`) shows what it would if it called by itself.
    """
    owner = book.owner(payer)
    own = _own(rule, trunk, owner)
    if payer.diverted is None:
        return CallerId(own.number, own.name, own.private or payer.anonymous)
    diversion = None if own.private else (own.number, payer.diverted[1])
    if trunk.forwarded_caller_id is ForwardedCallerId.ORIGINAL:
        first = _own(rule, trunk, caller) if caller else original
        private = first.private or original.private
        return CallerId(first.number, first.name, private, diversion)
    return CallerId(own.number, own.name, own.private or original.private, diversion)


def _own(rule: OutboundRule | None, trunk: Trunk, owner: Extension | None) -> CallerId:
    mode = rule.caller_id_mode if rule else CallerIdMode.TRUNK
    trunks = trunk.default_caller_id or trunk.username
    if mode is CallerIdMode.CUSTOM and rule and rule.custom_caller_id:
        return CallerId(rule.custom_caller_id)
    if owner and (mode is CallerIdMode.EXTENSION or not trunks):
        return CallerId(owner.outbound_caller_id or owner.number, owner.display_name)
    return CallerId(trunks or "anonymous", private=not trunks)
