"""The rows that rules decide on, as the snapshot holds them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from stasis_app.words import (
    BlacklistType,
    CallerIdMode,
    ExtensionStatus,
    ExtensionType,
    ForwardedCallerId,
    HangupCause,
    IvrAction,
    Role,
    TargetType,
    TrunkStatus,
    TrunkType,
)

from .did import DidPattern, DidRange


class Pattern(Protocol):
    """A compiled regular expression that costs linear time."""

    pattern: str

    def search(self, text: str) -> object | None:
        """Return something if it matches anywhere in `text`."""


@dataclass(frozen=True, slots=True)
class User:
    """A row of `users`, as far as calls need it."""

    id: UUID
    role: Role
    active: bool
    time_profile: UUID | None
    language: str = ""
    timezone: str = ""
    address: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Extension:
    """A row of `extensions`, as far as calls need it. `ring_seconds` is the no-answer timeout."""

    id: UUID
    number: str
    type: ExtensionType
    status: ExtensionStatus
    deleted: bool
    display_name: str
    dnd: bool
    max_concurrent_calls: int | None
    forward_unconditional: str | None
    forward_on_busy: str | None
    forward_on_no_answer: str | None
    ring_seconds: float
    user: UUID | None = None
    allow_international: bool = True
    allow_mobile: bool = True
    outbound_caller_id: str | None = None
    outbound_calls_per_minute: int | None = None
    max_concurrent_outbound_calls: int | None = None
    voicemail: bool = False
    problems: tuple[str, ...] = ()

    @property
    def active(self) -> bool:
        return self.status is ExtensionStatus.ACTIVE and not self.deleted


@dataclass(frozen=True, slots=True)
class Contact:
    """A phone registered to an extension: a live row of `extension_registrations`."""

    uri: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Trunk:
    """A row of `trunks`. Without `did_ranges` it may deliver any number.

    `uri` is the carrier's SIP address, None if host and port can't be part of one. `credentials` is
    a mark of user name and password that differs when they do; None without them.
    """

    id: UUID
    name: str
    type: TrunkType
    status: TrunkStatus
    deleted: bool
    host: str
    uri: str | None
    username: str | None
    credentials: str | None
    allowed_ips: tuple[str, ...]
    default_caller_id: str | None
    did_ranges: tuple[DidRange, ...]
    max_concurrent_calls: int | None
    backup: UUID | None
    forwarded_caller_id: ForwardedCallerId = ForwardedCallerId.OWN
    test_code: str | None = None
    outbound_calls_per_minute: int | None = None
    problems: tuple[str, ...] = ()

    @property
    def active(self) -> bool:
        return self.present and self.status is TrunkStatus.ACTIVE

    @property
    def present(self) -> bool:
        """Return whether Asterisk knows it: active, or to be tested."""
        return self.status is not TrunkStatus.INACTIVE and not self.deleted and self.uri is not None

    @property
    def endpoint(self) -> str:
        """Its name in Asterisk: endpoint, aor, auth, registration."""
        return f"{TRUNK_PREFIX}{self.id}"


TRUNK_PREFIX = "trunk-"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a row sends a call: a row of that type by `id`, or `number`.

    External has a number only; an extension and its box are found by either.
    """

    type: TargetType
    id: UUID | None = None
    number: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a rule or a menu's option wants of a queue; None: what was said before stays.

    A higher `priority` is served first. `skills` stand in the order of their importance.
    """

    priority: int | None = None
    skills: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class InboundRule:
    """A row of `inbound_rules` that can be used."""

    id: UUID
    name: str
    active: bool
    pattern: DidPattern
    priority: int
    target: Target
    trunk: UUID | None = None
    time_profile: UUID | None = None
    caller_pattern: Pattern | None = None
    fallback: Target | None = None
    language: str | None = None
    asked: Asked = Asked()


@dataclass(frozen=True, slots=True)
class OutboundRule:
    """A row of `outbound_rules` that can be used. `max_seconds` None: as long as one likes."""

    id: UUID
    name: str
    active: bool
    pattern: Pattern
    priority: int
    strip: int
    prepend: str
    trunk: UUID
    caller_id_mode: CallerIdMode
    custom_caller_id: str | None
    roles: frozenset[str]
    max_seconds: float | None


@dataclass(frozen=True, slots=True)
class BlacklistEntry:
    """A row of `blacklist`."""

    id: UUID
    type: BlacklistType
    value: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Named:
    """A row that calls can be sent to, or dialled at `number`: a conference."""

    id: UUID
    name: str
    number: str | None
    active: bool


@dataclass(frozen=True, slots=True)
class Menu:
    """A row of `ivr_menus`, dialled at `number`. The prompts are rows of `media_files`.

    `on_timeout` and `on_invalid` are where a caller goes who has used up all tries; None: nowhere,
    the call ends, and `hangs_up` tells that the row says so.
    """

    id: UUID
    name: str
    welcome: UUID | None
    digit_seconds: float
    inter_digit_seconds: float
    max_retries: int
    invalid_prompt: UUID | None
    timeout_prompt: UUID | None
    on_timeout: Target | None
    on_invalid: Target | None
    direct_dial: bool
    language: str | None
    number: str | None = None
    hangs_up: bool = False
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MenuOption:
    """A row of `ivr_menu_options`: one or two keys, and what they do."""

    id: UUID
    menu: UUID
    keys: str
    action: IvrAction
    target: Target | None
    pre_transfer_prompt: UUID | None
    asked: Asked = Asked()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Box:
    """A row of `voicemail_boxes` with the number of its extension. The greetings are media files.

    `active` is false while the extension's `voicemail_enabled` is. It `mails` what is left there
    to its `address`, None: that of the user. `pin_flaw` is what is wrong with its PIN (a word of
    `rules.voicemail`); the PIN itself stays in Postgres.
    """

    id: UUID
    extension: UUID
    number: str
    name: str
    active: bool
    greeting: UUID | None
    busy_greeting: UUID | None
    temporary_greeting: UUID | None
    name_prompt: UUID | None
    operator: str | None
    max_messages: int | None
    mails: bool = False
    address: str | None = field(default=None, repr=False)
    pin_flaw: str | None = None


@dataclass(frozen=True, slots=True)
class MailboxCounts:
    """A row of the view `mailbox_counts`: what the lamp of a box shows. `id` is the box's."""

    id: UUID
    number: str
    unread: int
    read: int


