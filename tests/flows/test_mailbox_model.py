"""Whatever keys are pressed, and whatever happens meanwhile: the mailbox is what a model says."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.virtual_time import run

from .invariants import check
from .mailbox_stage import BOX, Owner, left, with_box
from .stage import world_of
from .test_random_stories import patient
from .world import World

COMES, KILLED = "comes", "killed"
OTHER = "other "
MENU_ENDS = "sound:en/vm-helpexit"


@dataclass(frozen=True)
class Step:
    """A key, or what happens elsewhere. One who `hears` listens to all that comes of it."""

    what: str
    hears: bool


@dataclass
class Model:
    """Messages by their number. `known` are those of this visit, `place` is among them."""

    read: set[int]
    count: int
    deleted: set[int] = field(default_factory=set)
    saved: set[int] = field(default_factory=set)
    played: list[int] = field(default_factory=list)
    known: list[int] = field(default_factory=list)
    place: int = -1
    mine: set[int] = field(default_factory=set)
    stood: int = -1

    def enter(self, hears: bool) -> None:
        self.place, self.mine = -1, set()
        self.known = sorted(self.present(), key=lambda one: (one in self.read, one))
        if hears and any(one not in self.read for one in self.known):
            self.following(hears)

    def step(self, step: Step) -> None:
        keys = {
            "1": self.first,
            "4": self.previous,
            "5": self.again,
            "6": self.following,
            "7": self.delete,
            "9": self.save,
            KILLED: self.adopted,
        }
        if step.what in keys:
            keys[step.what](step.hears)
        elif step.what == COMES:
            self.count += 1
        elif step.what.startswith(OTHER):
            self.deleted.add(int(step.what.removeprefix(OTHER)) % self.count)

    def first(self, hears: bool) -> None:
        place = self.beyond(-1)
        self.place = self.place if place is None else place
        self.again(hears)

    def previous(self, hears: bool) -> None:
        here = [place for place in range(self.place) if not self.gone(place)]
        if here:
            self.place = here[-1]
            self.play(hears)

    def again(self, hears: bool) -> None:
        if self.message is None:
            self.following(hears)
        else:
            self.play(hears)

    def following(self, hears: bool) -> None:
        if self.beyond(self.place) is None and self.let_in() and not hears:
            return
        place = self.beyond(self.place)
        if place is not None:
            self.place = place
            self.play(hears)

    def delete(self, hears: bool) -> None:
        message = self.message
        if message is None:
            return
        if message in self.mine:
            self.mine.discard(message)
            self.deleted.discard(message)
            return
        self.read.add(message)
        self.mine.add(message)
        self.deleted.add(message)
        if hears:
            self.following(hears)

    def save(self, _: bool) -> None:
        message = self.message
        if message is not None:
            self.deleted.discard(message)
            self.mine.discard(message)
            self.read.add(message)
            self.saved.add(message)

    def adopted(self, hears: bool) -> None:
        """Go on at the message that was begun last."""
        if self.stood in self.present():
            self.enter(hears=False)
            self.place = self.known.index(self.stood)
            self.play(hears)
        else:
            self.enter(hears)

    def play(self, hears: bool) -> None:
        message = self.stood = self.known[self.place]
        if hears:
            self.played.append(message)
            self.read.add(message)
            if self.beyond(self.place) is None:
                self.let_in()

    @property
    def message(self) -> int | None:
        return None if self.place < 0 or self.gone(self.place) else self.known[self.place]

    def present(self) -> list[int]:
        return [one for one in range(self.count) if one not in self.deleted]

    def gone(self, place: int) -> bool:
        return self.known[place] in self.deleted - self.mine

    def beyond(self, place: int) -> int | None:
        here = range(place + 1, len(self.known))
        return next((one for one in here if not self.gone(one)), None)

    def let_in(self) -> bool:
        came = [one for one in self.present() if one not in self.known and one not in self.read]
        self.known += came
        return bool(came)


async def follow(owner: Owner, model: Model, steps: Sequence[Step], messages: list[UUID]) -> None:
    for step in steps:
        model.step(step)
        if step.what == COMES:
            messages += [message.id for message in left(owner.world, False)]
            continue
        if step.what.startswith(OTHER):
            other = int(step.what.removeprefix(OTHER)) % len(messages)
            await owner.world.mailboxes.delete(messages[other])
            continue
        if step.what == KILLED:
            owner.world = owner.world.next_process()
            await owner.world.switchboard.reconcile()
            await owner.waits(0.2)
        else:
            await owner.presses(step.what)
        if step.hears:
            await listens(owner)


async def listens(owner: Owner) -> None:
    """Wait until all has been said, the keys last."""
    await owner.world.until(lambda: owner.played[-1:] == [MENU_ENDS], within=400, every=0.5)


async def tell(reads: Sequence[bool], hears: bool, steps: Sequence[Step]) -> tuple[World, Model]:
    world = world_of()
    with_box(world)
    messages = [message.id for message in left(world, *reads)]
    model = Model({place for place, read in enumerate(reads) if read}, len(reads))
    model.enter(hears)
    owner = Owner(world, world.asterisk.call("1001", "*97"))
    await owner.waits(0.5)
    if hears:
        await listens(owner)
    await follow(owner, model, steps, messages)
    await owner.presses("#")
    await owner.world.over()
    check(owner.world)
    compare(owner.world, model, messages)
    return owner.world, model


def compare(world: World, model: Model, messages: Sequence[UUID]) -> None:
    box = world.mailboxes.boxes[BOX]
    rows = {message.id: message for message in box.messages}
    numbers = range(len(messages))
    played = [one["message"] for one in world.details("message_played")]
    assert played == [str(messages[one]) for one in model.played]
    assert {one for one in numbers if messages[one] in box.deleted} == model.deleted
    assert {one for one in numbers if rows[messages[one]].read} == model.read
    assert {one for one in numbers if rows[messages[one]].saved} == model.saved


keys = st.sampled_from("6666777744445599*12")
others = st.builds(lambda place: f"{OTHER}{place}", st.integers(0, 5))
whats = st.one_of(keys, keys, keys, st.sampled_from([COMES, COMES, KILLED]) | others)
steps = st.lists(st.builds(Step, whats, st.sampled_from([True, True, False])), min_size=5)


@given(st.lists(st.booleans(), min_size=1, max_size=4), st.sampled_from([True, True, False]), steps)
@settings(patient, max_examples=150)
def test_the_mailbox_is_what_the_model_says(
    reads: Sequence[bool], hears: bool, steps: Sequence[Step]
) -> None:
    run(tell(reads, hears, steps))
