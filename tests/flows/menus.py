"""A menu with every kind of option, callers who press its keys, and what they hear."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from stasis_app.rules.models import Target
from stasis_app.words import IvrAction, QueueStatus, TargetType
from tests.support.fake_mailboxes import media_address
from tests.support.fake_phones import Channel

from .rows import (
    box,
    box_identity,
    identity,
    inbound_rule,
    menu,
    menu_option,
    queue,
    to_box,
    to_extension,
    to_menu,
    to_outside,
)
from .stage import ANSWERS, DID, NUMBER, carriers, delivers, story, with_trunks
from .world import World, endpoint

# prompts
WELCOME, INVALID, TIMEOUT, SUB, BEFORE = "welcome", "invalid", "timeout", "sub", "before"
PROMPTS = (WELCOME, INVALID, TIMEOUT, SUB, BEFORE)
# what the exchange says by itself
BEEP, WRONG_KEY, TRY_AGAIN, BYE = (
    f"en/{name}" for name in ("beep", "pm-invalid-option", "please-try-again", "vm-goodbye")
)

SECONDS = {WELCOME: 4.0, SUB: 3.0}
BEGINS = 0.304  # second at which the first prompt is heard
SILENCE = 5.0  # seconds in which a key is waited for
BETWEEN = 2.0

PHONES = {endpoint("1001"): ANSWERS, endpoint("1002"): ANSWERS, **carriers(ANSWERS)}

Keys = Mapping[float, str]
"""What is pressed, by the second at which it is begun."""

Prepare = Callable[[World], object]


def with_menus(world: World, **columns: Any) -> World:
    """Menus `main` and `sub`, where calls for the number outside lead to `main`."""
    with_trunks(world)
    world.extension("1003", voicemail=True)
    world.keep(voicemail_boxes=box("1003"))
    world.mailboxes.box(box_identity("1003"), "1003")
    world.keep(queues=queue("sales", status=QueueStatus.PAUSED))
    world.keep(ivr_menus=menu("main", **{"welcome": identity(WELCOME), **columns}))
    world.keep(ivr_menus=menu("sub", welcome=identity(SUB)))
    option(world, "1", to_extension("1002"))
    option(world, "2", to_menu("sub"))
    option(world, "3", to_outside(NUMBER))
    option(world, "4", to_box("1003"))
    option(world, "5", Target(TargetType.QUEUE, identity("sales")))
    option(world, "0", None)
    option(world, "*", None, action=IvrAction.REPEAT)
    option(world, "71", to_extension("1002"))
    option(world, "1", to_extension("1001"), of="sub")
    option(world, "#", to_extension("1002"), of="sub")
    option(world, "*", to_menu("main"), of="sub")
    world.keep(inbound_rules=inbound_rule("in", DID, to_menu("main")))
    for name, seconds in SECONDS.items():
        world.asterisk.media_seconds[prompt(name)] = seconds
    return world


def option(
    world: World, keys: str, target: Target | None, *, of: str = "main", **columns: Any
) -> None:
    """Give a menu an option, in place of the one with these keys."""
    world.keep(ivr_menu_options=menu_option(of, keys, target, **columns))


def change(world: World, name: str = "main", **columns: Any) -> None:
    """Change the row of a menu."""
    world.keep(ivr_menus=menu(name, **{"welcome": identity(WELCOME), **columns}))


async def calls(world: World, keys: Keys, hangs_up: float = 100.0) -> Channel:
    """Let somebody outside call the menu and press keys, and hang up in the end."""
    if not world.book.ivr_menus.items:
        with_menus(world)
    caller = await delivers(world, hangs_up=hangs_up)
    presses(world, caller, keys)
    return caller


def menu_story(keys: Keys, prepare: Prepare | None = None, hangs_up: float = 100.0) -> World:
    """Tell what becomes of a caller who presses keys in menus that are prepared."""

    async def act(world: World) -> None:
        with_menus(world)
        if prepare:
            prepare(world)
        await calls(world, keys, hangs_up)

    return story(act, phones=PHONES)


def presses(world: World, caller: Channel, keys: Keys) -> None:
    for second, pressed in keys.items():
        world.asterisk.at(second, partial(world.asterisk.press, caller, pressed))


def prompt(name: str) -> str:
    """What Asterisk is told to play."""
    return f"sound:{media_address(identity(name))}"


def heard(world: World) -> list[str]:
    """What was played, one after the other, by its name."""
    names = {prompt(name): name for name in PROMPTS}
    return [names.get(what, what.removeprefix("sound:")) for _, _, what in world.asterisk.played]


def times_heard(world: World) -> list[float]:
    return [at for at, _, _ in world.asterisk.played]


def heard_at(world: World, name: str) -> list[float]:
    """When something was begun to be played."""
    told = zip(times_heard(world), heard(world), strict=True)
    return [at for at, what in told if what == name]
