"""Somebody listens to a mailbox: what is heard, and the keys that are pressed."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from stasis_app.rules.mailbox import Message
from stasis_app.rules.sentences import Sentence, message_menu, say
from stasis_app.rules.spoken import Language
from tests.support.fake_mailboxes import FakeBox, message_address
from tests.support.fake_media import HELD_SECONDS
from tests.support.fake_phones import Channel
from tests.support.virtual_time import run

from .invariants import check
from .rows import box, box_identity, identity, user
from .stage import world_of
from .world import World

EN, DE = Language.EN, Language.DE
PIN = "471100"
BOX = box_identity("1001")

# nobody presses a key before there is something to hear
LISTENING = 0.5

Scene = Callable[["Owner"], Awaitable[None]]


def with_box(world: World, number: str = "1001", pin: str | None = PIN, **columns: Any) -> FakeBox:
    """Give an extension a mailbox; `columns` are those of the box."""
    world.extension(number, voicemail=True)
    world.keep(voicemail_boxes=box(number, **columns))
    return world.mailboxes.box(box_identity(number), number, pin)


def speaks(world: World, number: str, **columns: Any) -> None:
    """Give an extension with a mailbox a user."""
    owner = user(f"user of {number}", **columns)
    world.keep(users=owner)
    world.extension(number, voicemail=True, user=owner.id)


def left(world: World, *reads: bool, number: str = "1001", seconds: float = 8.0) -> list[Message]:
    """Put messages into a box, each read or not."""
    leave, box = world.mailboxes.leave, box_identity(number)
    came = [leave(box, "1002", read=read, seconds=seconds) for read in reads]
    world.asterisk.media_seconds.update({audio(message)[0]: seconds for message in came})
    return came


def held(world: World) -> list[Message]:
    """Return the messages of 1001 as they are heard."""
    messages = world.mailboxes.boxes[BOX].messages
    return sorted(messages, key=lambda one: (one.read, one.received_at))


def with_temporary_greeting(world: World) -> None:
    found = world.book.voicemail_boxes.items[BOX]
    world.keep(voicemail_boxes=replace(found, temporary_greeting=identity("temporary")))


def audio(message: Message) -> tuple[str, ...]:
    return (f"sound:{message_address(message.id)}",)


def spoken(said: Sentence | Sequence[str], tongue: Language = EN) -> tuple[str, ...]:
    return say(said, tongue) if isinstance(said, Sentence) else tuple(said)


@dataclass
class Owner:
    """Whoever is in the mailbox. `at` is how much of what was played has been listened to."""

    world: World
    phone: Channel
    at: int = 0

    @property
    def played(self) -> list[str]:
        heard = self.world.asterisk.played
        return [media for _, channel, media in heard if channel == self.phone.id]

    def find(self, said: Sequence[str]) -> int | None:
        """Return where what is said ends, from where we have listened to."""
        places = range(self.at, len(self.played) - len(said) + 1)
        found = (place for place in places if self.played[place : place + len(said)] == list(said))
        return next((place + len(said) for place in found), None)

    async def hears(self, *said: Sentence | Sequence[str], tongue: Language = EN) -> None:
        """Wait until that is said, one thing after another."""
        for one in said:
            words = spoken(one, tongue)
            await self.world.until(partial(self.find, words), within=120, every=0.1)
            self.at = self.find(words) or self.at

    async def hears_no(self, *said: Sentence | Sequence[str]) -> None:
        for one in said:
            assert self.find(spoken(one)) is None, f"{one} was said"

    async def presses(self, keys: str, wait: float = 0.2) -> None:
        """Press keys, and wait for what comes of the last one."""
        self.at = len(self.played)
        self.world.asterisk.press(self.phone, keys)
        await asyncio.sleep(len(keys) * HELD_SECONDS + wait)

    @staticmethod
    async def waits(seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def hangs_up(self) -> None:
        self.world.asterisk.end(self.phone)


def menu_of(position: int, count: int, *, deleted: bool = False) -> tuple[str, ...]:
    return message_menu(position, count, EN, deleted=deleted)


async def told(scene: Scene, world: World, number: str = "*97", phone: str = "1001") -> World:
    owner = Owner(world, world.asterisk.call(phone, number))
    await owner.waits(LISTENING)
    await scene(owner)
    await world.over()
    check(world)
    return world


def visit(prepare: Callable[[World], object], scene: Scene, **call: str) -> World:
    """Let 1001 dial *97, and tell what happens to the end of the call."""

    async def tell() -> World:
        world = world_of()
        with_box(world)
        prepare(world)
        return await told(scene, world, **call)

    return run(tell())


def deliveries(world: World) -> dict[str, dict[str, Any]]:
    """What is to be delivered, by id: all that was written of it."""
    found: dict[str, dict[str, Any]] = {}
    for record in world.records:
        if "delivery" in record:
            known = found.setdefault(record["delivery"]["id"], {"details": {}})
            details = {**known["details"], **record["delivery"].get("details", {})}
            known.update({**record["delivery"], "details": details})
    return found


def delivered(world: World) -> list[dict[str, Any]]:
    return [one for one in deliveries(world).values() if "finished_at" in one]


def particulars(delivery: dict[str, Any]) -> dict[str, Any]:
    """What is told of a delivery, but for its length."""
    return {key: value for key, value in delivery["details"].items() if key != "seconds"}


async def speaks_for(owner: Owner, seconds: float) -> None:
    """Speak after the tone, and end it with #."""
    await owner.waits(2.5)
    owner.world.asterisk.talk(owner.phone, seconds)
    await owner.waits(seconds)
    await owner.presses("#")
