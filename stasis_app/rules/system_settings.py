"""`system_settings` as rules use it: a value that can't be used counts as its default."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from phonenumbers import SUPPORTED_REGIONS

from stasis_app.words import Role, TargetType

from .did import PatternError
from .mail_address import mail_address
from .models import Target
from .number_lists import NumberList
from .spoken import Language, language
from .times import DEFAULT_ZONE, ProfileError, known_zone

LARGEST_NUMBER = 1e9
AUDIO_FORMATS = ("wav", "mp3")
ROLES = ("time_profiles.override_roles", "trunks.test_roles", "media.record_roles")
FLAGS = (
    "voicemail.pin_at_own_phone",
    "voicemail.delete_unread",
    "voicemail.callback_from_outside",
    "queues.callback_abroad",
)
OF_NUMBERS = ("calls", "outbound", "toll", "trunks", "ivr", "voicemail", "queues")
SILENCE, SENDER = "voicemail.silence_seconds", "mail.from"
LEAST, MOST = "voicemail.min_seconds", "voicemail.max_seconds"
LEAST_SILENCE_SECONDS = 3.0
MIN_SECONDS, MAX_SECONDS = 2.0, 180.0
QUEUE_ZONE, BREAK_REASONS = "queues.timezone", "queues.break_reasons"
DIGITS = re.compile("[0-9]+", re.ASCII)
LONGEST_REASON = 100
OTHERS = (*ROLES, *FLAGS, "voicemail.operator", QUEUE_ZONE, BREAK_REASONS)
NO_LANGUAGE = f"is not one of {', '.join(Language)}"
NO_FLAG = "is neither true nor false"
NO_ZONE = "is no time zone like Europe/Berlin"
EMERGENCY_NUMBERS = ("112", "110")
CALLED_BY_NUMBER = (TargetType.EXTENSION, TargetType.EXTERNAL)
BY_EITHER = TargetType.VOICEMAIL

V = TypeVar("V")


class SystemSettings:
    """Settings by key. `problems` names those that can't be used, as far as they were asked."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self.problems: dict[str, str] = {}

    def number(self, key: str, default: float) -> float:
        """Return a setting that is a number of 0 or more, else `default`."""
        found = self.limit(key)
        return default if found is None else found

    def limit(self, key: str) -> float | None:
        """Return a setting that is a number of 0 or more, else None."""
        value = self.values.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return self._unusable(key, value, None, "is no number")
        if 0 <= value <= LARGEST_NUMBER:
            return float(value)
        return self._unusable(key, value, None, "is not in 0..1e9")

    @cached_property
    def country(self) -> str:
        """ISO code of the country whose national numbers people dial."""
        value = self.values.get("numbers.country")
        if isinstance(value, str) and value.upper() in SUPPORTED_REGIONS:
            return value.upper()
        return self._unusable("numbers.country", value, "DE", "is no ISO code of a country")

    @cached_property
    def emergency_numbers(self) -> frozenset[str]:
        """Without a single entry that can be used those of the default count."""
        found = self._texts("numbers.emergency", EMERGENCY_NUMBERS)
        numbers = frozenset(one for one in found if one.isascii() and one.isdecimal())
        if len(numbers) < len(set(found)):
            self.problems["numbers.emergency"] = "has an entry that is not made of digits"
        return numbers if numbers or not found else frozenset(EMERGENCY_NUMBERS)

    @cached_property
    def white_list(self) -> NumberList[str]:
        listed: NumberList[str] = NumberList(self.country)
        for number in self._texts("inbound.white_list", ()):
            try:
                listed.add(number, number)
            except PatternError as error:
                self.problems["inbound.white_list"] = str(error)
        return listed

    @cached_property
    def catch_all(self) -> Target | None:
        """Where calls go that no inbound rule takes; None: they are refused."""
        value = self.values.get("inbound.catch_all")
        try:
            return _target(value) if value is not None else None
        except (KeyError, TypeError, ValueError):
            want = 'is not like {"type": "extension", "number": "1001"}'
            return self._unusable("inbound.catch_all", value, None, want)

    @cached_property
    def language(self) -> Language:
        """What is spoken to who has no language of his own."""
        value = self.values.get("media.language")
        if isinstance(value, str) and is_spoken(value):
            return language(value)
        return self._unusable("media.language", value, Language.EN, NO_LANGUAGE)

    @cached_property
    def operator(self) -> str | None:
        """The number that 0 reaches during a greeting, of boxes without one; None: nobody."""
        return self.text("voicemail.operator")

    @cached_property
    def queue_zone(self) -> ZoneInfo:
        """Where a day of agents begins."""
        value = self.values.get(QUEUE_ZONE)
        try:
            return known_zone(str(DEFAULT_ZONE if value is None else value))
        except ProfileError:
            return self._unusable(QUEUE_ZONE, value, ZoneInfo(DEFAULT_ZONE), NO_ZONE)

    @cached_property
    def break_reasons(self) -> Mapping[str, str]:
        """The reasons for a break by the digits that are dialled after *46."""
        value = self.values.get(BREAK_REASONS)
        if not isinstance(value, dict):
            return self._unusable(BREAK_REASONS, value, {}, 'is not like {"1": "lunch"}')
        found = {}
        for digits, reason in value.items():
            if DIGITS.fullmatch(digits) and isinstance(reason, str) and _is_short(reason):
                found[digits] = reason.strip()
            else:
                self.problems[BREAK_REASONS] = f"'{digits}' is not digits with a reason"
        return found

    def text(self, key: str) -> str | None:
        """Return a setting that is a text or a number, else None."""
        value = self.values.get(key)
        if isinstance(value, bool) or not isinstance(value, str | int | None):
            return self._unusable(key, value, None, "is no text")
        return None if value is None else str(value).strip() or None

    def word(self, key: str, words: Sequence[str], default: str) -> str:
        """Return a setting that is one of these words, else `default`."""
        value = self.values.get(key)
        if isinstance(value, str) and value.strip().lower() in words:
            return value.strip().lower()
        return self._unusable(key, value, default, f"is not one of {', '.join(words)}")

    def flag(self, key: str) -> bool:
        """Return a setting that is true or false, else false."""
        value = self.values.get(key)
        return value if isinstance(value, bool) else self._unusable(key, value, False, NO_FLAG)

    def roles(self, key: str, default: Iterable[str]) -> frozenset[str]:
        """Return the roles that may do something."""
        found = frozenset(self._texts(key, tuple(default)))
        if found - set(Role):
            self.problems[key] = f"has words that are no roles ({', '.join(Role)})"
        return found

    def check(self) -> dict[str, str]:
        """Look at every setting of calls; return what is wrong, by key."""
        _ = (self.country, self.emergency_numbers, self.white_list, self.catch_all, self.language)
        self.text("voicemail.operator")
        self.text(SENDER)
        self.word("mail.audio_format", AUDIO_FORMATS, AUDIO_FORMATS[0])
        self.limit("mail.max_attachment_bytes")
        _ = (self.queue_zone, self.break_reasons)
        for key in ROLES:
            self.roles(key, ())
        for key in FLAGS:
            self.flag(key)
        for key in self.values:
            if key.split(".")[0] in OF_NUMBERS and key not in OTHERS:
                self.limit(key)
        return self.problems

    def warnings(self) -> dict[str, str]:
        """Return what will surprise somebody, by key."""
        found = {}
        silence = self.limit(SILENCE)
        if silence is not None and 0 < silence < LEAST_SILENCE_SECONDS:
            found[SILENCE] = "is less than 3 s: a pause ends the message"
        if self.number(LEAST, MIN_SECONDS) > self.number(MOST, MAX_SECONDS):
            found[LEAST] = f"is more than {MOST}: every message is too short"
        sender = self.text(SENDER)
        address = mail_address(sender) if sender else None
        if sender and not (address and address.is_ascii):
            found[SENDER] = "is no mail address in ASCII: mails come from pbx-x@localhost"
        return found

    def _texts(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        value = self.values.get(key)
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(item.strip() for item in value)
        return self._unusable(key, value, default, "is no list of texts")

    def _unusable(self, key: str, value: object, default: V, problem: str) -> V:
        if value is not None:
            self.problems[key] = problem
        return default


def _is_short(reason: str) -> bool:
    return 0 < len(reason.strip()) <= LONGEST_REASON


def is_spoken(raw: str) -> bool:
    """Return whether it is a language that the exchange speaks: `de`, `de-DE`, `en_US` …"""
    return re.split("[-_]", raw.strip().lower())[0] in tuple(Language)


def _target(value: Mapping[str, Any]) -> Target:
    kind = TargetType(value["type"])
    if kind not in CALLED_BY_NUMBER and not (kind is BY_EITHER and "number" in value):
        return Target(kind, UUID(str(value["id"])))
    number = value["number"]
    if isinstance(number, bool) or not isinstance(number, str | int) or not str(number).strip():
        raise ValueError
    return Target(kind, number=str(number).strip())
