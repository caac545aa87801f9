"""What the exchange says, as ARI media URIs.

A sentence that the German sound set lacks is said in English as a whole. Some German files say
less, or something else, than the English ones of the same name: listen before one is used.
"""

from datetime import datetime
from enum import Enum

from .mailbox import Greeting
from .spoken import Language, digits, duration, moment, number, sounds

SAME = "="
MINUTE = 60.0


class Sentence(Enum):
    """A sentence without a name or number in it: its sound files in English and in German.

    One value: the files have the same names in both. None: German has no such sentence.
    """

    # how a call ends
    NOT_IN_SERVICE = "ss-noservice"
    NOT_ANSWERING = "number-not-answering", "vm-nobodyavail"
    CIRCUITS_BUSY = "all-circuits-busy-now", None
    FEATURE_NOT_AVAILABLE = "feature-not-avail-line", None
    CANNOT_COMPLETE = "cannot-complete-as-dialed", "ss-noservice"
    GOODBYE = "vm-goodbye"
    # answers to keys
    ACTIVATED = "activated", None
    DEACTIVATED = "de-activated", None
    INVALID_EXTENSION = "pbx-invalid"
    INVALID_KEY = "pm-invalid-option", "vm-sorry"
    TRY_AGAIN = "please-try-again", "vm-sorry"
    TRY_LATER = "im-sorry please-try-call-later", None
    CONNECTING = "vm-dialout"
    # of a menu without a prompt
    MENU = "beep", None
    ENTER_NUMBER = "vm-enter-num-to-call"
    # leaving a message
    IS_UNAVAILABLE = "vm-isunavail"
    IS_ON_THE_PHONE = "vm-isonphone"
    LEAVE_MESSAGE = "vm-intro"
    MAILBOX_FULL = "vm-mailboxfull"
    TOO_SHORT = "vm-tooshort"
    MESSAGE_LEFT = "vm-msgsaved"
    REVIEW = "vm-review"
    MARK_URGENT = "vm-review-urgent", None
    UNMARK_URGENT = "vm-review-nonurgent", None
    MARKED_URGENT = "vm-marked-urgent", None
    UNMARKED_URGENT = "vm-marked-nonurgent", None
    OPERATOR = "vm-reachoper"
    # the way into a mailbox
    LOGIN = "vm-login"
    PIN = "vm-password"
    WRONG_PIN = "vm-incorrect"
    WRONG_LOGIN = "vm-incorrect-mailbox"
    # messages
    NO_MORE_MESSAGES = "vm-nomore"
    DELETED = "vm-deleted"
    UNDELETED = "vm-undeleted"
    MAILBOX_MENU = (
        "vm-onefor vm-messages vm-press digits/0 vm-for dictate/record_mode vm-helpexit",
        "vm-onefor vm-messages vm-press digits/0 vm-for record_mode vm-helpexit",
    )
    ADVANCED_OPTIONS = "vm-tocallback vm-tohearenv vm-starmain"
    NO_CALLBACK = "vm-nonumber"
    # options of the mailbox; German vm-tempgreeting2 is the second half of the sentence only
    MAILBOX_OPTIONS = "vm-options"
    TEMPORARY_GREETING = "vm-tempgreeting2", "vm-tempgreeting vm-tempgreeting2"
    TEMPORARY_GREETING_ACTIVE = "vm-tempgreetactive", None
    TEMPORARY_GREETING_REMOVED = "vm-tempremoved"
    RECORD_UNAVAILABLE = "vm-rec-unv"
    RECORD_BUSY = "vm-rec-busy"
    RECORD_TEMPORARY = "vm-rec-temp"
    RECORD_NAME = "vm-rec-name"
    RECORD_PROMPT = "dictate/record vm-message vm-then-pound", "record vm-then-pound"
    RECORDING_SAVED = "vm-saved"
    NEW_PIN = "vm-newpassword"
    NEW_PIN_AGAIN = "vm-reenterpassword"
    PIN_CHANGED = "vm-passchanged"
    PIN_MISMATCH = "vm-mismatch"
    PIN_UNUSABLE = "vm-invalid-password", "privacy-incorrect"
    # forwarding a message; German vm-forwardoptions speaks of filing it
    ENTER_EXTENSION = "vm-whichbox vm-then-pound"
    PREPEND = (
        "vm-forwardoptions",
        "vm-press digits/1 vm-for record vm-press digits/2 vm-for vm-no record",
    )
    RECORD_COMMENT = "vm-record-prepend", "vm-intro"
    FORWARDED = "vm-msgforwarded", "vm-msgsaved"
    # waiting in a queue; tt-allbusy mocks its hearers
    THANK_YOU = "queue-thankyou"
    AGENTS_BUSY = "vm-nobodyavail please-try-call-later", "vm-nobodyavail"
    QUEUE_CLOSED = "vm-nobodyavail vm-goodbye"
    # asking to be called back; nobody has recorded more than single words for it
    ENTER_OWN_NUMBER = "your telephone-number vm-then-pound", "vm-enter-num-to-call vm-then-pound"
    CALLBACK_TAKEN_DOWN = "num-was-successfully added vm-goodbye", "vm-saved vm-goodbye"
    CALLED_BACK = (
        "queue-thankyou followme/no-recording followme/options",
        "queue-thankyou vm-onefor vm-dialout",
    )
    # to agents
    TAKEN = "sorry cancelled", None
    LOGGED_IN = "agent-loginok"
    LOGGED_OUT = "agent-loggedoff"
    ON_BREAK = "dictate/paused", "paused"
    BREAK_OVER = "dictate/pause de-activated", "agent-loginok"
    WRAP_UP_OVER = "auth-thankyou"

    def __init__(self, english: str, german: str | None = SAME) -> None:
        self.english = english
        self.german = english if german == SAME else german


