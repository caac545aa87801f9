"""What is wrong with menus, their keys, and what they play."""

from collections.abc import Iterator, Mapping
from uuid import UUID

from stasis_app.words import TargetType

from .book import Book
from .circles import circles
from .finding import ERROR, WARNING, Finding, Steps
from .findings_of_forwards import dangling
from .models import Menu, MenuOption, Target
from .spoken import Language
from .system_settings import is_spoken

MUSIC = "moh"


def menus(book: Book) -> Steps:
    for menu in tuple(book.ivr_menus.items.values()):
        yield None
        for severity, problem in _of_menu(book, menu):
            yield Finding("ivr_menus", menu.id, menu.name, severity, problem)


def _of_menu(book: Book, menu: Menu) -> Iterator[tuple[str, str]]:
    for problem in menu.problems:
        yield ERROR, problem
    if not (
        menu.on_timeout or menu.hangs_up or menu.direct_dial or book.ivr_menu_options.of(menu.id)
    ):
        yield ERROR, "has neither keys nor a timeout destination: callers get nowhere"
    for column, target in ways_out(menu):
        for severity, why in dangling(book, target):
            yield severity, f"{column}: {why}"
    prompts = {
        "welcome_prompt_id": menu.welcome,
        "invalid_prompt_id": menu.invalid_prompt,
        "timeout_prompt_id": menu.timeout_prompt,
    }
    yield from music_in(book, prompts)
    yield from unspoken(menu.language)


def ways_out(menu: Menu) -> Iterator[tuple[str, Target]]:
    if menu.on_timeout:
        yield "timeout_destination", menu.on_timeout
    if menu.on_invalid and menu.on_invalid != menu.on_timeout:
        yield "invalid_destination", menu.on_invalid


def menu_options(book: Book) -> Steps:
    for option in tuple(book.ivr_menu_options.items.values()):
        yield None
        name = name_of_option(book, option)
        for severity, problem in _of_option(book, option, book.ivr_menus.get(option.menu)):
            yield Finding("ivr_menu_options", option.id, name, severity, problem)


def name_of_option(book: Book, option: MenuOption) -> str:
    menu = book.ivr_menus.get(option.menu)
    return f"{menu.name if menu else option.menu}: key {option.keys}"


def _of_option(book: Book, option: MenuOption, menu: Menu | None) -> Iterator[tuple[str, str]]:
    for problem in option.problems:
        yield WARNING, problem
    if option.target:
        yield from dangling(book, option.target)
    yield from music_in(book, {"pre_transfer_prompt_id": option.pre_transfer_prompt})
    if menu and menu.direct_dial and book.extensions.dials(option.keys):
        yield WARNING, f"extension {option.keys} can't be dialled in this menu: the key comes first"


def menu_loops(book: Book) -> Steps:
    """Menus that send a call round although nobody presses a key."""

    def following(menu: UUID) -> list[UUID]:
        found = book.ivr_menus.get(menu)
        targets = [target for _, target in ways_out(found)] if found else []
        return [one.id for one in targets if one.type is TargetType.IVR and one.id]

    for circle in circles(tuple(book.ivr_menus.items), following):
        names = [menu.name for menu in map(book.ivr_menus.get, circle or ()) if menu]
        if circle and names:
            way = " -> ".join([*names, names[0]])
            problem = f"timeout and invalid destinations go round: {way}"
            yield Finding("ivr_menus", circle[0], names[0], ERROR, problem)
        else:
            yield None


def music_in(book: Book, prompts: Mapping[str, UUID | None]) -> Iterator[tuple[str, str]]:
    """Say which of these columns plays music on hold."""
    for column, prompt in prompts.items():
        media = book.media_files.get(prompt)
        if media and media.kind == MUSIC:
            yield WARNING, f"{column}: {media.name} is music on hold, not an announcement"


def unspoken(language: str | None) -> Iterator[tuple[str, str]]:
    if language and not is_spoken(language):
        yield WARNING, f"language '{language}' is not one of {', '.join(Language)}: en is spoken"


def music(book: Book) -> Iterator[str]:
    """`media.default_moh` is null, false, or the name of a file of type moh."""
    value = book.settings.values.get("media.default_moh")
    if value is None or value is False:
        return
    if not isinstance(value, str):
        yield "is neither null, false nor a name"
        return
    wanted = value.strip().lower()
    files = tuple(book.media_files.items.values())
    if not any(one.kind == MUSIC and one.name.strip().lower() == wanted for one in files):
        yield f"no media file of type {MUSIC} has the name {value}"
