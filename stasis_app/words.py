"""The words of the schema: StrEnums equal to the SQL CHECK lists (a test compares the two)."""

from enum import StrEnum


class CallState(StrEnum):
    """`calls.state`."""

    INITIATED = "initiated"
    RINGING = "ringing"
    ANSWERED = "answered"
    HELD = "held"
    TRANSFERRED = "transferred"
    ENDED = "ended"


class Direction(StrEnum):
    """`calls.direction`."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


class ExtensionType(StrEnum):
    """`extensions.extension_type`."""

    SIP = "sip"
    WEBRTC = "webrtc"
    VIRTUAL = "virtual"


class ExtensionStatus(StrEnum):
    """`extensions.status`."""

    ACTIVE = "active"
    INACTIVE = "inactive"


class HangupCause(StrEnum):
    """`calls.hangup_cause` and `cdr.hangup_cause`: how a call ended, one list for all flows."""

    NORMAL_CLEARING = "normal_clearing"
    CANCEL = "cancel"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    UNAVAILABLE = "unavailable"
    UNALLOCATED_NUMBER = "unallocated_number"
    FORBIDDEN = "forbidden"
    NOT_ACCEPTABLE = "not_acceptable"
    CONGESTION = "congestion"
    LOOP_DETECTED = "loop_detected"
    FAILURE = "failure"
    SYSTEM_RESTART = "system_restart"
    MEDIA_TIMEOUT = "media_timeout"


class Moment(StrEnum):
    """`call_events.event`: what the timeline of a call is made of."""

    ARRIVED = "arrived"
    FORWARDED = "forwarded"
    OFFERED = "offered"
    RANG = "rang"
    LEG_FAILED = "leg_failed"
    ANSWERED = "answered"
    HELD = "held"
    RESUMED = "resumed"
    REFUSED = "refused"
    ANNOUNCED = "announced"
    ADOPTED = "adopted"
    HUNG_UP = "hung_up"
    CONFIG_IGNORED = "config_ignored"
    ENDED = "ended"
