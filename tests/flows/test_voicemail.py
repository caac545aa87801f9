"""Leaving a message: the greeting, its keys, the tone, and what gets into the box."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from stasis_app.rules.models import Target
from stasis_app.rules.sentences import Sentence, on_the_phone, review, say, unavailable
from stasis_app.rules.spoken import Language, digits
from stasis_app.words import ExtensionType, HangupCause, TargetType
from tests.support.fake_mailboxes import media_address
from tests.support.fake_phones import Phone

from .mailbox_stage import PIN, delivered, left, speaks, with_box
from .rows import box, identity, inbound_rule, profile, user
from .stage import ANSWERS, BUSY, CALLER, DECLINES, DID, RINGS, story, with_trunks
from .stage import delivers as carrier_delivers
from .voicemail_stage import BOX, Prepare, Talker, arriving, as_it_is, goes, leaves, why_discarded
from .world import World, endpoint

EN, DE = Language.EN, Language.DE
UNAVAILABLE = (*unavailable("1002", EN), *say(Sentence.LEAVE_MESSAGE, EN))
BUSY_GREETING = (*on_the_phone("1002", EN), *say(Sentence.LEAVE_MESSAGE, EN))

PLAY, OWN, BUSY_PROMPT, TEMPORARY, NAME = map(
    identity, ("play", "own", "busy", "temporary", "name")
)


def sound(media: Any) -> tuple[str, ...]:
    return (f"sound:{media_address(media)}",)


def boxed(**columns: Any) -> Prepare:
    """What gives 1002 a box with these columns."""
    return lambda world: world.keep(voicemail_boxes=box("1002", **columns))


# a message is left


def test_message_is_left() -> None:
    async def scene(talker: Talker) -> None:
        await talker.hears(UNAVAILABLE)
        await talker.hears_the_tone()
        await talker.speaks(5)
        await talker.presses("#")
        await talker.hears(review(EN, urgent=False))
        await talker.presses("1")
        await talker.hears(Sentence.MESSAGE_LEFT, Sentence.GOODBYE)

    world = leaves(as_it_is, scene)
    [(message, recorded)] = arriving(world)
    assert recorded.talking_seconds == pytest.approx(5, abs=0.1)
    assert (message["kind"], message["box_id"]) == ("message", str(BOX))
    assert message["details"] == {
        "caller_number": "1001",
        "caller_name": "",
        "language": "en",
        "urgent": False,
    }
    assert world.events() == [
        "arrived",
        "answered",
        "message_begun",
        "message_left",
        "announced",
        "announced",
        "ended",
    ]
    assert world.details("message_left") == [{"number": "1002", "seconds": 5.0, "urgent": False}]
    assert world.cause() == HangupCause.NORMAL_CLEARING
    assert world.row()["callee_extension_id"] == str(identity("1002"))


@pytest.mark.parametrize(
    ("seconds", "keeps"), [(0.0, False), (0.2, False), (1.5, False), (2.5, True), (60.0, True)]
)
def test_caller_hangs_up_after_the_tone(seconds: float, keeps: bool) -> None:
    async def scene(talker: Talker) -> None:
        await talker.skips_to_the_tone()
        await talker.speaks(seconds)
        await talker.hangs_up()

    world = leaves(as_it_is, scene)
    assert len(arriving(world)) == keeps
    assert len(delivered(world)) == 1
    [noted] = world.details("message_left")
    assert noted["seconds"] == pytest.approx(seconds, abs=0.4)
    assert world.cause() == HangupCause.NORMAL_CLEARING


@pytest.mark.parametrize("during", [0.0, 0.1, 0.31, 1.0, 5.0])
def test_caller_hangs_up_before_the_tone(during: float) -> None:
    async def scene(talker: Talker) -> None:
        await talker.waits(during)
        await talker.hangs_up()

    world = leaves(as_it_is, scene)
    assert not delivered(world)
    assert world.events()[-2:] == ["answered", "ended"]


def test_silence_ends_the_message() -> None:
    async def scene(talker: Talker) -> None:
        await talker.skips_to_the_tone()
        await talker.speaks(4)
        await talker.hears(review(EN, urgent=False), Sentence.MESSAGE_LEFT)

    world = leaves(lambda world: world.set(voicemail__silence_seconds=3), scene)
    [(_, recorded)] = arriving(world)
    assert recorded.seconds == pytest.approx(7, abs=0.1)


def test_limit_ends_the_message() -> None:
    async def scene(talker: Talker) -> None:
        await talker.skips_to_the_tone()
        await talker.speaks(40)
        await talker.hears(Sentence.MESSAGE_LEFT)

    world = leaves(lambda world: world.set(voicemail__max_seconds=20), scene)
    [(_, recorded)] = arriving(world)
    assert recorded.seconds == pytest.approx(20, abs=0.1)


def test_limit_of_nothing_is_no_message_without_end() -> None:
    async def scene(talker: Talker) -> None:
        await talker.skips_to_the_tone()
        await talker.speaks(40)

    world = leaves(lambda world: world.set(voicemail__max_seconds=0), scene)
    assert why_discarded(world) == ["too_short"] * 3


def test_keys_while_speaking_mean_nothing() -> None:
    async def scene(talker: Talker) -> None:
        await talker.skips_to_the_tone()
        await talker.presses("0123456789*")
        await talker.speaks(5)
        await talker.presses("#")
        await talker.hears(review(EN, urgent=False), Sentence.MESSAGE_LEFT)

    assert len(arriving(leaves(as_it_is, scene))) == 1


def test_key_during_the_tone_does_not_end_the_message() -> None:
    async def scene(talker: Talker) -> None:
        await talker.presses("###")
        await talker.speaks(5)
        await talker.hangs_up()

    assert len(arriving(leaves(as_it_is, scene))) == 1


# the greeting


REASONS: dict[str, tuple[dict[str, Any], Phone, Sequence[str]]] = {
    "no_answer": ({}, RINGS, UNAVAILABLE),
    "busy": ({}, BUSY, BUSY_GREETING),
    "declined": ({}, DECLINES, BUSY_GREETING),
    "dnd": ({"dnd": True}, ANSWERS, BUSY_GREETING),
    "full": ({"max_concurrent_calls": 0}, ANSWERS, BUSY_GREETING),
    "virtual": ({"type": ExtensionType.VIRTUAL}, ANSWERS, UNAVAILABLE),
    "forward": ({"forward_unconditional": "voicemail"}, ANSWERS, UNAVAILABLE),
}


@pytest.mark.parametrize("reason", REASONS)
def test_exchange_greets_by_the_reason(reason: str) -> None:
    columns, phone, said = REASONS[reason]

    async def scene(talker: Talker) -> None:
        await talker.hears(said)
        await talker.leaves()

    world = leaves(
        lambda world: world.extension("1002", voicemail=True, **columns),
        scene,
        number="1002",
        phones={endpoint("1002"): phone},
    )
    assert len(arriving(world)) == 1
    assert world.details("forwarded")[0]["to"] == "voicemail"
    assert world.answered_at() < world.second_of("message_begun")


def test_closed_extension_takes_messages() -> None:
    def prepare(world: World) -> None:
        night = profile("night", "7")
        owner = user("anna", time_profile=night.id)
        world.keep(time_profiles=night, users=owner)
        world.extension("1002", voicemail=True, user=owner.id)

    async def scene(talker: Talker) -> None:
        await talker.hears(UNAVAILABLE)
        await talker.hangs_up()

    world = leaves(prepare, scene, number="1002", phones={endpoint("1002"): ANSWERS})
    assert [one["reason"] for one in world.details("forwarded")] == ["closed"]


OWN_GREETINGS: list[tuple[dict[str, Any], bool, Sequence[str]]] = [
    ({"greeting": OWN}, False, sound(OWN)),
    ({"greeting": OWN}, True, sound(OWN)),
    ({"greeting": OWN, "busy_greeting": BUSY_PROMPT}, False, sound(OWN)),
    ({"greeting": OWN, "busy_greeting": BUSY_PROMPT}, True, sound(BUSY_PROMPT)),
    ({"greeting": OWN, "temporary_greeting": TEMPORARY}, True, sound(TEMPORARY)),
    ({"busy_greeting": BUSY_PROMPT}, False, UNAVAILABLE),
    (
        {"name_prompt": NAME},
        False,
        (*sound(NAME), *say(Sentence.IS_UNAVAILABLE, EN), *say(Sentence.LEAVE_MESSAGE, EN)),
    ),
    (
        {"name_prompt": NAME},
        True,
        (*sound(NAME), *say(Sentence.IS_ON_THE_PHONE, EN), *say(Sentence.LEAVE_MESSAGE, EN)),
    ),
]


@pytest.mark.parametrize(("columns", "busy", "said"), OWN_GREETINGS)
def test_box_greets(columns: dict[str, Any], busy: bool, said: Sequence[str]) -> None:
    """An own greeting says all: the tone follows."""

    def prepare(world: World) -> None:
        boxed(**columns)(world)
        world.extension("1002", voicemail=True, dnd=busy)

    async def scene(talker: Talker) -> None:
        await talker.hears_the_tone()
        assert talker.played == list(said)
        await talker.hangs_up()

    leaves(prepare, scene, number="1002" if busy else "*951002")


def missing(world: World) -> None:
    world.audio.missing.update((OWN, NAME))


def broken(world: World) -> None:
    world.asterisk.unplayable.update((*sound(OWN), *sound(NAME)))


@pytest.mark.parametrize("spoils", [missing, broken])
@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"greeting": OWN}, UNAVAILABLE),
        (
            {"name_prompt": NAME},
            (*digits("1002", EN), *say(Sentence.IS_UNAVAILABLE, EN), *UNAVAILABLE[-1:]),
        ),
    ],
)
def test_greeting_that_can_not_be_played(
    spoils: Callable[[World], None], columns: dict[str, Any], said: Sequence[str]
) -> None:
    def prepare(world: World) -> None:
        spoils(world)
        boxed(**columns)(world)

    async def scene(talker: Talker) -> None:
        await talker.hears_the_tone()
        assert talker.played == list(said)
        await talker.hangs_up()

    world = leaves(prepare, scene)
    [media] = columns.values()
    assert world.details("media_skipped") == [{"media": str(media)}]


# in which language, and who calls


def test_greeting_speaks_the_language_of_the_owner() -> None:
    async def scene(talker: Talker) -> None:
        await talker.hears(unavailable("1002", DE), tongue=DE)
        await talker.leaves()
        await talker.hears(review(DE, urgent=False), Sentence.MESSAGE_LEFT, tongue=DE)

    world = leaves(lambda world: speaks(world, "1002", language="de-DE"), scene)
    assert arriving(world)[0][0]["details"]["language"] == "de"


def from_outside(world: World, caller: str = CALLER, language: str | None = None) -> None:
    with_trunks(world)
    target = Target(TargetType.VOICEMAIL, BOX)
    world.keep(inbound_rules=inbound_rule("in", DID, target, language=language))


async def outsider(world: World, caller: str = CALLER, **columns: Any) -> None:
    with_box(world, "1002")
    from_outside(world, **columns)
    await carrier_delivers(world, caller=caller, hangs_up=30.0)


@pytest.mark.parametrize(
    ("caller", "shown"), [(CALLER, CALLER), ("anonymous", "anonymous"), ("", "anonymous")]
)
def test_message_names_the_caller_from_outside(caller: str, shown: str) -> None:
    world = story(lambda world: outsider(world, caller))
    [(message, _)] = arriving(world)
    assert message["details"]["caller_number"] == shown == world.row()["caller_number"]
    assert not message["details"]["caller_name"]


def test_who_calls_anonymously_stays_so() -> None:
    async def scene(talker: Talker) -> None:
        await talker.leaves()
        await talker.hangs_up()

    world = leaves(
        lambda world: world.extension("1002", voicemail=True, dnd=True), scene, number="*311002"
    )
    assert arriving(world)[0][0]["details"]["caller_number"] == "anonymous"


# keys in the greeting


@pytest.mark.parametrize("key", "0123456789")
def test_other_keys_in_the_greeting_mean_nothing(key: str) -> None:
    async def scene(talker: Talker) -> None:
        await talker.presses(key, 0.0)
        await talker.hears_the_tone()
        assert talker.played == list(UNAVAILABLE)
        await talker.hangs_up()

    leaves(as_it_is, scene)


def test_owner_logs_in_from_the_greeting() -> None:
    async def scene(talker: Talker) -> None:
        await talker.presses("*")
        await talker.hears(Sentence.PIN)
        await talker.presses(PIN + "#")
        await talker.waits(2)
        await talker.hangs_up()

    def prepare(world: World) -> None:
        left(world, False, number="1002")

    world = leaves(prepare, scene)
    assert "mailbox_opened" in world.events()
    assert not delivered(world)


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("pause", [0.0, 3.0])
def test_operator(own: bool, pause: float) -> None:
    """That of the box, or else of the exchange."""

    def prepare(world: World) -> None:
        world.set(voicemail__operator="1001" if own else 1003)
        boxed(operator="1003" if own else None)(world)

    async def scene(talker: Talker) -> None:
        await talker.waits(pause)
        await talker.presses("0", 5)
        await talker.hangs_up()

    world = leaves(prepare, scene, phones={endpoint("1003"): ANSWERS})
    assert world.dialled() == [endpoint("1003")]
    assert not delivered(world)


@pytest.mark.parametrize("code", ["", "*95"])
def test_operator_without_anybody(code: str) -> None:
    """Who is led round in a circle by keys is led out."""

    def prepare(world: World) -> None:
        boxed(operator=code + "1003")(world)
        with_box(world, "1003", operator=code + "1002")
        world.extension("1003", voicemail=True, dnd=True)
        world.extension("1002", voicemail=True, dnd=True)

    async def scene(talker: Talker) -> None:
        for _ in range(100):
            await talker.presses("0")

    world = leaves(prepare, scene)
    assert world.cause() == HangupCause.LOOP_DETECTED
    assert not delivered(world)


# no message can be left


@pytest.mark.parametrize("own", [True, False])
def test_full_box_says_so(own: bool) -> None:
    def prepare(world: World) -> None:
        world.set(voicemail__max_messages=2 if not own else 100)
        boxed(max_messages=2 if own else None)(world)
        left(world, True, False, number="1002")

    async def scene(talker: Talker) -> None:
        await talker.hears(Sentence.MAILBOX_FULL, Sentence.GOODBYE)

    world = leaves(prepare, scene)
    assert world.events() == ["arrived", "answered", "announced", "announced", "ended"]
    assert world.cause() == HangupCause.NORMAL_CLEARING
    assert not delivered(world)


def away(world: World) -> None:
    world.postgres_away = True


def slow(world: World) -> None:
    world.mailboxes.seconds = 60.0


@pytest.mark.parametrize("fails", [away, slow])
def test_postgres_is_away(fails: Callable[[World], None]) -> None:
    """The caller notices nothing."""

    def prepare(world: World) -> None:
        fails(world)
        boxed(max_messages=0)(world)

    async def scene(talker: Talker) -> None:
        await talker.waits(1)
        await talker.leaves()
        await talker.presses("1")
        await talker.hears(Sentence.MESSAGE_LEFT)

    assert len(arriving(leaves(prepare, scene))) == 1


def test_extension_without_a_box_is_refused() -> None:
    world = leaves(lambda world: world.extension("1002"), goes)
    assert world.cause() == HangupCause.UNALLOCATED_NUMBER
    assert not delivered(world)
