"""What greets a caller who can leave a message, and the keys that count meanwhile."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from stasis_app.rules.sentences import Sentence, on_the_phone, say
from stasis_app.rules.spoken import digits
from stasis_app.words import ExtensionType, HangupCause
from tests.support.fake_mailboxes import media_address
from tests.support.fake_phones import Phone

from .mailbox_stage import PIN, delivered, left, with_box
from .rows import identity, profile, user
from .stage import ANSWERS, BUSY, DECLINES, RINGS
from .voicemail_stage import EN, UNAVAILABLE, Talker, arriving, as_it_is, boxed, leaves
from .world import World, endpoint

BUSY_GREETING = (*on_the_phone("1002", EN), *say(Sentence.LEAVE_MESSAGE, EN))

OWN, BUSY_PROMPT, TEMPORARY, NAME = map(identity, ("own", "busy", "temporary", "name"))


def sound(media: Any) -> tuple[str, ...]:
    return (f"sound:{media_address(media)}",)


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
