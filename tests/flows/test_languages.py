"""In which language a caller hears the exchange, however long the way was."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest

from stasis_app.rules.models import Named, Target
from stasis_app.rules.sentences import Sentence, messages_waiting, on_the_phone, say, unavailable
from stasis_app.rules.spoken import Language
from stasis_app.words import HangupCause, TargetType
from tests.support.virtual_time import run

from .mailbox_stage import PIN, with_box
from .restarts import to_the_end
from .rows import identity, inbound_rule, menu, menu_option, to_extension, to_menu, user
from .stage import DID, RINGS, Act, delivers, dials, story, with_trunks, world_of
from .world import World, endpoint

DE, EN = Language.DE, Language.EN

Prepare = Callable[[World], None]


def with_boxes(world: World) -> None:
    """Give 1002 and 1003 boxes, whose user speaks English; 1003 wants no calls."""
    world.keep(users=user("ben", language="en"))
    for number in ("1002", "1003"):
        with_box(world, number)
        has(world, number, dnd=number == "1003")


def has(world: World, number: str, **columns: Any) -> None:
    world.extension(number, voicemail=True, user=identity("ben"), **columns)


def rule(world: World, target: Target, language: str | None = None) -> None:
    with_trunks(world)
    world.keep(inbound_rules=inbound_rule("in", DID, target, language=language))


def leads(world: World, name: str, target: Target, **columns: Any) -> None:
    """A menu where everybody gets to the target in the end, with key 1 and without."""
    world.keep(ivr_menus=menu(name, on_timeout=target, max_retries=0, **columns))
    world.keep(ivr_menu_options=menu_option(name, "1", target))


def was_said(world: World, said: Sequence[str]) -> bool:
    played = [what for _, _, what in world.asterisk.played]
    return any(played[at : at + len(said)] == list(said) for at in range(len(played)))


def greeted_in(world: World, number: str = "1003") -> list[Language]:
    """The languages in which callers were told that somebody can't be spoken to."""
    return [
        tongue
        for tongue in Language
        if was_said(world, on_the_phone(number, tongue))
        or was_said(world, unavailable(number, tongue))
    ]


def calling(prepare: Prepare, act: Act = delivers) -> World:
    async def tell(world: World) -> None:
        with_boxes(world)
        prepare(world)
        await act(world)

    return story(tell)


def to_rule(world: World, language: str | None) -> None:
    rule(world, to_extension("1003"), language)


def over_a_menu(world: World, of_rule: str | None, of_menu: str | None) -> None:
    leads(world, "main", to_extension("1003"), language=of_menu)
    rule(world, to_menu("main"), of_rule)


def over_a_forward(world: World, of_rule: str | None) -> None:
    has(world, "1002", dnd=True, forward_on_busy="1003")
    rule(world, to_extension("1002"), of_rule)


def over_all(world: World, of_rule: str | None, of_menu: str | None) -> None:
    """A rule, an extension that forwards to a menu, and another menu after that."""
    has(world, "1002", dnd=True, forward_on_busy="2000")
    leads(world, "first", to_menu("second"), number="2000", language=of_menu)
    leads(world, "second", to_extension("1003"))
    rule(world, to_extension("1002"), of_rule)


def over_a_phone(world: World) -> None:
    """It rings, and nobody answers."""
    rule(world, to_extension("1002"), "de")


@pytest.mark.parametrize(
    ("prepare", "heard"),
    [
        (partial(to_rule, language=None), EN),
        (partial(to_rule, language="de"), DE),
        (partial(over_a_forward, of_rule=None), EN),
        (partial(over_a_forward, of_rule="de-DE"), DE),
        (partial(over_a_menu, of_rule=None, of_menu=None), EN),
        (partial(over_a_menu, of_rule="de", of_menu=None), DE),
        (partial(over_a_menu, of_rule=None, of_menu="de"), DE),
        (partial(over_a_menu, of_rule="de", of_menu="en"), EN),
        (partial(over_all, of_rule=None, of_menu=None), EN),
        (partial(over_all, of_rule="de", of_menu=None), DE),
        (partial(over_all, of_rule=None, of_menu="de"), DE),
        (partial(over_all, of_rule="de", of_menu="en"), EN),
    ],
)
def test_what_a_rule_or_menu_speaks_is_spoken_to_the_end(prepare: Prepare, heard: Language) -> None:
    world = calling(prepare, partial(delivers, hangs_up=60.0))
    assert greeted_in(world) == [heard]
    assert world.details("message_begun") == [{"number": "1003"}]


def test_a_rule_speaks_also_where_nobody_is_called() -> None:
    def prepare(world: World) -> None:
        world.keep(conferences=Named(identity("sales"), "sales", None, active=True))
        rule(world, Target(TargetType.CONFERENCE, identity("sales")), "de")

    world = calling(prepare)
    assert was_said(world, say(Sentence.FEATURE_NOT_AVAILABLE, DE))
    assert world.cause() == HangupCause.NOT_IMPLEMENTED


def test_the_owner_hears_the_own_language() -> None:
    """Until the PIN is known it is a caller like any other."""

    async def act(world: World) -> None:
        caller = await delivers(world, hangs_up=60.0)
        await world.until(lambda: greeted_in(world))
        world.asterisk.press(caller, "*")
        await world.until(lambda: was_said(world, say(Sentence.PIN, DE)))
        world.asterisk.press(caller, f"{PIN}#")

    world = calling(partial(to_rule, language="de"), act)
    assert was_said(world, messages_waiting(0, 0, EN))


@pytest.mark.parametrize(("of_menu", "heard"), [(None, EN), ("de", DE)])
def test_a_menu_is_dialled_from_inside(of_menu: str | None, heard: Language) -> None:
    def prepare(world: World) -> None:
        leads(world, "main", to_extension("1003"), number="2000", language=of_menu)

    world = calling(prepare, partial(dials, hangs_up=60.0, number="2000"))
    assert was_said(world, say(Sentence.MENU, heard))
    assert greeted_in(world) == [heard]


@pytest.mark.parametrize(
    ("prepare", "after"),
    [
        (over_a_phone, 5.0),
        *(
            (partial(over_all, of_rule="de", of_menu=None), after)
            for after in (0.1, 1.0, 6.0, 11.0)
        ),
        *((partial(over_all, of_rule="en", of_menu="de"), after) for after in (1.0, 6.0, 11.0)),
    ],
)
def test_another_process_speaks_it_too(prepare: Prepare, after: float) -> None:
    async def tell() -> World:
        world = world_of(phones={endpoint("1002"): RINGS})
        with_boxes(world)
        prepare(world)
        await delivers(world, hangs_up=80.0)
        await asyncio.sleep(after)
        world = world.next_process()
        await world.switchboard.reconcile()
        return await to_the_end(world)

    world = run(tell())
    assert world.events().count("adopted") == 1
    assert greeted_in(world, "1002") + greeted_in(world) == [DE]
