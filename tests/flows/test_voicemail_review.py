"""What is recorded is reviewed: accepted, listened to, recorded again, marked, or left so."""

from collections.abc import Awaitable, Callable

import pytest

from stasis_app.flows.review import CHOICE_SECONDS, MOST_CHOICES
from stasis_app.rules.sentences import Sentence, review
from stasis_app.words import HangupCause

from .mailbox_stage import delivered, deliveries
from .rows import box
from .stage import ANSWERS
from .voicemail_stage import EN, THANKS, Talker, accepts, arriving, as_it_is, leaves, why_discarded
from .world import World, endpoint

MENU = review(EN, urgent=False)
MARKED_MENU = review(EN, urgent=True)

Scene = Callable[[Talker], Awaitable[None]]


def reviewed(scene: Scene, prepare: Callable[[World], object] = as_it_is) -> World:
    """Let somebody leave five seconds, and tell what he does then."""

    async def spoken(talker: Talker) -> None:
        await talker.leaves(5)
        await scene(talker)

    return leaves(prepare, spoken)


def recorded(world: World) -> list[str]:
    """The recordings, one after the other, as a playback names them."""
    return [f"recording:{one['recording']}" for one in deliveries(world).values()]


@pytest.mark.parametrize("pause", [0.0, 3.0, 7.9, 8.5])
def test_accepted(pause: float) -> None:
    """During the menu, and in the seconds behind it."""

    async def scene(talker: Talker) -> None:
        await talker.waits(pause)
        await accepts(talker)

    world = reviewed(scene)
    assert len(arriving(world)) == len(delivered(world)) == 1
    assert world.cause() == HangupCause.NORMAL_CLEARING


def test_is_on_its_way_before_the_goodbye() -> None:
    async def scene(talker: Talker) -> None:
        await talker.presses("1", 0.1)
        assert len(delivered(talker.world)) == 1
        await talker.hangs_up()

    reviewed(scene)


def test_nobody_presses_a_key() -> None:
    async def scene(talker: Talker) -> None:
        await talker.hears(MENU)
        await talker.waits(CHOICE_SECONDS)
        await talker.hears(*THANKS)

    assert len(arriving(reviewed(scene))) == 1


@pytest.mark.parametrize("keys", ["5", "6789*#0", "*" * 40])
def test_other_keys_mean_nothing(keys: str) -> None:
    async def scene(talker: Talker) -> None:
        await talker.presses(keys)
        await talker.hears(*THANKS)

    assert len(arriving(reviewed(scene))) == 1


def test_listened_to() -> None:
    async def scene(talker: Talker) -> None:
        await talker.presses("2")
        await talker.hears(recorded(talker.world), MENU)
        await talker.presses("2")
        await talker.hears(recorded(talker.world))
        await accepts(talker)

    world = reviewed(scene)
    assert len(arriving(world)) == 1
    assert len(deliveries(world)) == 1


def test_recorded_again() -> None:
    async def scene(talker: Talker) -> None:
        await talker.presses("3", 0.0)
        await talker.hears_the_tone()
        await talker.speaks(7)
        await talker.presses("#")
        await accepts(talker)

    world = reviewed(scene)
    [(_, kept)] = arriving(world)
    assert kept.talking_seconds == pytest.approx(7, abs=0.1)
    assert why_discarded(world) == ["recorded_again"]
    assert len(delivered(world)) == 1
    assert world.events().count("message_begun") == 2


@pytest.mark.parametrize(("seconds", "keeps"), [(0.0, False), (0.5, False), (4.0, True)])
def test_caller_hangs_up_while_it_is_recorded_again(seconds: float, keeps: bool) -> None:
    """He has given up the first himself."""

    async def scene(talker: Talker) -> None:
        await talker.presses("3", 0.0)
        await talker.hears_the_tone()
        await talker.speaks(seconds)
        await talker.hangs_up()

    world = reviewed(scene)
    assert [one.seconds for _, one in arriving(world)] == [pytest.approx(4.0, abs=0.1)] * keeps
    empty = [] if seconds else ["nothing_recorded"]
    assert why_discarded(world) == ["recorded_again", *empty]


