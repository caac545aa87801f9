"""How people and carriers write numbers, and which rows a number meets."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from phonenumbers import (
    CountryCodeSource,
    NumberParseException,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberFormat,
    ValidationResult,
)

SEPARATORS = str.maketrans("", "", " -./()\t")
# what address books and web pages put between digits: line ends, wide and narrow spaces,
# hyphens and dashes, marks of the writing direction
MARKS = SEPARATORS | str.maketrans(
    "",
    "",
    "\r\n\u00a0\u2007\u2009\u202f\u2010\u2011\u2012\u2013\u2014\u2212"
    "\u200b\u200e\u200f\u202a\u202c\u2060\ufeff",
)
DIGITS = frozenset("0123456789")
# E.164 allows 15 digits, an international prefix and a trunk code come on top
LONGEST_NUMBER = 32
CACHED_NUMBERS = 4096


def dialled(raw: str) -> str:
    """Return the number without the marks people write between digits."""
    return raw.translate(SEPARATORS)


def bare(raw: str) -> str:
    """Return the text without any mark that may stand between digits."""
    return raw.translate(MARKS)


def e164(raw: str, country: str) -> str | None:
    """Return '+49301234' for a number in any form that is dialled in `country` (ISO code).

    '+', the country's international prefix, or the national form; None for all else, as for
    extensions, short codes, names, and what needs an area code. The number need not be assigned.
    """
    text = digits_of(raw)
    return _e164(text, country.upper()) if text else None


def forms(raw: str, country: str) -> tuple[str, ...]:
    """Return each form in which a number that a carrier sends may meet a row, canonical first.

    1. E.164, if the number says so by itself (see `e164`)
    2. '+' before bare digits that begin with the country's calling code: carriers leave it out
    3. the text without separators
    4. for bare digits that are neither: the valid ones of '+' before them (a foreign caller) and
       the country's calling code before them (a DID without its leading zero). A guess, hence
       after the text, and not when 2 applies, lest '4930…' is taken for the area code 04930.
    5. the text with its prefix rewritten, as it is done for patterns (see `international`)
    6. of a number of the country also the E.164 digits without '+', and the national form where
       it has no prefix (US, ES, IT), so that rows written so are met too
    """
    text = bare(raw)
    return _forms(text, country.upper()) if digits_of(text) else (text,)


def canonical(raw: str, country: str) -> str:
    """Return the one form under which a row's number is kept: E.164 if it has one."""
    text = bare(raw)
    return e164(text, country) or international(text, country)


def dialled_here(number: str, country: str) -> str | None:
    """Return how an E.164 number is dialled in `country`: '0301234', '004420…'; None if it is none.

    Where the international prefix depends on the carrier, it is '+'.
    """
    text = digits_of(number)
    return _dialled_here(text, country.upper()) if text else None


def international(literal: str, country: str, following: Collection[str] = ()) -> str:
    """Rewrite the prefix of the beginning of a number: '0049301', '0301' -> '+49301' in DE.

    Goes by the prefixes alone. `following` are the characters that may come next; what they could
    turn into another prefix ('0' before any digit: trunk or '00'?) stays as it is.
    """
    plan = plan_of(country.upper())
    if plan is None:
        return literal
    if literal.startswith("+"):
        return plan.without_trunk(literal)
    if not literal or not DIGITS.issuperset(literal) or plan.may_become_idd(literal, following):
        return literal
    if idd := plan.idd_pattern.match(literal):
        rest = literal[idd.end() :]
        return plan.without_trunk(f"+{rest}") if rest and rest[0] != "0" else literal
    rest = literal.removeprefix(plan.trunk)
    if rest == literal or rest.startswith("0") or not (rest or following):
        return literal
    return literal if not rest and "0" in following else f"+{plan.code}{rest}"


# RFC 3323, the words of SS7 and ISDN gateways, and 'ANONYMOUS' on the keys of a phone
ANONYMOUS = re.compile(
    r"|anonym(ous)?|blocked|hidden|invalid|none|null|nonumber|nocallerid"
    r"|(id|number)?(restricted|unavailable|unknown|withheld|blocked)"
    r"|(private|unknown)(caller|number)?|266696687"
)


