"""What a number costs by its kind."""

from enum import StrEnum
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType, ValidationResult

from .numbers import (
    CACHED_NUMBERS,
    LONGEST_NUMBER,
    bare,
    digits_of,
    parse,
    plan_of,
    written_in_full,
)


class Toll(StrEnum):
    """What a number costs, by kind."""

    NATIONAL = "national"
    MOBILE = "mobile"
    INTERNATIONAL = "international"
    INTERNATIONAL_MOBILE = "international_mobile"
    UNKNOWN = "unknown"


def toll(number: str, country: str) -> Toll:
    """Return what the dialled number costs in `country`; UNKNOWN is a short code or no number.

    When in doubt the dearer kind: digits too many are cut off (the network ignores them too); a
    number of a shared calling code (+1, +44, +7) that no region claims is international; bare
    digits, which carriers read as they like, are what the dearest valid reading says.
    """
    text = digits_of(bare(number)[:LONGEST_NUMBER])
    return _toll(text, country.upper()) if text else Toll.UNKNOWN


DEAREST_FIRST = (Toll.INTERNATIONAL_MOBILE, Toll.INTERNATIONAL, Toll.MOBILE, Toll.NATIONAL)


@lru_cache(maxsize=CACHED_NUMBERS)
def _toll(text: str, country: str) -> Toll:
    plan = plan_of(country)
    idd = plan.idd_pattern.match(text) if plan else None
    if text.startswith("+") or (idd and idd.end() < len(text)):
        return _toll_of_international(text[idd.end() if idd else 1 :], country)
    number = parse(text[:MOST_DIGITS], country)
    if number is None or plan is None:
        return Toll.UNKNOWN
    if written_in_full(text, number, country):
        number = _cut(number)
        reason = phonenumbers.is_possible_number_with_reason(number)
        possible = reason == ValidationResult.IS_POSSIBLE
        return _kind(number, country) if possible else Toll.UNKNOWN
    readings = {_reading(f"+{prefix}{text}", country) for prefix in ("", plan.code)}
    return next((kind for kind in DEAREST_FIRST if kind in readings), Toll.UNKNOWN)


# phonenumbers refuses to parse more after the calling code
MOST_DIGITS = 17


def _toll_of_international(digits: str, country: str) -> Toll:
    """`digits` begin with a calling code. An unassigned one is foreign."""
    number = parse(f"+{digits[:MOST_DIGITS]}", None)
    if number:
        return _kind(_cut(number), country)
    plan = plan_of(country)
    return Toll.UNKNOWN if plan and digits.startswith(plan.code) else Toll.INTERNATIONAL


def _reading(text: str, country: str) -> Toll:
    number = parse(text[: MOST_DIGITS + 1], None)
    if number is None or not phonenumbers.is_valid_number(_cut(number)):
        return Toll.UNKNOWN
    return _kind(number, country)


def _cut(number: PhoneNumber) -> PhoneNumber:
    phonenumbers.truncate_too_long_number(number)
    return number


def _kind(number: PhoneNumber, country: str) -> Toll:
    mobile = phonenumbers.number_type(number) == PhoneNumberType.MOBILE
    if _at_home(number, country):
        return Toll.MOBILE if mobile else Toll.NATIONAL
    return Toll.INTERNATIONAL_MOBILE if mobile else Toll.INTERNATIONAL


def _at_home(number: PhoneNumber, country: str) -> bool:
    regions = phonenumbers.region_codes_for_country_code(number.country_code or 0)
    if len(regions) == 1:
        return country in regions
    return country in regions and phonenumbers.is_valid_number_for_region(number, country)
