"""From rows to models: what can't be used is left out and named, and the rest goes on working."""

import re
from datetime import UTC, datetime
from ipaddress import ip_network

from stasis_app.words import (
    BlacklistType,
    CallerIdMode,
    ExtensionStatus,
    ExtensionType,
    ForwardedCallerId,
    Role,
    TrunkStatus,
    TrunkType,
    UserStatus,
)

from .columns import Row, RowError, asked, from_json, regex, target, text
from .did import NO_NUMBER, PatternError, did_pattern, did_ranges
from .forwarding import LONGEST_RING_SECONDS
from .models import (
    BlacklistEntry,
    Extension,
    InboundRule,
    Named,
    OutboundRule,
    Trunk,
    User,
)
from .number_lists import NumberList
from .times import DEFAULT_ZONE, Override, ProfileError, TimeProfile
from .times import time_profile as make_time_profile

RING_SECONDS = 20
DEFAULT_PRIORITY = 100
# what asterisk-config/extensions.conf leaves of a User-Agent
NOT_IN_AGENT = re.compile(r"[^A-Za-z0-9 ./_:+-]")
LONGEST_AGENT = 100
FOREVER = datetime.max.replace(tzinfo=UTC)


def extension(row: Row) -> Extension:
    """Return the extension of a row of `extensions`, with the problems found in it."""
    problems: list[str] = []
    return Extension(
        id=row["id"],
        number=row["number"],
        type=ExtensionType(row["extension_type"]),
        status=ExtensionStatus(row["status"]),
        deleted=row["deleted_at"] is not None,
        display_name=row["display_name"] or "",
        dnd=bool(row["dnd_enabled"]),
        max_concurrent_calls=row["max_concurrent_calls"],
        forward_unconditional=_forward(row, "unconditional", problems),
        forward_on_busy=_forward(row, "on_busy", problems),
        forward_on_no_answer=_forward(row, "on_no_answer", problems),
        ring_seconds=_ring_seconds(row["forward_on_no_answer_timeout"], problems),
        user=row["user_id"],
        allow_international=row["allow_international"] is not False,
        allow_mobile=row["allow_mobile"] is not False,
        outbound_caller_id=text(row["outbound_caller_id"]),
        outbound_calls_per_minute=row["outbound_calls_per_minute"],
        max_concurrent_outbound_calls=row["max_concurrent_outbound_calls"],
        voicemail=row["voicemail_enabled"] is True,
        problems=tuple(problems),
    )


def user(row: Row) -> User:
    return User(
        id=row["id"],
        role=Role(row["role"]),
        active=row["status"] == UserStatus.ACTIVE and row["deleted_at"] is None,
        time_profile=row["time_profile_id"],
        language=row["language"] or "",
        timezone=row["timezone"] or DEFAULT_ZONE,
        address=row["email"],
    )


def trunk(row: Row, country: str) -> Trunk:
    """Return the trunk of a row of `trunks`.

    One whose `did_ranges` nobody understands delivers no number at all; calls out go on.
    """
    problems: tuple[str, ...] = ()
    try:
        ranges = did_ranges(from_json(row["did_ranges"]), country)
    except PatternError as error:
        ranges, problems = (NO_NUMBER,), (f"did_ranges: {error}: it delivers no calls",)
    return Trunk(
        id=row["id"],
        name=row["name"],
        type=TrunkType(row["trunk_type"]),
        status=TrunkStatus(row["status"]),
        deleted=row["deleted_at"] is not None,
        host=row["host"].strip(" []"),
        uri=row["uri"],
        username=text(row["username"]),
        credentials=row["credentials"],
        allowed_ips=tuple(str(address) for address in row["allowed_ips"] or ()),
        default_caller_id=text(row["default_caller_id"]),
        did_ranges=ranges,
        max_concurrent_calls=row["max_concurrent_calls"],
        backup=row["backup_trunk_id"],
        forwarded_caller_id=ForwardedCallerId(row["forwarded_caller_id"]),
        test_code=text(row["test_code"]),
        outbound_calls_per_minute=row["outbound_calls_per_minute"],
        problems=problems,
    )


