"""Feature codes: what a person dials to have something done (docs/dial-codes.md)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from stasis_app.words import Role

from .book import Book
from .models import Extension, Trunk
from .times import Override

ANONYMOUS = re.compile(r"\*31[*#]?(\+?[0-9]+)", re.ASCII)
OVERRIDE = re.compile(r"\*28([0-9]+)(?:\*([012]))?", re.ASCII)
TEST = re.compile(r"\*89([0-9]+)\*(\+?[0-9*#]+)", re.ASCII)
PROMPT = re.compile(r"\*77([0-9]*)", re.ASCII)
DIRECT = re.compile(r"\*95([+0-9*#]+)", re.ASCII)
OWN_MAILBOX = "*97"
MAILBOX = re.compile(r"\*98([+0-9*#]*)", re.ASCII)
LOGIN = re.compile(r"\*45(?P<own>[+0-9#]*)", re.ASCII)
LOGIN_OF = re.compile(r"\*45\*(?P<of>[+0-9#]+)(?:\*(?P<what>[+0-9#]+))?", re.ASCII)
BREAK = re.compile(r"\*46(?P<own>[0-9]*)", re.ASCII)
BREAK_OF = re.compile(r"\*46\*(?P<of>[+0-9#]+)(?:\*(?P<what>[0-9]+))?", re.ASCII)
END_WRAP_UP = re.compile(r"\*47(?:\*(?P<of>[+0-9#]+))?", re.ASCII)

OVERRIDES = {"0": Override.AUTOMATIC, "1": Override.OPEN, "2": Override.CLOSED}


@dataclass(frozen=True, slots=True)
class CallAnonymously:
    """*31<number>: the number is not shown to who is called."""

    number: str


@dataclass(frozen=True, slots=True)
class OverrideProfile:
    """*28<code>: a time profile is opened or closed by hand; `value` None turns it over."""

    code: str
    value: Override | None


@dataclass(frozen=True, slots=True)
class TryTrunk:
    """*89<code>*<number>: a call through one trunk, whatever the rules say."""

    code: str
    number: str


@dataclass(frozen=True, slots=True)
class Record:
    """*77: a new prompt is recorded; *77<code> that with this `record_code` anew."""

    code: str


@dataclass(frozen=True, slots=True)
class Direct:
    """*95<number>: a message is left in the box of an extension, whose phones do not ring."""

    number: str


@dataclass(frozen=True, slots=True)
class OpenMailbox:
    """*97: the own box; *98: any box, by its number and PIN, *98<number>: that one."""

    number: str
    own: bool = False


class Act(StrEnum):
    """What an agent of the queues does by a code."""

    LOG_IN_OUT = "log_in_out"
    BREAK = "break"
    END_WRAP_UP = "end_wrap_up"


@dataclass(frozen=True, slots=True)
class AgentCode:
    """*45, *46 and *47, of the own extension, or with its PIN of another.

    - *45 turns over whether the agent is logged in, in all queues or (`queue`) in that of a number.
    - *46 turns over whether he is on a break; `reason` are the digits that say why.
    - *47 ends the wrap-up.
    """

    act: Act
    extension: str = ""
    queue: str = ""
    reason: str = ""


FeatureCode = (
    CallAnonymously | OverrideProfile | TryTrunk | Record | Direct | OpenMailbox | AgentCode
)


def feature_code(number: str) -> FeatureCode | None:
    """Return what a dialled number asks for; None if it is no feature code."""
    if found := ANONYMOUS.fullmatch(number):
        return CallAnonymously(found[1])
    if found := OVERRIDE.fullmatch(number):
        return OverrideProfile(found[1], OVERRIDES.get(found[2] or ""))
    if found := TEST.fullmatch(number):
        return TryTrunk(found[1], found[2])
    return _voice_code(number) or _agent_code(number)


def _voice_code(number: str) -> Record | Direct | OpenMailbox | None:
    if number == OWN_MAILBOX:
        return OpenMailbox("", own=True)
    if found := PROMPT.fullmatch(number):
        return Record(found[1])
    if found := DIRECT.fullmatch(number):
        return Direct(found[1])
    if found := MAILBOX.fullmatch(number):
        return OpenMailbox(found[1])
    return None


def _agent_code(number: str) -> AgentCode | None:
    if found := LOGIN.fullmatch(number):
        return AgentCode(Act.LOG_IN_OUT, queue=found["own"])
    if found := LOGIN_OF.fullmatch(number):
        return AgentCode(Act.LOG_IN_OUT, found["of"], queue=found["what"] or "")
    if found := BREAK.fullmatch(number):
        return AgentCode(Act.BREAK, reason=found["own"])
    if found := BREAK_OF.fullmatch(number):
        return AgentCode(Act.BREAK, found["of"], reason=found["what"] or "")
    if found := END_WRAP_UP.fullmatch(number):
        return AgentCode(Act.END_WRAP_UP, found["of"] or "")
    return None


def turned_over(present: Override, *, is_open: bool) -> Override:
    """Return the override after the key was pressed: back to the plan, or against it."""
    if present is not Override.AUTOMATIC:
        return Override.AUTOMATIC
    return Override.CLOSED if is_open else Override.OPEN


def may(book: Book, extension: Extension | None, key: str, default: Sequence[Role]) -> bool:
    """Return whether the role of the extension's user is among those that a setting names."""
    user = book.user_of(extension)
    return user is not None and user.active and user.role in book.settings.roles(key, default)


def may_override(book: Book, extension: Extension | None) -> bool:
    roles = (Role.ADMIN, Role.SUPERVISOR)
    return may(book, extension, "time_profiles.override_roles", roles)


def may_try_trunks(book: Book, extension: Extension | None) -> bool:
    return may(book, extension, "trunks.test_roles", (Role.ADMIN,))


def may_record(book: Book, extension: Extension | None) -> bool:
    return may(book, extension, "media.record_roles", (Role.ADMIN, Role.SUPERVISOR))


def trunk_to_try(book: Book, code: str) -> Trunk | None:
    """Return the trunk with this `test_code`, if Asterisk knows it."""
    found = (trunk for trunk in book.trunks.items.values() if trunk.test_code == code)
    return next((trunk for trunk in found if trunk.present), None)
