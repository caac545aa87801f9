"""What is wrong with mailboxes."""

from collections import Counter
from collections.abc import Iterator

from .book import Book
from .dialling import meaning
from .finding import ERROR, WARNING, Finding, Steps
from .findings_of_forwards import way_out
from .findings_of_menus import music_in
from .mail_address import mail_address
from .models import Box, DestinationKind, Payer
from .voicemail import ALL_ALIKE, NOT_DIGITS, THE_NUMBER

# who makes a hundred thousand extensions may give each its number as the PIN
MOST_ALIKE = 100

FLAWS = {
    NOT_DIGITS: "its PIN is not 4 to 20 digits",
    THE_NUMBER: "its PIN is the number of the extension",
    ALL_ALIKE: "its PIN is one digit again and again",
}


def boxes(book: Book) -> Steps:
    """Of many boxes with the same problem some are named, and the others counted."""
    seen: Counter[tuple[str, str]] = Counter()
    for box in tuple(book.voicemail_boxes.items.values()):
        yield None
        if not book.box_of(book.extensions.get(box.extension)):
            continue
        for what in _of_box(book, box):
            seen[what] += 1
            if seen[what] <= MOST_ALIKE:
                yield Finding("voicemail_boxes", box.id, box.number, *what)
    for (severity, problem), count in seen.items():
        if count > MOST_ALIKE:
            others = f"{count - MOST_ALIKE} more: {problem}"
            yield Finding("voicemail_boxes", None, "others", severity, others)


def _of_box(book: Book, box: Box) -> Iterator[tuple[str, str]]:
    if box.pin_flaw in FLAWS:
        yield WARNING, FLAWS[box.pin_flaw]
    if box.mails:
        yield from _of_address(book, box)
    for severity, why in operator(book, box.operator, Payer(extension=box.number)):
        yield severity, f"operator_number {box.operator}: {why}"
    greetings = {
        "greeting_prompt_id": box.greeting,
        "busy_greeting_prompt_id": box.busy_greeting,
        "temporary_greeting_prompt_id": box.temporary_greeting,
        "name_prompt_id": box.name_prompt,
    }
    yield from music_in(book, greetings)


def _of_address(book: Book, box: Box) -> Iterator[tuple[str, str]]:
    user = book.user_of(book.extensions.get(box.extension))
    if box.address is not None:
        whose, address = "email_address", box.address
    elif user and user.active and user.address is not None:
        whose, address = "the email of its user", user.address
    else:
        return
    if mail_address(address) is None:
        yield ERROR, f"{whose} is no mail address: nobody is told of messages"


def operator(book: Book, number: str | None, payer: Payer) -> Iterator[tuple[str, str]]:
    """Say why 0 does not reach this number during a greeting."""
    destination = meaning(book, number, payer) if number else None
    if destination is None:
        return
    if destination.kind is DestinationKind.NOWHERE:
        yield ERROR, "nobody has this number"
    if destination.kind is DestinationKind.OUTSIDE:
        yield from way_out(book, destination.number, payer)