def inbound_rule(row: Row, country: str) -> InboundRule:
    name = row["name"]
    destination = target(row, "destination")
    if destination is None:
        raise RowError(name, "has no destination")
    try:
        pattern = did_pattern(row["did_pattern"], country)
    except PatternError as error:
        raise RowError(name, f"did_pattern: {error}") from None
    return InboundRule(
        id=row["id"],
        name=name,
        active=row["status"] == "active",
        pattern=pattern,
        priority=DEFAULT_PRIORITY if row["priority"] is None else row["priority"],
        target=destination,
        trunk=row["trunk_id"],
        time_profile=row["time_profile_id"],
        caller_pattern=regex(row, "caller_id_pattern"),
        fallback=target(row, "fallback_destination"),
        language=text(row["language"]),
        asked=asked(row),
    )


def outbound_rule(row: Row) -> OutboundRule:
    name = row["name"]
    pattern = regex(row, "number_pattern")
    if pattern is None:
        raise RowError(name, "has no number_pattern")
    roles = row["allowed_for_roles"]
    if row["strip_digits"] is not None and row["strip_digits"] < 0:
        raise RowError(name, f"strip_digits {row['strip_digits']} is negative")
    return OutboundRule(
        id=row["id"],
        name=name,
        active=row["status"] == "active",
        pattern=pattern,
        priority=DEFAULT_PRIORITY if row["priority"] is None else row["priority"],
        strip=row["strip_digits"] or 0,
        prepend=(row["prepend"] or "").strip(),
        trunk=row["trunk_id"],
        caller_id_mode=CallerIdMode(row["caller_id_mode"] or CallerIdMode.EXTENSION),
        custom_caller_id=text(row["custom_caller_id"]),
        roles=frozenset(Role if roles is None else roles),
        max_seconds=_limit(row["max_duration_seconds"]),
    )


def time_profile(row: Row) -> TimeProfile:
    try:
        return make_time_profile(
            row["name"],
            row["timezone"] or DEFAULT_ZONE,
            from_json(row["schedule"]),
            row["holidays"] or (),
            Override(row["override"]),
            id=row["id"],
            code=text(row["override_code"]),
        )
    except ProfileError as error:
        raise RowError(row["name"], str(error)) from None


def blacklist_entry(row: Row, country: str) -> BlacklistEntry:
    value, kind = row["value"].strip(), BlacklistType(row["entry_type"])
    if not value:
        raise RowError(value, "value is empty")
    try:
        if kind is BlacklistType.PHONE_NUMBER:
            NumberList[None](country).add(value, None)
        elif kind is BlacklistType.IP:
            ip_network(value, strict=False)
    except ValueError as error:
        raise RowError(value, f"value: {error}") from None
    told = as_filtered(value) if kind is BlacklistType.USER_AGENT else value
    if not told.strip():
        raise RowError(value, "value has none of the characters that are compared")
    return BlacklistEntry(row["id"], kind, told, _expiry(row["expires_at"]))


def as_filtered(agent: str) -> str:
    """Return what Asterisk tells us of a User-Agent."""
    return NOT_IN_AGENT.sub("", agent)[:LONGEST_AGENT]


def named(row: Row, number: str) -> Named:
    """Return a row that has a name, and in the column `number` perhaps a number to dial."""
    return Named(row["id"], row["name"], text(row[number]), active=row["active"])


def _expiry(at: datetime | None) -> datetime | None:
    """Return when a row ends. asyncpg gives infinity as a time without a zone."""
    if at is None or at.tzinfo:
        return at
    aware = at.replace(tzinfo=UTC)
    return None if aware == FOREVER else aware


def _limit(value: int | None) -> float | None:
    """Return a limit; 0 for one that is none, which is found and told."""
    return None if value is None else float(max(value, 0))


def _forward(row: Row, kind: str, problems: list[str]) -> str | None:
    if not row[f"forward_{kind}_enabled"]:
        return None
    destination = (row[f"forward_{kind}_destination"] or "").strip()
    if not destination:
        problems.append(f"forward_{kind}_enabled without forward_{kind}_destination")
    return destination or None


def _ring_seconds(value: int | None, problems: list[str]) -> float:
    if value is None:
        return float(RING_SECONDS)
    if not 1 <= value <= LONGEST_RING_SECONDS:
        most = f"{LONGEST_RING_SECONDS:g}"
        problems.append(f"forward_on_no_answer_timeout {value} is not in 1..{most}")
        return float(RING_SECONDS)
    return float(value)