RECORD_GREETING = {
    Greeting.UNAVAILABLE: Sentence.RECORD_UNAVAILABLE,
    Greeting.BUSY: Sentence.RECORD_BUSY,
    Greeting.TEMPORARY: Sentence.RECORD_TEMPORARY,
    Greeting.NAME: Sentence.RECORD_NAME,
}


def say(sentence: Sentence, tongue: Language) -> tuple[str, ...]:
    """Return the sentence in a language, or in English."""
    if tongue is Language.DE and sentence.german is not None:
        return _words(sentence.german, Language.DE)
    return _words(sentence.english, Language.EN)


def unavailable(extension: str, tongue: Language) -> tuple[str, ...]:
    """Return `The person at extension 2 0 1 is unavailable.`"""
    return _person(extension, tongue) + say(Sentence.IS_UNAVAILABLE, tongue)


def on_the_phone(extension: str, tongue: Language) -> tuple[str, ...]:
    """Return `The person at extension 2 0 1 is on the phone.`"""
    return _person(extension, tongue) + say(Sentence.IS_ON_THE_PHONE, tongue)


def review(
    tongue: Language, *, urgent: bool | None = None, operator: bool = False
) -> tuple[str, ...]:
    """Return the keys that count after a recording.

    `urgent` is how the message is marked now; None: it cannot be marked (a greeting).
    """
    mark = Sentence.UNMARK_URGENT if urgent else Sentence.MARK_URGENT
    said = say(Sentence.REVIEW, tongue)
    said += () if urgent is None else say(mark, tongue)
    return said + (say(Sentence.OPERATOR, tongue) if operator else ())


def messages_waiting(
    unread: int, read: int, tongue: Language, *, urgent: int = 0
) -> tuple[str, ...]:
    """Return `You have 2 new and 1 old message.`

    The `urgent` ones are among the unread; German has no word for them (app_voicemail neither).
    """
    marked = 0 if tongue is Language.DE else min(urgent, unread)
    kinds = {"vm-Urgent": marked, "vm-INBOX": unread - marked, "vm-Old": read}
    counted = [(kind, count) for kind, count in kinds.items() if count]
    said = _words("vm-youhave", tongue)
    if not counted:
        return said + _words("vm-no vm-messages", tongue)
    for place, (kind, count) in enumerate(counted):
        said += _words("vm-and", tongue) if place else ()
        said += number(count, tongue, feminine=True) + _words(kind, tongue)
    return said + _words("vm-message" if counted[-1][1] == 1 else "vm-messages", tongue)


