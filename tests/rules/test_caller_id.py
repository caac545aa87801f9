"""Whose number a call out shows."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from stasis_app.rules.caller_id import CallerId, caller_id
from stasis_app.rules.models import Payer

from .build import Row, book, extension_row, outbound_row, trunk_row

ONE = UUID(int=1)
ANNA = CallerId("+4989100", "Anna")
HIDDEN = CallerId("anonymous", "", private=True)
OF_TRUNK = "+49301000001"
DIVERTED = Payer(extension="1002", diverted=("1002", "busy"))
GONE = Payer(extension="1009", diverted=("1009", "busy"))
BY_RULE = Payer(rule="in1", diverted=("+493055", "unconditional"))

EXTENSION: Row = {"caller_id_mode": "extension"}
TRUNK: Row = {"caller_id_mode": "trunk"}
CUSTOM: Row = {"caller_id_mode": "custom", "custom_caller_id": " +49800 "}
NO_CUSTOM: Row = {"caller_id_mode": "custom", "custom_caller_id": " "}
DIRECT: Row = {"outbound_caller_id": "+493010012"}
NAMELESS: Row = {"default_caller_id": None}
ACCOUNT: Row = {"default_caller_id": None, "username": "acct7"}
ORIGINAL: Row = {"forwarded_caller_id": "original"}


def shown(
    rule: Row | None, trunk: Row, owner: Row, payer: Payer, original: CallerId = ANNA
) -> CallerId:
    made = book(
        extensions=[extension_row("1002", **owner)],
        trunks=[trunk_row(1, **trunk)],
        outbound_rules=[outbound_row(1, "^0", **(rule or {}))],
    )
    used = made.outbound_rules.items[ONE] if rule is not None else None
    return caller_id(made, used, made.trunks.items[ONE], payer, original)


@pytest.mark.parametrize(
    ("rule", "trunk", "owner", "number", "name"),
    [
        (EXTENSION, {}, {}, "1002", "Ben"),
        (EXTENSION, {}, DIRECT, "+493010012", "Ben"),
        (EXTENSION, NAMELESS, DIRECT, "+493010012", "Ben"),
        ({"caller_id_mode": None}, {}, DIRECT, "+493010012", "Ben"),
        (TRUNK, {}, DIRECT, OF_TRUNK, ""),
        (TRUNK, ACCOUNT, DIRECT, "acct7", ""),
        (TRUNK, NAMELESS, DIRECT, "+493010012", "Ben"),
        (CUSTOM, {}, DIRECT, "+49800", ""),
        (CUSTOM, NAMELESS, {}, "+49800", ""),
        (NO_CUSTOM, {}, DIRECT, OF_TRUNK, ""),
        (NO_CUSTOM, NAMELESS, {}, "1002", "Ben"),
        (None, {}, DIRECT, OF_TRUNK, ""),  # an emergency call, or one to test a trunk
        (None, NAMELESS, DIRECT, "+493010012", "Ben"),
    ],
)
def test_a_call_by_an_extension(
    rule: Row | None, trunk: Row, owner: Row, number: str, name: str
) -> None:
    payer = Payer(extension="1002")
    assert shown(rule, trunk, owner, payer) == CallerId(number, name)
    hidden = Payer(extension="1002", anonymous=True)
    assert shown(rule, trunk, owner, hidden) == CallerId(number, name, private=True)


@pytest.mark.parametrize(
    ("rule", "trunk", "number"),
    [(EXTENSION, {}, OF_TRUNK), (TRUNK, ACCOUNT, "acct7"), (CUSTOM, {}, "+49800")],
)
def test_a_rule_has_no_number_but_the_trunks(rule: Row, trunk: Row, number: str) -> None:
    """In Diversion it names the number that was called."""
    expected = CallerId(number, "", diversion=BY_RULE.diverted)
    assert shown(rule, trunk, {}, BY_RULE) == expected


def test_without_any_number_the_call_is_anonymous() -> None:
    assert shown(None, NAMELESS, {}, Payer(extension="1009")) == HIDDEN


@pytest.mark.parametrize(("payer", "named"), [(BY_RULE, True), (GONE, False)])
@pytest.mark.parametrize(("mode", "identity"), [({}, HIDDEN), (ORIGINAL, ANNA)])
def test_without_any_number_only_the_one_that_was_called_is_named_as_diverter(
    mode: Row, identity: CallerId, payer: Payer, named: bool
) -> None:
    diversion = payer.diverted if named else None
    found = shown(EXTENSION, {**NAMELESS, **mode}, {}, payer)
    assert found == replace(identity, diversion=diversion)


@pytest.mark.parametrize("original", [ANNA, HIDDEN])
@pytest.mark.parametrize(
    ("rule", "own"),
    [
        (EXTENSION, CallerId("+493010012", "Ben")),
        (TRUNK, CallerId(OF_TRUNK)),
        (CUSTOM, CallerId("+49800")),
    ],
)
def test_a_forwarded_call_shows_our_number_or_the_first_callers(
    rule: Row, own: CallerId, original: CallerId
) -> None:
    diversion = (own.number, "busy")
    private = original.private
    assert shown(rule, {}, DIRECT, DIVERTED, original) == CallerId(
        own.number, own.name, private, diversion
    )
    assert shown(rule, ORIGINAL, DIRECT, DIVERTED, original) == CallerId(
        original.number, original.name, private, diversion
    )


@pytest.mark.parametrize("trunk", [{}, ORIGINAL])
def test_a_caller_who_withheld_the_number_stays_unknown_when_forwarded(trunk: Any) -> None:
    found = shown(EXTENSION, trunk, DIRECT, DIVERTED, CallerId("+4989100", "Anna", private=True))
    assert found.private


@pytest.mark.parametrize("private", [True, False])
@pytest.mark.parametrize(
    ("rule", "number", "name"),
    [
        (EXTENSION, "+493010011", "Anna"),
        (TRUNK, OF_TRUNK, ""),
        (CUSTOM, "+49800", ""),
    ],
)
def test_an_extension_that_called_shows_what_it_would_by_itself(
    rule: Row, number: str, name: str, *, private: bool
) -> None:
    """Its internal number means nothing to a carrier."""
    anna = extension_row("1001", display_name="Anna", outbound_caller_id="+493010011")
    made = book(
        extensions=[anna, extension_row("1002", **DIRECT)],
        trunks=[trunk_row(1, **ORIGINAL)],
        outbound_rules=[outbound_row(1, "^0", **rule)],
    )
    used, trunk = made.outbound_rules.items[ONE], made.trunks.items[ONE]
    internal = CallerId("1001", "Anna", private)
    caller = made.extension("1001")
    found = caller_id(made, used, trunk, DIVERTED, internal, caller=caller)
    assert (found.number, found.name, found.private) == (number, name, private)
    assert found.diversion is not None
