"""Reading and writing of SIP messages."""

import secrets

import pytest

from .sipmessage import Address, Message, authorize, parameter

MUFASA = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
    'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_digest_as_in_rfc_7616(
    monkeypatch: pytest.MonkeyPatch, algorithm: str, response: str
) -> None:
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    monkeypatch.setattr(secrets, "token_hex", lambda _: cnonce)
    challenge = Message("SIP/2.0 401 No", [("WWW-Authenticate", MUFASA.format(algorithm))])
    name, value = authorize(challenge, "GET", "/dir/index.html", "Mufasa", "Circle of Life")
    assert name == "Authorization"
    assert f'response="{response}"' in value


@pytest.mark.parametrize(
    ("value", "name", "uri", "user"),
    [
        (
            '"Anna \\"A\\" <x>" <sip:1001@host;x=1>;tag=2',
            'Anna "A" <x>',
            "sip:1001@host;x=1",
            "1001",
        ),
        ("Anna A <sip:1001@host>", "Anna A", "sip:1001@host", "1001"),
        ("sip:1001@host;tag=2", "", "sip:1001@host", "1001"),
        ("<sip:host>", "", "sip:host", ""),
    ],
)
def test_addresses(value: str, name: str, uri: str, user: str) -> None:
    address = Address.parse(value)
    assert (address.name, address.uri, address.user) == (name, uri, user)


def test_parameters_are_those_of_the_header_not_of_the_uri() -> None:
    assert parameter("<sip:1@host;tag=uri>;tag=header", "tag") == "header"
    assert parameter("<sip:1@host;tag=uri>", "tag") == ""
    assert parameter("SIP/2.0/UDP host;branch=z9;rport", "branch") == "z9"


def test_a_message_is_the_same_after_writing_and_reading() -> None:
    start = "INVITE sip:1@host SIP/2.0"
    message = Message(start, [("X-Broken", "\x01\udcff"), ("X", "1"), ("X", "2")], "v=ö\r\n")
    again = Message.parse(message.render())
    assert again.headers == [*message.headers, ("Content-Length", "6")]
    assert (again.start, again.body, again.all("x")) == (start, "v=ö\r\n", ["1", "2"])


def test_short_and_folded_headers_are_understood() -> None:
    message = Message.parse(b"BYE sip:1@host SIP/2.0\r\ni: abc\r\nSubject: a\r\n  b\r\n\r\n")
    assert (message["Call-ID"], message["Subject"], message.method) == ("abc", "a b", "BYE")
