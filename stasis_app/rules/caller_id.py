"""Whose number a call out shows (RFC 3325 identity, RFC 5806 Diversion)."""

from dataclasses import dataclass

from stasis_app.words import CallerIdMode, ForwardedCallerId

from .book import Book
from .models import Extension, OutboundRule, Payer, Trunk
from .numbers import dialled


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
    as the trunk's row says. A rule that sent it on is named in Diversion by the number that was
    called, an extension by its own; without such a number there is nobody to name.
    An extension of ours that called (`caller`) shows what it would if it called by itself.
    """
    owner = book.owner(payer)
    own = _own(rule, trunk, owner)
    if payer.diverted is None:
        return CallerId(own.number, own.name, own.private or payer.anonymous)
    diversion = _diversion(payer.diverted, own, by_rule=payer.extension is None)
    if trunk.forwarded_caller_id is ForwardedCallerId.ORIGINAL:
        first = _own(rule, trunk, caller) if caller else original
        private = first.private or original.private
        return CallerId(first.number, first.name, private, diversion)
    return CallerId(own.number, own.name, own.private or original.private, diversion)


def _diversion(
    diverted: tuple[str, str], own: CallerId, *, by_rule: bool
) -> tuple[str, str] | None:
    called, reason = diverted
    if by_rule:
        return called, reason
    return None if own.private else (own.number, reason)


def _own(rule: OutboundRule | None, trunk: Trunk, owner: Extension | None) -> CallerId:
    """People write numbers with blanks and marks; a SIP address has none."""
    mode = rule.caller_id_mode if rule else CallerIdMode.TRUNK
    trunks = trunk.default_caller_id or trunk.username
    if mode is CallerIdMode.CUSTOM and rule and rule.custom_caller_id:
        return CallerId(dialled(rule.custom_caller_id))
    if owner and (mode is CallerIdMode.EXTENSION or not trunks):
        return CallerId(dialled(owner.outbound_caller_id or owner.number), owner.display_name)
    return CallerId(dialled(trunks or "anonymous"), private=not trunks)
