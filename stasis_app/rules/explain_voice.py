"""What `pbx explain` says of menus, mailboxes and prompts recorded by phone."""

from collections.abc import Iterator
from uuid import UUID

from . import callee as rules
from . import voicemail
from .book import Book
from .codes import may_record
from .menu import invalid_target, menu_target, timeout_target
from .models import Destination, DestinationKind, MailboxVisit, Menu, MenuOption


def menu(book: Book, destination: Destination) -> Iterator[str]:
    found = book.ivr_menus.get(destination.id)
    if found is None:
        return
    otherwise = "a sentence that asks for a number" if found.direct_dial else "a tone"
    prompt = media(book, found.welcome) or otherwise
    yield f"menu {found.name} plays {prompt}, then waits {found.digit_seconds:g} s for a key"
    options = book.ivr_menu_options.of(found.id)
    for keys in sorted(options):
        yield f"key {keys}: {_option(book, found, options[keys])}"
    if found.direct_dial:
        yield "the number of an extension: that extension"
    again = f"{found.max_retries} more times, then " if found.max_retries else ""
    yield f"no key: {again}{goes_to(timeout_target(book, found))}"
    yield f"other keys: {again}{goes_to(invalid_target(book, found))}"


def message(book: Book, destination: Destination) -> Iterator[str]:
    box = book.voicemail_boxes.get(destination.id)
    if box is None:
        return
    owner = book.extensions.get(box.extension)
    greeting = media(book, voicemail.greeting(box, destination.reason))
    tongue = rules.spoken(book, destination.language, owner)
    why = f" ({destination.reason})" if destination.reason else ""
    yield f"a message for extension {box.number}{why}, after {greeting or 'a sentence'} in {tongue}"
    operator = voicemail.operator(book, box, destination.reason)
    if operator:
        yield f"key 0: {goes_to(operator)}"


def mailbox(book: Book, destination: Destination) -> Iterator[str]:
    number = destination.number
    if destination.reason != MailboxVisit.OWN:
        yield f"the mailbox of {number or 'a number that is asked for'}, with its PIN"
    elif destination.id is None:
        yield f"extension {number} has no mailbox"
    else:
        pin = book.settings.flag("voicemail.pin_at_own_phone")
        yield f"the own mailbox, {'with its' if pin else 'without'} PIN"


def recording(book: Book, destination: Destination) -> Iterator[str]:
    if not may_record(book, book.owner(destination.payer)):
        yield "refused: media.record_roles (forbidden)"
    elif not destination.number:
        yield "a new prompt is recorded"
    elif destination.id is None:
        yield f"refused: no media file has the code {destination.number} (unallocated_number)"
    else:
        yield f"{media(book, destination.id)} is recorded anew"


def _option(book: Book, found: Menu, option: MenuOption) -> str:
    if option.target is None:
        return str(option.action)
    destination = menu_target(book, found, option)
    return goes_to(destination) if destination else f"its {option.target.type} is missing"


def goes_to(destination: Destination | None) -> str:
    if destination is None:
        return "the call ends"
    match destination.kind:
        case DestinationKind.IVR:
            return destination.number.replace("ivr", "menu", 1)
        case DestinationKind.VOICEMAIL:
            return f"the mailbox of {destination.number}"
        case DestinationKind.EXTENSION:
            return f"extension {destination.number}"
        case DestinationKind.OUTSIDE:
            payer = destination.payer
            return f"{destination.number} outside, paid for by {payer.extension or payer.rule}"
        case _:
            return destination.number


def media(book: Book, identity: UUID | None) -> str | None:
    found = book.media_files.get(identity)
    return f"media file {found.name}" if found else None