@dataclass(frozen=True, slots=True)
class Media:
    """A row of `media_files`: its name and type. `*77<record_code>` records it anew."""

    id: UUID
    name: str
    kind: str
    record_code: str | None


class DestinationKind(StrEnum):
    EXTENSION = "extension"
    OUTSIDE = "outside"
    EMERGENCY = "emergency"
    CODE = "code"
    IVR = "ivr"
    VOICEMAIL = "voicemail"
    MAILBOX = "mailbox"
    RECORD_PROMPT = "record_prompt"
    QUEUE = "queue"
    UNBUILT = "unbuilt"
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class Payer:
    """Whose rights an outside call uses: an extension's (its number), or a rule's (its name).

    `diverted` is the number that sent the call on, and why; None if nobody did. With a `trunk` the
    call is to test it: no rule is asked.
    """

    extension: str | None = None
    rule: str | None = None
    diverted: tuple[str, str] | None = None
    anonymous: bool = False
    trunk: UUID | None = None


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a call goes next, and the number that led there. `payer` answers for outside calls.

    - `by_hand`: the caller chose it by a key, so it is no hop.
    - `id` is that of the menu, the box or the queue.
    - `language` is what the rule or the menu says, as it stands there.
    - `reason` of VOICEMAIL: why nobody answered (`forwarding.Reason`), or empty; of MAILBOX: who
      comes, a word of `MailboxVisit`.
    - `asked` is for queues, also those further on.

    IVR has the number `ivr <name>`, QUEUE `queue <name>`, VOICEMAIL and MAILBOX that of the
    extension (MAILBOX empty: it is asked for), RECORD_PROMPT the `record_code` (empty: a new
    prompt).
    """

    kind: DestinationKind
    number: str
    payer: Payer = Payer()
    by_hand: bool = False
    id: UUID | None = None
    language: str = ""
    reason: str = ""
    asked: Asked = Asked()


class MailboxVisit(StrEnum):
    """Who opens a mailbox: the box's own phone, any phone, or a caller who heard its greeting."""

    OWN = "own"
    ANY = "any"
    GREETING = "greeting"


@dataclass(frozen=True, slots=True)
class Refuse:
    """The call ends with this cause; `reason` is the word in its timeline."""

    cause: HangupCause
    reason: str


@dataclass(frozen=True, slots=True)
class Position:
    """A step that can be entered again, and what it stands on (see `call_positions`)."""

    channel: str
    step: str
    arguments: Mapping[str, Any]
    hops: int
    since: datetime
    bridge: str | None = None
    legs: Sequence[str] = field(default=())
