"""What is wrong with queues and their agents."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from stasis_app.words import ExtensionType, TargetType

from .book import Book
from .circles import circles
from .finding import ERROR, WARNING, Finding, Steps
from .findings_of_forwards import dangling
from .findings_of_menus import MUSIC, music_in, name_of_option, ways_out
from .models import Asked, Target
from .outbound import chain
from .queues import Member, Queue

Place = tuple[TargetType, UUID]
LEADS_ON = (TargetType.IVR, TargetType.QUEUE)


def queues(book: Book) -> Steps:
    for queue in tuple(book.queues.items.values()):
        yield None
        for severity, problem in _of_queue(book, queue) if queue.active else ():
            yield Finding("queues", queue.id, queue.name, severity, problem)


def _of_queue(book: Book, queue: Queue) -> Iterator[tuple[str, str]]:
    for problem in queue.problems:
        yield ERROR, problem
    if not any(_answers(book, member) for member in book.queue_members.of(queue.id)):
        yield WARNING, "has no members whose extension is active: nobody answers"
    if queue.max_size == 0:
        yield WARNING, "max_queue_size is not more than 0: no caller is let in"
    for column, target in (
        ("overflow_destination", queue.overflow),
        ("exit_destination", queue.exit_target),
    ):
        for severity, why in dangling(book, target) if target else ():
            yield severity, f"{column}: {why}"
    if queue.callback_key and not _calls_out(book):
        yield ERROR, "callback_enabled, but no outbound rule has an active trunk: nobody is called"
    music = book.media_files.get(_id(queue.music))
    if music and music.kind != MUSIC:
        yield ERROR, f"music_on_hold_id: {music.name} is not of type {MUSIC}"
    prompts = {"welcome_prompt_id": queue.welcome, "agent_prompt_id": queue.agent_prompt}
    yield from music_in(book, prompts)


def queue_members(book: Book) -> Steps:
    for member in tuple(book.queue_members.items.values()):
        yield None
        queue = book.queues.get(member.queue)
        extension = book.extensions.get(member.extension)
        number = extension.number if extension else str(member.extension)
        problem = _of_member(book, member)
        if queue and queue.active and problem:
            name = f"{queue.name}: {number}"
            yield Finding("queue_members", member.id, name, WARNING, problem)


def _of_member(book: Book, member: Member) -> str | None:
    extension = book.extensions.get(member.extension)
    if extension is None or extension.deleted:
        return "the extension does not exist: it gets no calls"
    if not extension.active:
        return "the extension is inactive: it gets no calls"
    if extension.type is ExtensionType.VIRTUAL:
        return "the extension is virtual and has no phone: it gets no calls"
    return None


def missing_skills(book: Book) -> Steps:
    """Rules and keys that ask a queue for what none of its agents will ever have."""
    for rule in tuple(book.inbound_rules.items.values()):
        yield None
        problem = _missing_skills(book, rule.target, rule.asked) if rule.active else None
        if problem:
            yield Finding("inbound_rules", rule.id, rule.name, WARNING, problem)
    for option in tuple(book.ivr_menu_options.items.values()):
        yield None
        problem = _missing_skills(book, option.target, option.asked)
        if problem:
            name = name_of_option(book, option)
            yield Finding("ivr_menu_options", option.id, name, WARNING, problem)


def _missing_skills(book: Book, target: Target | None, asked: Asked) -> str | None:
    queue = book.queues.get(target.id) if target and target.type is TargetType.QUEUE else None
    if queue is None or not asked.skills or queue.relax_seconds is not None:
        return None
    members = [one for one in book.queue_members.of(queue.id) if _answers(book, one)]
    if not members or any(one.skills.issuperset(asked.skills) for one in members):
        return None
    return f"queue_skills: nobody in queue {queue.name} has all of {', '.join(asked.skills)}"


def queue_loops(book: Book) -> Steps:
    """Queues whose callers come back although they press no key: they go round for ever."""

    def following(place: Place) -> list[Place]:
        kind, identity = place
        targets = _onward(book, kind, identity)
        return [(one.type, one.id) for one in targets if one.id and one.type in LEADS_ON]

    starts = [(TargetType.QUEUE, identity) for identity in tuple(book.queues.items)]
    for circle in circles(starts, following):
        at = next((place for place in circle or () if place[0] is TargetType.QUEUE), None)
        queue = book.queues.get(at[1]) if at else None
        if circle and at and queue:
            turned = [*circle[circle.index(at) :], *circle[: circle.index(at)], at]
            way = " -> ".join(_named(book, turned))
            problem = f"calls that nobody takes go round: {way}"
            yield Finding("queues", queue.id, queue.name, WARNING, problem)
        else:
            yield None


def _onward(book: Book, kind: TargetType, identity: UUID) -> list[Target]:
    """Return where calls go on by themselves."""
    if kind is TargetType.QUEUE:
        queue = book.queues.get(identity)
        return [queue.overflow] if queue and queue.active and queue.overflow else []
    menu = book.ivr_menus.get(identity)
    return [target for _, target in ways_out(menu)] if menu else []


def _named(book: Book, places: Iterable[Place]) -> Iterator[str]:
    for kind, identity in places:
        shelf = book.queues if kind is TargetType.QUEUE else book.ivr_menus
        found = shelf.get(identity)
        yield found.name if found else str(identity)


def _answers(book: Book, member: Member) -> bool:
    return _of_member(book, member) is None


def _calls_out(book: Book) -> bool:
    rules = tuple(book.outbound_rules.items.values())
    return any(
        rule.active and any(trunk.active for trunk in chain(book, rule.trunk)) for rule in rules
    )


def _id(text: str) -> UUID | None:
    """Return the media file that a class of music is made of; None: a class of another name."""
    try:
        return UUID(text)
    except ValueError:
        return None
