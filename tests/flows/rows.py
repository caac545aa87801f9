"""Rows with nothing special about them; each has the id that belongs to its name."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import re2

from stasis_app.rules.did import did_pattern
from stasis_app.rules.models import (
    TRUNK_PREFIX,
    BlacklistEntry,
    Box,
    Extension,
    InboundRule,
    Media,
    Menu,
    MenuOption,
    OutboundRule,
    Target,
    Trunk,
    User,
)
from stasis_app.rules.queues import Member, Presence, Queue
from stasis_app.rules.times import Override, TimeProfile, time_profile
from stasis_app.words import (
    BlacklistType,
    CallerIdMode,
    ExtensionStatus,
    ExtensionType,
    IvrAction,
    OverflowAction,
    QueueStatus,
    QueueStrategy,
    Role,
    TargetType,
    TrunkStatus,
    TrunkType,
    Wanted,
)

NAMES = UUID("6a1f2f3e-7c43-4b43-9f55-3a0d7f5a9c11")
COUNTRY = "DE"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)

PLAIN = Extension(
    id=NAMES,
    number="",
    type=ExtensionType.SIP,
    status=ExtensionStatus.ACTIVE,
    deleted=False,
    display_name="",
    dnd=False,
    max_concurrent_calls=None,
    forward_unconditional=None,
    forward_on_busy=None,
    forward_on_no_answer=None,
    ring_seconds=20.0,
)

PLAIN_TRUNK = Trunk(
    id=NAMES,
    name="",
    type=TrunkType.STATIC,
    status=TrunkStatus.ACTIVE,
    deleted=False,
    host="carrier.invalid",
    uri="sip:carrier.invalid",
    username=None,
    credentials=None,
    allowed_ips=(),
    default_caller_id=None,
    did_ranges=(),
    max_concurrent_calls=None,
    backup=None,
)


def identity(name: str) -> UUID:
    """The id of the row that a test calls so."""
    return uuid5(NAMES, name)


def extension(number: str, **columns: Any) -> Extension:
    return replace(PLAIN, id=identity(number), number=number, **columns)


def user(name: str, role: Role = Role.USER, **columns: Any) -> User:
    plain = User(identity(name), role, active=True, time_profile=None)
    return replace(plain, **columns)


def trunk(name: str, backup: str | None = None, **columns: Any) -> Trunk:
    following = identity(backup) if backup else None
    return replace(PLAIN_TRUNK, id=identity(name), name=name, backup=following, **columns)


def endpoint_of(trunk: str) -> str:
    """What Asterisk calls the trunk of that name."""
    return f"{TRUNK_PREFIX}{identity(trunk)}"


def outbound_rule(name: str, pattern: str, trunk: str, **columns: Any) -> OutboundRule:
    plain = OutboundRule(
        id=identity(name),
        name=name,
        active=True,
        pattern=re2.compile(pattern),
        priority=100,
        strip=0,
        prepend="",
        trunk=identity(trunk),
        caller_id_mode=CallerIdMode.EXTENSION,
        custom_caller_id=None,
        roles=frozenset(Role),
        max_seconds=None,
    )
    return replace(plain, **columns)


def inbound_rule(name: str, did: str, target: Target, **columns: Any) -> InboundRule:
    plain = InboundRule(
        id=identity(name),
        name=name,
        active=True,
        pattern=did_pattern(did, COUNTRY),
        priority=100,
        target=target,
    )
    return replace(plain, **columns)


def to_extension(number: str) -> Target:
    return Target(TargetType.EXTENSION, identity(number))


def to_outside(number: str) -> Target:
    return Target(TargetType.EXTERNAL, number=number)


def profile(name: str, code: str, override: Override = Override.AUTOMATIC) -> TimeProfile:
    """A profile whose plan is never open."""
    return time_profile(name, "Europe/Berlin", {}, (), override, id=identity(name), code=code)


def blacklisted(kind: BlacklistType, value: str) -> BlacklistEntry:
    return BlacklistEntry(identity(value), kind, value, None)


def menu(name: str, **columns: Any) -> Menu:
    """A menu with nothing to hear that ends the call of who presses nothing."""
    plain = Menu(
        id=identity(name),
        name=name,
        welcome=None,
        digit_seconds=5.0,
        inter_digit_seconds=2.0,
        max_retries=2,
        invalid_prompt=None,
        timeout_prompt=None,
        on_timeout=None,
        on_invalid=None,
        direct_dial=False,
        language=None,
    )
    return replace(plain, **columns)


def menu_option(menu: str, keys: str, target: Target | None, **columns: Any) -> MenuOption:
    """An option that leads to a target; without one it ends the call."""
    plain = MenuOption(
        id=identity(f"{menu} {keys}"),
        menu=identity(menu),
        keys=keys,
        action=IvrAction(target.type) if target else IvrAction.HANGUP,
        target=target,
        pre_transfer_prompt=None,
    )
    return replace(plain, **columns)


def box(number: str, **columns: Any) -> Box:
    """The box of an extension, whose row must have `voicemail=True`."""
    plain = Box(
        id=box_identity(number),
        extension=identity(number),
        number=number,
        name=number,
        active=True,
        greeting=None,
        busy_greeting=None,
        temporary_greeting=None,
        name_prompt=None,
        operator=None,
        max_messages=None,
    )
    return replace(plain, **columns)


def box_identity(number: str) -> UUID:
    return identity(f"box {number}")


def media(name: str, code: str | None = None, kind: str = "prompt") -> Media:
    return Media(identity(name), name, kind, code)


def queue(name: str, **columns: Any) -> Queue:
    """A queue that tells callers nothing and ends the call of who is not served."""
    plain = Queue(
        id=identity(name),
        name=name,
        number=None,
        status=QueueStatus.ACTIVE,
        strategy=QueueStrategy.LONGEST_IDLE,
        threshold_seconds=20.0,
        max_wait_seconds=300.0,
        max_size=None,
        wrap_up_seconds=10.0,
        ring_seconds=20.0,
        weight=1.0,
        music="default",
        welcome=None,
        announces_position=False,
        announces_wait=False,
        announce_seconds=30.0,
        overflow_action=OverflowAction.HANGUP,
        overflow=None,
    )
    return replace(plain, **columns)


def member(queue: str, number: str, *skills: str, **columns: Any) -> Member:
    """An agent of a queue: the extension of that number."""
    made = identity(f"{queue} {number}")
    plain = Member(made, identity(queue), identity(number), skills=frozenset(skills))
    return replace(plain, **columns)


def presence(
    number: str,
    wanted: Wanted,
    queue: str | None = None,
    reason: str = "",
    since: datetime = LONG_AGO,
) -> Presence:
    """What an agent has asked for, in one queue or in all of them."""
    where = identity(queue) if queue else None
    made = identity(f"presence {number} {queue or ''}")
    return Presence(made, identity(number), where, wanted, reason, since)


def to_menu(name: str) -> Target:
    return Target(TargetType.IVR, identity(name))


def to_box(number: str) -> Target:
    return Target(TargetType.VOICEMAIL, box_identity(number))


def to_queue(name: str) -> Target:
    return Target(TargetType.QUEUE, identity(name))
