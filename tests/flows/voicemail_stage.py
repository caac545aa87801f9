"""Somebody leaves a message in the box of 1002: what he does, and what becomes of what he says."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stasis_app.call.call import call_of
from stasis_app.rules.sentences import Sentence, say, unavailable
from stasis_app.rules.spoken import Language
from tests.support.fake_turns import Recorded
from tests.support.virtual_time import run

from .invariants import check
from .mailbox_stage import Owner, deliveries, with_box
from .rows import box, box_identity
from .stage import world_of
from .world import World

BOX = box_identity("1002")
DIRECTLY = "*951002"
LEAST_SECONDS = 2.0

EN, DE = Language.EN, Language.DE
UNAVAILABLE = (*unavailable("1002", EN), *say(Sentence.LEAVE_MESSAGE, EN))
THANKS = (Sentence.MESSAGE_LEFT, Sentence.GOODBYE)

Prepare = Callable[[World], object]


@dataclass
class Talker(Owner):
    """Whoever speaks after the tone."""

    async def hears_the_tone(self) -> None:
        """Wait until the tone is over."""
        asterisk = self.world.asterisk
        before = len(asterisk.recordings)
        await self.world.until(lambda: len(asterisk.recordings) > before, within=60, every=0.01)

    async def skips_to_the_tone(self) -> None:
        await self.presses("#", 0.0)
        await self.hears_the_tone()

    async def speaks(self, seconds: float = 5.0) -> None:
        self.world.asterisk.talk(self.phone, seconds)
        await self.waits(seconds)

    async def leaves(self, seconds: float = 5.0) -> None:
        """Skip the greeting, speak, and press # then."""
        await self.skips_to_the_tone()
        await self.speaks(seconds)
        await self.presses("#")


def leaves(
    prepare: Prepare,
    scene: Callable[[Talker], Any],
    *,
    number: str = DIRECTLY,
    phone: str = "1001",
    **asterisk: Any,
) -> World:
    """Let somebody call where 1002 has a box, and tell what happens to the end of the call."""

    async def tell() -> World:
        world = world_of(**asterisk)
        with_box(world, "1002")
        prepare(world)
        talker = Talker(world, world.asterisk.call(phone, number))
        await talker.waits(0.5)
        await scene(talker)
        await world.over()
        check(world)
        nothing_is_lost(world)
        return world

    return run(tell())


def boxed(**columns: Any) -> Prepare:
    """What gives 1002 a box with these columns."""
    return lambda world: world.keep(voicemail_boxes=box("1002", **columns))


def as_it_is(world: World) -> None:
    """Prepare nothing."""


async def accepts(talker: Talker) -> None:
    await talker.presses("1")
    await talker.hears(*THANKS)


async def goes(talker: Talker) -> None:
    await talker.hangs_up()


def arriving(world: World) -> list[tuple[dict[str, Any], Recorded]]:
    """What gets into the boxes: neither discarded nor too short, which is judged on the audio."""
    recordings = world.asterisk.recordings
    found = [
        (one, recordings[one["recording"]])
        for one in deliveries(world).values()
        if "discarded" not in one and one["recording"] in recordings
    ]
    return [(one, recorded) for one, recorded in found if recorded.seconds >= LEAST_SECONDS]


def why_discarded(world: World) -> list[str]:
    return [one["reason"] for one in world.details("message_discarded")]


def nothing_is_lost(world: World) -> None:
    """Every second behind a tone is promised to be delivered, or was given up for a reason."""
    promised = deliveries(world)
    by_recording = {one["recording"]: one for one in promised.values()}
    assert len(by_recording) == len(promised)
    assert by_recording.keys() >= world.asterisk.recordings.keys(), "nobody knows of a recording"
    for one in promised.values():
        assert not ("discarded" in one and "finished_at" in one), "kept, and discarded too"
        over = "discarded" in one or "finished_at" in one
        assert over or "adopted" in world.events() or "unwatched" in the_end(world, one)
    calls = [call_of(one["recording"]) for one, _ in arriving(world)]
    assert len(calls) == len(set(calls)), "one message has come twice"
    noted = [event for event in world.events() if event in ("message_left", "message_discarded")]
    assert len(noted) <= len(promised) + world.events().count("adopted")
    assert not any(map(world.asterisk.recording, by_recording)), "it is recorded for ever"


def the_end(world: World, delivery: dict[str, Any]) -> dict[str, Any]:
    """The details of the end of the call that a delivery is of."""
    call = str(call_of(delivery["recording"]))
    [end] = [r["event"][3] for r in world.records if r["call"] == call and "end" in r]
    return dict(end)
