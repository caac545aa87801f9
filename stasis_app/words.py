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


class Role(StrEnum):
    """`users.role`."""

    ADMIN = "admin"
    SUPERVISOR = "supervisor"
    AGENT = "agent"
    USER = "user"


class UserStatus(StrEnum):
    """`users.status`."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    SUSPENDED = "suspended"


class TrunkType(StrEnum):
    """`trunks.trunk_type`."""

    REGISTER = "register"
    IP_AUTH = "ip_auth"
    STATIC = "static"


class TrunkStatus(StrEnum):
    """`trunks.status`."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    TESTING = "testing"


class ForwardedCallerId(StrEnum):
    """`trunks.forwarded_caller_id`: whose number a forwarded call shows."""

    OWN = "own"
    ORIGINAL = "original"


class TargetType(StrEnum):
    """`inbound_rules.destination_type`."""

    EXTENSION = "extension"
    QUEUE = "queue"
    IVR = "ivr"
    VOICEMAIL = "voicemail"
    CONFERENCE = "conference"
    EXTERNAL = "external"


class IvrAction(StrEnum):
    """`ivr_menu_options.action`."""

    EXTENSION = "extension"
    QUEUE = "queue"
    IVR = "ivr"
    VOICEMAIL = "voicemail"
    EXTERNAL = "external"
    HANGUP = "hangup"
    REPEAT = "repeat"


class QueueStrategy(StrEnum):
    """`queues.strategy`."""

    RING_ALL = "ring_all"
    LONGEST_IDLE = "longest_idle"
    LEAST_TALK_TIME = "least_talk_time"
    ROUND_ROBIN = "round_robin"
    RANDOM = "random"


class QueueStatus(StrEnum):
    """`queues.status`. PAUSED takes no new callers; those who wait are served."""

    ACTIVE = "active"
    PAUSED = "paused"
    INACTIVE = "inactive"


class OverflowAction(StrEnum):
    """`queues.overflow_action`."""

    VOICEMAIL = "voicemail"
    IVR = "ivr"
    EXTERNAL = "external"
    HANGUP = "hangup"


class WhenEmpty(StrEnum):
    """`queues.when_empty`: what callers do while no agent is logged in."""

    JOIN = "join"
    LEAVE = "leave"


class AgentStatus(StrEnum):
    """`agent_states.status`."""

    AVAILABLE = "available"
    BUSY = "busy"
    WRAP_UP = "wrap_up"
    BREAK = "break"
    OFFLINE = "offline"


class Wanted(StrEnum):
    """`agent_states.wanted`: what the agent has asked for, whatever happens meanwhile."""

    AVAILABLE = "available"
    BREAK = "break"
    OFFLINE = "offline"


class Left(StrEnum):
    """`queue_calls.left_how`: how a call left the line."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"
    TIMEOUT = "timeout"
    KEY = "key"
    EMPTY = "empty"
    CALLBACK = "callback"
    CLOSED = "closed"
    FULL = "full"
    FAILED = "failed"


class CallbackState(StrEnum):
    """`queue_callbacks.state`."""

    WAITING = "waiting"
    CALLING = "calling"
    DONE = "done"
    FAILED = "failed"
    SUPERSEDED = "superseded"


class CallerIdMode(StrEnum):
    """`outbound_rules.caller_id_mode`."""

    EXTENSION = "extension"
    TRUNK = "trunk"
    CUSTOM = "custom"


class BlacklistType(StrEnum):
    """`blacklist.entry_type`."""

    IP = "ip"
    PHONE_NUMBER = "phone_number"
    USER_AGENT = "user_agent"


class DeliveryKind(StrEnum):
    """`recording_deliveries.kind`."""

    MESSAGE = "message"
    GREETING = "greeting"
    PROMPT = "prompt"


class DeliveryState(StrEnum):
    """`recording_deliveries.state`."""

    RECORDING = "recording"
    FINISHED = "finished"
    DISCARDED = "discarded"
    STORED = "stored"
    DEAD = "dead"


class MailState(StrEnum):
    """`mail_outbox.state`."""

    PENDING = "pending"
    SENT = "sent"
    DEAD = "dead"


class HangupCause(StrEnum):
    """`calls.hangup_cause` and `cdr.hangup_cause`: how a call ended, one list for all flows."""

    NORMAL_CLEARING = "normal_clearing"
    CANCEL = "cancel"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    UNAVAILABLE = "unavailable"
    UNALLOCATED_NUMBER = "unallocated_number"
    NUMBER_CHANGED = "number_changed"
    INVALID_NUMBER = "invalid_number"
    FORBIDDEN = "forbidden"
    NOT_IMPLEMENTED = "not_implemented"
    NOT_ACCEPTABLE = "not_acceptable"
    CONGESTION = "congestion"
    LOOP_DETECTED = "loop_detected"
    FAILURE = "failure"
    SYSTEM_RESTART = "system_restart"
    MEDIA_TIMEOUT = "media_timeout"


class Moment(StrEnum):
    """`call_events.event`: what the timeline of a call is made of."""

    ARRIVED = "arrived"
    ROUTED = "routed"
    DIALLED_OUT = "dialled_out"
    TRUNK_SKIPPED = "trunk_skipped"
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
    LIMIT_NEARS = "limit_nears"
    LIMIT_REACHED = "limit_reached"
    CODE_USED = "code_used"
    MENU_ENTERED = "menu_entered"
    KEY_PRESSED = "key_pressed"
    MEDIA_SKIPPED = "media_skipped"
    MESSAGE_BEGUN = "message_begun"
    MESSAGE_LEFT = "message_left"
    MESSAGE_DISCARDED = "message_discarded"
    MAILBOX_OPENED = "mailbox_opened"
    PIN_REFUSED = "pin_refused"
    MESSAGE_PLAYED = "message_played"
    PROMPT_RECORDED = "prompt_recorded"
    ENTERQUEUE = "ENTERQUEUE"
    RINGNOANSWER = "RINGNOANSWER"
    RINGCANCELED = "RINGCANCELED"
    CONNECT = "CONNECT"
    COMPLETEAGENT = "COMPLETEAGENT"
    COMPLETECALLER = "COMPLETECALLER"
    ABANDON = "ABANDON"
    EXITWITHKEY = "EXITWITHKEY"
    EXITWITHTIMEOUT = "EXITWITHTIMEOUT"
    EXITEMPTY = "EXITEMPTY"
    FULL = "FULL"
    POSITION_TOLD = "position_told"
    CALLBACK_REQUESTED = "callback_requested"
    AGENT_STATE = "agent_state"
    HUNG_UP = "hung_up"
    CONFIG_IGNORED = "config_ignored"
    ENDED = "ended"
