"""What happens elsewhere while somebody is in a mailbox."""

from stasis_app.rules.sentences import (
    Sentence,
    message_number,
    messages_waiting,
)
from stasis_app.words import HangupCause

from .mailbox_stage import (
    BOX,
    EN,
    Owner,
    audio,
    held,
    left,
    menu_of,
    visit,
)
from .world import World


def test_what_another_phone_has_deleted_is_passed_over() -> None:
    async def scene(owner: Owner) -> None:
        first, second, third = held(owner.world)
        await owner.hears(audio(first))
        await owner.world.mailboxes.delete(second.id)
        await owner.presses("6")
        await owner.hears(message_number(2, 2, EN), audio(third))
        await owner.world.mailboxes.delete(third.id)
        await owner.presses("9")
        await owner.hears(Sentence.INVALID_KEY, Sentence.MAILBOX_MENU)
        await owner.presses("4")
        await owner.hears(message_number(1, 1, EN), audio(first))
        await owner.hangs_up()

    world = visit(lambda world: left(world, False, False, False), scene)
    assert not any(one.saved for one in world.mailboxes.boxes[BOX].messages)


def test_what_comes_meanwhile_is_said_behind_the_last() -> None:
    async def scene(owner: Owner) -> None:
        [first] = held(owner.world)
        await owner.hears(audio(first))
        second, third = left(owner.world, False, False)
        await owner.hears(messages_waiting(2, 0, EN), menu_of(1, 3))
        await owner.presses("6")
        await owner.hears(audio(second))
        [fourth] = left(owner.world, False)
        await owner.presses("6")
        await owner.hears(audio(third))
        await owner.presses("6")
        await owner.hears(messages_waiting(1, 0, EN), audio(fourth))
        await owner.presses("#", wait=20)
        await owner.presses("#")
        await owner.hears(Sentence.GOODBYE)

    visit(lambda world: left(world, False), scene)


def test_a_key_while_new_ones_are_told_is_for_the_message_before() -> None:
    async def scene(owner: Owner) -> None:
        await owner.hears(audio(held(owner.world)[0]))
        left(owner.world, False)
        await owner.presses("6")
        await owner.hears(messages_waiting(1, 0, EN)[:1])
        await owner.presses("7")
        await owner.hears(Sentence.DELETED, message_number(2, 2, EN))
        await owner.hangs_up()

    world = visit(lambda world: left(world, False), scene)
    box = world.mailboxes.boxes[BOX]
    assert box.deleted == {box.messages[0].id}


def test_postgres_is_away_when_it_opens() -> None:
    def prepare(world: World) -> None:
        left(world, False)
        world.postgres_away = True

    async def scene(owner: Owner) -> None:
        await owner.hears(Sentence.TRY_LATER, Sentence.GOODBYE)

    assert visit(prepare, scene).cause() == HangupCause.NORMAL_CLEARING


def test_postgres_goes_away_and_comes_back() -> None:
    async def scene(owner: Owner) -> None:
        first, last = held(owner.world)
        await owner.hears(audio(first))
        owner.world.postgres_away = True
        for key in "79":
            await owner.presses(key)
            await owner.hears(Sentence.TRY_LATER, menu_of(1, 2))
        await owner.presses("6")
        await owner.hears(audio(last), menu_of(2, 2))
        owner.world.postgres_away = False
        await owner.presses("7")
        await owner.hears(Sentence.DELETED)
        await owner.presses("#")

    world = visit(lambda world: left(world, False, False), scene)
    box = world.mailboxes.boxes[BOX]
    assert box.deleted == {box.messages[1].id}
    assert not box.messages[0].saved
