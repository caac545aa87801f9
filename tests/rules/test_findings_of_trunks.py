"""Trunks whose addresses are not theirs alone, or can't be found."""

from uuid import UUID

import pytest

from stasis_app.rules.findings import ERROR, Finding, findings

from .build import Row, filled, trunk_row
from .test_findings import ACCOUNT, look

HOST: Row = {"host": "SIP.carrier.example."}
REGISTERS: Row = {"trunk_type": "register", **ACCOUNT}


@pytest.mark.parametrize(
    ("one", "other", "address"),
    [
        ({"allowed_ips": ["10.0.0.0/8"]}, {"allowed_ips": ["10.0.0.5"]}, "10.0.0.5"),
        ({"allowed_ips": ["10.0.0.5"]}, {"allowed_ips": ["10.0.0.0/8"]}, "10.0.0.5"),
        ({"allowed_ips": ["10.0.0.5"]}, {"allowed_ips": ["10.0.0.6", "10.0.0.7"]}, None),
        ({"host": "10.0.0.5"}, {"host": "10.0.0.5"}, "10.0.0.5"),
        ({"host": "10.0.0.5"}, {"allowed_ips": ["10.0.0.0/8"]}, "10.0.0.5"),
        ({"host": "2001:db8::5"}, {"allowed_ips": ["2001:db8::/32"]}, "2001:db8::5"),
        ({"host": "::a00:5"}, {"allowed_ips": ["10.0.0.0/8"]}, None),
        ({"host": "10.0.0.5", "allowed_ips": ["10.0.0.6"]}, {"host": "10.0.0.5"}, None),
        (HOST, {"host": "sip.carrier.example"}, "sip.carrier.example"),
        ({**HOST, **REGISTERS}, {"host": "sip.carrier.example"}, "sip.carrier.example"),
        ({**HOST, **REGISTERS}, {**HOST, **REGISTERS}, None),
        ({**HOST, "status": "inactive"}, HOST, None),
        ({"allowed_ips": ["10.0.0.0/8", "10.0.0.5"]}, {}, None),
    ],
)
def test_two_trunks_at_one_address(one: Row, other: Row, address: str | None) -> None:
    found = look(trunks=[trunk_row(7, **one), trunk_row(8, **other)])
    problem = f"which of it and trunk trunk7 takes calls from {address} is left to chance"
    expected = Finding("trunks", UUID(int=8), "trunk8", ERROR, problem)
    assert found == ([expected] if address else [])


def test_a_host_that_can_not_be_looked_up() -> None:
    rows = [trunk_row(7, host="lost.example"), trunk_row(8, host="found.example")]
    made = filled({"trunks": rows})
    found = [finding for finding in findings(made, {"lost.example"}) if finding]
    problem = "host lost.example can't be looked up"
    assert found == [Finding("trunks", UUID(int=7), "trunk7", ERROR, problem)]