def message_number(
    position: int, count: int, tongue: Language, *, urgent: bool = False
) -> tuple[str, ...]:
    """Return `first message`, `message 2` or `last message`; `position` counts from 1.

    An urgent one is announced in English, for German has no word for it.
    """
    tongue = Language.EN if urgent else tongue
    message = _words("vm-Urgent vm-message" if urgent else "vm-message", tongue)
    if position == 1:
        return _words("vm-first", tongue) + message
    if position == count:
        return _words("vm-last", tongue) + message
    return message + number(position, tongue)


def message_saved(position: int, tongue: Language) -> tuple[str, ...]:
    """Return `Message 2 saved.`"""
    return _words("vm-message", tongue) + number(position, tongue) + _words("vm-saved", tongue)


def envelope(
    caller: str, received: datetime, now: datetime, tongue: Language, *, internal: bool = False
) -> tuple[str, ...]:
    """Return when a message came and from which number; `internal`: an extension's.

    A caller without digits is unknown, and one with letters (a name). `now` is in the zone of who
    listens.
    """
    said = _words("vm-received", tongue) + moment(received, now, tongue)
    dialled = digits(caller, tongue)
    if not dialled or any(map(str.isalpha, caller)):
        return said + _words("vm-unknown-caller", tongue)
    return (
        said + _words("vm-from-extension" if internal else "vm-from-phonenumber", tongue) + dialled
    )


def message_menu(
    position: int, count: int, tongue: Language, *, deleted: bool = False
) -> tuple[str, ...]:
    """Return the keys that count while a message is listened to."""
    keys = [
        "vm-prev" if position > 1 else "",
        "vm-advopts vm-repeat",
        "vm-next" if position < count else "",
        "vm-undelete" if deleted else "vm-delete",
        "vm-toforward vm-savemessage vm-helpexit",
    ]
    return _words(" ".join(keys), tongue)


def callback(caller: str, tongue: Language) -> tuple[str, ...]:
    """Return the number to call back, and the key that does it."""
    said = _words("vm-num-i-have", tongue) + digits(caller, tongue)
    return said + _words("vm-tocallnum vm-star-cancel", tongue)


def position(place: int, tongue: Language) -> tuple[str, ...]:
    """Return where a caller stands in the line of a queue: `You are caller number 3`."""
    if place == 1:
        return _words("queue-youarenext", tongue)
    count = number(place, tongue)
    return _words("queue-thereare", tongue) + count + _words("queue-callswaiting", tongue)


def waits_minutes(minutes: int, tongue: Language) -> tuple[str, ...]:
    """Return how long a caller will wait, about; 0 is less than one minute."""
    less = () if minutes else _words("queue-less-than", tongue)
    return _words("queue-holdtime", tongue) + less + duration(max(minutes, 1) * MINUTE, tongue)


def callback_offer(key: str, caller: str, tongue: Language) -> tuple[str, ...]:
    """Return `press 1 for calling your telephone number`.

    In German that can be said of the key 1 only, and of a number that is read out; else in English.
    """
    dialled = digits(caller, tongue)
    if tongue is Language.DE and key == "1" and dialled:
        return _words("vm-num-i-have", tongue) + dialled + _words("vm-tocallnum", tongue)
    pressed = _words("vm-press", Language.EN) + digits(key, Language.EN)
    return pressed + _words("vm-for calling your telephone-number", Language.EN)


def callback_number(caller: str, tongue: Language) -> tuple[str, ...]:
    """Return the number that will be called back: 1 if it is right, * if not."""
    if tongue is Language.DE:
        return callback(caller, tongue)
    said = _words("vm-num-i-have", tongue) + digits(caller, tongue)
    return said + _words("if-correct-press digits/1 vm-star-cancel", tongue)


def _person(extension: str, tongue: Language) -> tuple[str, ...]:
    return _words("vm-theperson", tongue) + digits(extension, tongue)


def _words(names: str, tongue: Language) -> tuple[str, ...]:
    return sounds(names.split(), tongue)