def test_marked_urgent() -> None:
    async def scene(talker: Talker) -> None:
        await talker.presses("4")
        await talker.hears(Sentence.MARKED_URGENT, MARKED_MENU)
        await accepts(talker)

    world = reviewed(scene)
    assert arriving(world)[0][0]["details"]["urgent"] is True
    assert world.details("message_left")[0]["urgent"] is True


def test_marked_and_unmarked() -> None:
    async def scene(talker: Talker) -> None:
        await talker.presses("4")
        await talker.presses("4")
        await talker.hears(Sentence.UNMARKED_URGENT, MENU)
        await accepts(talker)

    assert arriving(reviewed(scene))[0][0]["details"]["urgent"] is False


def test_mark_stays_while_it_is_recorded_again() -> None:
    async def scene(talker: Talker) -> None:
        await talker.presses("43", 0.0)
        await talker.hears_the_tone()
        await talker.speaks(3)
        await talker.hangs_up()

    assert arriving(reviewed(scene))[0][0]["details"]["urgent"] is True


def with_operator(world: World) -> None:
    world.keep(voicemail_boxes=box("1002", operator="1003"))


def test_operator_after_the_message() -> None:
    async def scene(talker: Talker) -> None:
        await talker.leaves()
        await talker.hears(review(EN, urgent=False, operator=True)[-1:])
        await talker.presses("0", 5)
        await talker.hangs_up()

    world = leaves(with_operator, scene, phones={endpoint("1003"): ANSWERS})
    assert world.dialled() == [endpoint("1003")]
    assert len(arriving(world)) == len(delivered(world)) == 1


def test_too_short_is_said_and_recorded_again() -> None:
    async def scene(talker: Talker) -> None:
        await talker.leaves(1)
        await talker.hears(Sentence.TOO_SHORT)
        await talker.hears_the_tone()
        await talker.speaks(3)
        await talker.presses("#")
        await accepts(talker)

    world = leaves(as_it_is, scene)
    [(_, kept)] = arriving(world)
    assert kept.talking_seconds == pytest.approx(3, abs=0.1)
    assert why_discarded(world) == ["too_short"]


def test_too_short_is_recorded_again_twice() -> None:
    async def scene(talker: Talker) -> None:
        await talker.leaves(1)
        for _ in range(2):
            await talker.hears_the_tone()
            await talker.waits(1)
            await talker.presses("#")
        await talker.hears(Sentence.TOO_SHORT, Sentence.GOODBYE)

    world = leaves(as_it_is, scene)
    assert why_discarded(world) == ["too_short"] * 3
    assert not delivered(world)
    assert world.cause() == HangupCause.NORMAL_CLEARING


def test_least_seconds_are_a_setting() -> None:
    async def scene(talker: Talker) -> None:
        await talker.leaves(1)
        await accepts(talker)

    world = leaves(lambda world: world.set(voicemail__min_seconds=0), scene)
    assert len(delivered(world)) == 1


@pytest.mark.parametrize("key", "24")
def test_who_presses_the_same_key_for_ever_is_led_out(key: str) -> None:
    async def scene(talker: Talker) -> None:
        for _ in range(MOST_CHOICES):
            await talker.presses(key)
        await talker.hears(*THANKS)

    world = reviewed(scene)
    assert len(arriving(world)) == 1


def test_who_records_again_for_ever_is_led_out() -> None:
    async def scene(talker: Talker) -> None:
        for _ in range(MOST_CHOICES - 1):
            await talker.presses("3", 0.0)
            await talker.hears_the_tone()
            await talker.waits(3)
            await talker.presses("#")
        await talker.presses("3")
        await talker.hears(*THANKS)

    world = reviewed(scene)
    assert len(arriving(world)) == len(delivered(world)) == 1


@pytest.mark.parametrize("pause", [0.0, 0.05, 2.0, 7.95, 8.0, 10.0, 12.95])
@pytest.mark.parametrize("keys", ["", "2", "4", "44", "22", "29"])
def test_caller_hangs_up_in_the_review(keys: str, pause: float) -> None:
    async def scene(talker: Talker) -> None:
        await talker.presses(keys)
        await talker.waits(pause)
        await talker.hangs_up()

    world = reviewed(scene)
    assert len(arriving(world)) == len(delivered(world)) == 1
    assert arriving(world)[0][0]["details"]["urgent"] == (keys == "4")
    assert world.details("message_left")[0]["seconds"] == 5.0
