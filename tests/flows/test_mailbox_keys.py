"""Every key at every moment, and a hangup at every request: the visit ends, and ends well."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import pytest

from stasis_app.call.keys import EVERY_KEY
from stasis_app.rules.mailbox import Greeting
from stasis_app.rules.sentences import (
    RECORD_GREETING,
    Sentence,
    callback,
    message_number,
    message_saved,
    messages_waiting,
    review,
)
from stasis_app.words import HangupCause
from tests.support.virtual_time import run

from .invariants import check
from .mailbox_stage import (
    EN,
    PIN,
    Owner,
    audio,
    held,
    left,
    menu_of,
    visit,
    with_box,
    with_temporary_greeting,
)
from .stage import world_of
from .world import World

Heard = Sentence | Sequence[str]


@dataclass(frozen=True)
class State:
    """What is heard, and the keys that are pressed then, to come there; then the last of it."""

    steps: tuple[tuple[Heard | None, str], ...]
    heard: Heard | None = None
    reads: tuple[bool, ...] = (False, False)
    number: str = "*97"


MESSAGE = None  # the audio of the first message, which no test knows before
COUNTS = messages_waiting(2, 0, EN)
NUMBER = message_number(1, 2, EN)
MENU = menu_of(1, 2)
GREETING = RECORD_GREETING[Greeting.UNAVAILABLE]

STATES: Mapping[str, State] = {
    "mailbox": State((), Sentence.LOGIN, number="*98"),
    "pin": State((), Sentence.PIN, number="*981001"),
    "pin_again": State(((Sentence.PIN, "1234#"),), Sentence.WRONG_PIN, number="*981001"),
    "opened": State(((Sentence.PIN, f"{PIN}#"),), COUNTS, number="*981001"),
    "counts": State((), COUNTS[:2]),
    "nothing": State((), Sentence.MAILBOX_MENU, ()),
    "old": State((), Sentence.MAILBOX_MENU, (True, True)),
    "number": State((), NUMBER),
    "playing": State((), MESSAGE),
    "menu": State((), MENU),
    "last": State(((MESSAGE, "6"),), menu_of(2, 2)),
    "deleted": State(((MESSAGE, "7"),), Sentence.DELETED),
    "next": State(((MESSAGE, "7"),), message_number(2, 2, EN)),
    "all_deleted": State(
        ((MESSAGE, "7"), (message_number(2, 2, EN), "7")), menu_of(2, 2, deleted=True)
    ),
    "saved": State(((MESSAGE, "9"),), message_saved(1, EN)[:1]),
    "advanced": State(((MESSAGE, "3"),), Sentence.ADVANCED_OPTIONS),
    "callback": State(((MESSAGE, "32"),), callback("1002", EN)),
    "envelope": State(((MESSAGE, "33"),), ("sound:en/vm-received",)),
    "options": State(((MESSAGE, "0"),), Sentence.MAILBOX_OPTIONS),
    "temporary": State(((MESSAGE, "04"),), Sentence.TEMPORARY_GREETING),
    "greeting": State(((MESSAGE, "01"),), GREETING),
    "recording": State(((MESSAGE, "01"), (GREETING, "#"))),
    "review": State(((MESSAGE, "01"), (GREETING, "#")), review(EN)),
    "new_pin": State(((MESSAGE, "05"),), Sentence.NEW_PIN),
    "new_pin_again": State(((MESSAGE, "05"), (Sentence.NEW_PIN, "24680#")), Sentence.NEW_PIN_AGAIN),
    "whom": State(((MESSAGE, "8"),), Sentence.ENTER_EXTENSION),
    "comment": State(((MESSAGE, "81003#"),), Sentence.PREPEND),
    "instruction": State(((MESSAGE, "81003#1"),), Sentence.RECORD_COMMENT),
    "commenting": State(((MESSAGE, "81003#1"), (Sentence.RECORD_COMMENT, "#"))),
    "forwarded": State(((MESSAGE, "81003#2"),), Sentence.FORWARDED),
    "goodbye": State(((MESSAGE, "00#"),), Sentence.GOODBYE),
}


def prepare(world: World, state: State) -> None:
    with_temporary_greeting(world)
    with_box(world, "1003")
    left(world, *state.reads)


async def come_to(owner: Owner, state: State) -> None:
    for heard, keys in (*state.steps, (state.heard, "")):
        if heard is None and not (keys or not state.steps):
            break
        await owner.hears(heard if heard else audio(held(owner.world)[0]))
        if keys:
            await owner.presses(keys)


@pytest.mark.parametrize("name", STATES)
def test_every_key_in_every_state(name: str) -> None:
    """Then nobody presses any more. The visit ends by itself, and politely."""
    state = STATES[name]
    for key in EVERY_KEY:

        async def scene(owner: Owner, key: str = key) -> None:
            await come_to(owner, state)
            await owner.presses(key)

        world = visit(partial(prepare, state=state), scene, number=state.number, phone=phone(state))
        if (name, key) == ("callback", "1"):
            assert world.dialled() == ["PJSIP/1002"]
            continue
        assert world.cause() == HangupCause.NORMAL_CLEARING
        assert world.details("announced")[-1:] == [{"sentence": "goodbye"}]


def phone(state: State) -> str:
    return "1001" if state.number == "*97" else "1002"


async def hung_up_at(request: int, state: State) -> bool:
    """Hang up at a request; tell whether it came to pass."""
    world = world_of()
    with_box(world)
    prepare(world, state)
    owner = Owner(world, world.asterisk.call(phone(state), state.number))
    happened = False

    def hang_up() -> None:
        nonlocal happened
        happened = True
        world.asterisk.end(owner.phone)

    world.asterisk.before[request] = hang_up
    coming = asyncio.create_task(come_to(owner, state))
    await world.until(lambda: coming.done() or not owner.phone.alive)
    coming.cancel()
    await asyncio.wait([coming])
    await owner.waits(2.0)
    if owner.phone.alive:
        await owner.hangs_up()
    await world.over()
    check(world)
    return happened


@pytest.mark.parametrize("name", STATES)
def test_a_hangup_at_every_request(name: str) -> None:
    request = 0
    while run(hung_up_at(request, STATES[name])):
        request += 1
    assert request
