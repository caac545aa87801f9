"""What is said, in the words of the sound files."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasis_app.rules.mailbox import Greeting
from stasis_app.rules.sentences import (
    RECORD_GREETING,
    Sentence,
    callback,
    callback_number,
    callback_offer,
    envelope,
    message_menu,
    message_number,
    message_saved,
    messages_waiting,
    on_the_phone,
    position,
    review,
    say,
    unavailable,
    waits_minutes,
)
from stasis_app.rules.spoken import Language

DE, EN = Language.DE, Language.EN
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 25, 10, 0, tzinfo=BERLIN)
RECEIVED = datetime(2026, 11, 24, 14, 5, tzinfo=BERLIN)


def words(said: tuple[str, ...]) -> str:
    """Languages and names, a language said only where it changes: `de/ vm-no en/ beep`."""
    found, before = [], ""
    for uri in said:
        tongue, _, name = uri.removeprefix("sound:").partition("/")
        found += [f"{tongue}/"] if tongue != before else []
        found.append(name.removeprefix("digits/"))
        before = tongue
    return " ".join(found)


def test_a_sentence_that_both_have() -> None:
    assert say(Sentence.GOODBYE, DE) == ("sound:de/vm-goodbye",)
    assert say(Sentence.GOODBYE, EN) == ("sound:en/vm-goodbye",)


def test_a_sentence_of_other_words_in_german() -> None:
    assert words(say(Sentence.NOT_ANSWERING, DE)) == "de/ vm-nobodyavail"
    assert words(say(Sentence.NOT_ANSWERING, EN)) == "en/ number-not-answering"


def test_a_sentence_that_german_lacks_is_english() -> None:
    assert words(say(Sentence.CIRCUITS_BUSY, DE)) == "en/ all-circuits-busy-now"


def test_the_second_half_of_a_german_sentence_does_not_stand_alone() -> None:
    said = words(say(Sentence.TEMPORARY_GREETING, DE))
    assert said == "de/ vm-tempgreeting vm-tempgreeting2"


@pytest.mark.parametrize("sentence", Sentence)
def test_a_sentence_stays_in_one_language(sentence: Sentence) -> None:
    assert say(sentence, EN)
    assert words(say(sentence, EN)).startswith("en/")
    assert words(say(sentence, DE)).count("/ ") == 1


def test_every_greeting_has_an_invitation_to_record_it() -> None:
    assert RECORD_GREETING.keys() == set(Greeting)


@pytest.mark.parametrize("tongue", Language)
def test_whom_a_caller_does_not_reach(tongue: Language) -> None:
    away, busy = unavailable("201", tongue), on_the_phone("201", tongue)
    assert words(away) == f"{tongue}/ vm-theperson 2 0 1 vm-isunavail"
    assert words(busy) == f"{tongue}/ vm-theperson 2 0 1 vm-isonphone"


@pytest.mark.parametrize(
    ("urgent", "operator", "english", "german"),
    [
        (None, False, "en/ vm-review", "de/ vm-review"),
        (None, True, "en/ vm-review vm-reachoper", "de/ vm-review vm-reachoper"),
        (False, False, "en/ vm-review vm-review-urgent", "de/ vm-review en/ vm-review-urgent"),
        (
            True,
            True,
            "en/ vm-review vm-review-nonurgent vm-reachoper",
            "de/ vm-review en/ vm-review-nonurgent de/ vm-reachoper",
        ),
    ],
)
def test_the_keys_after_a_recording(
    urgent: bool | None, operator: bool, english: str, german: str
) -> None:
    assert words(review(EN, urgent=urgent, operator=operator)) == english
    assert words(review(DE, urgent=urgent, operator=operator)) == german


WAITING = [
    ((0, 0, 0), "vm-no vm-messages", "vm-no vm-messages"),
    ((1, 0, 0), "1F vm-INBOX vm-message", "1 vm-INBOX vm-message"),
    ((2, 0, 0), "2 vm-INBOX vm-messages", "2 vm-INBOX vm-messages"),
    ((0, 1, 0), "1F vm-Old vm-message", "1 vm-Old vm-message"),
    ((0, 21, 0), "1-and 20 vm-Old vm-messages", "20 1 vm-Old vm-messages"),
    (
        (1, 1, 0),
        "1F vm-INBOX vm-and 1F vm-Old vm-message",
        "1 vm-INBOX vm-and 1 vm-Old vm-message",
    ),
    (
        (3, 12, 0),
        "3 vm-INBOX vm-and 12 vm-Old vm-messages",
        "3 vm-INBOX vm-and 12 vm-Old vm-messages",
    ),
    ((1, 0, 1), "1F vm-INBOX vm-message", "1 vm-Urgent vm-message"),
    ((3, 0, 1), "3 vm-INBOX vm-messages", "1 vm-Urgent vm-and 2 vm-INBOX vm-messages"),
    (
        (3, 4, 2),
        "3 vm-INBOX vm-and 4 vm-Old vm-messages",
        "2 vm-Urgent vm-and 1 vm-INBOX vm-and 4 vm-Old vm-messages",
    ),
]


@pytest.mark.parametrize(("counts", "german", "english"), WAITING)
def test_messages_waiting(counts: tuple[int, int, int], german: str, english: str) -> None:
    unread, read, urgent = counts
    assert words(messages_waiting(unread, read, DE, urgent=urgent)) == f"de/ vm-youhave {german}"
    assert words(messages_waiting(unread, read, EN, urgent=urgent)) == f"en/ vm-youhave {english}"


@pytest.mark.parametrize(
    ("position", "count", "said"),
    [
        (1, 1, "vm-first vm-message"),
        (1, 3, "vm-first vm-message"),
        (2, 3, "vm-message 2"),
        (3, 3, "vm-last vm-message"),
    ],
)
def test_which_message_it_is(position: int, count: int, said: str) -> None:
    assert words(message_number(position, count, DE)) == f"de/ {said}"
    urgent = said.replace("vm-message", "vm-Urgent vm-message")
    assert words(message_number(position, count, EN, urgent=True)) == f"en/ {urgent}"
    assert message_number(position, count, DE, urgent=True) == message_number(
        position, count, EN, urgent=True
    )


def test_which_message_was_saved() -> None:
    assert words(message_saved(22, DE)) == "de/ vm-message 2-and 20 vm-saved"


@pytest.mark.parametrize(
    ("caller", "internal", "who"),
    [
        ("+49301", False, "vm-from-phonenumber 4 9 3 0 1"),
        ("201", True, "vm-from-extension 2 0 1"),
        ("anonymous", False, "vm-unknown-caller"),
        ("", True, "vm-unknown-caller"),
        ("sales2", False, "vm-unknown-caller"),
    ],
)
def test_the_envelope(caller: str, internal: bool, who: str) -> None:
    german = envelope(caller, RECEIVED, NOW, DE, internal=internal)
    english = envelope(caller, RECEIVED, NOW, EN, internal=internal)
    assert words(german) == f"de/ vm-received yesterday at 14 oclock 5 {who}"
    assert words(english) == f"en/ vm-received yesterday at 2 oh 5 p-m {who}"


@pytest.mark.parametrize(
    ("place", "deleted", "said"),
    [
        ((1, 1), False, "vm-advopts vm-repeat vm-delete"),
        ((1, 2), False, "vm-advopts vm-repeat vm-next vm-delete"),
        ((2, 3), True, "vm-prev vm-advopts vm-repeat vm-next vm-undelete"),
        ((3, 3), False, "vm-prev vm-advopts vm-repeat vm-delete"),
    ],
)
def test_the_keys_of_a_message(place: tuple[int, int], deleted: bool, said: str) -> None:
    for tongue in Language:
        menu = words(message_menu(*place, tongue, deleted=deleted))
        assert menu == f"{tongue}/ {said} vm-toforward vm-savemessage vm-helpexit"


def test_the_number_to_call_back() -> None:
    assert words(callback("030", DE)) == "de/ vm-num-i-have 0 3 0 vm-tocallnum vm-star-cancel"


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (1, "queue-youarenext"),
        (2, "queue-thereare 2 queue-callswaiting"),
        (10, "queue-thereare 10 queue-callswaiting"),
    ],
)
@pytest.mark.parametrize("tongue", Language)
def test_the_place_in_a_queue(place: int, said: str, tongue: Language) -> None:
    assert words(position(place, tongue)) == f"{tongue}/ {said}"


@pytest.mark.parametrize(
    ("minutes", "english", "german"),
    [
        (0, "queue-less-than 1 minute", "queue-less-than 60 seconds"),
        (1, "1 minute", "60 seconds"),
        (2, "2 minutes", "2 minutes"),
        (25, "20 5 minutes", "5-and 20 minutes"),
        (90, "90 minutes", "90 minutes"),
    ],
)
def test_how_long_a_caller_will_wait(minutes: int, english: str, german: str) -> None:
    assert words(waits_minutes(minutes, EN)) == f"en/ queue-holdtime {english}"
    assert words(waits_minutes(minutes, DE)) == f"de/ queue-holdtime {german}"


@pytest.mark.parametrize(
    ("key", "caller", "german"),
    [
        ("1", "030", "de/ vm-num-i-have 0 3 0 vm-tocallnum"),
        ("1", "", "en/ vm-press 1 vm-for calling your telephone-number"),
        ("*", "030", "en/ vm-press star vm-for calling your telephone-number"),
    ],
)
def test_the_key_that_asks_to_be_called_back(key: str, caller: str, german: str) -> None:
    assert words(callback_offer(key, caller, DE)) == german
    english = words(callback_offer(key, caller, EN))
    pressed = {"1": "1", "*": "star"}[key]
    assert english == f"en/ vm-press {pressed} vm-for calling your telephone-number"


def test_the_number_that_will_be_called_back() -> None:
    english, german = callback_number("030", EN), callback_number("030", DE)
    assert words(english) == "en/ vm-num-i-have 0 3 0 if-correct-press 1 vm-star-cancel"
    assert words(german) == "de/ vm-num-i-have 0 3 0 vm-tocallnum vm-star-cancel"


@given(unread=st.integers(0, 999), read=st.integers(0, 999))
def test_no_message_is_one_too_many(unread: int, read: int) -> None:
    noun = "vm-message" if (read or unread) == 1 else "vm-messages"
    for tongue in Language:
        said = words(messages_waiting(unread, read, tongue)).split()
        assert said[-1] == noun
        assert ("vm-INBOX" in said) == bool(unread)
        assert ("vm-Old" in said) == bool(read)
        assert ("vm-no" in said) == (not unread and not read)