def is_anonymous(raw: str) -> bool:
    """Tell whether a carrier said nothing, or a word that stands for no number."""
    user = raw[:80].casefold().removeprefix("sip:").partition("@")[0]
    word = "".join(filter(str.isalnum, user))
    return ANONYMOUS.fullmatch(word) is not None


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a country dials. `idd` is '' where it is no plain text, `trunk` where there is none."""

    code: str
    idd: str
    idd_pattern: re.Pattern[str]
    trunk: str

    def may_become_idd(self, literal: str, following: Collection[str]) -> bool:
        if not self.idd.startswith(literal):
            return False
        return self.idd == literal or self.idd[len(literal)] in following

    def without_trunk(self, literal: str) -> str:
        """'+49(0)30' is written by people and dialled by none."""
        wrong = f"+{self.code}0"
        rest = literal.removeprefix(wrong)
        if self.trunk != "0" or rest == literal or rest[:1] in ("", "0"):
            return literal
        return f"+{self.code}{rest}"


@lru_cache(maxsize=256)
def plan_of(country: str) -> _Plan | None:
    metadata = PhoneMetadata.metadata_for_region(country, None)
    if metadata is None or not metadata.international_prefix:
        return None
    pattern = metadata.international_prefix.replace("~", "")
    idd = pattern if DIGITS.issuperset(pattern) else metadata.preferred_international_prefix or ""
    trunk = (metadata.national_prefix or "").replace("~", "")
    return _Plan(str(metadata.country_code), idd, re.compile(pattern), trunk)


def digits_of(raw: str) -> str | None:
    """Return ASCII digits, with or without '+'. phonenumbers would read letters and URIs too."""
    text = bare(raw)
    number = text.removeprefix("+")
    usable = number.isascii() and number.isdigit() and len(text) <= LONGEST_NUMBER
    return text if usable else None


def parse(text: str, country: str | None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(text, country, keep_raw_input=True)
    except NumberParseException:
        return None


def _format(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


@lru_cache(maxsize=CACHED_NUMBERS)
def _e164(text: str, country: str) -> str | None:
    number = parse(text, country)
    if number is None or not written_in_full(text, number, country) or _trunk_twice(number):
        return None
    reason = phonenumbers.is_possible_number_with_reason(number)
    return _format(number) if reason == ValidationResult.IS_POSSIBLE else None


def _trunk_twice(number: PhoneNumber) -> bool:
    """Tell whether a zero is left where the country's numbers begin with none: '00030…'."""
    if not phonenumbers.national_significant_number(number).startswith("0"):
        return False
    plan = plan_of(phonenumbers.region_code_for_country_code(number.country_code or 0))
    return plan is not None and plan.trunk == "0"


def written_in_full(text: str, number: PhoneNumber, country: str) -> bool:
    """Tell whether the text has the prefix that the number is dialled with, or needs none."""
    source, plan = number.country_code_source, plan_of(country)
    if source in (
        CountryCodeSource.FROM_NUMBER_WITH_PLUS_SIGN,
        CountryCodeSource.FROM_NUMBER_WITH_IDD,
    ):
        return True
    if plan is None:
        return False
    if source == CountryCodeSource.FROM_NUMBER_WITHOUT_PLUS_SIGN:
        return plan.trunk == plan.code  # '1' in North America is both
    if phonenumbers.national_significant_number(number) != text:
        return True
    return phonenumbers.is_valid_number(number) and _national(number) == text


def _national(number: PhoneNumber) -> str:
    """Return the digits of the national form."""
    return bare(phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL))


@lru_cache(maxsize=CACHED_NUMBERS)
def _forms(text: str, country: str) -> tuple[str, ...]:
    plan = plan_of(country)
    if plan is None:
        return tuple(dict.fromkeys((_e164(text, country) or text, text)))
    full = _e164(text, country)
    plus = _e164(f"+{text}", country) if text.startswith(plan.code) else None
    bare_digits = not (full or plus or text.startswith("+"))
    guesses = _guesses(text, plan.code) if bare_digits else ()
    sure = [form for form in (full, plus) if form]
    home = (form for one in sure or guesses for form in _home_forms(one, country, plan.code))
    found = (*sure, text, *guesses, international(text, country), *home)
    return tuple(dict.fromkeys(found))


def _guesses(text: str, code: str) -> tuple[str, ...]:
    readings = (parse(f"+{prefix}{text}", None) for prefix in ("", code))
    valid = (number for number in readings if number and phonenumbers.is_valid_number(number))
    return tuple(_format(number) for number in valid)


def _home_forms(full: str, country: str, code: str) -> tuple[str, ...]:
    number = parse(full, None) if full.startswith(f"+{code}") else None
    if number is None:
        return ()
    significant = phonenumbers.national_significant_number(number)
    return (full[1:], significant) if _e164(significant, country) == full else (full[1:],)


@lru_cache(maxsize=CACHED_NUMBERS)
def _dialled_here(text: str, country: str) -> str | None:
    number, plan = parse(text, None), plan_of(country)
    if number is None:
        return None
    usual = phonenumbers.format_out_of_country_calling_number(number, country)
    significant = phonenumbers.national_significant_number(number)
    # a number of no known format is written without its trunk prefix
    tried = (bare(usual).replace("~", ""), f"{plan.trunk if plan else ''}{significant}")
    return next((one for one in tried if _e164(one, country) == _format(number)), None)
