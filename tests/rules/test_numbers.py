"""What a number means: in which forms it comes, and what it costs."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasis_app.rules.numbers import (
    DIGITS,
    canonical,
    dialled,
    dialled_here,
    e164,
    forms,
    international,
    is_anonymous,
)
from stasis_app.rules.toll import Toll, toll


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        ("1002", "1002"),
        ("10 02", "1002"),
        ("(030) 12-34.5/6", "030123456"),
        ("+49 30 1234", "+49301234"),
        ("*21*1002#", "*21*1002#"),
        ("\t", ""),
        ("", ""),
    ],
)
def test_marks_between_digits_mean_nothing(raw: str, number: str) -> None:
    assert dialled(raw) == number


@pytest.mark.parametrize(
    ("raw", "country", "number"),
    [
        ("+49 30 1234", "DE", "+49301234"),
        ("+49 30 1234", "de", "+49301234"),
        ("+49301234", "US", "+49301234"),
        ("+49301234", "XX", "+49301234"),
        ("+49301234", "", "+49301234"),
        ("0049301234", "DE", "+49301234"),
        ("00 49 (0)30 12-34", "DE", "+49301234"),
        ("+49 (0) 30/1234", "DE", "+49301234"),
        ("030 1234", "DE", "+49301234"),
        ("(030) 12.34", "DE", "+49301234"),
        ("\u202a+49\u00a030\u20131234\u202c", "DE", "+49301234"),  # from an address book
        ("030 1234\r\n", "DE", "+49301234"),
        ("00442079460018", "DE", "+442079460018"),
        ("020 7946 0018", "GB", "+442079460018"),
        ("+44 (0)20 7946 0018", "DE", "+442079460018"),
        ("011493012345", "US", "+493012345"),
        ("0049301234", "US", None),  # is not how one dials there
        ("(212) 555-1234", "US", "+12125551234"),
        ("1 212 555 1234", "US", "+12125551234"),
        ("555-1234", "US", None),  # no area code
        ("+1 555-1234", "US", None),
        ("911", "US", None),
        ("06 1234 5678", "IT", "+390612345678"),  # the zero belongs to the number
        ("+39 06 1234 5678", "DE", "+390612345678"),
        ("612 345 678", "ES", "+34612345678"),
        ("112", "ES", None),
        ("1001", "ES", None),
        ("8 916 123-45-67", "RU", "+79161234567"),
        ("79161234567", "RU", None),
        ("810493012345", "RU", "+493012345"),
        ("06 36 123 4567", "HU", "+36361234567"),
        ("11961234567", "BR", "+5511961234567"),
        ("+80012345678", "DE", "+80012345678"),
        ("+49000301234", "DE", None),
        ("+43000301234", "DE", None),
        ("301234", "DE", None),
        ("49301234567", "DE", None),
        ("1001", "DE", None),
        ("112", "DE", None),
        ("115", "DE", None),
        ("11833", "DE", None),
        ("0", "DE", None),
        ("00", "DE", None),
        ("0100", "DE", None),
        ("000049301", "DE", None),
        ("00999123456", "DE", None),
        ("+999123456", "DE", None),
        ("+", "DE", None),
        ("++49301234", "DE", None),
        ("49+301234", "DE", None),
        ("+4930", "DE", None),
        ("", "DE", None),
        ("030", "XX", None),
        ("0301234", "", None),
        ("anonymous", "DE", None),
        ("0800FLOWER", "DE", None),
        ("0301234x12", "DE", None),
        ("0301234 ext. 12", "DE", None),
        ("0301234;ext=12", "DE", None),
        ("+49301234;phone-context=+49", "DE", None),
        ("tel:+49301234", "DE", None),
        ("+49301234@example.com", "DE", None),
        ("*31#0301234", "DE", None),
        ("\uff10\uff13\uff10\uff11\uff12\uff13\uff14", "DE", None),  # full width
        ("\u0660\u0663\u0660123456", "DE", None),  # Arabic digits
        ("\u00b2301234", "DE", None),
        ("9" * 300, "DE", None),
        ("+49" + "9" * 16, "DE", None),
    ],
)
def test_e164(raw: str, country: str, number: str | None) -> None:
    assert e164(raw, country) == number


@pytest.mark.parametrize(
    ("raw", "country", "expected"),
    [
        ("+49301234", "DE", ("+49301234", "49301234")),
        ("0049 30 1234", "DE", ("+49301234", "0049301234", "49301234")),
        ("0301234", "DE", ("+49301234", "0301234", "49301234")),
        ("+491001", "DE", ("+491001", "491001")),  # not the extension 1001
        ("+49(0)301234", "DE", ("+49301234", "+490301234", "49301234")),
        ("4930123456", "DE", ("+4930123456", "4930123456")),  # and not +494930…
        ("30123456", "DE", ("30123456", "+4930123456", "4930123456")),
        (
            "442079460018",
            "DE",
            ("442079460018", "+442079460018", "+49442079460018", "49442079460018"),
        ),
        ("00442079460018", "DE", ("+442079460018", "00442079460018")),
        ("1001", "DE", ("1001",)),
        ("112", "DE", ("112",)),
        ("0100", "DE", ("0100", "+49100")),
        ("10 01", "DE", ("1001",)),
        ("+12125551234", "US", ("+12125551234", "12125551234", "2125551234")),
        ("12125551234", "US", ("+12125551234", "12125551234", "2125551234")),
        ("2125551234", "US", ("+12125551234", "2125551234", "12125551234")),
        ("1001", "US", ("1001",)),
        ("34612345678", "ES", ("+34612345678", "34612345678", "612345678")),
        # both a mobile number and one in Rome without its plus
        (
            "3906123456",
            "IT",
            (
                "+393906123456",
                "+3906123456",
                "3906123456",
                "393906123456",
                "06123456",
            ),
        ),
        ("anonymous", "DE", ("anonymous",)),
        ("front-desk", "DE", ("frontdesk",)),
        ("s", "DE", ("s",)),
        ("", "DE", ("",)),
        ("+", "DE", ("+",)),
        ("0301234", "XX", ("0301234",)),
        ("+49301234", "XX", ("+49301234",)),
    ],
)
def test_forms(raw: str, country: str, expected: tuple[str, ...]) -> None:
    assert forms(raw, country) == expected


COUNTRIES = ("DE", "AT", "FR", "GB", "US", "ES", "IT", "RU", "HU", "JP", "BR", "AU", "XX", "")
country_codes = st.sampled_from(COUNTRIES)
sent = st.builds(
    str.__add__,
    st.sampled_from(
        ["", "+", "0", "00", "1", "011", "49", "+49", "+490", "0049", "8", "810", "06"]
    ),
    st.text("0123456789", max_size=14),
)


@given(st.text() | sent, country_codes | st.text(max_size=3))
def test_no_text_is_too_odd(raw: str, country: str) -> None:
    found = forms(raw, country)
    full = e164(raw, country)
    assert found
    assert len(set(found)) == len(found)
    assert full is None or found[0] == full == e164(full, country)
    assert canonical(raw, country) in found
    assert toll(raw, country) in Toll
    assert is_anonymous(raw) in (True, False)
    assert dialled_here(raw, country) is None or dialled_here(raw, country) != ""


@given(sent, country_codes)
def test_the_text_itself_is_always_a_form(raw: str, country: str) -> None:
    assert raw in forms(raw, country)
    assert forms(f" {raw}\n", country) == forms(raw, country)


REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)


def examples(region: str) -> list[str]:
    """Return a fixed line and a mobile number of a country, in E.164."""
    kinds = (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE)
    found = (phonenumbers.example_number_for_type(region, kind) for kind in kinds)
    form = phonenumbers.PhoneNumberFormat.E164
    return [phonenumbers.format_number(number, form) for number in found if number]


@pytest.mark.parametrize("region", REGIONS)
def test_a_number_of_each_country_in_all_ways_it_is_dialled(region: str) -> None:
    for number in examples(region):
        here = dialled_here(number, region)
        assert here is not None
        assert not here.startswith("+")
        for raw in (number, here):
            assert e164(raw, region) == number
            assert toll(raw, region) in (Toll.NATIONAL, Toll.MOBILE)
        assert e164(f"00{number[1:]}", "DE") == number
        assert e164(dialled_here(number, "DE") or "", "DE") == number
        if region == "DE":
            continue
        kinds = {toll(raw, "DE") for raw in (number, f"00{number[1:]}", number[1:])}
        assert len(kinds) == 1
        assert kinds < {Toll.INTERNATIONAL, Toll.INTERNATIONAL_MOBILE}


@pytest.mark.parametrize(
    ("number", "country", "expected"),
    [
        ("+49301234", "DE", "0301234"),
        ("+49 (30) 1234", "de", "0301234"),
        ("+442079460018", "DE", "00442079460018"),
        ("+80012345678", "DE", "0080012345678"),
        ("+491001", "DE", "01001"),
        ("+49115", "DE", None),  # 115 is another number
        ("+12125551234", "US", "12125551234"),
        ("+18765551234", "US", "18765551234"),
        ("+493012345", "US", "011493012345"),
        ("+390612345678", "IT", "0612345678"),
        ("+493012345", "RU", "810493012345"),
        ("+493012345", "AU", "0011493012345"),
        ("+493012345", "BR", "+493012345"),  # each carrier has a prefix of its own
        ("+493012345", "XX", "+493012345"),
        ("+999123", "DE", None),
        ("0301234", "DE", None),
        ("1001", "DE", None),
        ("anonymous", "DE", None),
        ("", "DE", None),
    ],
)
def test_dialled_here(number: str, country: str, expected: str | None) -> None:
    assert dialled_here(number, country) == expected


@pytest.mark.parametrize(
    ("literal", "country", "following", "expected"),
    [
        ("0301", "DE", "", "+49301"),
        ("0301", "DE", DIGITS, "+49301"),
        ("0049301", "DE", DIGITS, "+49301"),
        ("00493", "de", DIGITS, "+493"),
        ("0049030", "DE", DIGITS, "+4930"),
        ("+49030", "DE", DIGITS, "+4930"),
        ("+490", "DE", DIGITS, "+490"),
        ("+49003", "DE", DIGITS, "+49003"),
        ("+430", "DE", DIGITS, "+430"),
        ("0", "DE", DIGITS, "0"),  # trunk or 00?
        ("0", "DE", DIGITS - {"0"}, "+49"),
        ("0", "DE", "", "0"),
        ("00", "DE", DIGITS, "00"),
        ("000", "DE", DIGITS, "000"),
        ("0004", "DE", DIGITS, "0004"),
        ("100", "DE", "", "100"),
        ("49301", "DE", DIGITS, "49301"),
        ("+", "DE", DIGITS, "+"),
        ("", "DE", DIGITS, ""),
        ("front0", "DE", DIGITS, "front0"),
        ("1", "US", DIGITS, "1"),
        ("1", "US", "23456789", "+1"),
        ("1212", "US", DIGITS, "+1212"),
        ("01149", "US", DIGITS, "+49"),
        ("0", "JP", DIGITS - {"0"}, "0"),  # 010?
        ("01", "JP", DIGITS, "01"),
        ("02", "JP", DIGITS, "+812"),
        ("8", "RU", DIGITS - {"0"}, "8"),  # 810?
        ("89", "RU", DIGITS, "+79"),
        ("0636", "HU", DIGITS, "+3636"),
        ("06", "IT", DIGITS, "06"),
        ("00119", "AU", DIGITS, "+9"),
        ("0301", "XX", DIGITS, "0301"),
    ],
)
def test_the_beginning_of_a_number(
    literal: str, country: str, following: str, expected: str
) -> None:
    assert international(literal, country, following) == expected


@pytest.mark.parametrize(
    ("number", "country", "kind"),
    [
        ("0301234", "DE", Toll.NATIONAL),
        ("+49 30 1234", "DE", Toll.NATIONAL),
        ("0049301234", "de", Toll.NATIONAL),
        ("09001234567", "DE", Toll.NATIONAL),
        ("+49115", "DE", Toll.NATIONAL),
        ("0176 12345678", "DE", Toll.MOBILE),
        ("004917612345678", "DE", Toll.MOBILE),
        ("0176123456789", "DE", Toll.MOBILE),  # a digit too many
        ("0176123456789" + "9" * 40, "DE", Toll.MOBILE),
        ("00442079460018", "DE", Toll.INTERNATIONAL),
        ("+447400123456", "DE", Toll.INTERNATIONAL_MOBILE),
        ("+447400123456" + "9" * 40, "DE", Toll.INTERNATIONAL_MOBILE),
        ("+88216123456", "DE", Toll.INTERNATIONAL),
        ("+80012345678", "DE", Toll.INTERNATIONAL),
        ("+431", "DE", Toll.INTERNATIONAL),
        ("+999123", "DE", Toll.INTERNATIONAL),
        ("00999", "DE", Toll.INTERNATIONAL),
        ("+0301234", "DE", Toll.INTERNATIONAL),
        ("000301234", "DE", Toll.INTERNATIONAL),
        ("+1", "DE", Toll.INTERNATIONAL),
        ("+12125551234", "DE", Toll.INTERNATIONAL),  # who can tell a mobile one there
        ("115", "DE", Toll.UNKNOWN),
        ("112", "DE", Toll.UNKNOWN),
        ("11833", "DE", Toll.UNKNOWN),
        ("1001", "DE", Toll.UNKNOWN),
        ("0", "DE", Toll.UNKNOWN),
        ("00", "DE", Toll.UNKNOWN),
        ("+", "DE", Toll.UNKNOWN),
        ("+49", "DE", Toll.UNKNOWN),
        ("0100", "DE", Toll.UNKNOWN),
        ("", "DE", Toll.UNKNOWN),
        ("anonymous", "DE", Toll.UNKNOWN),
        ("0800FLOWER", "DE", Toll.UNKNOWN),
        ("*31#0301234", "DE", Toll.UNKNOWN),
        ("0301234", "XX", Toll.UNKNOWN),
        ("+49301234", "XX", Toll.INTERNATIONAL),
        # bare digits: a carrier may put the country, or only the plus, before them
        ("30123456", "DE", Toll.NATIONAL),
        ("17612345678", "DE", Toll.MOBILE),
        ("4917612345678", "DE", Toll.MOBILE),
        ("442079460018", "DE", Toll.INTERNATIONAL),
        ("18765551234", "DE", Toll.INTERNATIONAL_MOBILE),
        ("2125551234", "US", Toll.NATIONAL),
        ("12125551234", "US", Toll.NATIONAL),
        ("18005551234", "US", Toll.NATIONAL),
        ("+18005551234", "CA", Toll.NATIONAL),
        ("+14165551234", "US", Toll.INTERNATIONAL),
        ("+14165551234", "CA", Toll.NATIONAL),
        ("+18765551234", "JM", Toll.MOBILE),
        ("18765551234", "US", Toll.INTERNATIONAL_MOBILE),
        ("8765551234", "US", Toll.INTERNATIONAL_MOBILE),
        ("1876555123499", "US", Toll.INTERNATIONAL_MOBILE),
        ("87655512349999", "US", Toll.INTERNATIONAL_MOBILE),
        ("+16585551234", "US", Toll.INTERNATIONAL),  # Jamaica's new area code
        ("+1 999 555 1234", "US", Toll.INTERNATIONAL),  # of no region
        ("011493012345", "US", Toll.INTERNATIONAL),
        ("01144740012345", "US", Toll.INTERNATIONAL),
        ("0049301234", "US", Toll.UNKNOWN),
        ("5551234", "US", Toll.UNKNOWN),
        ("911", "US", Toll.UNKNOWN),
        ("02079460018", "GB", Toll.NATIONAL),
        ("07400123456", "GB", Toll.MOBILE),
        ("01534712345", "GB", Toll.INTERNATIONAL),  # Jersey
        ("07797712345", "GB", Toll.INTERNATIONAL_MOBILE),
        ("01534712345", "JE", Toll.NATIONAL),
        ("89161234567", "RU", Toll.MOBILE),
        ("87012345678", "RU", Toll.INTERNATIONAL_MOBILE),  # Kazakhstan
        ("87012345678", "KZ", Toll.MOBILE),
        ("810493012345", "RU", Toll.INTERNATIONAL),
        ("612345678", "ES", Toll.MOBILE),
        ("000", "AU", Toll.UNKNOWN),
        ("0011493012345", "AU", Toll.INTERNATIONAL),
    ],
)
def test_toll(number: str, country: str, kind: Toll) -> None:
    assert toll(number, country) is kind


@given(st.sampled_from(REGIONS).flatmap(lambda r: st.sampled_from(examples(r))), st.integers(0))
def test_further_digits_make_no_call_abroad_cheaper(number: str, further: int) -> None:
    if not number.startswith("+49"):
        assert toll(f"{number}{further}", "DE") is not Toll.NATIONAL
        assert toll(f"00{number[1:]}{further}", "DE") not in (Toll.UNKNOWN, Toll.MOBILE)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("", True),
        (" ", True),
        ("-", True),
        ("anonymous", True),
        ("Anonymous", True),
        ("ANONYMOUS", True),
        (" anonymous ", True),
        ("anonymous@anonymous.invalid", True),
        ("sip:anonymous@anonymous.invalid", True),
        ("unknown", True),
        ("Unknown Caller", True),
        ("restricted", True),
        ("unavailable", True),
        ("ID unavailable", True),
        ("private", True),
        ("Private Number", True),
        ("withheld", True),
        ("Number-Withheld", True),
        ("No Caller ID", True),
        ("+266696687", True),
        ("0301234", False),
        ("1001", False),
        ("0", False),
        ("anonymous1", False),
        ("anonymously", False),
        ("asterisk", False),
        ("privatebank", False),
        ("anna", False),
        ("x" * 100_000, False),
    ],
)
def test_is_anonymous(raw: str, expected: bool) -> None:
    assert is_anonymous(raw) is expected
